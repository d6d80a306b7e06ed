"""The keys that a statement is about, in a setting that policies read."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Column, ColumnElement, Text, cast, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY
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


def can_be_asked_for(column: Column[Any]) -> bool:
    """Tell whether a setting of PostgreSQL can be named after a column."""
    return all(map(_SIMPLE.fullmatch, _parts_of(column)))


def _parts_of(column: Column[Any]) -> tuple[str, str, str]:
    return column.table.schema or "public", column.table.name, column.name


def asking_for(key: InstrumentedAttribute[Any], *values: object) -> ColumnElement[bool]:
    """Return a condition that tells policies which rows a statement asks for, and is always true.

    For a caller who belongs to thousands of events, a policy looks all of them up to read the
    participants of one. With this in a statement, beside the condition itself, it looks up that one
    alone, by its key::

        select(Participant).where(
            Participant.event_id == event_id, asking_for(Event.id, event_id)
        )

    What is read is the same with other values or without them. They hold until the transaction
    ends, or other values of the column are asked for.

    So does a policy of :func:`~townhall.pg.access.readers_of`, which otherwise looks for what it
    found of the post for each comment::

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
    asked = func.pg_catalog.set_config(
        literal_column(f"'{setting_of(column)}'"),
        cast(cast(list(values), ARRAY(column.type)), Text),
        true(),
    )
    # A condition without columns is evaluated before any table is read.
    return select(asked).scalar_subquery().is_not(None)


def _column_of(key: InstrumentedAttribute[Any]) -> Column[Any]:
    if isinstance(key, InstrumentedAttribute):
        mapped = key.comparator.prop
        if isinstance(mapped, ColumnProperty) and isinstance(mapped.columns[0], Column):
            return mapped.columns[0]
    raise TypeError(
        "asking_for() takes a column as an attribute of a mapped class, such as Event.id, not"
        f" {key!r}"
    )
