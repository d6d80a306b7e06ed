"""A row in every table."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Connection,
    MetaData,
    Table,
    Text,
    cast,
    exists,
    func,
    inspect,
    select,
)
from sqlalchemy.exc import SAWarning

from townhall.testing import create_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Column

Row = dict[str, Any]

_VALUES: dict[type, Callable[[], Any]] = {
    UUID: uuid4,
    str: lambda: f"text-{uuid4().hex[:8]}",
    int: lambda: 1,
    Decimal: lambda: 1,
    bool: lambda: True,
    dict: dict,
    list: list,
    datetime: lambda: datetime.now(UTC),
    date: lambda: datetime.now(UTC).date(),
}
_VALUES_OF_COLUMNS: dict[str, Callable[[], Any]] = {
    "custom_domain": lambda: f"{uuid4().hex[:8]}.example",
}
_FIRST_CHOICE = re.compile(r"\(?\(?(\w+)\)?(?:::text)? (?:= ANY|IN) \(+(?:ARRAY\[)?'([^']+)'")


def fill(connection: Connection) -> None:
    """Insert a row into every table of schema ``public`` that has none.

    Every column is filled that has no default, but for times that may be unknown: what a foreign
    key refers to with the row of that table, a choice with the first of what may be chosen. Two
    columns of one row that refer to accounts refer to two of them.

    Args:
        connection: A connection as a role that owns the tables and may make accounts.
    """
    metadata = MetaData()
    with warnings.catch_warnings():
        # SQLAlchemy 2.1 warns of a check that is not validated yet.
        warnings.simplefilter("ignore", SAWarning)
        metadata.reflect(connection, schema="public")
    accounts = [{"id": create_account(connection)} for _ in range(2)]
    rows: dict[str, Row] = {}
    for table in metadata.sorted_tables:
        if table.schema != "public" or table.name == "alembic_version":
            continue
        if not connection.scalar(select(exists().select_from(table))):
            connection.execute(table.insert().values(_values(table, rows, list(accounts))))
        found = connection.execute(table.select().limit(1)).mappings().one()
        rows[table.fullname] = dict(found)


def contents(connection: Connection) -> dict[str, list[str]]:
    """Return every row of every table of schema ``public``, as text, by table.

    Args:
        connection: A connection as a role that row level security does not hold for.
    """
    return {
        name: sorted(_texts(connection, Table(name, MetaData(), schema="public")))
        for name in sorted(inspect(connection).get_table_names("public"))
        if name != "alembic_version"
    }


def _texts(connection: Connection, table: Table) -> list[str]:
    return list(connection.scalars(select(cast(func.to_jsonb(table.table_valued()), Text))))


def _values(table: Table, rows: dict[str, Row], accounts: list[Row]) -> Row:
    choices = dict(_choices(table))
    values: Row = {}
    for column in table.columns:
        if column.foreign_keys:
            values |= _reference(column, rows, accounts)
        elif column.name in choices:
            values[column.name] = choices[column.name]
        elif column.server_default is None and not _is_of_an_end(column):
            value = _VALUES_OF_COLUMNS.get(column.name, _VALUES[column.type.python_type])
            values[column.name] = value()
    return values


def _reference(column: Column[Any], rows: dict[str, Row], accounts: list[Row]) -> Row:
    # A column in several foreign keys has the same value in each.
    targets = [key.column for key in column.foreign_keys if key.column.table is not column.table]
    for target in sorted(targets, key=str):
        if target.table.fullname == "auth.users":
            return {column.name: accounts.pop(0)[target.name]}
        return {column.name: rows[target.table.fullname][target.name]}
    return {}


def _is_of_an_end(column: Column[Any]) -> bool:
    """Tell whether it is the time of an end, which is null in the rows."""
    return column.nullable is True and column.type.python_type is datetime


def _choices(table: Table) -> list[tuple[str, str]]:
    checks = [c for c in table.constraints if isinstance(c, CheckConstraint)]
    matches = (_FIRST_CHOICE.match(str(check.sqltext)) for check in checks)
    return [(match[1], match[2]) for match in matches if match]
