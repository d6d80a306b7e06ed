"""What must hold in a database for an entity to exist in it or a statement to run, and may not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from townhall.pg import sql


class Requirement(NamedTuple):
    """An object that the application neither creates nor drops, on which an entity depends.

    Attributes:
        name: The object in words: ``table storage.objects``.
        condition: The SQL expression that tells whether it exists.
    """

    name: str
    condition: str


def table_exists(schema: str, table: str) -> Requirement:
    """Return the requirement of a table.

    Args:
        schema: The schema of the table.
        table: The name of the table.
    """
    return relation_exists("table", sql.qualified(schema, table))


def relation_exists(kind: str, name: str) -> Requirement:
    """Return the requirement of a table, an index or another relation.

    Args:
        kind: What it is: ``index``.
        name: The relation as a qualified identifier.
    """
    return Requirement(f"{kind} {name}", f"pg_catalog.to_regclass({sql.literal(name)}) is not null")


def type_exists(name: str) -> Requirement:
    """Return the requirement of a type.

    Args:
        name: The type as a qualified identifier.
    """
    return Requirement(f"type {name}", f"pg_catalog.to_regtype({sql.literal(name)}) is not null")


def constraint_exists(table: str, name: str) -> Requirement:
    """Return the requirement of a constraint.

    Args:
        table: The table as a qualified identifier; it may be missing.
        name: The name of the constraint.
    """
    return Requirement(f"constraint {name} of {table}", f"exists {_constraint(table, name)}")


def constraint_is_missing(table: str, name: str) -> Requirement:
    """Return the requirement that a table has no constraint of a name.

    Args:
        table: The table as a qualified identifier.
        name: The name.
    """
    words = f"table {table} without a constraint {name}"
    return Requirement(words, f"not exists {_constraint(table, name)}")


def has_no_identity(table: str, column: str) -> Requirement:
    """Return the requirement that a column is no identity column.

    Args:
        table: The table as a qualified identifier.
        column: The name of the column.
    """
    return Requirement(
        f"column {column} without an identity",
        "not exists (\n"
        "    select\n"
        "    from pg_catalog.pg_attribute as a\n"
        f"    where a.attrelid = {sql.literal(table)}::regclass\n"
        f"        and a.attname = {sql.literal(column)}\n"
        "        and a.attidentity <> ''\n"
        ")",
    )


def column_is_missing(table: str, column: str) -> Requirement:
    """Return the requirement that a table has no column of a name.

    Args:
        table: The table as a qualified identifier.
        column: The name.
    """
    return Requirement(
        f"table {table} without a column {column}",
        "not exists (\n"
        "    select\n"
        "    from pg_catalog.pg_attribute as a\n"
        f"    where a.attrelid = {sql.literal(table)}::regclass\n"
        f"        and a.attname = {sql.literal(column)}\n"
        ")",
    )


def column_is_virtual(table: str, column: str) -> Requirement:
    """Return the requirement that a column is a virtual generated one.

    Args:
        table: The table as a qualified identifier.
        column: The name of the column.
    """
    return Requirement(f"virtual column {column} of {table}", _is_generated(table, column, "v"))


def column_is_ordinary(table: str, column: str) -> Requirement:
    """Return the requirement that a column is no generated one.

    Args:
        table: The table as a qualified identifier.
        column: The name of the column.
    """
    return Requirement(f"ordinary column {column} of {table}", _is_generated(table, column, ""))


def _is_generated(table: str, column: str, how: str) -> str:
    return (
        "exists (\n"
        "    select\n"
        "    from pg_catalog.pg_attribute as a\n"
        f"    where a.attrelid = {sql.literal(table)}::regclass\n"
        f"        and a.attname = {sql.literal(column)}\n"
        f"        and a.attgenerated = {sql.literal(how)}\n"
        ")"
    )


def is_no_partition(table: str) -> Requirement:
    """Return the requirement that a table is no partition of another one.

    Args:
        table: The table as a qualified identifier.
    """
    return Requirement(
        f"table {table} that is no partition",
        "not (\n"
        "    select c.relispartition\n"
        "    from pg_catalog.pg_class as c\n"
        f"    where c.oid = {sql.literal(table)}::regclass\n"
        ")",
    )


def _constraint(table: str, name: str) -> str:
    return (
        "(\n"
        "    select\n"
        "    from pg_catalog.pg_constraint as c\n"
        f"    where c.conrelid = pg_catalog.to_regclass({sql.literal(table)})\n"
        f"        and c.conname = {sql.literal(name)}\n"
        ")"
    )


def missing(connection: Connection, requirements: Iterable[Requirement]) -> set[Requirement]:
    """Return those of some requirements that a database does not meet.

    Args:
        connection: A connection to the database; it is only read.
        requirements: What is required.
    """
    unique = list(dict.fromkeys(requirements))
    if not unique:
        return set()
    conditions = ", ".join(each.condition for each in unique)
    row = connection.exec_driver_sql(
        f"select {conditions}", execution_options={"no_parameters": True}
    ).one()
    return {each for each, is_met in zip(unique, row, strict=True) if not is_met}


def guarded(requirement: Requirement, statements: Iterable[str]) -> str:
    """Return the statement that runs others where a requirement is met.

    Args:
        requirement: What is required.
        statements: SQL without parameters.
    """
    body = "".join(f"{sql.closed(statement)};\n" for statement in statements)
    block = f"\nbegin\nif {requirement.condition} then\n{body}end if;\nend\n"
    return f"do {sql.dollar_quoted(block)}"
