"""One check of a database: the questions, their answers, and every difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from townhall.check.findings import Finding, compare
from townhall.check.history import History
from townhall.check.impact import Severity
from townhall.check.repair import AUTOGENERATE, UPGRADE
from townhall.check.roles import Role, findings_on_api_roles, read_roles
from townhall.check.scratch import CheckError, scratch_database
from townhall.check.snapshot import Snapshot, has_own_accounts, read
from townhall.migrate.guard.locks import holder_of_locks
from townhall.migrate.savepoints import LOCK_TIMEOUT as TIMED_OUT
from townhall.migrate.savepoints import sqlstate
from townhall.migrate.urls import psycopg_url
from townhall.pg import API_ROLES
from townhall.pg.catalog import schema_names, server_version

_ACCOUNTS = "auth"
_OUR_REVISIONS = "townhall_"
LOCK_TIMEOUT = "5s"
"""The lock timeout of the check, as PostgreSQL writes durations."""


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: ``revision``, ``drift``, ``row security`` or ``login role``.
        answer: The answer, as a sentence or a few words.
        is_good: Whether nothing has to be done.
    """

    question: str
    answer: str
    is_good: bool


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        answers: The four questions with their answers.
        findings: Every difference.
    """

    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Whether there is no finding and every answer is good."""
        return not self.findings and all(answer.is_good for answer in self.answers)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON: ``is_good``, ``answers`` and ``findings``."""
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
    """Report every difference between a database and what its revisions make.

    The database is only read, in two short read-only transactions that block no other session; a
    hot standby works, and so does a role that has no privilege but ``connect``. What is declared is
    made by running the revisions in a scratch database, which is dropped at the end.

    Args:
        url: The database to check.
        config: The ``alembic.ini`` of an application on top of townhall; None for townhall alone.
        scratch: The URL of a database on a server of the same major version, as a role that may
            create databases there; None for the embedded server.
        role: The role that the application logs in as; None for the one of ``url``.

    Returns:
        The answers to the four questions, and every difference.

    Raises:
        CheckError: The database can't be checked; the message says why and what to do.
        ValueError: A URL can't be read, or is no PostgreSQL URL.
        OperationalError: The database or the scratch server can't be connected to.
    """
    database = psycopg_url(url, "the URL") if isinstance(url, str) else url
    history = History(config)
    with reading(database) as connection:
        version = server_version(connection)
        revisions = _Revisions(history, _current_revisions(connection))
    with scratch_database(version, scratch) as other:
        history.run(other, revisions.to_compare)
        unmigrated = history.without_revision(other) if revisions.at_head else []
        with reading(other) as connection:
            schemas = schema_names(connection)
            declared = read(connection, schemas, API_ROLES)
    with reading(database) as connection:
        if not has_own_accounts(connection):
            schemas = [schema for schema in schemas if schema != _ACCOUNTS]
        actual = read(connection, schemas, API_ROLES)
        login = role or str(connection.scalar(text("select session_user")))
        roles = read_roles(connection, [login, *API_ROLES], schemas)
    if login not in roles:
        raise CheckError(f"there is no role {login}")
    declared = {key: item for key, item in declared.items() if key[1] in schemas}
    findings = (
        *revisions.findings(),
        *map(_without_revision, unmigrated),
        *findings_on_api_roles(roles),
        *compare(
            declared,
            actual,
            api_roles=API_ROLES,
            has_unknown_revisions=bool(revisions.unknown),
        ),
    )
    return Report(
        (
            revisions.answer(),
            _drift(len(findings)),
            _row_security(declared, actual),
            _login(roles[login]),
        ),
        findings,
    )


@contextmanager
def reading(url: URL) -> Iterator[Connection]:
    """Hold a connection in a read-only transaction with a short lock timeout.

    Args:
        url: The database.

    Raises:
        CheckError: A lock timeout; the message says which session holds the lock.
    """
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        # A transaction pooler has no prepared statements.
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
                f"gave up waiting for a lock after {LOCK_TIMEOUT}. Blocked by:"
                f" {holder_of_locks(connection)}"
            ) from error


def _current_revisions(connection: Connection) -> set[str] | None:
    """Return the revisions in the version table, or None if this role may not read it."""
    readable = connection.scalar(text(_IS_READABLE))
    if readable is None:
        return set()
    if not readable:
        return None
    return set(connection.execute(text("select version_num from public.alembic_version")).scalars())


class _Revisions:
    """The revisions of a database beside those of its history."""

    def __init__(self, history: History, current: set[str] | None) -> None:
        self._history = history
        self._current = current
        known = history.known()
        self.unknown = sorted((current or set()) - known)
        self._known = (current or set()) & known
        self._pending = history.after(self._known) if self._known else []

    @property
    def at_head(self) -> bool:
        """Whether the database is compared with the last revisions."""
        return not self._pending

    @property
    def to_compare(self) -> set[str]:
        """The revisions to compare the database with: its own, or the last ones."""
        return self._history.heads if self.at_head else self._known

    def answer(self) -> Answer:
        """Return the answer to the question about the revision."""
        heads = ", ".join(sorted(self._history.heads))
        if self._current is None:
            words = f"not readable for this role, compared with {heads} (head)"
            return Answer("revision", words, is_good=True)
        if not self._current:
            return Answer("revision", f"none; head is {heads}: {UPGRADE}", is_good=False)
        names = ", ".join(sorted(self._current))
        if any(name.startswith(_OUR_REVISIONS) for name in self.unknown):
            words = f"{names}, made by a newer townhall than this one"
            return Answer("revision", words, is_good=False)
        if self._pending:
            words = f"{names}; {len(self._pending)} pending: {UPGRADE}"
            return Answer("revision", words, is_good=False)
        if self.unknown:
            words = f"{names}; name the alembic.ini of the application with --config"
            return Answer("revision", words, is_good=True)
        return Answer("revision", f"{names} (head)", is_good=True)

    def findings(self) -> Iterable[Finding]:
        """Yield a finding for each pending revision."""
        for script in self._pending:
            yield Finding(
                f"revision {script.revision}",
                "has not run",
                Severity.FUNCTIONAL,
                script.doc.rstrip("."),
                UPGRADE,
            )


def _without_revision(words: str) -> Finding:
    return Finding(
        words,
        "is declared by the models; no revision makes it",
        Severity.FUNCTIONAL,
        "no database has it",
        AUTOGENERATE,
    )


def _drift(number: int) -> Answer:
    words = {0: "none", 1: "1 difference"}.get(number, f"{number} differences")
    return Answer("drift", words, is_good=not number)


def _row_security(declared: Snapshot, actual: Snapshot) -> Answer:
    tables = [item for key, item in actual.items() if key[:2] == ("table access", "public")]
    off = [item for item in tables if not item.facts["row_security"]]
    if not off:
        return Answer("row security", f"on for all {len(tables)} tables of public", is_good=True)
    names = ", ".join(item.names[1] for item in off)
    is_declared = all(
        item.key in declared and not declared[item.key].facts["row_security"] for item in off
    )
    return Answer("row security", f"off for {names}", is_good=is_declared)


def _login(role: Role) -> Answer:
    if role.bypass is None:
        return Answer("login role", f"row level security applies to {role.name}", is_good=True)
    words = f"row level security does not apply to {role.name}: {role.bypass}"
    return Answer("login role", words, is_good=False)


_IS_READABLE = """
    select pg_catalog.has_table_privilege(c.oid, 'select')
        and not pg_catalog.row_security_active(c.oid)
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relname = 'alembic_version'
"""
