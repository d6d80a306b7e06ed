"""Conditions for the rows of a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Select,
    Table,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.sql import column

from townhall.people.columns import email_columns
from townhall.people.links import Link, Path


def of_person(path: Path, account: Column[Any], key: object) -> ColumnElement[bool]:
    """Return the condition that a row leads to the account of a person.

    Args:
        path: The path from the row to the account.
        account: The column at its end that has the key of the account.
        key: The key of the account.
    """
    return _along(path, account == key)


def with_address(
    path: Path, account: Column[Any], addresses: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition that a row leads to one without an account that has an e-mail address.

    Args:
        path: The path from the row to the account.
        account: The column at its end that has the key of the account.
        addresses: E-mail addresses, in any case.
    """
    return _along(path, account.is_(None) & has_address(path[-1].table, addresses))


def has_address(table: Table, addresses: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a row has an e-mail address.

    Args:
        table: A table with a column for one.
        addresses: E-mail addresses, in any case.
    """
    in_lower_case = [func.lower(literal(each)) for each in addresses]
    return or_(*(func.lower(each).in_(in_lower_case) for each in email_columns(table)))


def number_of_rows(table: Table, conditions: Iterable[ColumnElement[bool]]) -> Select[int]:
    """Return a query for the number of rows of a table for which a condition holds.

    Each condition is a query of its own, which can use an index.

    Args:
        table: The table.
        conditions: The conditions.
    """
    place: tuple[ColumnElement[Any], ...] = (column("tableoid"), column("ctid"))
    queries = (select(*place).select_from(table).where(each) for each in conditions)
    return select(func.count()).select_from(union(*queries).subquery())


def _along(path: Path, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that the row at the end of a path is one for which a condition holds."""
    for link, following in reversed(list(pairwise(path))):
        rows = select(*_referred(link, following.table)).where(condition)
        if following.table is link.table:
            rows = _with_those_below(link, rows)
        condition = tuple_(*link.columns).in_(rows.correlate(None))
    return condition


def _with_those_below(link: Link, rows: Select[Any]) -> Select[Any]:
    """Return rows, and all below them, of a table that refers to itself."""
    found = rows.cte(recursive=True)
    below = link.table.alias()
    further = select(*_referred(link, below)).where(
        *(below.c[column.key] == above for column, above in zip(link.columns, found.c, strict=True))
    )
    return select(found.union(further))


def _referred(link: Link, table: FromClause) -> Iterator[ColumnElement[Any]]:
    return (table.c[name] for name in link.referred)
