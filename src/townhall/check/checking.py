"""One check of a database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL, Connection, text

from townhall.check.connection import reading
from townhall.check.errors import CheckError
from townhall.check.findings import Finding, compare
from townhall.check.history import History
from townhall.check.impact import Severity
from townhall.check.notes import unmanaged, unsafe_search_paths
from townhall.check.repair import AUTOGENERATE
from townhall.check.report import Answer, Report
from townhall.check.revisions import Revisions, current_revisions
from townhall.check.roles import findings_on_roles
from townhall.check.scratch import scratch_database
from townhall.check.shared import copy, has_no_table, read_platform, shared
from townhall.check.snapshot import Snapshot, read
from townhall.migrate.urls import psycopg_url
from townhall.pg import Entity
from townhall.pg.catalog import (
    PLATFORM_SCHEMAS,
    Role,
    Unmanaged,
    empty_search_path,
    read_roles,
    read_schemas,
    read_unmanaged,
    schema_names,
    server_version,
)


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
        revisions = Revisions(history, current_revisions(connection))
        platform = read_platform(connection)
    with scratch_database(version, scratch) as other:
        copy(platform, other)
        history.run(other, revisions.to_compare)
        unmigrated = history.without_revision(other) if revisions.at_head else []
        settings = history.settings
        with reading(other) as connection:
            schemas = [each for each in schema_names(connection) if each not in platform.schemas]
            declared = read(connection, schemas, settings.roles.names, settings.kinds)
            made_by_hand = _unmanaged(connection, schemas, settings.kinds)
    with reading(database) as connection:
        schemas = _comparable(connection, schemas, declared)
        actual = read(connection, schemas, settings.roles.names, settings.kinds)
        left_alone = _unmanaged(connection, schemas, settings.kinds)
        login = role or str(connection.scalar(text("select session_user")))
        roles = read_roles(
            connection, [login, *settings.roles.names], schemas, settings.roles.service
        )
    if login not in roles:
        raise CheckError(f"there is no role {login}")
    declared, actual = (
        {**_within(schemas, snapshot), **others}
        for snapshot, others in zip(
            (declared, actual),
            shared(platform, declared, actual, version, settings.roles.names),
            strict=True,
        )
    )
    findings = (
        *revisions.findings(),
        *map(_without_revision, unmigrated),
        *findings_on_roles(roles, settings.roles),
        *compare(
            declared,
            actual,
            roles=settings.roles,
            has_unknown_revisions=bool(revisions.unknown),
        ),
    )
    notes = (*unsafe_search_paths(declared, actual), *unmanaged(made_by_hand, left_alone))
    visible = [schema for schema in settings.schemas or schemas if schema in schemas]
    return Report(
        (
            revisions.answer(settings.product),
            _drift(len(findings)),
            _row_security(declared, actual, visible),
            _login(roles[login]),
        ),
        (*findings, *notes),
    )


def _unmanaged(
    connection: Connection, schemas: Sequence[str], kinds: Sequence[type[Entity]]
) -> list[Unmanaged]:
    # An application may have a kind of its own for some.
    managed = {each.kind for each in kinds}
    with empty_search_path(connection):
        found = read_unmanaged(connection, schemas)
    return [each for each in found if each.kind not in managed]


def _within(schemas: Sequence[str], snapshot: Snapshot) -> Snapshot:
    return {
        key: item for key, item in snapshot.items() if key[1] in schemas and not has_no_table(item)
    }


def _comparable(connection: Connection, schemas: Sequence[str], declared: Snapshot) -> list[str]:
    # Revisions create a schema such as auth where the platform has none; the comment tells which
    # of the two a database has.
    actual = {schema.name: schema.comment for schema in read_schemas(connection, schemas)}
    return [
        name
        for name in schemas
        if name not in PLATFORM_SCHEMAS
        or name not in actual
        or actual[name] == declared["schema", name].facts["comment"]
    ]


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


def _row_security(declared: Snapshot, actual: Snapshot, schemas: Sequence[str]) -> Answer:
    names = ", ".join(schemas)
    tables = [
        item for item in actual.values() if item.kind == "table access" and item.names[0] in schemas
    ]
    off = [item for item in tables if not item.facts["row_security"]]
    if not off:
        return Answer("row security", f"on for all {len(tables)} tables of {names}", is_good=True)
    listed = ", ".join(".".join(item.names).removeprefix("public.") for item in off)
    is_declared = all(
        item.key in declared and not declared[item.key].facts["row_security"] for item in off
    )
    return Answer("row security", f"off for {listed}", is_good=is_declared)


def _login(role: Role) -> Answer:
    if role.bypass is None:
        return Answer("login role", f"row level security applies to {role.name}", is_good=True)
    words = f"row level security does not apply to {role.name}: {role.bypass}"
    return Answer("login role", words, is_good=False)
