"""The keys that a statement is about, in settings that policies read."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    TextClause,
    bindparam,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.orm import ColumnProperty, InstrumentedAttribute

from townhall.input_error import InputError

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")


def setting_of(column: Column[Any]) -> str:
    """Return the name of the setting that has the values of a column for which a statement asks.

    Args:
        column: A column of keys.

    Raises:
        InputError: A name has other characters than a setting of PostgreSQL may have.
    """
    parts = _parts_of(column)
    if not can_be_asked_for(column):
        raise InputError(
            f"the column {'.'.join(parts)} can't be asked for by its values: name it, its table and"
            " its schema with small letters, digits and underscores"
        )
    return ".".join(("asked_for", *parts))


def time_setting_of(column: Column[Any]) -> str:
    """Return the name of the setting that has the time of the statement that asked.

    What an earlier statement of the transaction asked for says nothing of this one.

    Args:
        column: A column of keys.

    Raises:
        InputError: A name has other characters than a setting of PostgreSQL may have.
    """
    return setting_of(column).replace("asked_for", "asked_at", 1)


def can_be_asked_for(column: Column[Any]) -> bool:
    """Tell whether a setting of PostgreSQL can be named after a column."""
    return all(map(_SIMPLE.fullmatch, _parts_of(column)))


def _parts_of(column: Column[Any]) -> tuple[str, str, str]:
    return column.table.schema or "public", column.table.name, column.name


def asking_for(key: InstrumentedAttribute[Any], *values: object) -> ColumnElement[bool]:
    """Return a condition that tells policies which rows a statement asks for, and is always true.

    A policy looks up the event of the first participant that a statement finds, and compares the
    others with that. With this in the statement, beside the condition itself, it does so before the
    first, for each event that is named, which takes less time for each participant::

        select(Participant).where(
            Participant.event_id == event_id, asking_for(Event.id, event_id)
        )

    What is read is the same with other values or without them.

    So does a policy of :func:`~townhall.pg.access.readers_of`::

        select(func.count()).where(
            SocialFeedComment.post_id == post_id, asking_for(SocialFeedPost.id, post_id)
        )

    Args:
        key: The column of which :func:`~townhall.pg.access.membership` has the values, with
            ``by_id``: ``Event.id``; or to which a column of ``readers_of()`` refers.
        values: The values that the statement names.

    Raises:
        TypeError: ``key`` is no mapped attribute of a column.
        InputError: A name has other characters than a setting of PostgreSQL may have.
    """
    column = _column_of(key)
    keys = bindparam("keys", list(values), ARRAY(column.type), unique=True)
    return type_coerce(_condition(column).bindparams(keys), Boolean)


@lru_cache
def _condition(column: Column[Any]) -> TextClause:
    """Return the condition without the keys; as expressions it took 17 times as long to build."""
    dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
    type_ = ARRAY(column.type).compile(dialect=dialect).replace(":", r"\:")
    # A condition without columns is evaluated before any table is read.
    return text(
        f"""((
            select
                pg_catalog.set_config(
                    '{setting_of(column)}', cast(cast(:keys as {type_}) as text), true
                )
                || pg_catalog.set_config(
                    '{time_setting_of(column)}',
                    cast(pg_catalog.statement_timestamp() as text),
                    true
                )
        ) is not null)"""
    )


def _column_of(key: InstrumentedAttribute[Any]) -> Column[Any]:
    if isinstance(key, InstrumentedAttribute):
        mapped = key.comparator.prop
        if isinstance(mapped, ColumnProperty) and isinstance(mapped.columns[0], Column):
            return mapped.columns[0]
    raise TypeError(
        "asking_for() takes a column as an attribute of a mapped class, such as Event.id, not"
        f" {key!r}"
    )
