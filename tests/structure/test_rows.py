"""A row of every table: equal by SQL and by ORM, and its repr."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import (
    Column,
    Connection,
    DefaultClause,
    Table,
    column,
    delete,
    event,
    insert,
    inspect,
    select,
    table,
)
from sqlalchemy.orm import Session

from tests.structure.models import MODELS
from townhall import Base

if TYPE_CHECKING:
    from collections.abc import Iterator


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)


def _required_values(connection: Connection, model: type[Base]) -> dict[str, Any]:
    """Return the values of a row's required columns without a default, by column."""
    columns = [c for c in _table(model).columns if not c.nullable and c.server_default is None]
    return dict(connection.execute(select(*columns).limit(1)).mappings().one())


def _only_row(connection: Connection, model: type[Base]) -> dict[str, Any]:
    """Return the row without the columns that differ in each row: random keys, clock times."""
    columns = [c for c in _table(model).columns if not _differs_in_each_row(c)]
    return dict(connection.execute(select(*columns)).mappings().one())


def _differs_in_each_row(column: Column[Any]) -> bool:
    default = column.server_default
    return isinstance(default, DefaultClause) and str(default.arg) in {
        "gen_random_uuid()",
        "clock_timestamp()",
    }


@contextmanager
def _no_statements(connection: Connection) -> Iterator[None]:
    """Fail where the block sends a statement to the database."""

    def fail(*arguments: object) -> None:
        pytest.fail(f"this asked the database: {arguments[2]}")

    event.listen(connection, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", fail)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_sql_and_orm_insert_the_same_row(filled: Connection, model: type[Base]) -> None:
    needed = _required_values(filled, model)
    filled.execute(delete(model))
    with filled.begin_nested() as savepoint:
        plain = table(model.__tablename__, *map(column, needed), schema="public")
        filled.execute(insert(plain).values(needed))
        by_sql = _only_row(filled, model)
        savepoint.rollback()
    mapper = inspect(model)
    attributes = {
        mapper.get_property_by_column(_table(model).c[name]).key: value
        for name, value in needed.items()
    }
    with Session(filled, join_transaction_mode="create_savepoint") as session:
        instance = model(**attributes)
        session.add(instance)
        session.flush()
        with _no_statements(filled):  # all that the database decided came back with the insert
            for attribute in mapper.column_attrs:
                getattr(instance, attribute.key)
        assert _only_row(filled, model) == by_sql


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_repr_shows_only_the_primary_key(filled: Connection, model: type[Base]) -> None:
    with Session(filled, join_transaction_mode="create_savepoint") as session:
        instance = session.scalars(select(model).limit(1)).one()
        identity = inspect(instance).identity
        assert identity is not None
        (key,) = identity
        assert repr(instance) == f"<{model.__name__} {key}>"
        assert str(instance) == repr(instance)
    assert repr(model()) == f"<{model.__name__} not saved>"
