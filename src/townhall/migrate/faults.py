"""What a failure means that PostgreSQL or the connection to it reports, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from townhall.migrate.savepoints import sqlstate
from townhall.printing import on_one_line


class Meaning(NamedTuple):
    """What a failure means.

    Attributes:
        cause: What went wrong.
        advice: What to do about it, in sentences; empty where PostgreSQL's own text says it.
    """

    cause: str
    advice: str


_LOST = Meaning(
    "the connection to the database was lost", "Run it again when the server can be reached."
)
# Citus reports with the SQLSTATE of a lost connection that one machine can't connect to another.
_BETWEEN_MACHINES = re.compile("connection to the remote node .* failed")
_NOT_BETWEEN_MACHINES = Meaning(
    "one machine of Citus can't connect to another as the role",
    "Have a superuser run alter role … login for it, and let pg_hba.conf of the machines admit it.",
)
_ENDED = "terminating connection due to idle"
_TIMED_OUT = Meaning(_LOST.cause, "Raise the timeout that PostgreSQL names, and run it again.")
_REFUSED = Meaning("PostgreSQL refused a statement", "")
_BREAKING_ROWS = Meaning("rows break a constraint", "")
_NO_PRIVILEGE = Meaning(
    "the role lacks a privilege",
    "Run it as the role that owns the database and its tables, or have one grant the privilege.",
)
_NOT_CONNECTED = "cannot connect to the database"

_TIMEOUT_STATES = {"57P05", "25P03", "25P04"}
_LOST_STATES = {"57P01", "57P02", "57P03", "57P04", *_TIMEOUT_STATES}

_MEANINGS: Mapping[str, Meaning] = {
    "25006": Meaning(
        "the database is read-only",
        "Connect to the primary if this server is a standby; if not, default_transaction_read_only"
        " is on for the role, the database or the server.",
    ),
    **dict.fromkeys(("23502", "23503", "23505", "23514", "23P01"), _BREAKING_ROWS),
    "42501": _NO_PRIVILEGE,
    "53100": Meaning(
        "the disk of the server is full", "Free or add space on the server, and run it again."
    ),
    "53200": Meaning(
        "the server ran out of memory",
        "If it is shared memory, raise max_locks_per_transaction and restart the server.",
    ),
    "53300": Meaning(
        "the server has no connection left", "Close other connections, or raise the limit."
    ),
    "53400": Meaning("a limit of the server was reached", "Raise it, and run it again."),
    "57014": Meaning(
        "a statement was cancelled",
        "Run it again; if a timeout cancelled it, raise the timeout that PostgreSQL names.",
    ),
    "58030": Meaning("the server could not read or write a file", "See its log, and run it again."),
    "P0001": Meaning("refused", ""),
}
"""By SQLSTATE."""

# PostgreSQL has one SQLSTATE for all of these, and names the object in the text.
_PRIVILEGES = (
    (
        "change superuser attribute",
        (
            "Citus sends the roles that may use a schema to its machines, as the role that creates"
            " something in it. Have a superuser grant the roles of requests to this role and run"
            " alter database … owner to it on the coordinator, also where it is the owner already:"
            " that sends them."
        ),
    ),
    (
        "affected by row-level security",
        (
            "Run it as a role that sees every row (bypassrls), or let the owner of the table see"
            " them before: alter table … no force row level security."
        ),
    ),
    (
        r"must be owner of|permission denied to alter",
        "Run it as the role that owns the object, or as a member of that role.",
    ),
    (
        r"permission denied for (schema|database)",
        "Run it as the owner of the database, or have the owner grant create to the role.",
    ),
    (
        "permission denied to create role",
        "Have a superuser create the missing roles and grant them to this one.",
    ),
    (
        r"to grant role|admin option",
        "Have a superuser grant the roles that requests act as to this one.",
    ),
)

# libpq reports why there is no connection by its text alone.
_CONNECTING = (
    (
        r"authentication failed|no password supplied",
        (
            "Correct the user and the password of the URL; in a password write %40 for @ and %25"
            " for %."
        ),
    ),
    (r'role ".*" does not exist', "Correct the user of the URL, or create the role."),
    (
        r'database ".*" does not exist',
        "Correct the name of the database at the end of the URL, or create it.",
    ),
    (
        r"too many (connections|clients)|connection slots",
        "Close other connections, or raise the limit of the server, the database or the role.",
    ),
    (
        r"starting up|shutting down|recovery|not yet accepting",
        "Run it again when the server accepts connections.",
    ),
    (
        r"refused|No such file|timed? ?out|resolve|translate|unreachable",
        "Check that the server runs, and the host and the port of the URL.",
    ),
)
_CONNECTING_OTHERWISE = "Check the URL, and what the log of the server says."

_CONNECTION_FAILED = re.compile(r"(connection (failed|timeout|is bad)|failed to resolve)")
_SENT_AS_IT_IS = "townhall_sent_as_it_is"
_RAISED = re.compile(r"PL/pgSQL function inline_code_block line \d+ at RAISE")
_INNER_STATEMENT = re.compile(r'SQL statement "(.*?)"\nPL/pgSQL function', re.DOTALL)


def database_error(error: BaseException) -> DBAPIError | psycopg.Error | None:
    """Return the error of the database that an exception is, or that it follows from.

    After a lost connection SQLAlchemy and psycopg raise further errors, which say nothing of it.

    Args:
        error: The exception.
    """
    found: list[DBAPIError | psycopg.Error] = []
    at: BaseException | None = error
    while isinstance(at, SQLAlchemyError | psycopg.Error):
        if isinstance(at, DBAPIError | psycopg.Error):
            found.append(at)
        at = at.__context__
    # SQLAlchemy's knows the statement.
    found.sort(key=lambda each: not isinstance(each, DBAPIError))
    lost = [each for each in found if isinstance(each, DBAPIError) and _is_lost(each)]
    return next(iter([*lost[::-1], *found]), None)


def describe(error: DBAPIError | psycopg.Error, *more: str) -> str:
    """Return one paragraph: the cause, PostgreSQL's own text, and what to do.

    Args:
        error: The error of a statement, or of a connection.
        more: Sentences to put before what to do.
    """
    original = _original(error)
    if _is_of_connecting(error):
        advice = _matching(str(original), _CONNECTING, _CONNECTING_OTHERWISE)
        meaning = Meaning(_NOT_CONNECTED, advice)
    else:
        meaning = _meaning_of(error)
    text = on_one_line(_original_text(original))
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    return " ".join(filter(None, (f"{meaning.cause}: {text}", *more, meaning.advice)))


def reason_of(error: DBAPIError | psycopg.Error) -> str:
    """Return PostgreSQL's message with its detail and hint, on one line.

    Args:
        error: The error.
    """
    return _original_text(_original(error))


def statement_of(error: DBAPIError | psycopg.Error) -> str:
    """Return the statement that failed, which may be one within a block of PL/pgSQL.

    Where a block refuses by itself, its message says all, and there is none.

    Args:
        error: The error; psycopg's own does not say the statement.
    """
    original = _original(error)
    context = (original.diag.context or "") if isinstance(original, psycopg.Error) else ""
    if _RAISED.match(context):
        return ""
    inner = _INNER_STATEMENT.search(context)
    return inner[1] if inner else _outer_statement(error).strip()


@contextmanager
def remembering_forms(engine: Engine) -> Iterator[None]:
    """Remember with each error of a block whether its statement was sent without parameters.

    With parameters SQLAlchemy has doubled each percent sign for the driver. The error does not say.

    Args:
        engine: The engine whose connections execute the statements.
    """

    def remember(context: ExceptionContext) -> None:
        execution, error = context.execution_context, context.sqlalchemy_exception
        if error is not None and getattr(execution, "no_parameters", False):
            vars(error)[_SENT_AS_IT_IS] = True

    event.listen(engine, "handle_error", remember)
    try:
        yield
    finally:
        event.remove(engine, "handle_error", remember)


def _outer_statement(error: DBAPIError | psycopg.Error) -> str:
    if not isinstance(error, DBAPIError) or error.statement is None:
        return ""
    is_plain = _SENT_AS_IT_IS in vars(error)
    return error.statement if is_plain else error.statement.replace("%%", "%")


def _original(error: DBAPIError | psycopg.Error) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _state(error: DBAPIError | psycopg.Error) -> str:
    return sqlstate(error) if isinstance(error, DBAPIError) else error.sqlstate or ""


def _is_of_connecting(error: DBAPIError | psycopg.Error) -> bool:
    original = _original(error)
    if _state(error):
        return False
    if isinstance(original, psycopg.ProgrammingError):  # an option of the URL that is refused
        return isinstance(error, DBAPIError) and error.statement is None
    return _CONNECTION_FAILED.match(str(original)) is not None


def _is_lost(error: DBAPIError | psycopg.Error) -> bool:
    state = _state(error)
    if state:
        is_here = not _is_between_machines(error)
        return state in _LOST_STATES or (state.startswith("08") and is_here)
    original = _original(error)
    return isinstance(original, psycopg.OperationalError) and not _is_of_connecting(error)


def _is_between_machines(error: DBAPIError | psycopg.Error) -> bool:
    return _BETWEEN_MACHINES.search(str(_original(error))) is not None


def _is_of_timeout(error: DBAPIError | psycopg.Error) -> bool:
    # Earlier releases of psycopg give a lost connection no SQLSTATE.
    state = _state(error)
    return state in _TIMEOUT_STATES or (not state and _ENDED in str(_original(error)))


def _original_text(original: BaseException | None) -> str:
    diagnosis = original.diag if isinstance(original, psycopg.Error) else None
    if diagnosis is None or diagnosis.message_primary is None:
        return str(original)
    # Without the position in the statement, which takes lines of its own.
    texts = (diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint)
    return ". ".join(text.strip().rstrip(".") for text in texts if text)


def _meaning_of(error: DBAPIError | psycopg.Error) -> Meaning:
    if _is_lost(error):
        return _TIMED_OUT if _is_of_timeout(error) else _LOST
    if _is_between_machines(error):
        return _NOT_BETWEEN_MACHINES
    meaning = _MEANINGS.get(_state(error), _REFUSED)
    if meaning is _NO_PRIVILEGE:
        return Meaning(meaning.cause, _matching(str(error), _PRIVILEGES, meaning.advice))
    return meaning


def _matching(text: str, patterns: Iterable[tuple[str, str]], otherwise: str) -> str:
    found = (advice for pattern, advice in patterns if re.search(pattern, text, re.IGNORECASE))
    return next(found, otherwise)
