"""The steps of an adoption run in the order in which they are planned."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from townhall.adopt.comparison import tables_of
from townhall.adopt.plan import Choices, Plan
from townhall.check.snapshot import read


def test_enum_with_a_default_becomes_text_with_the_default_of_the_text(
    connection: Connection,
) -> None:
    with connection.begin_nested() as savepoint:
        connection.exec_driver_sql("create table books (mood text default 'sad', pages integer)")
        declared = read(connection, ["public"], [])
        savepoint.rollback()
    connection.exec_driver_sql("create type mood as enum ('sad', 'happy')")
    connection.exec_driver_sql("create table books (mood mood default 'happy', pages integer)")
    actual = read(connection, ["public"], [])
    for step in Plan(connection, Choices({}, {}, ()), actual, declared).steps():
        for statement in step.statements:
            connection.exec_driver_sql(statement)
    actual = read(connection, ["public"], [])
    table = ("table", "public", "books")
    assert actual[table].record == declared[table].record


@pytest.mark.parametrize("key", ["", ", primary key (shelf)"])
def test_column_with_decided_values_refuses_null_after_the_upgrade_unless_a_key_needs_it(
    connection: Connection, key: str
) -> None:
    with connection.begin_nested() as savepoint:
        connection.exec_driver_sql(f"create table books (shelf text not null{key})")
        declared = read(connection, ["public"], [])
        savepoint.rollback()
    connection.exec_driver_sql("create table books (shelf text)")
    actual = read(connection, ["public"], [])
    plan = Plan(connection, Choices({"public.books.shelf": "'A'"}, {}, ()), actual, declared)
    fill = "fill shelf of public.books"
    refuse = "refuse NULL in shelf of public.books"
    before = [each.title for each in plan.steps_before()]
    after = [each.title for each in plan.steps_after(tables_of(declared))]
    assert fill in before
    assert (refuse in before, refuse in after) == (bool(key), not key)
    assert refuse in [each.title for each in plan.steps()]
