"""The SQL of columns, constraints, indexes and types: for operations of revisions and for repairs.

Tables and types are given as qualified identifiers, columns and constraints by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from townhall.pg import sql
from townhall.pg.requirements import constraint_is_missing, guarded, is_no_partition

if TYPE_CHECKING:
    from townhall.pg.catalog import Column


def add_column(table: str, column: Column) -> str:
    """Return the addition of a column, without its comment."""
    return f"alter table {table} add column {define_column(column)}"


def add_missing_column(table: str, column: Column) -> str:
    """Return the addition of a column, where the table has none of its name."""
    return f"alter table {table} add column if not exists {define_column(column)}"


def define_column(column: Column) -> str:
    """Return a column as ``create table`` and ``add column`` take it."""
    return " ".join(_definition(column))


def _definition(column: Column) -> Iterable[str]:
    yield f"{sql.quote(column.name)} {column.type}"
    if column.collation:
        yield f"collate {column.collation}"
    if column.generated:
        yield f"generated always as {column.generated}"
    elif column.default:
        yield f"default {column.default}"
    if column.identity:
        yield define_identity(column.identity)
    if not column.is_nullable:
        yield "not null"


def drop_column(table: str, name: str) -> str:
    """Return the drop of a column."""
    return f"alter table {table} drop column {sql.quote(name)}"


def alter_type(table: str, column: Column) -> str:
    """Return the change of a column's type and collation; values are cast."""
    collation = f" collate {column.collation}" if column.collation else ""
    name = sql.quote(column.name)
    using = "" if column.generated else f" using {name}::{column.type}"
    return f"{_alter_column(table, column.name)} type {column.type}{collation}{using}"


def alter_type_through_text(table: str, name: str, type_: str) -> str:
    """Return the change of a column's type to one with the same values as text."""
    text = "text[]" if type_.endswith("[]") else "text"
    return f"{_alter_column(table, name)} type {type_} using {sql.quote(name)}::{text}::{type_}"


def alter_default(table: str, name: str, default: str | None) -> str:
    """Return the change of a column's default; None for none."""
    change = "drop default" if default is None else f"set default {default}"
    return f"{_alter_column(table, name)} {change}"


def alter_nullability(table: str, name: str, *, is_nullable: bool) -> str:
    """Return what lets a column accept NULL, or refuse it."""
    return f"{_alter_column(table, name)} {'drop' if is_nullable else 'set'} not null"


def alter_identity(table: str, name: str, previous: Sequence[str], target: Sequence[str]) -> str:
    """Return the change of a column's identity, whose next number stays the same.

    Args:
        table: The table.
        name: The name of the column.
        previous: The clauses of its identity: ``("generated always", "start with 1", …)``; none
            where it has none.
        target: The clauses that it is to have.
    """
    if not target:
        change = "drop identity"
    elif previous:
        change = " ".join(f"set {clause}" for clause in target)
    else:
        change = f"add {define_identity(target)}"
    return f"{_alter_column(table, name)}\n{change}"


def define_identity(clauses: Sequence[str]) -> str:
    """Return the clause of an identity column: ``generated always as identity (start with 1 …)``.

    Args:
        clauses: The kind and the options.
    """
    kind, *options = clauses
    return f"{kind} as identity ({' '.join(options)})"


def drop_identity(table: str, name: str) -> str:
    """Return the drop of a column's identity, if it has one."""
    return f"{_alter_column(table, name)} drop identity if exists"


def drop_expression(table: str, name: str) -> str:
    """Return what makes a stored generated column an ordinary one, which keeps its values."""
    return f"{_alter_column(table, name)} drop expression if exists"


def add_with_values(table: str, column: Column) -> tuple[str, str]:
    """Return what adds an ordinary column in place of a virtual one, with the values of that.

    A virtual column stores no values, so that a stored one computes them and then loses its
    expression.

    Args:
        table: The table, as a qualified identifier.
        column: The virtual column.
    """
    added = add_column(table, column._replace(storage="stored"))
    return added, drop_expression(table, column.name)


def _alter_column(table: str, name: str) -> str:
    return f"alter table {table} alter column {sql.quote(name)}"


def add_constraint(table: str, name: str, definition: str) -> str:
    """Return the addition of a constraint as PostgreSQL defines it."""
    return f"alter table {table} add {define_constraint(name, definition)}"


