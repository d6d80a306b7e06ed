"""Every bounded column takes the values at its bounds, and refuses those beyond."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from sqlalchemy import Column, NullPool, column, create_engine, table, text, update
from sqlalchemy.exc import IntegrityError

from tests.support.rows import fill
from townhall import metadata
from townhall.types import (
    BoundedDate,
    BoundedText,
    BoundedTime,
    Document,
    LabelArray,
    bounds_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from townhall.testing.databases import Databases

COLUMNS = [
    column
    for table in metadata.sorted_tables
    for column in table.columns
    if bounds_of(column) is not None
]


class Values(NamedTuple):
    """Values of a column, as SQL literals cast to its type.

    Attributes:
        inside: Values at the bounds.
        beyond: Values that the check refuses.
    """

    inside: list[str]
    beyond: list[str]


def _nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def _text(type_: BoundedText, column: Column[Any]) -> Values:
    beyond = ["x" * (type_.length + 1), "ש" * (type_.length + 1)]
    blanks = ["", " ", "\t\n", "\u00a0\u3000", "\u200f\u202e"]
    if type_.must_show and not column.nullable and column.server_default is None:
        beyond += blanks
    return Values(["x" * type_.length, "\u200fש" * (type_.length // 2)], beyond)


def _document(type_: Document) -> Values:
    assert type_.size is not None
    largest = json.dumps({"a": "x" * (type_.size - len('{"a": ""}'))})
    return Values(
        [
            largest,
            _nested(32),
            '{"a":' + "[" * 31 + "]" * 31 + "}",
            '{"n": 1.7976931348623157e308, "m": -1.7976931348623157e308, "s": 5e-324}',
        ],
        [
            largest.replace("x", "xx", 1),
            _nested(33),
            _nested(3000),
            '{"a":' + "[" * 32 + "]" * 32 + "}",
            '{"n": 1e309}',
            '{"n": [{"m": -1e5000}]}',
        ],
    )


_LABELS = Values(
    ["{}", "{" + ",".join(["x" * 200] * 100) + "}"],
    [
        "{" + "x" * 201 + "}",
        '{"' + "\n" * 201 + '"}',
        "{" + ",".join(["x"] * 101) + "}",
        "{x,NULL}",
        "{{a,b},{c,d}}",
    ],
)
_TIMES = Values(
    ["0002-01-01 00:00:00+00", "9998-12-31 23:59:59.999999+00"],
    [
        "infinity",
        "-infinity",
        "20000-01-01",
        "0044-03-15 BC",
        "9999-01-01 00:00:00+00",
        "0001-12-31",
    ],
)
_DATES = Values(
    ["0001-01-01", "9999-12-31"], ["infinity", "-infinity", "20000-01-01", "0001-12-31 BC"]
)


def values(column: Column[Any]) -> Values:
    """Return values inside and beyond the bounds of a column."""
    match column.type:
        case BoundedText():
            return _text(column.type, column)
        case Document():
            return _document(column.type)
        case LabelArray():
            return _LABELS
        case BoundedTime():
            return _TIMES
        case BoundedDate():
            return _DATES
    raise AssertionError(f"no values for {column.type!r}")


def _set(connection: Connection, bounded: Column[Any], value: str) -> None:
    plain = table(bounded.table.name, column(bounded.name), schema="public")
    type_ = bounded.type.compile(connection.dialect)
    connection.execute(
        update(plain).values({bounded.name: text(f"cast(:value as {type_})")}), {"value": value}
    )


def _accept(connection: Connection, bounded: Column[Any], value: str) -> None:
    try:
        with connection.begin_nested() as savepoint:
            _set(connection, bounded, value)
            savepoint.rollback()
    except IntegrityError as error:
        # Another check of the column may be narrower.
        assert "_bounds" not in str(error.orig)  # noqa: PT017 - not what must be raised


@pytest.mark.parametrize("bounded", COLUMNS, ids=str)
def test_value_beyond_the_bounds_is_refused_by_a_check_of_the_column(
    filled: Connection, bounded: Column[Any]
) -> None:
    name = f"ck_{bounded.table.name}_{bounded.name}_bounds"
    for value in values(bounded).beyond:
        with pytest.raises(IntegrityError, match=f'"{name}"'), filled.begin_nested():
            _set(filled, bounded, value)


@pytest.mark.exhaustive
def test_bounds_hold_on_every_version(
    server: Databases, template_of: Callable[[Databases], str]
) -> None:
    with server.create(template_of(server)) as url:
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            fill(connection)
            for bounded in COLUMNS:
                for value in values(bounded).beyond:
                    with pytest.raises(IntegrityError, match="_bounds"), connection.begin_nested():
                        _set(connection, bounded, value)
                for value in values(bounded).inside:
                    _accept(connection, bounded, value)


@pytest.mark.parametrize("bounded", COLUMNS, ids=str)
def test_value_at_the_bounds_is_not_refused_by_the_bounds(
    filled: Connection, bounded: Column[Any]
) -> None:
    for value in values(bounded).inside:
        _accept(filled, bounded, value)
