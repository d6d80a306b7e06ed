"""A stored value that Python can't load stands in its place, and stops no reader of other rows."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import Column, column, inspect, select, table, text, update
from sqlalchemy.orm import Session

from tests.structure.models import MODELS
from townhall import SocialFeedPost, Unreadable
from townhall.types import BoundedDate, BoundedTime, Document, TextEnum

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from townhall import Base

DEEP = '{"a": ' * 5000 + "1" + "}" * 5000
STORED = {
    Document: ['{"n": 1e5000}', DEEP, "[1]", '"text"', '{"n": [-1e131071]}'],
    BoundedTime: [
        "infinity",
        "-infinity",
        "20000-01-01T00:00:00+00:00",
        "0044-03-15T00:00:00+00:00 BC",
    ],
    BoundedDate: ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"],
    TextEnum: ["unheard of", ""],
}
ATTRIBUTES = [
    pytest.param(model, attribute.key, attribute.columns[0], id=f"{model.__name__}.{attribute.key}")
    for model in MODELS
    for attribute in inspect(model).column_attrs
    if isinstance(attribute.columns[0].type, tuple(STORED))
]


def _drop_checks(connection: Connection, name: str) -> None:
    """Drop the checks of a table, as if the rows were older than they."""
    checks = connection.scalars(
        text(
            """
            select conname from pg_constraint
            where conrelid = to_regclass(:name) and contype = 'c'
            """
        ),
        {"name": f"public.{name}"},
    )
    for check in checks.all():
        connection.exec_driver_sql(f'alter table public.{name} drop constraint "{check}"')


def _store(connection: Connection, stored: Column[Any], value: str) -> None:
    plain = table(stored.table.name, column(stored.name), schema="public")
    type_ = stored.type.compile(connection.dialect)
    connection.execute(
        update(plain).values({stored.name: text(f"cast(:value as {type_})")}), {"value": value}
    )


def _raw(connection: Connection, stored: Column[Any]) -> str:
    query = f"select ({stored.name})::text from public.{stored.table.name}"
    raw = connection.scalar(text(query))
    assert isinstance(raw, str)
    return raw


@pytest.mark.parametrize(("model", "key", "stored"), ATTRIBUTES)
def test_what_python_cannot_load_is_read_as_unreadable_and_stays(
    filled: Connection, model: type[Base], key: str, stored: Column[Any]
) -> None:
    _drop_checks(filled, stored.table.name)
    (values,) = (each for type_, each in STORED.items() if isinstance(stored.type, type_))
    for value in values:
        with filled.begin_nested() as savepoint:
            filled.exec_driver_sql("set local session_replication_role = replica")
            _store(filled, stored, value)
            before = _raw(filled, stored)
            with Session(filled, join_transaction_mode="create_savepoint") as session:
                row = session.scalars(select(model)).all()[0]
                read = getattr(row, key)
                assert isinstance(read, Unreadable)
                assert not read
                with pytest.raises(ValueError, match=key):
                    setattr(row, key, Unreadable("{}"))
                session.expunge(row)
                session.merge(row)
                session.flush()
            assert _raw(filled, stored) == before
            savepoint.rollback()


def test_statement_can_store_an_unreadable_value_as_it_is(filled: Connection) -> None:
    _drop_checks(filled, "social_feed_posts")
    posts = cast("Table", SocialFeedPost.__table__)
    _store(filled, posts.c.metadata, '{"n": 1e5000}')
    before = _raw(filled, posts.c.metadata)
    read = filled.scalar(select(SocialFeedPost.metadata_))
    filled.execute(update(posts).values(metadata={}))
    filled.execute(update(posts).values(metadata=read))
    assert _raw(filled, posts.c.metadata) == before


def test_unreadable_value_is_printable_and_can_be_copied() -> None:
    value = Unreadable('{"n": 1' + "0" * 5000 + "}")
    assert repr(value) == "Unreadable('" + value.raw[:60] + "…')"
    assert str(value) == repr(value)
    assert repr(Unreadable("infinity")) == "Unreadable('infinity')"
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - ours
    with pytest.raises(AttributeError):
        value.raw = "{}"  # type: ignore[misc]  # immutable
