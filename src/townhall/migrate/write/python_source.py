"""Entities as Python source, laid out as a formatter would."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from townhall.pg import Entity, sql
from townhall.pg.fields import default

_WIDTH = 84  # of a line, without the indentation of a function's body
_ESCAPES = {"\\": r"\\"}
_PRINTABLE_BREAKS = str.maketrans("\n\t", "  ")


def render_name(entity: Entity) -> str:
    """Return the Python expression that names an entity, which is enough to drop it.

    Args:
        entity: Any entity.
    """
    name = ", ".join(
        f"{field.name}={_rendered(getattr(entity, field.name), 0)}"
        for field in fields(entity)
        if field.name in entity.name_fields + entity.drop_fields
        and not _is_default(field, getattr(entity, field.name))
    )
    return f"pg.{type(entity).__name__}.named({name})"


def render_entity(entity: Entity) -> str:
    """Return the Python expression that makes an entity, laid out as a formatter would.

    Fields with their default are left out. SQL of several lines is written on lines of its own.

    Args:
        entity: Any entity.
    """
    values = "".join(
        f"    {field.name}={_rendered_field(entity, field.name)},\n"
        for field in fields(entity)
        if field.repr and not _is_default(field, getattr(entity, field.name))
    )
    return f"pg.{type(entity).__name__}(\n{values})"


def _rendered_field(entity: Entity, name: str) -> str:
    value, column = getattr(entity, name), 8 + len(name)
    if name in entity.laid_out_fields and isinstance(value, str):
        return render_sql(value, column)
    if name in entity.sql_fields and isinstance(value, str):
        return _lines(value) if "\n" in value else quoted(value)
    return _rendered(value, column)


def render_call(function: str, entity: Entity) -> str:
    """Return the call that creates or replaces an entity.

    Args:
        function: The function: ``create_entity``.
        entity: Any entity of this library.
    """
    return f"pg.{function}(\n{textwrap.indent(render_entity(entity), '    ')}\n)"


def render_execution(statement: str) -> str:
    """Return the call that executes a statement.

    Args:
        statement: SQL, as it is laid out.
    """
    return f"pg.execute({render_sql(statement, 12)})"


def render_sql(value: str, column: int) -> str:
    """Return SQL as a Python literal that is the same once it was laid out.

    It is written on one line where it fits, else on lines of its own, indented unless that would
    change a text that stands in quotes.

    Args:
        value: The SQL, as it is laid out.
        column: The column in which the literal begins.
    """
    if "\n" not in value and column + len(quoted(value)) <= _WIDTH:
        return quoted(value)
    if _survives_indentation(value):
        escaped = value.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        return f'"""\n{textwrap.indent(escaped, " " * 8)}\n    """'
    return _lines(value)


def _survives_indentation(value: str) -> bool:
    # Alembic indents every line of a revision, and removes blanks at the end of each.
    lines = textwrap.indent(value, " " * 8).split("\n")
    return (
        sql.layout("\n".join(["", *(line.rstrip(" ") for line in lines), ""])) == value
        and value.translate(_PRINTABLE_BREAKS).isprintable()
    )


def _lines(value: str) -> str:
    return "(\n" + "".join(f"        {quoted(line)}\n" for line in _split(value)) + "    )"


def _split(value: str) -> list[str]:
    *lines, last = value.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _is_default(field: Field[Any], value: object) -> bool:
    return bool(value == default(field))


def _rendered(value: object, column: int) -> str:
    if isinstance(value, str):
        return _text(value, column)
    if isinstance(value, Mapping):
        return _mapping(value, column)
    if isinstance(value, tuple):
        return _sequence(value, column)
    return repr(value)


def _text(value: str, column: int) -> str:
    literal = quoted(value)
    if column + len(literal) <= _WIDTH or " " not in value:
        return literal
    pieces = [
        piece
        for line in _split(value)
        for piece in textwrap.wrap(
            line,
            _WIDTH - 24,
            drop_whitespace=False,
            replace_whitespace=False,
            expand_tabs=False,
            break_long_words=False,
        )
    ]
    return "(\n" + "".join(f"        {quoted(piece)}\n" for piece in pieces) + "    )"


def quoted(value: str) -> str:
    """Return a text as a Python literal on one line, in double quotes where it can be."""
    is_plain = value.isprintable() and "\\" not in value
    escaped = value if is_plain else "".join(_ESCAPES.get(each) or _escaped(each) for each in value)
    if '"' in value and "'" not in value:
        return f"'{escaped}'"
    return '"' + escaped.replace('"', '\\"') + '"'


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def _mapping(value: Mapping[str, object], column: int) -> str:
    line = ", ".join(f"{quoted(key)}: {_rendered(item, 0)}" for key, item in value.items())
    if column + len(line) + 2 <= _WIDTH and "\n" not in line:
        return f"{{{line}}}"
    items = (
        f"        {quoted(key)}: {_nested(_rendered(item, 12 + len(key)))},\n"
        for key, item in value.items()
    )
    return "{\n" + "".join(items) + "    }"


def _sequence(value: tuple[object, ...], column: int) -> str:
    items = [_rendered(item, 8) for item in value]
    line = f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if column + len(line) <= _WIDTH and "\n" not in line:
        return line
    return "(\n" + "".join(f"        {_nested(item)},\n" for item in items) + "    )"


def _nested(rendered: str) -> str:
    first, *rest = rendered.split("\n")
    return "\n".join([first, *(f"    {line}" for line in rest)])
