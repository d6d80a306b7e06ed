"""What the text of a statement says of the rows that it was to write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_INSERT = re.compile(
    r"\s*insert\s+into\s+(?P<table>[\w.\"]+)(?:\s+as\s+\w+)?\s*\((?P<names>[^)]*)\)", re.IGNORECASE
)
_UPDATE = re.compile(
    r"\s*update\s+(?:only\s+)?(?P<table>[\w.\"]+)\s.*?\bset\s+(?P<set>.*?)(?:\swhere\s|\sreturning\s|$)",
    re.IGNORECASE | re.DOTALL,
)
_OTHER = re.compile(
    r"\s*(?P<command>insert|update|delete|select)\b(?:\s+into|\s+only|.*?\sfrom)?\s+(?P<table>[\w.\"]+)",
    re.IGNORECASE | re.DOTALL,
)
_SET = re.compile(r'(?:^|,)\s*"?(\w+)"?\s*=')


@dataclass(frozen=True)
class Written:
    """A statement, as far as its text tells.

    Attributes:
        command: ``insert``, ``update``, ``delete`` or ``select``; empty where it is not known.
        table: The name of the table, without its schema.
        columns: The names of the columns that it gives values to.
        parameters: The parameters of one execution, or of each of several.
    """

    command: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()

    def values(self, column: str) -> Iterator[Any]:
        """Yield the parameters that SQLAlchemy names after a column.

        Args:
            column: The name of the column.
        """
        name = re.compile(rf"{re.escape(column)}(?:_m?\d+|__\d+)?")
        for each in self.parameters:
            yield from (value for key, value in each.items() if name.fullmatch(key))

    def leaves_out(self, column: str) -> bool:
        """Tell whether an insert gives a column no value, or NULL.

        Args:
            column: The name of the column.
        """
        return column not in self.columns or any(each is None for each in self.values(column))


def written(statement: str | None, parameters: object) -> Written:
    """Return what a statement writes.

    Args:
        statement: Its text, if it is known.
        parameters: Its parameters, as SQLAlchemy keeps them with an error.
    """
    given = _mappings(parameters)
    text = statement or ""
    if insert := _INSERT.match(text):
        names = tuple(each.strip().strip('"') for each in insert["names"].split(","))
        return Written("insert", _last_part(insert["table"]), names, given)
    if update := _UPDATE.match(text):
        names = tuple(_SET.findall(update["set"]))
        return Written("update", _last_part(update["table"]), names, given)
    if other := _OTHER.match(text):
        return Written(other["command"].lower(), _last_part(other["table"]), (), given)
    return Written(parameters=given)


def _last_part(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


def _mappings(parameters: object) -> tuple[Mapping[str, Any], ...]:
    match parameters:
        case Mapping():
            return (parameters,)
        case Sequence() if not isinstance(parameters, str):
            return tuple(each for each in parameters if isinstance(each, Mapping))
    return ()
