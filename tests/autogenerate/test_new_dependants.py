"""What comes, goes or stays in the run that changes the function which it calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from tests.autogenerate.test_changed_types import Use
from townhall import pg
from townhall.pg import ColumnType

CALL = "lab.rate(size)"
STAMP = pg.Function(schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end")


def function(
    name: str, body: str, returns: str = "integer", language: str = "sql", **arguments: str
) -> pg.Function:
    return pg.Function(
        schema=SCHEMA,
        name=name,
        arguments=arguments,
        returns=returns,
        language=language,
        body=body,
        volatility="immutable",
    )


BEFORE = function("rate", "select 1", a="integer")
CHANGES: Mapping[str, pg.Function] = {
    "argument name": function("rate", "select 1", b="integer"),
    "result": function("rate", "select 1::bigint", "bigint", a="integer"),
    "argument type": function("rate", "select 1", a="bigint"),
    "one more argument": function("rate", "select 1", a="integer", b="integer default 0"),
    "language": function("rate", "begin return 1; end", language="plpgsql", a="integer"),
    "security": replace(BEFORE, security="definer", settings={"search_path": pg.SAFE_SEARCH_PATH}),
}


def generated(by: str = CALL) -> sa.Column[Any]:
    return sa.Column("rate", sa.BigInteger, sa.Computed(by, persisted=True))


def low() -> sa.CheckConstraint:
    return sa.CheckConstraint("rate < 100", name="low")


DOMAIN = pg.Domain(
    schema=SCHEMA,
    name="rated",
    base="integer",
    default="lab.rate(1)",
    checks={"rated": "lab.rate(value) > 0"},
)
TWICE = function("twice", "return 2 * lab.rate(size)", "bigint", size="integer")


def uses() -> Mapping[str, Use]:
    return {
        "nothing": Use(),
        "index": Use([sa.Index("used", sa.text(CALL))]),
        "partial index": Use([sa.Index("used", "size", postgresql_where=sa.text(f"{CALL} > 0"))]),
        "unique index": Use([sa.Index("used", "id", sa.text(CALL), unique=True)]),
        "exclusion constraint": Use(
            [postgresql.ExcludeConstraint((sa.text(f"({CALL})"), "="), name="used", using="btree")]
        ),
        "check": Use([sa.CheckConstraint(f"{CALL} > 0", name="used")]),
        "generated column": Use([generated(), sa.Index("used", "rate"), low()]),
        "default": Use([sa.Column("rate", sa.BigInteger, server_default=sa.text("lab.rate(1)"))]),
        "column of a domain": Use([sa.Column("rate", ColumnType("lab.rated"))], [DOMAIN]),
        "check of a domain": Use(entities=[replace(DOMAIN, default=None)]),
        "default of a domain": Use(entities=[replace(DOMAIN, checks={})]),
        "policy": Use(
            entities=[
                pg.Policy(
                    schema=SCHEMA,
                    table="things",
                    name="rated",
                    command="select",
                    roles=("public",),
                    using=f"{CALL} > 0",
                )
            ]
        ),
        "trigger": Use(
            entities=[
                pg.Trigger(
                    schema=SCHEMA,
                    table="things",
                    name="stamps",
                    timing="before",
                    events=("insert",),
                    condition="lab.rate(new.size) > 0",
                    function=STAMP,
                )
            ]
        ),
        "views": Use(
            entities=[
                pg.View(schema=SCHEMA, name="a", definition=f"select {CALL} r from lab.things"),
                pg.MaterializedView(
                    schema=SCHEMA,
                    name="b",
                    definition="select r::bigint from lab.a",
                    indexes={"used": "(lab.rate(r::integer))"},
                ),
            ]
        ),
        "default of a view": Use(
            entities=[
                pg.View(
                    schema=SCHEMA,
                    name="a",
                    definition="select size from lab.things",
                    column_defaults={"size": "lab.rate(1)"},
                )
            ]
        ),
        "standard body": Use([generated("lab.twice(size)"), low()], [TWICE]),
        "default of an argument": Use(
            entities=[function("twice", "select 1", size="integer default lab.rate(1)")]
        ),
    }


def declared(rate: pg.Function, use: str, *, is_new_table: bool = False) -> Schema:
    metadata = sa.MetaData()
    chosen = uses()[use]
    for name, has_parts in {"things": not is_new_table, "more": is_new_table}.items():
        if name == "things" or has_parts:
            columns = [sa.Column("id", sa.Integer, primary_key=True), sa.Column("size", sa.Integer)]
            parts = chosen.parts if has_parts else ()
            sa.Table(name, metadata, *columns, *parts, schema=SCHEMA)
    access = pg.TableAccess(schema=SCHEMA, table="things")
    return Schema(metadata, [STAMP, access, rate, *chosen.entities])


USES = [*uses()][1:]
OF_TABLES = [use for use in USES if uses()[use].parts]
PLAIN = [(("nothing", "index"), "argument name"), (("nothing", "check"), "result")]
EACH = {*product([pair for use in USES for pair in (("nothing", use), (use, "nothing"))], CHANGES)}
STAYS = {*product([(use, use) for use in USES], ["argument name"])}
REPLACED = {*product(pairwise(USES), ["argument name", "argument type"])}
THOROUGH = {
    *product([("nothing", use) for use in ("generated column", "default")], ["argument name"]),
    (("nothing", "column of a domain"), "one more argument"),
    (("exclusion constraint", "nothing"), "argument name"),
}


def marked() -> Sequence[Any]:
    others = sorted((EACH | STAYS | REPLACED) - {*PLAIN} - THOROUGH)
    return [
        *PLAIN,
        *(pytest.param(*each, marks=pytest.mark.thorough) for each in sorted(THOROUGH)),
        *(pytest.param(*each, marks=pytest.mark.exhaustive) for each in others),
    ]


@pytest.mark.parametrize(("use", "change"), marked(), ids=str)
def test_function_changes_in_the_run_in_which_what_calls_it_comes_and_goes(
    lab: Lab, use: tuple[str, str], change: str
) -> None:
    old, new = use
    revision = lab.there_and_back(declared(BEFORE, old), declared(CHANGES[change], new))
    assert "undecided" not in revision.upgrade


@pytest.mark.parametrize(
    ("use", "change"),
    [
        pytest.param(*each, marks=pytest.mark.thorough)
        # What the domain calls can't be called any more in the way in which it is stored.
        if each == ("column of a domain", "argument type")
        else pytest.param(*each, marks=pytest.mark.exhaustive)
        for each in product(USES, CHANGES)
    ],
)
def test_function_is_declared_as_it_was_while_what_calls_it_stays(
    lab: Lab, use: str, change: str
) -> None:
    revision = lab.there_and_back(declared(CHANGES[change], use), declared(BEFORE, use))
    assert "undecided" not in revision.upgrade


@pytest.mark.exhaustive
@pytest.mark.parametrize("use", OF_TABLES)
def test_function_changes_in_the_run_in_which_a_table_that_calls_it_comes_and_goes(
    lab: Lab, use: str
) -> None:
    old = declared(BEFORE, "nothing")
    new = declared(CHANGES["argument name"], use, is_new_table=True)
    lab.there_and_back(old, new)
    lab.there_and_back(
        declared(BEFORE, use, is_new_table=True), declared(CHANGES["result"], "nothing")
    )


@pytest.mark.thorough
def test_function_changes_in_the_run_in_which_the_constraints_that_call_it_are_renamed(
    lab: Lab,
) -> None:
    def renamed(rate: pg.Function, name: str) -> Schema:
        metadata = sa.MetaData()
        sa.Table(
            "things",
            metadata,
            sa.Column("size", sa.Integer),
            sa.CheckConstraint(f"{CALL} > 0", name=f"{name} check", info={"comment": "A check."}),
            postgresql.ExcludeConstraint(
                (sa.text(f"({CALL})"), "="), name=f"{name} order", using="btree"
            ),
            schema=SCHEMA,
        )
        return Schema(metadata, [rate])

    revision = lab.there_and_back(
        renamed(BEFORE, "old"), renamed(CHANGES["argument name"], "select")
    )
    assert "undecided" not in revision.upgrade


@pytest.mark.thorough
def test_function_changes_in_the_run_in_which_the_default_of_a_view_does(lab: Lab) -> None:
    def declared(rate: pg.Function, default: str, *names: str) -> Schema:
        views = [
            pg.View(
                schema=SCHEMA,
                name=name,
                definition="select 1 as size, 2 as rate",
                column_defaults={"size": default, "rate": "lab.rate(1)"},
            )
            for name in names
        ]
        return Schema(entities=[rate, *views])

    old = declared(BEFORE, "lab.rate(1)", "a", "gone")
    lab.there_and_back(old, declared(CHANGES["argument name"], "lab.rate(2)", "a", "new"))


LONGER = function("rate", "select 1", a="bigint", b="text default 'b'")
SOME = {("index", True), ("generated column", False)}


@pytest.mark.parametrize(
    ("use", "is_new_table"),
    [
        pytest.param(*each, marks=pytest.mark.thorough if each in SOME else pytest.mark.exhaustive)
        for each in product(OF_TABLES, (False, True))
    ],
)
def test_overload_goes_that_calls_of_what_is_new_fit(
    lab: Lab, use: str, *, is_new_table: bool
) -> None:
    revision = lab.there_and_back(
        declared(LONGER, "nothing"), declared(BEFORE, use, is_new_table=is_new_table)
    )
    assert "undecided" not in revision.upgrade
