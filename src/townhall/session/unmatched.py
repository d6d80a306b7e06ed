"""Rows that a flush was to update or delete, and that PostgreSQL has left out without an error.

A policy hides rows that the actor may not change from ``update`` and ``delete``, as if they did not
exist. SQLAlchemy raises an error without the reason for an update, and only warns of a delete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Delete, Table, Update, func, inspect, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.visitors import iterate

from townhall.session.errors import NotPermitted

_BY_KEY = "bulk"
"""What SQLAlchemy calls an update of a list of rows, each with its key."""


def check_matched(
    session: Session, connection: Connection, matched: int, context: DefaultExecutionContext
) -> None:
    """Refuse that rows of a flush, or of a list with their keys, were left out.

    Rows that are there, for the actor to read, were denied. Of others it can't be told whether
    somebody deleted them or hid them from the actor.

    Args:
        session: The session.
        connection: Its connection, on which the statement has run.
        matched: The number of rows that were updated or deleted.
        context: The execution of the statement.

    Raises:
        NotPermitted: A row is there and was not updated or deleted.
        StaleDataError: A row that was to be deleted is not there, or no longer to be read.
    """
    statement = context.compiled.statement if context.compiled is not None else None
    if not isinstance(statement, Delete | Update) or not isinstance(statement.table, Table):
        return
    if not (_is_of_rows(session, statement) and _names_rows(statement)):
        return
    rows: Sequence[Any] = context.compiled_parameters
    if not 0 <= matched < len(rows):
        return
    is_delete = isinstance(statement, Delete)
    remaining = _count(connection, statement, rows)
    if remaining > (0 if is_delete else matched):
        raise _not_permitted(context, statement.table, len(rows) - matched, len(rows))
    if is_delete and _must_be_there(session, statement.table, matched):
        raise StaleDataError(
            f"{len(rows) - matched} of {len(rows)} rows of {statement.table} that were to be"
            " deleted are not there: somebody deleted them, or they may no longer be read"
        )


def _is_of_rows(session: Session, statement: Delete | Update) -> bool:
    is_by_key = statement._annotations.get("dml_strategy") == _BY_KEY  # noqa: SLF001  no public way
    return is_by_key or session._flushing  # noqa: SLF001  a failed flush has no event for its end


def _names_rows(statement: Delete | Update) -> bool:
    """Tell whether parameters of the execution name the rows, as in what the ORM itself writes.

    A statement that a listener runs within a flush has the values of its condition in itself.
    """
    condition = statement.whereclause
    return condition is not None and any(
        isinstance(each, BindParameter) and each.required for each in iterate(condition)
    )


def _count(connection: Connection, statement: Delete | Update, rows: Iterable[Any]) -> int:
    """Return how many of the rows are there, for the actor to read."""
    found = select(func.count()).select_from(statement.table)
    if statement.whereclause is not None:
        found = found.where(statement.whereclause)
    return sum(connection.execute(found, row).scalar_one() for row in rows)


def _not_permitted(
    context: DefaultExecutionContext, table: Table, denied: int, rows: int
) -> NotPermitted:
    command = "delete" if context.isdelete else "update"
    driver: Any = context.dialect.dbapi  # psycopg, which is not imported before it is needed
    reason = driver.errors.InsufficientPrivilege(
        f"permission denied to {command} {denied} of {rows} rows of table {table}"
    )
    return NotPermitted(context.statement, {}, reason, hide_parameters=True)


def _must_be_there(session: Session, table: Table, matched: int) -> bool:
    """Tell whether no other deletion of the flush has deleted the rows, and a mapper minds."""
    mappers = [inspect(row).mapper for row in session.deleted]
    tables = {each for mapper in mappers for each in mapper.tables}
    if matched == 0:
        tables.discard(table)
    if tables & {*_parents(table)}:
        return False
    return all(_confirms(mapper) for mapper in mappers if table in mapper.tables)


def _confirms(mapper: Mapper[Any]) -> bool:
    return bool(mapper.base_mapper.confirm_deleted_rows)


def _parents(table: Table) -> Iterator[Table]:
    """Yield the tables whose deletions delete rows of a table with them."""
    reached, found = {table}, [table]
    for each in found:
        for key in each.foreign_key_constraints:
            if (key.ondelete or "").upper() == "CASCADE":
                yield key.referred_table
                if key.referred_table not in reached:
                    reached.add(key.referred_table)
                    found.append(key.referred_table)