def add_missing_constraint(
    table: str, name: str, definition: str, *, is_alone: bool = False
) -> str:
    """Return the addition of a constraint, where the table has none of its name.

    Args:
        table: The table as SQL names it.
        name: The name of the constraint.
        definition: What follows the name.
        is_alone: Whether its partitions don't get it.
    """
    addition = add_constraint(f"only {table}" if is_alone else table, name, definition)
    return guarded(constraint_is_missing(table, name), [addition])


def define_constraint(name: str, definition: str) -> str:
    """Return a constraint as ``create table`` and ``add`` take it."""
    return f"constraint {sql.quote(name)}\n{definition}"


def replace_constraint(table: str, name: str, definition: str) -> str:
    """Return the change of a constraint's definition, in one statement."""
    return f"{drop_constraint(table, name)}, add {define_constraint(name, definition)}"


def drop_constraint(table: str, name: str) -> str:
    """Return the drop of a constraint."""
    return f"alter table {table} drop constraint {sql.quote(name)}"


def rename_constraint(table: str, previous: str, target: str) -> str:
    """Return the change of a constraint's name."""
    return f"alter table {table} rename constraint {sql.quote(previous)} to {sql.quote(target)}"


def validate_constraint(table: str, name: str) -> str:
    """Return the check of the rows that were there before a constraint."""
    return f"alter table {table} validate constraint {sql.quote(name)}"


def create_schema(name: str) -> str:
    """Return the creation of a schema, where there is none."""
    return f"create schema if not exists {sql.quote(name)}"


def drop_schema(name: str) -> str:
    """Return the drop of a schema, which PostgreSQL refuses where something is left in it."""
    return f"drop schema if exists {sql.quote(name)}"


def add_enum_values(name: str, previous: Sequence[str], target: Sequence[str]) -> list[str]:
    """Return the addition of each new value of an enum beside the previous ones.

    Args:
        name: The enum.
        previous: The values that it has.
        target: The values that it is to have: those and further ones, in their order.
    """
    first = previous[0]
    at_front = target[: target.index(first)]
    places = [
        *((value, f"before {sql.literal(first)}") for value in at_front),
        *(
            (value, f"after {sql.literal(other)}")
            for other, value in pairwise(target[len(at_front) :])
            if value not in previous
        ),
    ]
    return [
        f"alter type {name} add value if not exists {sql.literal(value)} {place}"
        for value, place in places
    ]


def set_owner(kind: str, name: str, role: str | None) -> str:
    """Return the change of an object's owner.

    Args:
        kind: The kind of object, as in ``alter …``: ``table``.
        name: The object.
        role: The name of the role; None for the one that runs the statement.
    """
    return f"alter {kind} {name} owner to {'current_user' if role is None else sql.quote(role)}"


def set_persistence(sequence: str, *, is_unlogged: bool) -> str:
    """Return the change of whether a sequence is written to the log.

    Args:
        sequence: The sequence.
        is_unlogged: Whether it is not, so that it begins again after a crash of the server.
    """
    return f"alter sequence {sequence} set {'unlogged' if is_unlogged else 'logged'}"


def unless_it_exists(creation: str) -> str:
    """Return the creation of an index or of statistics, where there are none of their name.

    Args:
        creation: The statement as PostgreSQL writes it.
    """
    return _CREATION.sub(r"\g<0>if not exists ", creation, count=1)


_CREATION = re.compile(r"^CREATE (?:(?:UNIQUE )?INDEX|STATISTICS) ")


def create_or_replace_rule(statement: str) -> str:
    """Return a statement for a rule, where the creation may find that it exists.

    Args:
        statement: The statement; a creation as PostgreSQL writes it.
    """
    return _CREATION_OF_RULE.sub("create or replace rule ", statement)


_CREATION_OF_RULE = re.compile(r"^CREATE RULE ")


def attach_partition(table: str, partition: str, bound: str) -> str:
    """Return what makes a table a partition of another one, unless it is one.

    Args:
        table: The partitioned table.
        partition: The partition.
        bound: The values that it has: ``FOR VALUES IN (1)``, ``DEFAULT``.
    """
    attachment = f"alter table {table} attach partition {partition} {bound}"
    return guarded(is_no_partition(partition), [attachment])
