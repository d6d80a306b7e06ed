"""What calls a function, of which several fit, is created, changed and compared."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from alembic.util import CommandError

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg


def me(**arguments: str) -> pg.Function:
    return pg.Function(
        schema=SCHEMA,
        name="me",
        arguments=arguments,
        returns="integer",
        body="select 1",
        volatility="immutable",
    )


ONE, TWO = me(), me(given="integer default 1")
THREE = me(given="integer default 1", other="integer default 2")
NAMES = {ONE.key: "one", TWO.key: "two", THREE.key: "three"}

CALLERS = ("policy", "default", "check", "generated", "index", "view", "trigger")

CHANGES: Sequence[tuple[Sequence[pg.Function], Sequence[pg.Function]]] = (
    ((), (ONE, TWO)),
    ((ONE,), (TWO,)),
    ((TWO,), (ONE,)),
    ((ONE,), (ONE, TWO)),
    ((ONE, TWO), (TWO,)),
    ((ONE, TWO), (THREE,)),
    ((ONE,), (TWO, THREE)),
    ((ONE, TWO), (ONE, TWO, THREE)),
)


def declared(overloads: Sequence[pg.Function], caller: str | None) -> Schema:
    metadata = sa.MetaData()
    columns = [sa.Column("id", sa.Integer), sa.Column("number", sa.Integer)]
    if caller == "default":
        columns[1].server_default = sa.DefaultClause(sa.text("lab.me()"))
    if caller == "generated":
        columns.append(sa.Column("sum", sa.Integer, sa.Computed("id + lab.me()", persisted=True)))
    table = sa.Table("things", metadata, *columns, schema=SCHEMA)
    if caller == "check":
        table.append_constraint(sa.CheckConstraint("id > lab.me()", name="above"))
    if caller == "index":
        sa.Index("ix_things", sa.text("(id + lab.me())"), _table=table)
    return Schema(metadata, [*overloads, *ENTITIES.get(caller or "", ())])


STAMP = pg.Function(schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end")
ENTITIES: dict[str, Sequence[pg.Entity]] = {
    "policy": (
        pg.TableAccess(schema=SCHEMA, table="things"),
        pg.Policy(
            schema=SCHEMA,
            table="things",
            name="mine",
            command="select",
            roles=("authenticated",),
            using="id = lab.me()",
        ),
    ),
    "view": (
        pg.View(
            schema=SCHEMA, name="mine", definition="select id from lab.things where id = lab.me()"
        ),
    ),
    "trigger": (
        STAMP,
        pg.Trigger(
            schema=SCHEMA,
            table="things",
            name="stamps",
            timing="before",
            events=("insert",),
            condition="new.id = lab.me()",
            function=STAMP,
        ),
    ),
}


def _words(change: tuple[Sequence[pg.Function], Sequence[pg.Function]]) -> str:
    return " to ".join("+".join(NAMES[each.key] for each in side) or "none" for side in change)


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", CHANGES, ids=_words)
@pytest.mark.parametrize("caller", CALLERS)
def test_caller_stays_or_is_created_while_its_function_changes(
    lab: Lab, caller: str, change: tuple[Sequence[pg.Function], Sequence[pg.Function]]
) -> None:
    old, new = change
    target = declared(new, caller)
    lab.there_and_back(declared(old, None), target)
    if caller == "generated" and len(old) > 1 and len(new) > 2:
        # The column and the functions that stay would have to be created anew together.
        with pytest.raises(CommandError, match="there would still be differences"):
            lab.there_and_back(declared(old, caller), target)
    elif old:
        lab.there_and_back(declared(old, caller), target)


@pytest.mark.thorough
@pytest.mark.parametrize("caller", CALLERS)
def test_caller_is_created_while_one_function_goes_and_two_come(lab: Lab, caller: str) -> None:
    revision = lab.there_and_back(declared([ONE], None), declared([TWO, THREE], caller))
    assert "undecided" not in revision.upgrade


@pytest.mark.thorough
def test_default_goes_with_the_function_that_it_calls(lab: Lab) -> None:
    revision = lab.there_and_back(declared([ONE], "default"), declared([TWO], None))
    assert "undecided" not in revision.upgrade


@pytest.mark.parametrize("argument", ["mood", "mood[]", "variadic mood[]", "notes"])
def test_argument_of_a_type_that_the_search_path_finds_is_created_and_changed(
    lab: Lab, argument: str
) -> None:
    for statement in (
        "create type public.mood as enum ('good', 'bad')",
        "create table public.notes (id integer)",
    ):
        lab.connection.execute(sa.text(statement))

    def feeling(body: str, **arguments: str) -> Schema:
        arguments = {"given": argument} | arguments
        return Schema(
            entities=[
                pg.Function(
                    schema=SCHEMA, name="feeling", arguments=arguments, returns="integer", body=body
                )
            ]
        )

    lab.there_and_back(Schema(), feeling("select 1"))
    lab.there_and_back(feeling("select 1"), feeling("select 2"))
