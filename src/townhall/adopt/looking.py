"""One look at an existing database, which is only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection

from townhall.adopt.comparison import compare, tables_of, without_begun
from townhall.adopt.dependants import findings_on_dependants
from townhall.adopt.differences import Difference, OtherType
from townhall.adopt.findings import Finding, Weight, listed
from townhall.adopt.foreign import users_of
from townhall.adopt.identities import identity, identity_of
from townhall.adopt.names import findings_on_names
from townhall.adopt.plan import before_upgrade
from townhall.adopt.policies import findings_on_policies
from townhall.adopt.references import findings_on_references
from townhall.adopt.report import Look, in_order
from townhall.adopt.row_identity import findings_on_row_identity
from townhall.adopt.rows import count_breaches
from townhall.adopt.schemas import findings_on_schemas
from townhall.adopt.states import States, read_states
from townhall.adopt.tables import findings_on_tables
from townhall.adopt.triggers import Triggers
from townhall.adopt.writes import Sources
from townhall.check.connection import reading
from townhall.check.snapshot import Key, Snapshot
from townhall.migrate.origins.unfinished import read_unfinished
from townhall.migrate.savepoints import attempt, sqlstate
from townhall.migrate.urls import psycopg_url
from townhall.pg import sql
from townhall.pg.catalog import TableName

_NO_CAST = "42846"  # cannot_coerce


def look(url: str | URL, *, config: Path | None = None, scratch: str | None = None) -> Look:
    """Report what has to be done and decided before a database can be taken over.

    The database is only read, in read-only transactions that block no other session; a hot standby
    works. What is declared is made by running the revisions in a scratch database, which is
    dropped at the end.

    Args:
        url: The database, as a role that may read its tables: the one that is to migrate it.
        config: The ``alembic.ini`` of an application on top of townhall; None for townhall alone.
        scratch: The URL of a database on a server of the same major version, as a role that may
            create databases there; None for the embedded server.

    Raises:
        CheckError: The database can't be read; the message says why and what to do.
        InputError: A URL can't be read, or is no PostgreSQL URL.
        OperationalError: The database or the scratch server can't be connected to.
    """
    database = psycopg_url(url, "the URL") if isinstance(url, str) else url
    return look_at(database, read_states(database, config=config, scratch=scratch))


def look_at(database: URL, states: States) -> Look:
    """Return what a look at a database finds whose states are known.

    Args:
        database: The database, whose rows are read.
        states: What is declared, and what the database has.

    Raises:
        CheckError: The database can't be read; the message says why and what to do.
        OperationalError: The database can't be connected to.
    """
    with reading(database) as connection:
        findings = findings_of(connection, states)
    return Look(
        str(database.database),
        tuple(sorted(states.current)),
        tuple(sorted(tables_of(states.declared))),
        tuple(sorted(_existing(states))),
        findings,
    )


def findings_of(connection: Connection, states: States) -> tuple[Finding, ...]:
    """Return what is found, by object and in order of weight.

    Args:
        connection: A connection to the database in a transaction; its rows are read.
        states: What is declared, and what the database has.
    """
    # A table that a pending revision renames is compared with what it has before that.
    former = before_upgrade(states.creations, states.at_head, states.actual)
    declared = {**former, **states.declared}
    differences = [_castable(connection, each) for each in _differences(states, declared)]
    on_tables = _on_tables(connection, declared, states.actual, differences)
    found = [
        *_on_history(states),
        *_on_access(states),
        *findings_on_schemas(states.declared, states.actual, states.made),
        *on_tables,
        *findings_on_references(connection, differences, tables_of(declared)),
        *findings_on_row_identity(connection, differences),
        *_on_unfinished(connection),
        *_on_others(connection, states, differences, former),
    ]
    kept = {identity_of(states.actual[key]) for key in states.kept & states.actual.keys()}
    return in_order(each for each in found if each.object not in kept)


def _differences(states: States, declared: Snapshot) -> list[Difference]:
    differences = compare(declared, states.actual)
    both = tables_of(states.made).keys() & tables_of(states.at_head).keys()
    if not both or not states.is_behind or not differences:
        return differences
    return without_begun(differences, compare(states.at_head, states.actual), both)


def _castable(connection: Connection, difference: Difference) -> Difference:
    """Return a difference whose conversion, if it has one, is a cast that PostgreSQL has."""
    if not isinstance(difference, OtherType) or difference.conversion.is_safe:
        return difference
    table, conversion = sql.qualified(*difference.table), difference.conversion
    query = sql.statement(f"select {conversion.expression} from only {table} limit 0")
    error = attempt(connection, lambda: connection.execute(query).close())
    if error is None or sqlstate(error) != _NO_CAST:
        return difference
    remark = f"PostgreSQL has no cast from {difference.actual.type} to {difference.declared.type}"
    return replace(difference, conversion=replace(conversion, expression="", remark=remark))


def _existing(states: States) -> set[TableName]:
    made = {(each.names[0], each.names[1]) for each in states.made.values() if each.kind == "table"}
    former = before_upgrade(states.creations, states.at_head, states.actual)
    declared = {*tables_of(states.declared), *tables_of(former)}
    return declared & {*tables_of(states.actual)} - made


def _on_history(states: States) -> Iterable[Finding]:
    if states.unknown:
        yield Finding(
            Weight.STOP,
            "other history",
            "table public.alembic_version",
            None,
            "public.alembic_version",
            f"is at {listed(sorted(states.unknown))}, which this configuration does not have",
            "name the alembic.ini of the application that these revisions are of with --config; its"
            " version_locations name those of townhall, too",
        )


def _on_unfinished(connection: Connection) -> Iterable[Finding]:
    for each in read_unfinished(connection):
        yield Finding(
            Weight.CHANGE,
            f"unfinished {each.kind}",
            identity(*each),
            (each.schema, each.table),
            sql.quote(each.name),
            "is not valid: an adoption was interrupted",
            "the next run completes it",
        )


def _on_access(states: States) -> Iterable[Finding]:
    for key, item in states.actual.items():
        if item.kind != "table access" or key not in states.declared or key in states.made:
            continue
        if item.facts.get("forced") and not states.declared[key].facts.get("forced"):
            name = sql.qualified(*item.names)
            yield Finding(
                Weight.CHANGE,
                "forced row level security",
                f"table {name}",
                (item.names[0], item.names[1]),
                "row level security",
                "is forced on the owner of the table, too; declared: on other roles alone",
                "the owner reads and writes every row afterwards: let no client connect as it",
            )


def _on_tables(
    connection: Connection, declared: Snapshot, actual: Snapshot, differences: list[Difference]
) -> Iterable[Finding]:
    tables = tables_of(declared), tables_of(actual)
    return findings_on_tables(count_breaches(connection, *tables, differences))


def _on_others(
    connection: Connection, states: States, differences: list[Difference], former: Snapshot
) -> Iterable[Finding]:
    declared, actual = states.declared, states.actual
    tables = {*tables_of(declared), *tables_of(former)} & {*tables_of(actual)}
    every_table = {*tables_of(declared), *tables_of(actual)}
    code = Sources(states.bodies, every_table)
    made = {*states.made, *_begun(states)}
    yield from findings_on_policies(declared, actual, made, tables)
    triggers = Triggers(declared, actual, Sources(states.declared_bodies, every_table), code)
    yield from triggers.findings(made, tables)
    yield from findings_on_dependants(differences, states.readers, code, declared)
    yield from findings_on_names(
        declared, actual, states.made, tables_of(former), partial(users_of, connection)
    )


def _begun(states: States) -> Iterator[Key]:
    """Yield the objects that an interrupted revision has made as they are at head."""
    for key, item in states.actual.items():
        if key in states.at_head and states.at_head[key].facts == item.facts:
            yield key
