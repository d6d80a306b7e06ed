"""No document of any table is written over one that changed since it was read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from tests.coaching.data import STORED_BRAND
from tests.structure.models import MODELS
from townhall import (
    BrandConfig,
    EmailConfig,
    StaleDocument,
    VisibilitySettings,
)
from townhall.types import Document, OptionalJson, TypedJson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column, Connection

    from townhall import Base

ATTRIBUTES = [
    pytest.param(model, attribute.key, attribute.columns[0], id=f"{model.__name__}.{attribute.key}")
    for model in MODELS
    for attribute in inspect(model).column_attrs
    if isinstance(attribute.columns[0].type, Document)
]
VALUES: dict[type, Any] = {
    BrandConfig: BrandConfig.from_stored(STORED_BRAND),
    EmailConfig: EmailConfig(reply_to="mine@example.org"),
    VisibilitySettings: VisibilitySettings(show_name=False),
    dict: {"mine": [1]},
}


@contextmanager
def _row(connection: Connection, model: type[Base], key: str) -> Iterator[tuple[Session, Any]]:
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        row = session.scalars(select(model).limit(1)).one()
        getattr(row, key)
        yield session, row


def _merge(connection: Connection, column: Column[Any], patch: str) -> None:
    connection.execute(
        text(
            f"update public.{column.table.name}"
            f" set {column.name} = {column.name} || cast(:patch as jsonb)"
        ),
        {"patch": patch},
    )


@pytest.mark.parametrize(("model", "key", "column"), ATTRIBUTES)
def test_document_that_another_changed_is_not_overwritten(
    filled: Connection, model: type[Base], key: str, column: Column[Any]
) -> None:
    with _row(filled, model, key) as (session, row):
        _merge(filled, column, '{"anothers": 1}')
        setattr(row, key, VALUES[column.type.python_type])
        with pytest.raises(StaleDocument, match=rf"{column.table.name}\.{column.name} of the row"):
            session.flush()


@pytest.mark.parametrize(("model", "key", "column"), ATTRIBUTES)
def test_document_that_nobody_else_changed_is_stored(
    filled: Connection, model: type[Base], key: str, column: Column[Any]
) -> None:
    if not isinstance(column.type, OptionalJson):  # a value whose keys others stored as well
        _merge(filled, column, '{"others": {"n": [1e30, 0.1, true, null, "שלום"]}}')
    with _row(filled, model, key) as (session, row):
        for _ in range(2):
            value = VALUES[column.type.python_type]
            if isinstance(column.type, TypedJson) and getattr(row, key) is not None:
                value = getattr(row, key).model_copy(update=dict(value))
            setattr(row, key, value)
            session.flush()
            session.refresh(row)
        _merge(filled, column, '{"anothers": 1}')  # and so it is noticed again
        setattr(row, key, None if isinstance(column.type, OptionalJson) else {})
        with pytest.raises(StaleDocument):
            session.flush()
