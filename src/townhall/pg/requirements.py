"""What must exist in a database for an entity to exist in it, and may be missing."""

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
    name = sql.qualified(schema, table)
    return Requirement(f"table {name}", f"pg_catalog.to_regclass({sql.literal(name)}) is not null")


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
