"""One check of a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, text

from townhall.check.answers import drift, kept, login_role, row_security
from townhall.check.comparison import Comparison, Contents, read_found, read_made
from townhall.check.connection import reading
from townhall.check.dangers import (
    Places,
    Rules,
    dangers,
    files_of_declarations,
    not_told_before,
    read_rules,
    rules_answer,
    stale,
    without_accepted,
)
from townhall.check.dependants import naming_dependants
from townhall.check.errors import CheckError
from townhall.check.findings import Finding
from townhall.check.history import History
from townhall.check.impact import Severity
from townhall.check.migration import (
    Migration,
    Running,
    explained,
    interrupted_adoption,
    read_running,
    unfinished,
)
from townhall.check.notes import unmanaged, unsafe_search_paths
from townhall.check.owners import after_owners, owners_first
from townhall.check.repair import AUTOGENERATE
from townhall.check.report import Answer, Report
from townhall.check.revisions import Revisions, current_revisions
from townhall.check.roles import findings_on_roles
from townhall.check.scratch import scratch_database
from townhall.check.shared import copy, read_platform
from townhall.check.snapshot import Snapshot, usual_owner
from townhall.check.templates import Filling
from townhall.check.trial import Sides, in_order
from townhall.migrate.contexts import VERSION_TABLE
from townhall.migrate.urls import psycopg_url
from townhall.pg.catalog import (
    Role,
    read_default_grantees,
    read_roles,
    schema_names,
    server_version,
)


def check(
    url: str | URL,
    *,
    config: Path | None = None,
    scratch: str | None = None,
    role: str | None = None,
    schemas: Sequence[str] = (),
) -> Report:
    """Report every difference between a database and what its revisions make, and every danger.

    The database is only read, in two short read-only transactions that block no other session; a
    hot standby works, and so does a role that has no privilege but ``connect``. What is declared is
    made by running the revisions in a scratch database, which is dropped at the end.

    Args:
        url: The database to check.
        config: The ``alembic.ini`` of an application on top of townhall; None for townhall alone.
        scratch: The URL of a database on a server of the same major version, as a role that may
            create databases there; None for the embedded server.
        role: The role that the application logs in as; None for the one of ``url``.
        schemas: The schemas whose objects requests can name; none for those of the settings, of
            PostgREST or ``public``. Without ``config`` a database in which no revision of townhall
            has run is then compared with none, and only dangers are reported.

    Returns:
        The answers to the questions, and every difference in an order in which the repairs run,
        then the dangers. A database in which no revision has run is not compared.

    Raises:
        CheckError: The database can't be checked; the message says why and what to do.
        InputError: A URL can't be read, or is no PostgreSQL URL.
        OperationalError: The database or the scratch server can't be connected to.
    """
    database = psycopg_url(url, "the URL") if isinstance(url, str) else url
    history = History(config)
    if schemas and config is None and not _has_revision_of(history, database):
        return _report_on_rules(database, role, schemas)
    return _Check(database, history, scratch, schemas).report(role)


def _has_revision_of(history: History, database: URL) -> bool:
    with reading(database) as connection:
        return bool((current_revisions(connection) or set()) & history.known())


def _refuse_missing(connection: Connection, schemas: Sequence[str]) -> None:
    existing = schema_names(connection) if schemas else []
    if missing := [each for each in schemas if each not in existing]:
        raise CheckError(
            f"there is no schema {', '.join(missing)}; name one that requests can name"
        )


def _report_on_rules(database: URL, role: str | None, schemas: Sequence[str]) -> Report:
    with reading(database) as connection:
        _refuse_missing(connection, schemas)
        rules = read_rules(connection, None, schemas)
        found = dangers(connection, rules)
        names = [role] if role is not None else []
        roles = read_roles(connection, names, schemas, None)
    if role is not None and role not in roles:
        raise CheckError(f"there is no role {role}")
    answers = (rules_answer(found, rules.exposed), *map(login_role, roles.values()))
    return Report(answers, tuple(found))


@dataclass(frozen=True)
class _Compared:
    """The checked database beside what the revisions make.

    Attributes:
        comparison: How they are compared.
        made: What the revisions make.
        found: What the database has.
        declared: What is compared of what the revisions make.
        actual: What is compared of what the database has.
        differences: Every difference; none where no revision has run.
        login: The role that the application logs in as.
        roles: What is known of that role and of those that requests act as.
        exposed: The schemas whose objects requests can name.
        dangers: Every danger; none while a migration runs.
    """

    comparison: Comparison
    made: Contents
    found: Contents
    declared: Snapshot
    actual: Snapshot
    differences: list[Finding]
    login: Role
    roles: Mapping[str, Role]
    exposed: Sequence[str]
    dangers: Sequence[Finding]


class _Check:
    """One check of a database, which is read in two transactions."""

    def __init__(
        self, database: URL, history: History, scratch: str | None, exposed: Sequence[str]
    ) -> None:
        self._database, self._history, self._scratch = database, history, scratch
        self._exposed = exposed
        with reading(database) as connection:
            self._version = server_version(connection)
            self._running = read_running(connection)
            self._revisions = Revisions(history, current_revisions(connection))
            self._revisions.refuse_unknown()
            self._platform = read_platform(connection)

    @property
    def _is_compared(self) -> bool:
        return not self._revisions.has_none or bool(self._running)

    def report(self, role: str | None) -> Report:
        """Return what is found.

        Args:
            role: The role that the application logs in as; None for the one of the database's URL.
        """
        history, revisions = self._history, self._revisions
        with self._scratch_database(revisions.to_compare) as other:
            unmigrated = history.without_revision(other) if revisions.at_head else []
            compared = self._compare(read_made(other, self._platform, history.settings), role)
            begun = self._begun(compared)
            differences = [each for each in compared.differences if each not in begun]
            if not self._running:
                differences = owners_first(in_order(other, differences, _sides(compared)))
        if not self._is_compared:
            return self._not_migrated(compared)
        of_models = map(_without_revision, unmigrated)
        return self._report(compared, [*of_models, *self._on_roles(compared), *differences], begun)

    @contextmanager
    def _scratch_database(self, revisions: set[str]) -> Iterator[URL]:
        digest = self._history.digest(revisions, self._platform.statements)
        filling = Filling(digest, partial(self._fill, revisions))
        with scratch_database(self._version, self._scratch, filling) as scratch:
            self._history.run(scratch, revisions)  # none is left to run, but env.py is read
            yield scratch

    def _fill(self, revisions: set[str], scratch: URL) -> None:
        copy(self._platform, scratch)
        self._history.run(scratch, revisions)

    def _compare(self, made: Contents, role: str | None) -> _Compared:
        settings = self._history.settings
        with _explaining(self._running), reading(self._database) as connection:
            found = read_found(connection, made, settings)
            comparison = Comparison(
                self._platform,
                self._version,
                settings,
                found.schemas,
                bool(self._revisions.unknown),
                read_default_grantees(connection, usual_owner(found.snapshot)),
            )
            declared, actual = comparison.compared(made.snapshot, found.snapshot)
            differences = (
                comparison.findings(made.snapshot, found.snapshot) if self._is_compared else []
            )
            differences = naming_dependants(connection, differences, declared, actual)
            differences = after_owners(differences, declared, actual)
            login = role or str(connection.scalar(text("select session_user")))
            roles = read_roles(
                connection, [login, *settings.roles.names], found.schemas, settings.roles.service
            )
            _refuse_missing(connection, self._exposed)
            known_roles = settings.roles if settings.schemas else None
            rules = read_rules(connection, known_roles, self._exposed or settings.exposed)
            every = [] if self._running else self._dangers(connection, rules)
        if login not in roles:
            raise CheckError(f"there is no role {login}")
        return _Compared(
            comparison,
            made,
            found,
            declared,
            actual,
            differences,
            roles[login],
            roles,
            rules.exposed,
            every,
        )

    def _begun(self, compared: _Compared) -> list[Finding]:
        """Return the differences that an interrupted migration has made."""
        if self._running or self._revisions.next is None or not compared.differences:
            return []
        with self._scratch_database(self._history.heads) as latest:
            at_head = read_made(latest, self._platform, self._history.settings)
        later = compared.comparison.findings(at_head.snapshot, compared.found.snapshot)
        return explained(compared.differences, later)

    def _on_roles(self, compared: _Compared) -> Iterable[Finding]:
        return findings_on_roles(compared.roles, self._history.settings.roles)

    def _report(
        self, compared: _Compared, differences: Iterable[Finding], begun: Iterable[Finding]
    ) -> Report:
        revisions, settings = self._revisions, self._history.settings
        declared, actual = compared.declared, compared.actual
        migration = Migration(
            self._running,
            revisions.next if begun else None,
            unfinished(actual, declared),
            [str(each) for each in compared.found.unfinished],
            is_pending=revisions.next is not None,
        )
        pending = tuple(revisions.findings(migration.begun))
        harmless = migration.without_harm(differences)
        # What the database has is to be as its own revisions make it before others run.
        findings = (*pending, *harmless) if migration.begun else (*harmless, *pending)
        answers = (
            *migration.answers(),
            revisions.answer(),
            drift(findings),
            row_security(declared, actual, settings),
            login_role(compared.login),
            *kept(compared.found.kept),
        )
        every = compared.dangers
        notes = (
            *unsafe_search_paths(declared, actual),
            *unmanaged(compared.made.unmanaged, compared.found.unmanaged),
        )
        found = self._to_tell(every, (*findings, *notes))
        # Before the last revision a danger may not be there yet.
        if self._revisions.at_head and not migration.begun and not self._running:
            notes = (*notes, *stale(every, settings.accepted_by_application))
        rules = [rules_answer(found, compared.exposed)] if found else []
        return Report((*answers, *rules), (*findings, *found, *notes))

    def _dangers(self, connection: Connection, rules: Rules) -> list[Finding]:
        places = Places(files_of_declarations(self._history.env_file))
        return dangers(connection, rules, places, self._history.settings.metadata)

    def _to_tell(self, every: Iterable[Finding], told: Sequence[Finding]) -> list[Finding]:
        found = without_accepted(every, self._history.settings.accepted)
        return list(not_told_before(found, told))

    def _not_migrated(self, compared: _Compared) -> Report:
        settings, declared, actual = self._history.settings, compared.declared, compared.actual
        tables = [key for key in sorted(declared) if key[0] == "table" and key in actual]
        names = [".".join(key[1:]) for key in tables if key[2] != VERSION_TABLE]
        answers = (
            *interrupted_adoption(compared.found.unfinished),
            self._revisions.answer(),
            Answer("drift", "not compared", is_good=False),
            *([row_security(declared, actual, settings)] if tables else []),
            login_role(compared.login),
        )
        # Its first step comes first, unless the rules are asked for.
        found = self._to_tell(compared.dangers, ()) if self._exposed else []
        rules = [rules_answer(found, compared.exposed)] if found else []
        return Report((*answers, *rules), (self._revisions.first_step(names), *found))


def _sides(compared: _Compared) -> Sides:
    comparison = compared.comparison
    return Sides(
        compared.made.snapshot,
        compared.found.snapshot,
        comparison.findings,
        comparison.read,
        comparison.by_default,
    )


@contextmanager
def _explaining(running: Running) -> Iterator[None]:
    try:
        yield
    except CheckError as error:
        if running:
            raise CheckError(f"a migration of the database is {running}; {error}") from error
        raise


def _without_revision(words: str) -> Finding:
    return Finding(
        words,
        "is declared by the models; no revision makes it",
        Severity.FUNCTIONAL,
        "no database has it",
        AUTOGENERATE,
    )
