"""Where in the source of an application an object is declared."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from sqlalchemy import Table

from townhall.check.snapshot import in_words
from townhall.pg import Entity
from townhall.pg.access import Access

_KINDS = {
    "Function": "function",
    "MaterializedView": "materialized view",
    "Policy": "policy",
    "Procedure": "procedure",
    "TableAccess": "table access",
    "View": "view",
}
"""What the name of a class of entities declares."""
_SCHEMA = "public"


@dataclass
class Places:
    """The lines of declarations, which are looked up in the source when they are asked for.

    A line is found where the declaration says the name itself, or names a constant of its module.

    Attributes:
        files: The files of source, those that take precedence first.
    """

    files: Sequence[Path] = ()

    def of(self, item: str, columns: Iterable[str] = ()) -> str | None:
        """Return the file and the line that declare an object, or None where they are not found.

        Args:
            item: The object in words: ``policy public.notes own notes``.
            columns: The columns that it is about; the line of the first one is preferred.
        """
        kind, _, name = item.partition(" ")
        if item.startswith("materialized view "):
            return self._lines.get(item)
        if kind in {"function", "procedure"}:
            return self._lines.get(item.split("(", 1)[0])
        candidates = [item]
        if kind in {"policy", "constraint", "table"}:
            table = name if kind == "table" else self._table_of(name)
            candidates += [f"column {table} {column}" for column in columns]
            candidates += [f"table access {table}"] if kind != "constraint" else []
            candidates += [f"table {table}"]
        return next((self._lines[each] for each in candidates if each in self._lines), None)

    def _table_of(self, name: str) -> str:
        # Names may hold blanks, so that the declared tables tell where the name of one ends.
        tables = [
            each.partition(" ")[2]
            for each in self._lines
            if each.startswith("table ") and name.startswith(each.partition(" ")[2] + " ")
        ]
        return max(tables, key=len, default=name.partition(" ")[0])

    @cached_property
    def _lines(self) -> Mapping[str, str]:
        lines: dict[str, str] = {}
        sources = [_Source(file, ast.parse(file.read_bytes())) for file in self.files]
        tables = {name: table for source in sources for name, table in source.tables_of_classes()}
        for source in sources:
            for item, line in source.declared(tables):
                lines.setdefault(item, f"{_shown(source.file)}:{line}")
        return lines


NOWHERE = Places()
"""Of a database that nothing declares."""


@dataclass(frozen=True)
class _Source:
    file: Path
    tree: ast.Module

    @cached_property
    def _constants(self) -> Mapping[str, str]:
        return {
            target.id: node.value.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    @property
    def _classes(self) -> Iterator[tuple[ast.ClassDef, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                values = dict(_assigned(node.body))
                name = self._text(values.get("__tablename__"))
                if name is not None:
                    yield node, f"{self._schema_in(values.get('__table_args__'))}.{name}"

    def tables_of_classes(self) -> Iterator[tuple[str, str]]:
        for node, table in self._classes:
            yield node.name, table

    def declared(self, tables: Mapping[str, str]) -> Iterator[tuple[str, int]]:
        for node, table in self._classes:
            yield f"table {table}", node.lineno
            for part in node.body:
                for name, value in _assigned([part]):
                    yield f"column {table} {self._column(name, value)}", part.lineno
        for call in ast.walk(self.tree):
            if isinstance(call, ast.Call):
                yield from self._called(call, tables)

    def _called(self, call: ast.Call, tables: Mapping[str, str]) -> Iterator[tuple[str, int]]:
        called = ast.unparse(call.func).rpartition(".")[2]
        values = {each.arg: each.value for each in call.keywords if each.arg}
        schema = self._text(values.get("schema")) or _SCHEMA
        if called == "Access" and call.args and isinstance(call.args[0], ast.Name):
            if (known := tables.get(call.args[0].id)) is not None:
                yield f"table access {known}", call.lineno
        elif called == "Table" and call.args and (name := self._text(call.args[0])):
            yield f"table {schema}.{name}", call.lineno
            for part in call.args[1:]:
                if (
                    isinstance(part, ast.Call)
                    and part.args
                    and (column := self._text(part.args[0]))
                ):
                    yield f"column {schema}.{name} {column}", part.lineno
        elif (kind := _KINDS.get(called)) is not None:
            names = [self._text(values.get(each)) for each in ("table", "name") if each in values]
            if names and all(names):
                yield in_words(kind, schema, *map(str, names)), call.lineno

    def _column(self, name: str, value: ast.expr | None) -> str:
        if isinstance(value, ast.Call) and value.args:
            return self._text(value.args[0]) or name
        return name

    def _schema_in(self, arguments: ast.expr | None) -> str:
        for node in ast.walk(arguments) if arguments is not None else ():
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if self._text(key) == "schema":
                        return self._text(value) or _SCHEMA
        return _SCHEMA

    def _text(self, value: ast.expr | None) -> str | None:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
        return self._constants.get(value.id) if isinstance(value, ast.Name) else None


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr | None]]:
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value


def _shown(file: Path) -> str:
    working = Path.cwd()
    return str(file.relative_to(working) if file.is_relative_to(working) else file)


def files_of_declarations(first: Path) -> list[Path]:
    """Return the files whose source declares tables or entities.

    Args:
        first: The ``env.py``, which has imported the others.
    """
    modules = [each for each in list(sys.modules.values()) if _declares(each)]
    others = sorted({Path(str(each.__file__)).resolve() for each in modules})
    return [
        each
        for each in dict.fromkeys([first.resolve(), *others])
        if each.suffix == ".py" and each.is_file()
    ]


def _declares(module: ModuleType | None) -> bool:
    if not getattr(module, "__file__", None):
        return False
    for value in list(vars(module).values()):
        members = value if isinstance(value, list | tuple) else (value,)
        if any(map(_is_declaration, members)):
            return True
    return False


def _is_declaration(value: object) -> bool:
    if isinstance(value, type):
        return "__tablename__" in vars(value)
    return isinstance(value, Entity | Access | Table)
