"""Every manual change of every kind of object is reported and repaired.

By the comparison with what is declared, whose revision repairs it, and by ``townhall check``, whose
printed SQL does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields

import pytest
from sqlalchemy import Connection, NullPool, create_engine

from tests.autogenerate.drifts_of_kinds import (
    BY_HAND,
    DRIFTS,
    FOR_THE_CHECK_ALONE,
    NAMES,
)
from tests.autogenerate.every_kind import PUBLICATION, declared, has_extension
from tests.autogenerate.lab import SCHEMA, Lab
from tests.check.repairing import change, repair_all
from tests.support.servers import Servers
from townhall import pg
from townhall.check.findings import Finding, compare
from townhall.check.snapshot import Snapshot, read
from townhall.pg import Entity, catalog
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

PRIVILEGES = {"grants", "usage", "create", "execute"}
"""The values that are privileges, which are granted and revoked."""
ELSEWHERE = {pg.TableGrant: "tests/autogenerate/test_platform.py, with the platform's tables"}
NO_DRIFT = {
    "verbatim": "how a revision writes a body",
    "columns of a view": "part of its query",
    "columns of a materialized view": "part of its query",
}
PARTS = {
    "table": ("table",),
    "column": ("column",),
    "constraint": (
        "check",
        "unique constraint",
        "primary key",
        "foreign key",
        "exclusion constraint",
    ),
    "index": ("index",),
}
"""Tables and their parts, as ``townhall check`` has them, and their kinds here."""


def _marks(number: int) -> list[pytest.MarkDecorator]:
    # All of them take minutes; every run tries some.
    marks = []
    if number % 40:
        marks.append(pytest.mark.exhaustive if number % 8 else pytest.mark.thorough)
    return marks


EVERY_DRIFT = [
    pytest.param(*drift, id=": ".join(drift), marks=_marks(number))
    for number, drift in enumerate((kind, what) for kind in DRIFTS for what in DRIFTS[kind])
]


@pytest.fixture(scope="session")
def lab_on(servers: Servers) -> Callable[[Databases], str]:
    """Return a function that gives a template with every kind of object on a server."""

    @contextmanager
    def lab(databases: Databases) -> Iterator[str]:
        databases.create_owner(SUPABASE)
        with databases.create(as_template=True) as url:
            with create_engine(url, poolclass=NullPool).begin() as connection:
                change(connection, f'create schema {SCHEMA}; create publication "{PUBLICATION}"')
                Lab(connection).migrate(declared(connection))
            yield url

    return servers.once_each(lab)


@pytest.fixture
def connection(server: Databases, lab_on: Callable[[Databases], str]) -> Iterator[Connection]:
    """Yield a connection to a database with every kind of object."""
    with (
        server.create(lab_on(server)) as url,
        create_engine(url, poolclass=NullPool).connect() as connection,
    ):
        yield connection
        connection.rollback()


def findings(connection: Connection, declared_objects: Snapshot) -> Sequence[Finding]:
    return compare(declared_objects, objects(connection), roles=SUPABASE)


def objects(connection: Connection) -> Snapshot:
    return read(connection, [SCHEMA], SUPABASE.names)


def named(kind: str, what: str) -> str:
    """Return the name that a report must contain."""
    if what == "added":
        return "extra" if kind != "publication table" else "Odd table"
    return "other" if what == "renamed" else NAMES[kind]


@pytest.mark.parametrize(("kind", "what"), EVERY_DRIFT)
def test_manual_change_is_reported_and_repaired(
    connection: Connection, kind: str, what: str
) -> None:
    if kind == "extension" and not has_extension(connection):
        pytest.skip("this server does not have the extension that is changed")
    at_head = objects(connection)
    state = catalog.read_everything(connection, [SCHEMA])
    lab = Lab(connection)
    change(connection, DRIFTS[kind][what])
    connection.commit()  # PostgreSQL alters no domain twice in nested transactions

    assert any(named(kind, what) in found.object for found in findings(connection, at_head))
    if (kind, what) not in FOR_THE_CHECK_ALONE:
        assert any(
            named(kind, what) in difference for difference in lab.differences(declared(connection))
        )
    if (kind, what) not in FOR_THE_CHECK_ALONE | BY_HAND:
        with connection.begin_nested() as savepoint:
            lab.migrate(declared(connection))
            assert catalog.read_everything(connection, [SCHEMA]) == state
            assert not findings(connection, at_head)
            savepoint.rollback()

    repair_all(connection, lambda: findings(connection, at_head))
    connection.commit()  # as before
    assert lab.differences(declared(connection)) == []


def test_value_added_by_hand_to_an_enum_of_a_column_is_reported(connection: Connection) -> None:
    change(connection, "alter type lab.\"Odd mood\" add value 'so so'")
    (difference,) = Lab(connection).differences(declared(connection))
    assert "so so" in difference


@pytest.mark.parametrize(
    "kind",
    [each for each in pg.ENTITY_CLASSES if each not in ELSEWHERE],
    ids=lambda each: each.kind,
)
def test_kind_has_a_manual_change_of_each_sort(kind: type[Entity]) -> None:
    changes = DRIFTS[kind.kind]
    assert [each for each in expected(kind) if each not in changes] == []


def test_part_of_a_table_has_a_manual_change_of_each_sort(connection: Connection) -> None:
    records = [item for item in objects(connection).values() if item.record is not None]
    facts = {(item.kind, fact) for item in records for fact in item.facts}
    changes = {
        (part, what) for part, kinds in PARTS.items() for each in kinds for what in DRIFTS[each]
    }
    assert facts - changes == set()
    for kind in (each for kinds in PARTS.values() for each in kinds):
        assert {"added", "dropped", "renamed"} - {*DRIFTS[kind]} == set(), kind


def expected(kind: type[Entity]) -> Iterable[str]:
    """Yield the changes that an object of a kind can suffer."""
    if kind.is_own_object:
        yield "dropped"
        if kind is not pg.Extension:  # one of others stays
            yield "added"
        if "name" in kind.name_fields and kind is not pg.Extension:  # which has its own name
            yield "renamed"
    for field in fields(kind):
        if not field.compare or field.name in kind.name_fields:
            continue
        if field.name in PRIVILEGES:
            yield from (f"{field.name} {how}" for how in ("granted", "revoked", "passed on"))
        elif f"{field.name}" not in NO_DRIFT and f"{field.name} of a {kind.kind}" not in NO_DRIFT:
            yield field.name
