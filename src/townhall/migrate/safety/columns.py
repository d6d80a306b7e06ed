"""Columns of a table in use that take their numbers from a sequence."""

from __future__ import annotations

from alembic import op

from townhall.pg import sql
from townhall.pg.numbers import identity_for_serial
from townhall.pg.requirements import Requirement, guarded


def add_serial(table: str, column: str, options: str = "", *, schema: str = "public") -> None:
    """Let a column take its numbers from a sequence of its own, as ``serial`` does.

    A column that has one keeps it, and an identity column stays as it is.

    Args:
        table: The name of the table.
        column: The name of the column.
        options: The options of the sequence: ``start with 10``.
        schema: The schema of the table.
    """
    target, name = sql.qualified(schema, table), sql.quote(column)
    sequence = sql.qualified(schema, sql.generated_name(table, [column], "seq"))
    default = f"nextval({sql.literal(sequence)}::regclass)"
    add = [
        f"create sequence {sequence} {options} owned by {target}.{name}",
        f"alter table {target} alter column {name} set default {default}",
    ]
    has_none = Requirement(
        f"column {name} of {target} without a sequence",
        f"pg_catalog.pg_get_serial_sequence({sql.literal(target)}, {sql.literal(column)}) is null",
    )
    op.execute(sql.statement(guarded(has_none, add)))


def add_identity(table: str, column: str, definition: str, *, schema: str = "public") -> None:
    """Let a column that takes its numbers from a sequence of its own be an identity column.

    The numbers go on. An identity column stays as it is.

    Args:
        table: The name of the table.
        column: The name of the column, which is not null.
        definition: What it is: ``generated always as identity (start with 10)``.
        schema: The schema of the table.
    """
    target = sql.qualified(schema, table)
    op.execute(sql.statement(identity_for_serial(target, column, definition)))
