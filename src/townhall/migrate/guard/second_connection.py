"""A second connection to the database of a run, which looks at what the first one does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from alembic.util import CommandError
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection

_log = logging.getLogger(__name__)

APPLICATION = "townhall (second connection)"
"""The ``application_name`` of the second connection."""


@contextmanager
def second_connection(
    connection: Connection, *, is_required: bool
) -> Iterator[psycopg.Connection | None]:
    """Open a second connection like another one, in autocommit mode.

    Args:
        connection: The connection of the run.
        is_required: Whether the run is refused without one.

    Yields:
        The second connection, or None where there can be none: with another driver, and if it is
        not required.

    Raises:
        CommandError: It is required, and can't be opened.
    """
    info = getattr(connection.connection.driver_connection, "info", None)
    second = None
    if isinstance(info, psycopg.ConnectionInfo):
        second = _open(info, is_required=is_required)
    if second is None:
        yield None
        return
    with closing(second):
        yield second


def _open(info: psycopg.ConnectionInfo, *, is_required: bool) -> psycopg.Connection | None:
    try:
        return psycopg.connect(_address(info), autocommit=True, prepare_threshold=None)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        if is_required:
            raise CommandError(
                "a migration needs two connections, and the second one can't be opened; nothing"
                f" was changed. It looks for a pooler and for sessions in the way. Free a"
                f" connection, or raise the limit of the server, the database or the role:"
                f" {reason}"
            ) from error
        _log.warning(
            "Not looking for a pooler or for sessions in the way, since there is no second"
            " connection: %s",
            reason,
        )
        return None


def _address(info: psycopg.ConnectionInfo) -> str:
    known = info.get_parameters()
    # Of several hosts, the one that the first connection reached.
    reached = {"host": info.host, "port": str(info.port)}
    if "hostaddr" in known:
        reached["hostaddr"] = info.hostaddr
    return make_conninfo(
        **{
            "connect_timeout": "10",
            **known,
            **reached,
            "password": info.password,
            "application_name": APPLICATION,
        }
    )
