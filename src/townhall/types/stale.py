"""The refusal to write a whole document over one that changed since it was read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, event, inspect, select
from sqlalchemy.orm import DeclarativeBase, InstanceState, LoaderCallableStatus, Mapper
from sqlalchemy.orm.exc import StaleDataError

from townhall.types.document import Document
from townhall.types.json_object import LoadedObject, TrackedObject
from townhall.types.same_json import is_same

_NO_VALUE = LoaderCallableStatus.NO_VALUE


class StaleDocument(StaleDataError):  # noqa: N818 - the name says what is wrong
    """A document is not stored, since it changed after this session had read it.

    Nothing of the flush is stored. Roll back, read the row again and repeat the change.

    Attributes:
        table: The name of the table; with its schema where that is not ``public``.
        column: The name of the column.
        key: The values of the row's primary key.
    """

    def __init__(self, table: str, column: str, key: tuple[Any, ...]) -> None:
        """Say which document it is, and what to do."""
        super().__init__(
            f"{table}.{column} of the row {', '.join(map(str, key))} has changed since this session"
            " read it, and writing the whole document would undo that: roll back, read the row"
            " again and repeat the change, or merge keys in the database with concat()"
        )
        self.table = table
        self.column = column
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what an error is made of again, as in another process."""
        return type(self), (self.table, self.column, self.key)


def refuse_stale_documents(base: type[DeclarativeBase]) -> None:
    """Compare each whole document with what was read, before a flush writes it.

    Args:
        base: The declarative base. Rows of classes of other bases are not compared.
    """
    event.listen(base, "before_update", _refuse_stale, propagate=True)
    event.listen(base, "after_update", _remember, propagate=True)
    event.listen(base, "after_insert", _remember, propagate=True)


def _refuse_stale(mapper: Mapper[Any], connection: Connection, row: object) -> None:
    """Raise an error for a document that is about to be written over another one than was read.

    The row is locked, so that no other transaction changes it before the update.
    """
    state: InstanceState[Any] = inspect(row)
    read = {
        column: before
        for key, column in _documents(mapper)
        if (before := _replaced(state, key, column)) is not _NO_VALUE
    }
    if not read or state.key is None:
        return
    key = state.key[1]
    stored = connection.execute(
        select(*read)
        .select_from(mapper.persist_selectable)
        .where(*(column == value for column, value in zip(mapper.primary_key, key, strict=True)))
        .with_for_update(key_share=True)
    ).one_or_none()
    if stored is None:  # for the update to report: it is gone, or the caller may not update it
        return
    for (column, before), now in zip(read.items(), stored, strict=True):
        if not _is_unchanged(before, now):
            raise StaleDocument(column.table.fullname.removeprefix("public."), column.name, key)


def _remember(mapper: Mapper[Any], connection: Connection, row: object) -> None:
    """Keep what was written with each object, since the next change of the row is based on it."""
    state: InstanceState[Any] = inspect(row)
    for key, column in _documents(mapper):
        value = state.dict.get(key)
        if isinstance(value, TrackedObject) and key in state.committed_state:
            to_text = column.type.bind_processor(connection.dialect)
            value.stored_text = None if to_text is None else to_text(value)


def _documents(mapper: Mapper[Any]) -> Iterator[tuple[str, Column[Any]]]:
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if isinstance(column, Column) and isinstance(column.type, Document):
            yield attribute.key, column


def _replaced(state: InstanceState[Any], key: str, column: Column[Any]) -> Any:  # noqa: ANN401
    """Return the document that was read and is to be replaced, or that there is none."""
    value = state.dict.get(key)
    if key not in state.committed_state or hasattr(value, "__clause_element__"):
        return _NO_VALUE  # it does not change, or the database computes it
    before = state.committed_state[key]
    if before is _NO_VALUE:  # it was marked as changed, or set without having been read
        return _NO_VALUE if _stored_text(value) is None else value
    return _NO_VALUE if column.type.compare_values(value, before) else before


def _is_unchanged(before: object, now: object) -> bool:
    text, text_now = _stored_text(before), _stored_text(now)
    if text is None or text_now is None:
        return is_same(before, now)
    return text == text_now or is_same(json.loads(text), json.loads(text_now))


def _stored_text(value: object) -> str | None:
    return value.stored_text if isinstance(value, LoadedObject | TrackedObject) else None
