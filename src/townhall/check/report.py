"""The questions that are asked of a database, and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from townhall.check.cures import AUTOGENERATE, UPGRADE
from townhall.check.expected import CheckError, History, scratch_database
from townhall.check.findings import Finding, compare
from townhall.check.meanings import Effect
from townhall.check.reading import Snapshot, has_own_accounts, read, schemas_of
from townhall.check.roles import Role, judge_api_roles, read_roles
from townhall.migrate.guard.locks import holder_of_locks
from townhall.migrate.savepoints import LOCK_TIMEOUT as TIMED_OUT
from townhall.migrate.savepoints import sqlstate
from townhall.migrate.urls import psycopg_url
from townhall.pg import API_ROLES
from townhall.pg.catalog import server_version

_ACCOUNTS = "auth"
_OUR_REVISIONS = "townhall_"
LOCK_TIMEOUT = "5s"
"""How long is waited for somebody who changes a table, as PostgreSQL writes durations."""


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: What was asked: ``revision``, ``drift``, ``row security``, ``login role``.
        answer: The answer, in words.
        is_good: Whether it is the one to hope for.
    """

    question: str
    answer: str
    is_good: bool


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        answers: The questions with their answers.
        findings: Every difference.
    """

    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Whether all is as it should be."""
        return not self.findings and all(answer.is_good for answer in self.answers)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        return {
            "is_good": self.is_good,
            "answers": [asdict(answer) for answer in self.answers],
            "findings": [finding.as_dict() for finding in self.findings],
        }


def check(
    url: str | URL,
    *,
    config: Path | None = None,
    scratch: str | None = None,
    role: str | None = None,
) -> Report:
    """Tell every difference between a database and what its revisions make.

    The database is only read, in two short transactions that can't write and take no lock that
    anybody notices; a standby will do, and so will a role that has no rights but to connect. What
    should be there is made by running the revisions in a scratch database.

    Args:
        url: The database.
        config: The ``alembic.ini`` of an application on top of townhall; None for townhall alone.
        scratch: The URL of a server of the same major version, as a role that may create databases
            there; None for the embedded server.
        role: The role that the application logs in as, if it is not the one of ``url``.

    Raises:
        CheckError: The database can't be compared; the message says why.
        OperationalError: It can't be reached.
    """
    database = psycopg_url(url, "the URL") if isinstance(url, str) else url
    history = History(config)
    with reading(database) as connection:
        version = server_version(connection)
        revisions = _Revisions(history, _current_revisions(connection))
    with scratch_database(version, scratch) as other:
        history.run(other, revisions.to_compare)
        undeclared = history.undeclared(other) if revisions.at_head else []
        with reading(other) as connection:
            schemas = schemas_of(connection)
            expected = read(connection, schemas)
    with reading(database) as connection:
        if not has_own_accounts(connection):
            schemas.remove(_ACCOUNTS)
        found = read(connection, schemas)
        login = role or str(connection.scalar(text("select session_user")))
        roles = read_roles(connection, [login, *API_ROLES], schemas)
    if login not in roles:
        raise CheckError(f"there is no role {login}")
    expected = {key: thing for key, thing in expected.items() if key[1] in schemas}
    findings = (
        *revisions.findings(),
        *map(_undeclared, undeclared),
        *judge_api_roles(roles),
        *compare(expected, found, others_live_here=bool(revisions.foreign)),
    )
    return Report(
        (
            revisions.answer(),
            _drift(len(findings)),
            _row_security(found, expected),
            _login(roles[login]),
        ),
        findings,
    )


