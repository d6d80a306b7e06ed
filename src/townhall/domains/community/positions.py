"""The position of a row in the order of creation, and its text for clients of an API."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from uuid import UUID

from townhall.input_error import InputError

Position = tuple[datetime, UUID]
"""The time at which a row was created, and its key."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORMAT = ">q16s"
"""Microseconds since the epoch, and the bytes of the key."""


_NO_POSITION = (
    "this text is no position of a page: give back the one that came with the last page unchanged,"
    " or none for the first page"
)


class Positioned(Protocol):
    """What has a position: a post, a message, a row of the directory."""

    @property
    def created_at(self) -> datetime:
        """When it was created."""
        ...

    @property
    def id(self) -> UUID:
        """Its key."""
        ...


def position_text(row: Positioned) -> str:
    """Return the position of a row as text, for a client to give back unchanged.

    It has 32 letters, digits, ``-`` and ``_``, and says no more than the row itself: the time at
    which it was created and its key.

    Args:
        row: The last row of a page.

    Raises:
        InputError: The row has no position.
    """
    created_at, key = checked((row.created_at, row.id))
    packed = struct.pack(_FORMAT, (created_at - _EPOCH) // _MICROSECOND, key.bytes)
    return urlsafe_b64encode(packed).decode()


def checked(position: Position | str) -> Position:
    """Return a position that was given as such or as text.

    Args:
        position: The position, or what :func:`position_text` returned.

    Raises:
        InputError: It is neither.
    """
    # PostgreSQL's error for another value would be misleading.
    match position:
        case str():
            return _from_text(position)
        case (datetime(tzinfo=tzinfo()), UUID()):
            return position
    raise InputError(
        "a position is the time, with its zone, and the key of the last row of a page:"
        f" (datetime, UUID), not {position!r}"
    )


def _from_text(text: str) -> Position:
    try:
        packed = urlsafe_b64decode(text)
        since_epoch, key = struct.unpack(_FORMAT, packed)
        position = _EPOCH + since_epoch * _MICROSECOND, UUID(bytes=key)
    except (ValueError, struct.error, OverflowError):
        raise InputError(_NO_POSITION) from None
    if urlsafe_b64encode(packed).decode() != text:  # the decoder skips other characters
        raise InputError(_NO_POSITION)
    return position
