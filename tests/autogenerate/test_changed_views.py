"""What comes, goes or stays in the run that changes the view which it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from tests.autogenerate.test_changed_types import STAMP, Use, function, policy
from townhall import pg
from townhall.pg import ColumnType, Entity

pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type")


def view(columns: str, source: str = "others", name: str = "v", **options: Any) -> pg.View:  # noqa: ANN401 - the fields
    definition = f"select {columns} from {SCHEMA}.{source}"
    return pg.View(schema=SCHEMA, name=name, definition=definition, **options)


def snapshot(
    columns: str,
    source: str = "others",
    name: str = "v",
    **options: Any,  # noqa: ANN401 - the fields
) -> pg.MaterializedView:
    definition = f"select {columns} from {SCHEMA}.{source}"
    return pg.MaterializedView(schema=SCHEMA, name=name, definition=definition, **options)


BOTH, ONE = "id, size", "id"
CHANGES: Mapping[str, tuple[Sequence[Entity], Sequence[Entity]]] = {
    "column removed": ([view(BOTH)], [view(ONE)]),
    "type of a column": ([view(BOTH)], [view("id::bigint as id, size")]),
    "order of columns": ([view(BOTH)], [view("size, id")]),
    "name of a column": ([view(BOTH)], [view("id, size as amount")]),
    "kind": ([view(BOTH)], [snapshot(BOTH)]),
    "query of a materialized view": ([snapshot(BOTH)], [snapshot("id, size + 1 as size")]),
    "index of a materialized view": (
        [snapshot(BOTH, indexes={"of_v": "unique (id)"})],
        [snapshot(BOTH, indexes={"of_v": "(id)"})],
    ),
    "view that it reads": (
        [view(BOTH, name="w"), view(BOTH, "w")],
        [view(ONE, name="w"), view(ONE, "w")],
    ),
    "source": ([view(BOTH), view(BOTH, name="w")], [view(ONE, "w"), view(BOTH, name="w")]),
}
COUNT = replace(
    # Without an argument its result would be found out where the query is planned.
    function("bigint", f"begin atomic select count(id) from {SCHEMA}.v; end", given="integer"),
    name="count",
    volatility="immutable",
)
CALL, CALL_WITHOUT_ROW = f"{SCHEMA}.count(id)", f"{SCHEMA}.count(1)"

PAIR = pg.CompositeType(schema=SCHEMA, name="o", attributes={"z": f"{SCHEMA}.v", "a": "text"})


def uses() -> Mapping[str, Use]:
    row = ColumnType(f"{SCHEMA}.v")
    return {
        "nothing": Use(),
        "policy": Use(entities=[policy(f"exists (select from {SCHEMA}.v where v.id = things.id)")]),
        "policy by a function": Use(entities=[COUNT, policy(f"{CALL} > 0")]),
        "trigger on the view": Use(
            entities=[
                STAMP,
                pg.Trigger(
                    schema=SCHEMA,
                    table="v",
                    name="stamps",
                    timing="instead of",
                    events=("insert",),
                    function=STAMP,
                ),
            ]
        ),
        "view": Use(entities=[view("v.id", "v", "reader")]),
        "materialized view": Use(
            entities=[snapshot("v.id", "v", "reader", indexes={"of_reader": "unique (id)"})]
        ),
        "view of a view": Use(
            entities=[view("v.id", "v", "reader"), snapshot("id", "reader", "last")]
        ),
        "view of its rows": Use(entities=[view("v as row", "v", "reader")]),
        "standard body": Use(entities=[COUNT]),
        "body": Use(entities=[function("bigint", f"select count(id) from {SCHEMA}.v")]),
        "result": Use(entities=[function(f"setof {SCHEMA}.v", f"select * from {SCHEMA}.v")]),
        "argument": Use(entities=[function("boolean", "select true", p=f"{SCHEMA}.v")]),
        "default of an argument": Use(
            entities=[COUNT, function("bigint", "select p", p=f"bigint default {CALL_WITHOUT_ROW}")]
        ),
        "procedure": Use(
            entities=[
                pg.Procedure(
                    schema=SCHEMA,
                    name="r",
                    arguments={},
                    body=f"begin atomic select count(id) from {SCHEMA}.v; end",
                )
            ]
        ),
        "default": Use(
            [sa.Column("d", sa.BigInteger, server_default=sa.text(CALL_WITHOUT_ROW))],
            [replace(COUNT, volatility="volatile")],
        ),
        "generated column": Use(
            [sa.Column("d", sa.BigInteger, sa.Computed(CALL, persisted=True))], [COUNT]
        ),
        "check": Use([sa.CheckConstraint(f"{CALL} >= 0", name="c")], [COUNT]),
        "index": Use([sa.Index("i", sa.text(f"({CALL})"))], [COUNT]),
        "column": Use([sa.Column("d", row)], has_column=True),
        "attribute": Use(entities=[PAIR, function("boolean", "select true", p=f"{SCHEMA}.o[]")]),
        "domain": Use(entities=[pg.Domain(schema=SCHEMA, name="o", base=f"{SCHEMA}.v")]),
    }


def declared(change: str, use: str, *, is_changed: bool) -> Schema:
    metadata = sa.MetaData()
    chosen = uses()[use]
    for name, parts in {"others": (), "things": chosen.parts}.items():
        columns = [sa.Column("id", sa.Integer, primary_key=True), sa.Column("size", sa.Integer)]
        sa.Table(name, metadata, *columns, *parts, schema=SCHEMA)
    access = pg.TableAccess(schema=SCHEMA, table="things")
    return Schema(metadata, [access, *CHANGES[change][is_changed], *chosen.entities])


USES = [*uses()][1:]


def fits(change: str, use: str) -> bool:
    # PostgreSQL has no triggers on materialized views.
    views = [each for state in CHANGES[change] for each in state]
    return use != "trigger on the view" or not any(
        isinstance(each, pg.MaterializedView) for each in views
    )


THOROUGH = {
    ("query of a materialized view", ("check", "nothing")),  # the check goes in each comparison
    ("column removed", ("nothing", "column")),  # the column has the type of the view's new rows
    ("type of a column", ("attribute", "attribute")),  # the type has the view's rows
}


def marked() -> Sequence[Any]:
    comes_and_goes = [pair for use in USES for pair in (("nothing", use), (use, "nothing"))]
    stays = [(use, use) for use in USES if not uses()[use].has_column]
    return [
        pytest.param(
            *each, marks=pytest.mark.thorough if each in THOROUGH else pytest.mark.exhaustive
        )
        for each in product(CHANGES, [*comes_and_goes, *stays])
        if all(fits(each[0], use) for use in each[1])
    ]


@pytest.mark.parametrize(("change", "use"), marked(), ids=str)
def test_view_changes_in_the_run_in_which_what_reads_it_comes_and_goes(
    lab: Lab, change: str, use: tuple[str, str]
) -> None:
    old, new = use
    revision = lab.there_and_back(
        declared(change, old, is_changed=False), declared(change, new, is_changed=True)
    )
    assert "undecided" not in revision.upgrade
