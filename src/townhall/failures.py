"""What a command says where it failed."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from townhall.embedded.sockets import is_socket_directory
from townhall.input_error import file_error
from townhall.migrate.faults import database_error, describe
from townhall.printed_error import PrintedError
from townhall.printing import on_one_line

_UNANSWERED = re.compile(
    r'on socket "(?P<folder>.*)/\.s\.PGSQL\.\d+" failed: (?:No such file|Connection refused)'
)
"""What libpq says of a socket behind which no server is."""


def message_of(error: Exception) -> str | None:
    """Return the message of a failure on one line, and None for a fault of the program.

    Args:
        error: What the command raised.
    """
    message = _message_of(error)
    return None if message is None else on_one_line(message)


def _message_of(error: Exception) -> str | None:
    match error:
        case CommandError() | PrintedError():
            return str(error)
        case SQLAlchemyError() | psycopg.Error():
            fault = database_error(error)
            return None if fault is None else _describe_database_error(fault)
        case OSError(errno=int()):
            what = "a file" if error.filename is None else str(error.filename)
            return f"{what} can't be read or written: {file_error(error)}"
    return None


def _describe_database_error(error: DBAPIError | psycopg.Error) -> str:
    """Return why a statement failed or there is no connection, and what to do where that is known.

    Args:
        error: The error.
    """
    reason = describe(error)
    socket = _UNANSWERED.search(reason)
    if socket is not None and is_socket_directory(Path(socket["folder"])):
        return (
            f"{reason} This is the URL of an embedded server, which runs only while a command uses"
            " it: leave the URL out, and the command starts the server, or keep the server running"
            " with: townhall serve"
        )
    return reason
