"""Tables as a diagram shows them: columns, keys, and what refers to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql.base import PGDialect

from townhall.pictures.choosing import shown_name

MOST_LINES = 6
"""How many tables may refer to a table by lines; where more do, each says so in words."""

_SHORTER = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "double precision": "float8",
    "character varying": "varchar",
}
_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's


@dataclass(frozen=True)
class ColumnShown:
    """A column of a diagram.

    Attributes:
        name: Its name.
        type: Its type as PostgreSQL names it, shortened where it has a short name.
        is_key: Whether it is of the primary key.
        is_nullable: Whether it may be null.
        refers_to: The tables that its foreign keys refer to.
    """

    name: str
    type: str
    is_key: bool
    is_nullable: bool
    refers_to: tuple[str, ...]


@dataclass(frozen=True)
class TableShown:
    """A table of a diagram.

    Attributes:
        name: Its name, with the schema where that is not ``public``.
        columns: Its columns.
    """

    name: str
    columns: tuple[ColumnShown, ...]

    @property
    def refers_to(self) -> tuple[str, ...]:
        """The other tables that it refers to."""
        found = (name for column in self.columns for name in column.refers_to)
        return tuple(dict.fromkeys(name for name in found if name != self.name))


@dataclass(frozen=True)
class Diagram:
    """Tables with their foreign keys.

    Attributes:
        tables: The tables, each behind those that it refers to by a line.
        drawn: The foreign keys that are lines, each as the table it is of and the one it refers to.
    """

    tables: tuple[TableShown, ...]
    drawn: tuple[tuple[str, str], ...]


def diagram_of(tables: Iterable[Table]) -> Diagram:
    """Return the diagram of some tables.

    Args:
        tables: The tables. What they refer to and is not among them is named at the column.
    """
    shown = sorted((_shown(table) for table in tables), key=lambda table: table.name)
    names = {table.name for table in shown}
    references = [(table.name, other) for table in shown for other in table.refers_to]
    counts = Counter(other for _, other in references)
    drawn = [
        (name, other)
        for name, other in references
        if other in names and counts[other] <= MOST_LINES
    ]
    return Diagram(tuple(_in_order(shown, drawn)), tuple(drawn))


def _shown(table: Table) -> TableShown:
    return TableShown(shown_name(table.schema, table.name), tuple(map(_column, table.columns)))


def _column(column: Column[Any]) -> ColumnShown:
    targets = (key.column.table for key in column.foreign_keys)
    return ColumnShown(
        column.name,
        short_type(column),
        column.primary_key,
        bool(column.nullable),
        tuple(sorted({shown_name(target.schema, target.name) for target in targets})),
    )


def short_type(column: Column[Any]) -> str:
    """Return the type of a column as PostgreSQL names it, or its short name: ``timestamptz``."""
    name = column.type.compile(_dialect)
    return _SHORTER.get(name.lower(), name.lower() if name.isupper() else name)


def _in_order(
    tables: Sequence[TableShown], drawn: Collection[tuple[str, str]]
) -> Iterator[TableShown]:
    """Yield tables behind those that they refer to, and what belongs together side by side."""
    by_name = {table.name: table for table in tables}
    waits_for = {name: {other for child, other in drawn if child == name} for name in by_name}
    connected = {name for pair in drawn for name in pair}
    yielded: dict[str, None] = {}

    def follow(name: str) -> Iterator[str]:
        if name in yielded or waits_for[name] - yielded.keys():
            return
        yielded[name] = None
        yield name
        for child, other in drawn:
            if other == name:
                yield from follow(child)

    for name in [*by_name, *by_name]:
        if name in connected:
            yield from (by_name[each] for each in follow(name))
    # Tables that refer to each other in a circle, and those without a line.
    yield from (table for table in tables if table.name not in yielded)
