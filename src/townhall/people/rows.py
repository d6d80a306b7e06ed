"""Conditions for the rows of a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    union_all,
)
from sqlalchemy.sql import column

from townhall.people.columns import email_columns
from townhall.people.links import Link, Path

_PLACE: tuple[ColumnElement[Any], ...] = (column("tableoid"), column("ctid"))
"""Where a row is, which tells it from the others of all tables."""


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
    queries = (select(*_PLACE).select_from(table).where(each) for each in conditions)
    return select(func.count()).select_from(union(*queries).subquery())


def _along(path: Path, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that the row at the end of a path is one for which a condition holds."""
    for number in reversed(range(len(path) - 1)):
        link, table = path[number], path[number + 1].table
        if circle := _circle(path[: number + 1], table):
            condition = tuple_(*_PLACE).in_(_with_those_below(circle, table, condition))
        rows = select(*(table.c[name] for name in link.referred)).where(condition)
        condition = tuple_(*link.columns).in_(rows.correlate(None))
    return condition


def _circle(path: Path, table: Table) -> Path:
    """Return the end of a path to a table that begins at the same table; empty without one."""
    begins = (number for number, link in enumerate(path) if link.table is table)
    first = next(begins, len(path))
    return path[first:]


def _with_those_below(circle: Path, table: Table, condition: ColumnElement[bool]) -> Select[Any]:
    """Return the places of rows, and of all below them by the links of a circle."""
    found = select(*_PLACE).select_from(table).where(condition).cte(recursive=True)
    pairs = union_all(*map(_below_and_above, dict.fromkeys(circle))).subquery()
    further = select(pairs.c.below_table, pairs.c.below).where(
        pairs.c.above_table == found.c.tableoid, pairs.c.above == found.c.ctid
    )
    return select(found.union(further))


def _below_and_above(link: Link) -> Select[Any, Any, Any, Any]:
    """Return the places of the rows that have a link, each with that of the row it refers to."""
    parent = next(each.column.table for each in link.constraint.elements)
    below = select(*_PLACE, *link.columns).select_from(link.table).subquery()
    referred = (parent.c[name] for name in link.referred)
    above = select(*_PLACE, *referred).select_from(parent).subquery()
    size = len(_PLACE)
    return select(
        below.c.tableoid.label("below_table"),
        below.c.ctid.label("below"),
        above.c.tableoid.label("above_table"),
        above.c.ctid.label("above"),
    ).where(
        *(one == other for one, other in zip([*below.c][size:], [*above.c][size:], strict=True))
    )
