"""Conditions for the rows of a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
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
from townhall.people.links import Path


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
        referred = (following.table.c[name] for name in link.referred)
        condition = tuple_(*link.columns).in_(select(*referred).where(condition).correlate(None))
    return condition
