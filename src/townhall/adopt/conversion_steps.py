"""Steps that give columns another type, with what depends on them dropped and created again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from townhall.adopt.differences import OtherType
from townhall.adopt.recreation import Recreation
from townhall.adopt.step import Step
from townhall.pg import ddl, sql
from townhall.pg.catalog import Target

_IN_UTC = re.compile(r"(?P<column>.+) at time zone 'UTC'", re.IGNORECASE)


def convert(
    recreation: Recreation,
    differences: Iterable[OtherType],
    conversions: Mapping[str, str],
    ordinary: Collection[str],
) -> Iterable[Step]:
    """Yield what gives columns their declared types, each table in a transaction.

    Args:
        recreation: What creates again what depends on the columns.
        differences: The columns.
        conversions: The expressions that were decided, by the column as SQL names it.
        ordinary: The generated columns that are ordinary ones by then: ``column a on public.t``.

    Raises:
        CommandError: Something depends on a column that can't be created again.
    """
    by_table: dict[tuple[str, str], list[OtherType]] = {}
    for difference in differences:
        by_table.setdefault(difference.table, []).append(difference)
    for columns in by_table.values():
        yield _convert(recreation, columns, conversions, ordinary)


def _convert(
    recreation: Recreation,
    columns: list[OtherType],
    conversions: Mapping[str, str],
    ordinary: Collection[str],
) -> Step:
    target = sql.qualified(*columns[0].table)
    found = recreation.dependants(
        Target(relation=target, column=each.declared.name) for each in columns
    )
    found = replace(found, parts=[each for each in found.parts if each.identity not in ordinary])
    alterations = [statement for each in columns for statement in _alter(target, each, conversions)]
    names = ", ".join(sql.quote(each.declared.name) for each in columns)
    return Step(f"convert {names} of {target}", recreation.around(found, alterations))


def _alter(table: str, difference: OtherType, conversions: Mapping[str, str]) -> Iterable[str]:
    column, name = difference.declared, sql.quote(difference.declared.name)
    decided = conversions.get(difference.column_name)
    value = decided or difference.conversion.expression
    alter = f"alter table {table} alter column {name}"
    collation = f" collate {column.collation}" if column.collation else ""
    if difference.actual.default is not None:
        yield f"{alter} drop default"
    if _is_of_utc(difference, value):
        # Without an expression PostgreSQL reads the values in the session's time zone, and leaves
        # the rows as they are where that is UTC.
        yield "set local timezone = 'UTC'"
        yield f"{alter} type {column.type}"
    else:
        yield f"{alter} type {column.type}{collation} using {value}"
    if column.sequence is not None:
        if difference.actual.sequence is not None:
            numbers = f"nextval({sql.literal(difference.actual.sequence)}::regclass)"
            yield ddl.alter_default(table, column.name, numbers)
    elif column.default is not None:
        yield ddl.alter_default(table, column.name, column.default)


def _is_of_utc(difference: OtherType, value: str) -> bool:
    types = (difference.actual.type, difference.declared.type)
    match = _IN_UTC.fullmatch(value.removeprefix("(").removesuffix(")").strip())
    return (
        types == ("timestamp without time zone", "timestamp with time zone")
        and match is not None
        and sql.unquote(match["column"].strip()) == difference.declared.name
    )
