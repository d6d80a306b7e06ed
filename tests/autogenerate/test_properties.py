"""Random schemas migrate to other random schemas and back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import Entity

TYPES = {"integer": sa.Integer, "bigint": sa.BigInteger}
COLUMNS = ("a", "b", "c")


@dataclass(frozen=True)
class Part:
    """A piece of a schema, which may use those before it.

    Attributes:
        name: Its name.
        choice: A number that decides what it uses.
        flag: Whether it comes in its other form.
    """

    name: str
    choice: int
    flag: bool


def parts(letter: str) -> st.SearchStrategy[list[Part]]:
    return st.lists(
        st.builds(
            Part,
            name=st.sampled_from([f"{letter}{number}" for number in range(3)]),
            choice=st.integers(0, 5),
            flag=st.booleans(),
        ),
        max_size=3,
        unique_by=lambda part: part.name,
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    metadata = sa.MetaData()
    columns = {part.name: _add_table(metadata, part) for part in draw(parts("t"))}
    functions = [_function(part) for part in draw(parts("f"))]
    entities: list[Entity] = [*functions]
    sources = {f"{SCHEMA}.{name}": own for name, own in columns.items()}
    for part in draw(parts("v")):
        if sources:
            name = sorted(sources)[part.choice % len(sources)]
            view = _view(part, name, sources[name], functions)
            entities.append(view)
            sources[f"{SCHEMA}.{part.name}"] = sources[name][: 1 + part.flag]
    for part in draw(parts("p")):
        if columns:
            table = sorted(columns)[part.choice % len(columns)]
            entities.append(pg.TableAccess(schema=SCHEMA, table=table))
            entities.append(_policy(part, table, columns[table], functions))
    if draw(st.booleans()):
        entities.append(_STAMP)
        entities += [_trigger(part, sorted(columns)) for part in draw(parts("g")) if columns]
    unique = {entity.key: entity for entity in entities}
    return Schema(metadata, draw(st.permutations(list(unique.values()))))


_STAMP = pg.Function(schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end")


def _add_table(metadata: sa.MetaData, part: Part) -> list[str]:
    own = ["id", *COLUMNS[: part.choice % 4]]
    kind = sa.BigInteger if part.flag else sa.Integer
    sa.Table(
        part.name,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, kind, comment=f"{name} of {part.name}") for name in own[1:]),
        sa.CheckConstraint(f"id > {part.choice}", name=f"{part.name}_id"),
        sa.Index(f"{part.name}_ix", "id", postgresql_where=sa.text(f"id > {part.choice % 2}")),
        schema=SCHEMA,
    )
    return own


def _function(part: Part) -> pg.Function:
    return pg.Function(
        schema=SCHEMA,
        name=part.name,
        arguments={"x": "bigint" if part.choice % 2 else "integer"},
        returns="bigint" if part.flag else "integer",
        body=f"select {part.choice}",
        volatility="stable",
    )


def _view(part: Part, source: str, columns: list[str], functions: list[pg.Function]) -> pg.View:
    chosen = ", ".join(columns[: 1 + part.flag])
    calls = f" where {_call(part, functions)} > 0" if functions and part.choice > 2 else ""
    return pg.View(
        schema=SCHEMA, name=part.name, definition=f"select {chosen} from {source}{calls}"
    )


def _policy(part: Part, table: str, columns: list[str], functions: list[pg.Function]) -> pg.Policy:
    condition = f"{columns[-1]} > {part.choice}"
    if functions and part.flag:
        condition += f" and {_call(part, functions)} > 0"
    return pg.Policy(
        schema=SCHEMA,
        table=table,
        name=part.name,
        command="update" if part.choice % 2 else "select",
        roles=("authenticated",),
        using=condition,
        check=condition if part.choice % 2 and part.flag else None,
    )


def _trigger(part: Part, tables: list[str]) -> pg.Trigger:
    return pg.Trigger(
        schema=SCHEMA,
        table=tables[part.choice % len(tables)],
        name=part.name,
        timing="before",
        events=("update" if part.flag else "insert",),
        columns=("id",) if part.flag else (),
        function=f"{SCHEMA}.stamp",
    )


def _call(part: Part, functions: list[pg.Function]) -> str:
    return f"{SCHEMA}.{functions[part.choice % len(functions)].name}(id)"


def there_and_back(engine: Engine, old: Schema, new: Schema) -> None:
    """Migrate from one declaration to another and back; nothing may differ on either side."""
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(sa.text(f"create schema {SCHEMA}"))
        lab = Lab(connection)
        lab.migrate(old)
        revision = lab.migrate(new)
        lab.run(revision.downgrade, times=2)
        assert lab.differences(old) == []
        transaction.rollback()


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.thorough
@settings(unhurried, max_examples=20, derandomize=True)
@given(old=schemas(), new=schemas())
def test_any_schema_migrates_to_any_other_and_back(
    townhall_shared_engine: Engine, old: Schema, new: Schema
) -> None:
    there_and_back(townhall_shared_engine, old, new)


@pytest.mark.exhaustive
@settings(unhurried, max_examples=300)
@given(old=schemas(), new=schemas())
def test_very_many_schemas_migrate_to_others_and_back(
    townhall_shared_engine: Engine, old: Schema, new: Schema
) -> None:
    there_and_back(townhall_shared_engine, old, new)
