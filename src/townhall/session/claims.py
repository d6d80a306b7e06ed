"""The user id, claims and headers of a request, as the database reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from townhall.input_error import InputError

_BIGINT = range(-(2**63), 2**63)


class HiddenText(str):
    """A text that logs, tracebacks and SQLAlchemy's errors don't show."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the same for every text."""
        return "'…'"


def canonical_user_id(user_id: object, caller_type: type[UUID | int | str]) -> str:
    """Return the text of a user id, the same for each form in which it may be written.

    Args:
        user_id: The id. A UUID and an integer may also be given as text.
        caller_type: The type of ids: ``uuid.UUID``, ``int`` or ``str``.

    Raises:
        InputError: The id is not of the type. The message does not repeat it.
    """
    return _CANONICAL[caller_type](user_id)


def is_same_user(claim: object, user_id: str, caller_type: type[UUID | int | str]) -> bool:
    """Tell whether a claim is the user id, in any of its forms."""
    try:
        return canonical_user_id(claim, caller_type) == user_id
    except ValueError:
        return False


def _canonical_uuid(user_id: object) -> str:
    if type(user_id) is UUID:
        return str(user_id)
    try:
        return str(UUID(str(user_id)))
    except ValueError:
        raise InputError("the user id is not a UUID") from None


def _canonical_integer(user_id: object) -> str:
    text = str(user_id)
    try:
        if isinstance(user_id, (int, str)) and int(text) in _BIGINT and str(int(text)) == text:
            return text
    except ValueError:
        pass
    raise InputError("the user id is not an integer that fits bigint")


def _canonical_text(user_id: object) -> str:
    if isinstance(user_id, str) and user_id and "\0" not in user_id:
        return user_id
    raise InputError("the user id is not a text, or it is empty or holds the character U+0000")


_CANONICAL: dict[type[UUID | int | str], Callable[[object], str]] = {
    UUID: _canonical_uuid,
    int: _canonical_integer,
    str: _canonical_text,
}


def checked_mapping(given: object, name: str) -> Mapping[str, Any]:
    """Return a mapping of claims or headers, empty where it is None.

    Args:
        given: What a caller, perhaps without a type checker, passed.
        name: The name of the parameter, for the message.

    Raises:
        TypeError: It is not a mapping, or a key is not text.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise TypeError(f"{name} must be a mapping from names, which are text")
    return given


def to_json(value: Mapping[str, Any]) -> HiddenText:
    """Return the JSON of a mapping.

    Raises:
        InputError: It is not JSON, or JSON that PostgreSQL would reject when a policy reads it.
    """
    try:
        document = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except TypeError as error:
        raise InputError(f"claims and headers must be JSON: {error}") from None
    try:
        document.encode()
    except UnicodeEncodeError:
        raise InputError("claims and headers must be Unicode text") from None
    # An escaped backslash before "u0000" is ordinary text.
    if "\\u0000" in document.replace(r"\\", ""):
        raise InputError("claims and headers can't hold the character U+0000")
    return HiddenText(document)
