"""The SQL expressions of decisions, which PostgreSQL reads before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection

from townhall.adopt.decisions import Decisions
from townhall.adopt.errors import DecisionError
from townhall.pg import sql
from townhall.pg.catalog import Table, TableName
from townhall.pg.layout import pieces
from townhall.printing import abridged, printable

_UNDEFINED = ("42P01", "42883", "3F000", "42704")
"""SQLSTATEs of relations, functions, schemas and types that are not there."""

_OPENING, _CLOSING = "([", ")]"
_SELECT = re.compile(r"(?<![\w$.])select(?![\w$])", re.IGNORECASE)
_NAME = re.compile(r"[\w.]+")


class Declared(NamedTuple):
    """What the expressions of decisions may be about.

    Attributes:
        tables: The declared tables.
        actual: The existing tables.
        pending: The names of what the upgrade creates: an expression may use it.
    """

    tables: Mapping[TableName, Table]
    actual: Mapping[TableName, Table]
    pending: frozenset[str]


def enclosed(expression: str) -> str:
    """Return an expression in parentheses, which a comment at its end does not swallow.

    Args:
        expression: What :func:`refuse_expressions` has accepted.
    """
    return f"({sql.closed(expression)})"


def refuse_expressions(connection: Connection, decisions: Decisions, declared: Declared) -> None:
    """Refuse decisions whose SQL is not exactly one expression over the columns of the table.

    Args:
        connection: A connection to the database in a read-only transaction; nothing is evaluated.
        decisions: What was decided.
        declared: What the expressions are about.

    Raises:
        DecisionError: PostgreSQL does not read one, or it is more than one expression.
    """
    refused = [
        f"[{section}] {printable(key)}: {printable(problem)}"
        for section, key, problem in _problems(connection, decisions, declared)
    ]
    if refused:
        raise DecisionError(
            f"nothing was changed, because of the decisions {'; '.join(refused)}. Give one SQL"
            " expression over the columns of the table."
        )


def _problems(
    connection: Connection, decisions: Decisions, declared: Declared
) -> Iterator[tuple[str, str, str]]:
    for name, table in declared.tables.items():
        for column in table.columns.values():
            key = sql.qualified(*name, column.name)
            if name not in declared.actual:
                continue
            if (value := decisions.fill.get(key)) is not None:
                typed = f"coalesce(null::{column.type}, {enclosed(value)})"
                queries = (_in_rows(declared, name, each) for each in (typed, enclosed(value)))
                problem = _problem(connection, value, queries, declared.pending)
                if problem is not None:
                    yield "fill", key, problem
            if (value := decisions.convert.get(key)) is not None:
                query = f"select from only {sql.qualified(*name)} where {enclosed(value)} is null"
                problem = _of_subquery(value) or _problem(
                    connection, value, [query], declared.pending
                )
                if problem is not None:
                    yield "convert", key, problem


def _in_rows(declared: Declared, name: TableName, condition: str) -> str:
    # An expression may use a column that is added before the rows are filled.
    actual, table = declared.actual[name], declared.tables[name]
    missing = [
        f"null::{each.type} as {sql.quote(each.name)}"
        for each in table.columns.values()
        if each.name not in actual.columns
    ]
    rows = f"select {', '.join(['r.*', *missing])} from only {sql.qualified(*name)} as r"
    return f"select from ({rows}) as t where {condition} is null"


def _problem(
    connection: Connection, value: str, queries: Iterable[str], pending: frozenset[str]
) -> str | None:
    if (problem := _not_one(value)) is not None:
        return f"{abridged(value)} {problem}"
    message = ""
    for query in queries:
        error = _error_of(connection, f"{query} limit 0")
        if error is None:
            return None
        message = str(error.diag.message_primary)
        if error.sqlstate not in _UNDEFINED:
            return f"{abridged(value)}: {message}"
        if pending & {*_NAME.findall(message.replace('"', ""))}:
            return None
    return f"{abridged(value)}: {message}"


def _not_one(value: str) -> str | None:
    """Return why a text can't be one expression, whatever is written around it."""
    depth = 0
    for piece, is_opaque in pieces(value):
        for character in "" if is_opaque else piece:
            depth += (character in _OPENING) - (character in _CLOSING)
            if depth < 0:
                return "closes a parenthesis that it does not open"
            if character == ";" or (character == "," and depth == 0):
                return f"is more than one expression: it has {character} in it"
    return "opens a parenthesis that it does not close" if depth else None


def _of_subquery(value: str) -> str | None:
    words = "".join(piece for piece, is_opaque in pieces(value) if not is_opaque)
    if _SELECT.search(words):
        return f"{abridged(value)} has a subquery, which PostgreSQL does not take for a conversion"
    return None


def _error_of(connection: Connection, query: str) -> psycopg.Error | None:
    driver: Any = connection.connection.driver_connection
    try:
        # The extended protocol takes one statement alone.
        with driver.transaction(), driver.cursor() as cursor:
            cursor.execute(query, binary=True)
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise
        return error
    return None
