"""Every mapped class describes its table as PostgreSQL has it."""

from __future__ import annotations

import re
from types import NoneType
from typing import TYPE_CHECKING, Any, Union, cast, get_args, get_origin, get_type_hints

import pytest
from sqlalchemy import Column, Table, inspect, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Mapper

from townhall import PRODUCT, Base, entities, metadata
from townhall.base import ViewBase, is_read_only
from townhall.types import OptionalJson, TextEnum

if TYPE_CHECKING:
    from enum import StrEnum

    from sqlalchemy import Connection

LONGEST_NAME = 63
"""In bytes; PostgreSQL truncates longer names."""

MODELS = sorted(
    (mapper.class_ for base in (Base, ViewBase) for mapper in base.registry.mappers),
    key=lambda model: model.__name__,
)
COLUMNS = [
    pytest.param(model, attribute.key, attribute.columns[0], id=f"{model.__name__}.{attribute.key}")
    for model in MODELS
    for attribute in cast("Mapper[Any]", inspect(model)).column_attrs
]
TABLES = [table for table in metadata.sorted_tables if table.schema is None]
READ_ONLY_COLUMNS = [
    column
    for table in TABLES
    for column in table.c
    if is_read_only(column) or column.name in {"created_at", "updated_at"}
]
CHOICES = [column for table in TABLES for column in table.c if isinstance(column.type, TextEnum)]


def _name(column: Column[Any]) -> str:
    return f"{column.table.name}.{column.name}"


def _annotated(model: type[Base], attribute: str) -> tuple[type, bool]:
    """Return the type that an attribute is annotated with, and whether it may be None."""
    hint = get_type_hints(model)[attribute]
    assert get_origin(hint) is Mapped
    (inner,) = get_args(hint)
    parts = get_args(inner) if get_origin(inner) in {Union, type(int | None)} else (inner,)
    (kept,) = (part for part in parts if part is not NoneType)
    return get_origin(kept) or kept, NoneType in parts


@pytest.mark.parametrize(("model", "attribute", "column"), COLUMNS)
def test_annotation_has_the_type_and_nullability_of_the_column(
    model: type[Base], attribute: str, column: Column[Any]
) -> None:
    python_type = dict if isinstance(column.type, JSONB) else column.type.python_type
    can_be_none = bool(column.nullable) or isinstance(column.type, OptionalJson)
    assert _annotated(model, attribute) == (python_type, can_be_none)


@pytest.mark.parametrize("column", CHOICES, ids=_name)
def test_enum_has_the_values_of_the_check_constraint(
    townhall_connection: Connection, column: Column[Any]
) -> None:
    definition = townhall_connection.scalar(
        text(
            """
            select pg_get_constraintdef(oid) from pg_constraint
            where conrelid = to_regclass(:table) and conname = :name
            """
        ),
        {"table": f"public.{column.table}", "name": f"ck_{column.table}_{column.name}_known"},
    )
    assert definition is not None
    vocabulary = cast("TextEnum[StrEnum]", column.type).vocabulary
    assert re.findall(r"'([^']*)'::text", definition) == list(vocabulary)


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_table_has_exactly_one_access_rule(table: Table) -> None:
    assert [rule.table for rule in PRODUCT.access_rules if rule.table is table] == [table]


def test_every_table_is_mapped(townhall_connection: Connection) -> None:
    tables = inspect(townhall_connection).get_table_names("public")
    assert set(tables) - {"alembic_version"} == {table.name for table in TABLES}


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("column", READ_ONLY_COLUMNS, ids=_name)
def test_client_has_no_privilege_to_write_columns_that_the_database_sets(
    townhall_connection: Connection, column: Column[Any], role: str
) -> None:
    names = {"role": role, "table": f"public.{column.table}", "column": column.name}
    granted = text("select has_column_privilege(:role, :table, :column, 'insert, update')")
    assert townhall_connection.scalar(granted, names) is False


def test_no_name_is_longer_than_63_bytes() -> None:
    names = [
        *(str(constraint.name) for table in TABLES for constraint in table.constraints),
        *(str(index.name) for table in TABLES for index in table.indexes),
        *(column.name for table in TABLES for column in table.columns),
        *(table.name for table in TABLES),
        *(part.partition("(")[0] for entity in entities for part in entity.name_parts),
    ]
    assert [name for name in names if len(name.encode()) > LONGEST_NAME] == []
