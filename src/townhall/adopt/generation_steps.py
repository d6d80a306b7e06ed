"""Steps that make generated columns and identity columns ordinary ones, which keep their values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from townhall.adopt.differences import OtherGeneration
from townhall.adopt.recreation import GENERATED, Recreation
from townhall.adopt.step import Step
from townhall.pg import ddl, sql
from townhall.pg.catalog import Target


def stop_generating(
    recreation: Recreation, difference: OtherGeneration, *, is_converted: bool
) -> Iterable[Step]:
    """Yield what makes a generated column an ordinary one.

    Args:
        recreation: What creates again what depends on the column.
        difference: The column.
        is_converted: Whether a later step gives it another type, and its default with it.

    Raises:
        CommandError: Something depends on a column that can't be created again.
    """
    declared, former = difference.declared, difference.actual
    target = sql.qualified(*difference.table)
    statements: list[str] = []
    if former.storage == "virtual":
        statements += _store(recreation, difference)
    elif former.storage == "stored":
        statements.append(ddl.drop_expression(target, former.name))
    if former.identity and not declared.identity:
        statements.append(ddl.drop_identity(target, former.name))
    is_plain = not declared.identity and declared.sequence is None
    if statements and is_plain and not is_converted:
        statements.append(ddl.alter_default(target, declared.name, declared.default))
    if statements:
        yield Step(f"no longer generate {difference.column_name}", tuple(statements))


def part_of(difference: OtherGeneration) -> str:
    """Return the generated column in the words of a part: ``column total on public.orders``."""
    return f"column {sql.quote(difference.actual.name)} on {sql.qualified(*difference.table)}"


def _store(recreation: Recreation, difference: OtherGeneration) -> Iterable[str]:
    target, column = sql.qualified(*difference.table), difference.actual
    asked = Target(relation=target, column=column.name, is_recreated=True)
    found = recreation.dependants([asked])
    added = ddl.add_with_values(target, column)
    parts = [
        replace(each, create=(*added, *each.settings))
        if (each.kind, each.identity) == (GENERATED, part_of(difference))
        else each
        for each in found.parts
    ]
    return recreation.around(replace(found, parts=parts), ())