@contextmanager
def reading(url: URL) -> Iterator[Connection]:
    """Hold a connection in a transaction that can't write, nor wait for a lock for long.

    Args:
        url: The database.

    Raises:
        CheckError: A lock could not be had in time; the message says who has it.
    """
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        # A pooler in front of the database knows no prepared statements.
        connect_args={"application_name": "townhall check", "prepare_threshold": None},
    )
    with engine.connect().execution_options(postgresql_readonly=True) as connection:
        connection.execute(
            text("select set_config('lock_timeout', :duration, true)"), {"duration": LOCK_TIMEOUT}
        )
        try:
            yield connection
        except DBAPIError as error:
            if sqlstate(error) != TIMED_OUT:
                raise
            connection.rollback()
            raise CheckError(
                f"gave up after {LOCK_TIMEOUT}, since somebody else is changing something:"
                f" {holder_of_locks(connection)}"
            ) from error


def _current_revisions(connection: Connection) -> set[str] | None:
    """Return the revisions in the version table; None where this role may not read it."""
    readable = connection.scalar(text(_IS_READABLE))
    if readable is None:
        return set()
    if not readable:
        return None
    return set(connection.execute(text("select version_num from public.alembic_version")).scalars())


class _Revisions:
    """Where a database is in a history."""

    def __init__(self, history: History, current: set[str] | None) -> None:
        self._history = history
        self._current = current
        known = history.known()
        self.foreign = sorted((current or set()) - known)
        self._ours = (current or set()) & known
        self._to_run = history.after(self._ours) if self._ours else []

    @property
    def at_head(self) -> bool:
        """Whether the database is compared with the last revisions."""
        return not self._to_run

    @property
    def to_compare(self) -> set[str]:
        """The revisions to compare the database with: its own, or the last ones."""
        return self._history.heads if self.at_head else self._ours

    def answer(self) -> Answer:
        """Say where it is."""
        heads = ", ".join(sorted(self._history.heads))
        if self._current is None:
            words = f"not readable for this role, compared with {heads} (head)"
            return Answer("revision", words, is_good=True)
        if not self._current:
            return Answer("revision", f"none; head is {heads}: {UPGRADE}", is_good=False)
        names = ", ".join(sorted(self._current))
        if any(name.startswith(_OUR_REVISIONS) for name in self.foreign):
            words = f"{names}, made by a newer townhall than this one"
            return Answer("revision", words, is_good=False)
        if self._to_run:
            words = f"{names}; {len(self._to_run)} more are to be run: {UPGRADE}"
            return Answer("revision", words, is_good=False)
        if self.foreign:
            words = f"{names}; name the alembic.ini of the application with --config"
            return Answer("revision", words, is_good=True)
        return Answer("revision", f"{names} (head)", is_good=True)

    def findings(self) -> Iterable[Finding]:
        """Yield the revisions that have not run."""
        for script in self._to_run:
            yield Finding(
                f"revision {script.revision}",
                "has not run",
                Effect.BROKEN,
                script.doc.rstrip("."),
                UPGRADE,
            )


def _undeclared(words: str) -> Finding:
    return Finding(
        words,
        "is needed by the models and in no revision",
        Effect.BROKEN,
        "no database gets it",
        AUTOGENERATE,
    )


def _drift(number: int) -> Answer:
    words = {0: "none", 1: "1 difference"}.get(number, f"{number} differences")
    return Answer("drift", words, is_good=not number)


def _row_security(found: Snapshot, expected: Snapshot) -> Answer:
    tables = [thing for key, thing in found.items() if key[:2] == ("table access", "public")]
    off = [thing for thing in tables if not thing.facts["row_security"]]
    if not off:
        return Answer("row security", f"on for all {len(tables)} tables of public", is_good=True)
    names = ", ".join(thing.names[1] for thing in off)
    on_purpose = all(
        thing.key in expected and not expected[thing.key].facts["row_security"] for thing in off
    )
    return Answer("row security", f"off for {names}", is_good=on_purpose)


def _login(role: Role) -> Answer:
    if role.passes is None:
        return Answer("login role", f"row level security holds for {role.name}", is_good=True)
    words = f"row level security does not hold for {role.name}: {role.passes}"
    return Answer("login role", words, is_good=False)


_IS_READABLE = """
    select pg_catalog.has_table_privilege(c.oid, 'select')
        and not pg_catalog.row_security_active(c.oid)
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relname = 'alembic_version'
"""
