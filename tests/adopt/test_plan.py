"""The steps of an adoption run in the order in which they are planned."""

from __future__ import annotations

from sqlalchemy import Connection

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
