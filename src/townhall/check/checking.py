"""One check of a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, text

from townhall.check.answers import drift, kept, login_role, row_security
from townhall.check.comparison import Comparison, read_found, read_made
from townhall.check.connection import reading
from townhall.check.dependants import naming_dependants
from townhall.check.errors import CheckError
from townhall.check.findings import Finding
from townhall.check.history import DeclaredSettings, History
from townhall.check.impact import Severity
from townhall.check.migration import Migration, Running, explained, read_running, unfinished
from townhall.check.notes import unmanaged, unsafe_search_paths
from townhall.check.repair import AUTOGENERATE
from townhall.check.report import Answer, Report
from townhall.check.revisions import Revisions, current_revisions
from townhall.check.roles import findings_on_roles
from townhall.check.scratch import scratch_database
from townhall.check.shared import copy, read_platform
from townhall.check.snapshot import Snapshot
from townhall.check.trial import Sides, in_order
from townhall.migrate.urls import psycopg_url
from townhall.pg.catalog import Role, read_roles, server_version


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
        The answers to the questions, and every difference in an order in which the repairs run. A
        database in which no revision has run is not compared.

    Raises:
        CheckError: The database can't be checked; the message says why and what to do.
        ValueError: A URL can't be read, or is no PostgreSQL URL.
        OperationalError: The database or the scratch server can't be connected to.
    """
    database = psycopg_url(url, "the URL") if isinstance(url, str) else url
    history = History(config)
    with reading(database) as connection:
        version = server_version(connection)
        running = read_running(connection)
        revisions = Revisions(history, current_revisions(connection))
        platform = read_platform(connection)
    with scratch_database(version, scratch) as other:
        copy(platform, other)
        history.run(other, revisions.to_compare)
        unmigrated = history.without_revision(other) if revisions.at_head else []
        settings = history.settings
        made = read_made(other, platform, settings)
        with _explaining(running), reading(database) as connection:
            found = read_found(connection, made, settings)
            comparison = Comparison(
                platform, version, settings, found.schemas, bool(revisions.unknown)
            )
            declared, actual = comparison.compared(made.snapshot, found.snapshot)
            is_compared = not revisions.has_none or bool(running)
            differences = comparison.findings(made.snapshot, found.snapshot) if is_compared else []
            differences = naming_dependants(connection, differences, declared, actual)
            login = role or str(connection.scalar(text("select session_user")))
            roles = read_roles(
                connection, [login, *settings.roles.names], found.schemas, settings.roles.service
            )
        begun: list[Finding] = []
        if not running:
            if revisions.next is not None and differences:
                with scratch_database(version, scratch) as latest:
                    copy(platform, latest)
                    history.run(latest, history.heads)
                    at_head = read_made(latest, platform, settings)
                later = comparison.findings(at_head.snapshot, found.snapshot)
                begun = explained(differences, later)
            differences = [each for each in differences if each not in begun]
            sides = Sides(made.snapshot, found.snapshot, comparison.findings, comparison.read)
            differences = in_order(other, differences, sides)
    if login not in roles:
        raise CheckError(f"there is no role {login}")
    if not is_compared:
        return _not_migrated(revisions, settings, declared, actual, roles[login])
    migration = Migration(
        running,
        revisions.next if begun else None,
        unfinished(actual, declared),
        is_pending=revisions.next is not None,
    )
    pending = tuple(revisions.findings(migration.begun))
    findings = (
        *(pending if migration.begun else ()),
        *migration.without_harm(
            (
                *map(_without_revision, unmigrated),
                *findings_on_roles(roles, settings.roles),
                *differences,
            )
        ),
        # What the database has is to be as its own revisions make it before others run.
        *(() if migration.begun else pending),
    )
    notes = (
        *unsafe_search_paths(declared, actual),
        *unmanaged(made.unmanaged, found.unmanaged),
    )
    return Report(
        (
            *migration.answers(),
            revisions.answer(settings.product),
            drift(findings),
            row_security(declared, actual, settings),
            login_role(roles[login]),
            *kept(found.kept),
        ),
        (*findings, *notes),
    )


@contextmanager
def _explaining(running: Running) -> Iterator[None]:
    try:
        yield
    except CheckError as error:
        if running:
            raise CheckError(f"a migration of the database is {running}; {error}") from error
        raise


def _not_migrated(
    revisions: Revisions,
    settings: DeclaredSettings,
    declared: Snapshot,
    actual: Snapshot,
    login: Role,
) -> Report:
    tables = [key for key in sorted(declared) if key[0] == "table" and key in actual]
    names = [".".join(key[1:]) for key in tables if key[2] != "alembic_version"]
    security = [row_security(declared, actual, settings)] if tables else []
    answers = (
        revisions.answer(settings.product),
        Answer("drift", "not compared", is_good=False),
        *security,
        login_role(login),
    )
    return Report(answers, (revisions.first_step(names),))


def _without_revision(words: str) -> Finding:
    return Finding(
        words,
        "is declared by the models; no revision makes it",
        Severity.FUNCTIONAL,
        "no database has it",
        AUTOGENERATE,
    )
