"""Which tables are to be distributed, and by which key."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, MetaData, Table

from townhall.input_error import InputError, file_error

REFERENCE = "reference"
"""What a map has in the place of a key, for a table of which every machine has a copy."""

_PUBLIC = "public"


@dataclass(frozen=True)
class Layout:
    """The tables, each with what a map says of it.

    Attributes:
        tables: Every declared table, by its full name.
        keys: What the map says: the name of the key of a table, or ``reference``, by its full name.
    """

    tables: Mapping[str, Table]
    keys: Mapping[str, str]

    @classmethod
    def of(cls, metadata: Iterable[MetaData], given: Mapping[str, str]) -> Layout:
        """Return the layout that a map describes.

        Args:
            metadata: The declared tables.
            given: The map from the name of a table, with its schema unless that is ``public``, to
                the name of a column, or to ``reference``.

        Raises:
            InputError: It names a table or a column that is not declared, or a table twice.
        """
        tables = {full_name(each): each for every in metadata for each in every.tables.values()}
        keys: dict[str, str] = {}
        for shown, key in given.items():
            name = shown if "." in shown else f"{_PUBLIC}.{shown}"
            if name not in tables:
                raise InputError(f"the map names {name}, which is no declared table")
            if name in keys:
                raise InputError(f"the map names {name} twice: leave one of the lines out")
            if key != REFERENCE and key not in tables[name].columns:
                raise InputError(
                    f"the map distributes {name} by {key!r}, which is no column of it: name one, or"
                    f" {REFERENCE}"
                )
            keys[name] = key
        return cls(tables, keys)

    def key_of(self, table: Table) -> Column[object] | None:
        """Return the key that a table is distributed by; None of any other table."""
        key = self.keys.get(full_name(table), REFERENCE)
        return None if key == REFERENCE else table.columns[key]

    def is_reference(self, table: Table) -> bool:
        """Tell whether every machine has a copy of a table."""
        return self.keys.get(full_name(table)) == REFERENCE

    def is_local(self, table: Table) -> bool:
        """Tell whether a table stays on one machine."""
        return full_name(table) not in self.keys

    def converted(self) -> set[str]:
        """Return the local tables that foreign keys connect with a reference table.

        The engine takes these under its care too.
        """
        near: defaultdict[str, set[str]] = defaultdict(set)
        for name, table in self.tables.items():
            for key in table.foreign_key_constraints:
                other = full_name(key.referred_table)
                near[name].add(other)
                near[other].add(name)
        reached = [name for name, key in self.keys.items() if key == REFERENCE]
        found: set[str] = set()
        for name in reached:
            fresh = near[name] & self.tables.keys() - found - self.keys.keys()
            found |= fresh
            reached += sorted(fresh)
        return found


def full_name(table: Table) -> str:
    """Return the name of a table with its schema."""
    return f"{table.schema or _PUBLIC}.{table.name}"


def read_map(path: Path) -> dict[str, str]:
    """Read a map of tables to keys: a file of TOML, or of JSON where its name ends so.

    Args:
        path: The file.

    Raises:
        InputError: It can't be read, or is no such map.
    """
    try:
        text = path.read_text(encoding="utf-8")
        given = _from_json(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"the map {path} can't be read: {file_error(error)}") from None
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given.values()):
        raise InputError(
            f"{path} is no map of tables to keys: that has a line for each table, such as"
            f' usage_events = "tenant_id" or "auth.users" = "{REFERENCE}"'
        )
    if not given:
        raise InputError(f"the map {path} names no table, so that nothing would be distributed")
    return given


def _from_json(text: str) -> object:
    return json.loads(text, object_pairs_hook=_without_repetition)


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON, of which Python would keep the last of two equal names.

    Raises:
        InputError: A name is in the object twice.
    """
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"{name} is in it twice")
        found[name] = value
    return found
