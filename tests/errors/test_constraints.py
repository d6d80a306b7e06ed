"""Every constraint of every declared table is broken, and explained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Table, text
from sqlalchemy.exc import IntegrityError

from tests.support.broken import TABLES, Breaking, breaking_rows, required_columns
from townhall.errors import Explanation, Kind, explain
from townhall.errors.declarations import Rule, columns_of
from townhall.refusals import refusal_in
from townhall.types import BoundedText, Document, LabelArray
from townhall.types.bounded import bounded_column

if TYPE_CHECKING:
    from sqlalchemy import Connection

SENTENCE = re.compile(r"[A-Z][^_{}]*\.")
LARGE = (BoundedText, Document, LabelArray)


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_each_constraint_of_a_table_is_explained_when_it_is_broken(
    filled: Connection, table: Table
) -> None:
    for breaking in breaking_rows(table):
        rule = rule_named(table, breaking.object.rpartition(" ")[2])
        found = explained(filled, table, rule, breaking)
        assert found.constraint == rule.name
        assert found.table == table.name
        assert found.columns == columns_of(rule, table) != ()
        assert found.kind is kind_of(table, rule), rule.name
        assert SENTENCE.fullmatch(found.sentence), found.sentence
        refusal = refusal_in(rule.info)
        assert refusal is None or found.sentence == refusal.sentence


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_each_required_column_is_named_when_it_is_null(filled: Connection, table: Table) -> None:
    for column in required_columns(table):
        found = failure(filled, f'update public.{table.name} set "{column}" = null')
        assert (found.kind, found.table, found.columns) == (
            Kind.OUT_OF_RANGE,
            table.name,
            (column,),
        )
        assert SENTENCE.fullmatch(found.sentence)


def rule_named(table: Table, name: str) -> Rule:
    rules: list[Rule] = [*table.constraints, *table.indexes]
    return next(each for each in rules if str(each.name) == name)


def kind_of(table: Table, rule: Rule) -> Kind:
    refusal = refusal_in(rule.info)
    if refusal is not None:
        return refusal.kind
    match rule:
        case CheckConstraint():
            column = bounded_column(rule)
            is_large = column is not None and isinstance(table.columns[column].type, LARGE)
            return Kind.TOO_LARGE if is_large else Kind.OUT_OF_RANGE
        case ForeignKeyConstraint():
            return Kind.MISSING_REFERENCE
    return Kind.DUPLICATE


def explained(connection: Connection, table: Table, rule: Rule, breaking: Breaking) -> Explanation:
    """Break one rule of a table alone, and return how the error is explained."""
    name = f"public.{table.name}"
    with connection.begin_nested() as savepoint:
        for other in broken_as_well(table, rule):
            drop = f"alter table {name} drop constraint if exists {other.name} cascade"
            if isinstance(other, Index):
                drop = f"drop index public.{other.name}"
            connection.execute(text(drop))
        if breaking.values:
            changes = ", ".join(f'"{key}" = {value}' for key, value in breaking.values.items())
            statement = f"update {name} set {changes}"
        else:
            statement = f"insert into {name} select * from {name} limit 1"
        found = failure(connection, statement)
        savepoint.rollback()
    return found


def broken_as_well(table: Table, rule: Rule) -> list[Rule]:
    """Return the rules that a row may break too which is made to break another one."""
    rules: list[Rule] = [*table.constraints, *(each for each in table.indexes if each.unique)]
    columns = {*columns_of(rule, table)}
    is_repeated = not isinstance(rule, CheckConstraint | ForeignKeyConstraint)
    kept = {rule} | ({*table.constraints} if refers_to_itself(rule) else set())
    return [
        each
        for each in rules
        if each not in kept and (is_repeated or columns & {*columns_of(each, table)})
    ]


def refers_to_itself(rule: Rule) -> bool:
    """Tell whether the keys of the table that a rule is of are what it refers to."""
    return isinstance(rule, ForeignKeyConstraint) and rule.referred_table is rule.table


def failure(connection: Connection, statement: str) -> Explanation:
    with connection.begin_nested() as savepoint:
        with pytest.raises(IntegrityError) as raised:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        savepoint.rollback()
    found = explain(raised.value)
    assert found is not None
    assert found.original is raised.value
    return found
