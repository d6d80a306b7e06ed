"""The columns of a table that tell of people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, JSON, Column, Enum, String, Table, literal_column, null
from sqlalchemy.dialects.postgresql import HSTORE
from sqlalchemy.types import TypeDecorator, TypeEngine

from townhall.base.people import Personal, declared_in
from townhall.input_error import InputError
from townhall.types import TextEnum

Values = dict[Column[Any], Any]
"""What columns are set to."""


def email_columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that hold e-mail addresses."""
    return [each for each, how in _personal_columns(table).items() if how.is_email]


def cleared_values(table: Table) -> Values:
    """Return what an erasure sets the personal columns of a table to.

    Args:
        table: The table.

    Raises:
        InputError: One can't be cleared, since it is not null and nothing takes its place.
    """
    return {each: _cleared(each, how) for each, how in _personal_columns(table).items()}


def undeclared_texts(table: Table) -> list[Column[Any]]:
    """Return the columns of a table with text or JSON of which it is not declared what they tell.

    The columns of keys are left out.

    Args:
        table: The table.
    """
    return [
        each
        for each in table.columns
        if _holds_text(each.type)
        and not (each.primary_key or each.foreign_keys)
        and declared_in(each.info) is None
    ]


def _holds_text(type_: TypeEngine[Any]) -> bool:
    match type_:
        case Enum() | TextEnum():
            return False
        case TypeDecorator():
            return _holds_text(type_.impl_instance)
        case ARRAY():
            return _holds_text(type_.item_type)
    return isinstance(type_, String | JSON | HSTORE)


def _personal_columns(table: Table) -> dict[Column[Any], Personal]:
    declared = ((each, declared_in(each.info)) for each in table.columns)
    return {each: how for each, how in declared if isinstance(how, Personal)}


def _cleared(column: Column[Any], how: Personal) -> Any:  # noqa: ANN401 - a value or SQL
    if column.nullable:
        return null()
    if how.instead is not None:
        return how.instead
    if column.server_default is not None:
        return literal_column("default")
    raise InputError(
        f"the column {column.name} of {column.table} is personal and can't be cleared, since it is"
        " not null and has no default: give it personal(instead=…)"
    )
