"""What the source of a function seems to write: a guess from its text, not from running it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from townhall.pg import sql
from townhall.pg.catalog import Body, TableName
from townhall.pg.layout import pieces

_PART = r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)'
_NAME = rf"(?:{_PART}\s*\.\s*)?{_PART}"
_INSERT = re.compile(rf"\binsert\s+into\s+(?P<table>{_NAME})", re.IGNORECASE)
_DELETE = re.compile(rf"\bdelete\s+from\s+(?:only\s+)?(?P<table>{_NAME})", re.IGNORECASE)
_UPDATE = re.compile(
    rf"\bupdate\s+(?:only\s+)?(?P<table>{_NAME})(?:\s+(?:as\s+)?{_PART})?\s+set\s+"
    r"(?P<assignments>.*?)(?=\bwhere\b|\bfrom\b|\breturning\b|;|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_ASSIGNED = re.compile(rf"(?:\A|,)\s*(?P<column>{_PART})\s*=")
_OF_ROW = re.compile(
    r"(?:\A|(?<=;)|(?<=\bbegin)|(?<=\bthen)|(?<=\belse)|(?<=\bloop)|(?<=\binto))"
    rf"\s*new\s*\.\s*(?P<column>{_PART})(?P<assigns>\s*:?=|\b)",
    re.IGNORECASE,
)
_CALL = re.compile(rf"(?P<name>{_NAME})\s*\(", re.IGNORECASE)
_RELATION = re.compile(_NAME)
_DYNAMIC = re.compile(r"\bexecute\b(?!\s+(?:function|procedure)\b)", re.IGNORECASE)
_PARENTHESES = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Writes:
    """What a function seems to write.

    Attributes:
        columns: The columns of tables that it sets, with schema and table.
        tables: The tables that it inserts into or deletes from.
        of_row: The columns that it sets in the row of its trigger.
        is_dynamic: Whether it runs SQL that it puts together, which can't be seen.
    """

    columns: frozenset[tuple[str, str, str]] = frozenset()
    tables: frozenset[TableName] = frozenset()
    of_row: frozenset[str] = frozenset()
    is_dynamic: bool = False

    def of_trigger(self, table: TableName) -> Writes:
        """Return what it writes as a trigger on a table, whose row has that table's columns."""
        columns = self.columns | {(*table, column) for column in self.of_row}
        return Writes(columns, self.tables, frozenset(), self.is_dynamic)

    def __or__(self, other: Writes) -> Writes:
        """Return what two functions write together."""
        return Writes(
            self.columns | other.columns,
            self.tables | other.tables,
            self.of_row | other.of_row,
            self.is_dynamic or other.is_dynamic,
        )


class Sources:
    """The functions of a database by name, and what each seems to write."""

    def __init__(self, bodies: Sequence[Body], tables: Collection[TableName]) -> None:
        """Take the functions.

        Args:
            bodies: The functions with their sources.
            tables: The tables; a name without a schema is that of one of these, if one has it.
        """
        in_public_last = sorted(tables, key=lambda table: (table[0] == "public", table))
        self._tables = {name: (schema, name) for schema, name in in_public_last}
        self._texts = [(body, _without_texts(body.source)) for body in bodies]
        self._names = {(body.schema, body.name) for body in bodies}
        self._by_name = {name: (schema, name) for schema, name in sorted(self._names)}
        self._writes: dict[TableName, Writes] = {}
        self._calls: dict[TableName, set[TableName]] = {}
        for body, source in self._texts:
            function = (body.schema, body.name)
            known = self._writes.get(function, Writes())
            self._writes[function] = known | self._writes_of(source)
            self._calls.setdefault(function, set()).update(self._called(source))

    def has(self, function: TableName) -> bool:
        """Tell whether the source of a function is known."""
        return function in self._names

    def writes(self, function: TableName) -> Writes:
        """Return what a function and those that it calls seem to write.

        Args:
            function: Schema and name of the function; all of that name count.
        """
        found, seen, left = Writes(), {function}, [function]
        while left:
            each = left.pop()
            found |= self._writes.get(each, Writes())
            called = self._calls.get(each, set()) - seen
            seen |= called
            left += sorted(called)
        return found

    def users(self, table: TableName) -> Iterator[Body]:
        """Yield the functions whose source names a table."""
        for body, source in self._texts:
            # Most names are of something else, and are not taken apart.
            last = table[1].lower()
            names = {name for name in _RELATION.findall(source) if last in name.lower()}
            if any(table == self._table(name) for name in names):
                yield body

    def _writes_of(self, text: str) -> Writes:
        columns = {
            (*self._table(match["table"]), sql.unquote(column))
            for match in _UPDATE.finditer(text)
            for column in _assigned(match["assignments"])
        }
        tables = {
            self._table(match["table"])
            for pattern in (_INSERT, _DELETE)
            for match in pattern.finditer(text)
        }
        of_row = {sql.unquote(match["column"].lower()) for match in _OF_ROW.finditer(text)}
        is_dynamic = _DYNAMIC.search(text) is not None
        return Writes(frozenset(columns), frozenset(tables), frozenset(of_row), is_dynamic)

    def _called(self, text: str) -> Iterator[TableName]:
        for name in {match["name"] for match in _CALL.finditer(text)}:
            first, *rest = _parts(name)
            called = (first, rest[0]) if rest else self._by_name.get(first)
            if called in self._names:
                yield called

    def _table(self, name: str) -> TableName:
        first, *rest = _parts(name)
        return (first, rest[0]) if rest else self._tables.get(first, ("public", first))


def _parts(name: str) -> tuple[str, ...]:
    return tuple(
        sql.unquote(part if part.startswith('"') else part.lower())
        for part in re.findall(_PART, name)
    )


def _assigned(assignments: str) -> list[str]:
    # Commas within parentheses separate no assignments.
    while (shorter := _PARENTHESES.sub(" ", assignments)) != assignments:
        assignments = shorter
    return [match["column"].lower() for match in _ASSIGNED.finditer(assignments)]


def _without_texts(source: str) -> str:
    return "".join(
        piece if not is_opaque or piece.startswith('"') else " "
        for piece, is_opaque in pieces(source)
    )
