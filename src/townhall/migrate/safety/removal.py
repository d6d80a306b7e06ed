"""Removing tables and their parts, but in a downgrade not what was there before the revisions.

A table that existed when the revision that creates it ran is left with its rows, and what was added
to it is taken back; its parts that existed are left as well. In an upgrade all of it is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

from townhall.migrate.origins import drop_of_part, drop_of_table, taking_back_of_table
from townhall.pg import sql


def drop_table(name: str, *, schema: str = "public") -> None:
    """Drop a table, if it exists; a downgrade leaves one that was there before.

    That one keeps its rows. What revisions added to it is taken back, also its
    privileges, policies, triggers and comments, and what they changed is put back.

    Args:
        name: The name of the table.
        schema: The schema of the table.
    """
    plain = f"drop table if exists {sql.qualified(schema, name)}"
    context = op.get_context()
    for statement in drop_of_table(context, schema, name, plain):
        context.execute(sql.statement(statement))


def take_back_table(name: str, *, schema: str = "public") -> None:
    """In a downgrade, take back what was added to a table that was there before the revisions.

    It is for a table that was there under a name which a later revision gives it, and which kept
    that name since something else has the former one. Nothing happens to another table.

    Args:
        name: The name of the table.
        schema: The schema of the table.
    """
    context = op.get_context()
    for statement in taking_back_of_table(context, schema, name):
        context.execute(sql.statement(statement))


def drop_column(table: str, name: str, *, schema: str = "public") -> None:
    """Drop a column, if it exists; a downgrade leaves one that was there before.

    Args:
        table: The name of the table.
        name: The name of the column.
        schema: The schema of the table.
    """
    target = sql.qualified(schema, table)
    statement = f"alter table if exists {target} drop column if exists {sql.quote(name)}"
    _drop(statement, schema, table, ("column",), name)


def drop_constraint(table: str, name: str, *, schema: str = "public") -> None:
    """Drop a constraint, if it exists; a downgrade leaves one that was there before.

    Args:
        table: The name of the table.
        name: The name of the constraint.
        schema: The schema of the table.
    """
    target = sql.qualified(schema, table)
    statement = f"alter table if exists {target} drop constraint if exists {sql.quote(name)}"
    _drop(statement, schema, table, ("constraint", "foreign key"), name)


def drop_index_at_once(table: str, name: str, *, schema: str = "public") -> None:
    """Drop an index, if it exists; a downgrade leaves one that was there before.

    It is dropped within the revision's transaction, under a short exclusive lock on the table.

    Args:
        table: The name of the table.
        name: The name of the index.
        schema: The schema of both.
    """
    _drop(f"drop index if exists {sql.qualified(schema, name)}", schema, table, ("index",), name)


def _drop(plain: str, schema: str, table: str, kinds: Sequence[str], part: str) -> None:
    context = op.get_context()
    drop = drop_of_part(context, (schema, table), kinds, part, plain)
    context.execute(sql.statement(drop))
