"""How operations on entities and types are written into a revision."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, Literal

from alembic.autogenerate import render as alembic_render
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.ddl import postgresql
from sqlalchemy import ClauseElement, Enum, TypeDecorator
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from townhall.migrate.statements import StatementsOp
from townhall.migrate.tables import AddCheckOp
from townhall.pg import CreateEntityOp, DropEntityOp, Entity, ReplaceEntityOp
from townhall.pg.entity import default

_WIDTH = 84  # of a line, less the indentation of a function's body
_SQL_FIELDS = {"action", "body", "check", "definition", "event", "using"}
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\0": r"\0"})
_IMPORT = "from townhall import pg"
_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_dialect.colspecs = {}  # types stay what they are, and don't become the driver's


class PostgresqlImpl(postgresql.PostgresqlImpl):
    """Alembic's PostgreSQL, in whose place this one is where it is imported."""

    __dialect__ = "postgresql"

    def render_ddl_sql_expr(self, expr: ClauseElement, *args: Any, **options: Any) -> str:  # noqa: ANN401 - Alembic's
        """Render an expression as it stands: the driver's doubled per cent signs are one each."""
        rendered = super().render_ddl_sql_expr(expr, *args, **options)
        doubles = self.dialect.identifier_preparer._double_percents  # noqa: SLF001 - nothing else says so
        return rendered.replace("%%", "%") if doubles else rendered


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:  # noqa: ANN401 - Alembic's
    """Render a type of ours as the type that PostgreSQL sees: a revision outlives our classes."""
    if kind != "type":
        return False
    if isinstance(item, TypeDecorator) and not _is_of_sqlalchemy(item):
        return _render_type(item, context)
    if isinstance(item, Enum) and item.native_enum:
        return _render_enum(item, context)
    return False


def _is_of_sqlalchemy(item: TypeDecorator[Any]) -> bool:
    return type(item).__module__.startswith("sqlalchemy.")


def _render_type(item: TypeDecorator[Any], context: AutogenContext) -> str:
    plain: TypeEngine[Any] = item.load_dialect_impl(_dialect)
    return alembic_render._repr_type(plain, context)  # noqa: SLF001 - as Alembic writes it itself


def _render_enum(item: Enum, context: AutogenContext) -> str:
    # The enum itself is made and dropped by operations of its own.
    context.imports.add("from sqlalchemy.dialects import postgresql")
    values = ", ".join(map(_quoted, item.enums))
    schema = f", schema={_quoted(item.schema)}" if item.schema else ""
    return f"postgresql.ENUM({values}, name={_quoted(str(item.name))}{schema}, create_type=False)"


@renderers.dispatch_for(CreateEntityOp)
def _render_create(context: AutogenContext, operation: CreateEntityOp) -> str:
    context.imports.add(_IMPORT)
    return f"pg.create_entity({_argument(operation.target)})"


@renderers.dispatch_for(ReplaceEntityOp)
def _render_replace(context: AutogenContext, operation: ReplaceEntityOp) -> str:
    context.imports.add(_IMPORT)
    return f"pg.replace_entity({_argument(operation.target)})"


@renderers.dispatch_for(DropEntityOp)
def _render_drop(context: AutogenContext, operation: DropEntityOp) -> str:
    context.imports.add(_IMPORT)
    why = f"# {operation.why}\n" if operation.why else ""
    return f"{why}pg.drop_entity({_named(operation.target)})"


@renderers.dispatch_for(StatementsOp)
def _render_statements(context: AutogenContext, operation: StatementsOp) -> list[str]:
    if operation.statements:
        context.imports.add(_IMPORT)
    why = [f"# {operation.why}"] if operation.why else []
    statements = [f"pg.execute({_sql(statement, 12)})" for statement in operation.statements]
    return [*why, *(statements or ["pass"])]


@renderers.dispatch_for(AddCheckOp)
def _render_add_check(context: AutogenContext, operation: AddCheckOp) -> str:
    del context
    schema = f", schema={_quoted(operation.schema)}" if operation.schema else ""
    name, table = _quoted(str(operation.constraint_name)), _quoted(operation.table_name)
    condition = _quoted(str(operation.condition))
    return f"op.create_check_constraint(op.f({name}), {table}, {condition}{schema})"


def _argument(entity: Entity) -> str:
    return "\n" + textwrap.indent(render_entity(entity), "    ") + "\n"


def _named(entity: Entity) -> str:
    name = ", ".join(
        f"{field.name}={_rendered(getattr(entity, field.name), 0)}"
        for field in fields(entity)
        if field.name in entity.name_fields + entity.drop_fields
        and not _is_default(field, getattr(entity, field.name))
    )
    return f"pg.{type(entity).__name__}.named({name})"


def render_entity(entity: Entity) -> str:
    """Return the Python expression that makes an entity, laid out as a formatter would.

    What has its default is left out. SQL of several lines stands on lines of its own.

    Args:
        entity: Any entity.
    """
    values = "".join(
        f"    {field.name}={_rendered_field(field.name, getattr(entity, field.name))},\n"
        for field in fields(entity)
        if field.repr and not _is_default(field, getattr(entity, field.name))
    )
    return f"pg.{type(entity).__name__}(\n{values})"


def _rendered_field(name: str, value: object) -> str:
    column = 8 + len(name)
    if name in _SQL_FIELDS and isinstance(value, str):
        return _sql(value, column)
    return _rendered(value, column)


def _sql(value: str, column: int) -> str:
    fits = "\n" not in value and column + len(_quoted(value)) <= _WIDTH
    return _quoted(value) if fits else _lines(value)


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
    quoted = _quoted(value)
    if column + len(quoted) <= _WIDTH or " " not in value:
        return quoted
    pieces = [
        piece
        for line in value.splitlines(keepends=True)
        for piece in textwrap.wrap(
            line,
            _WIDTH - 24,
            drop_whitespace=False,
            replace_whitespace=False,
            expand_tabs=False,
            break_long_words=False,
        )
    ]
    return "(\n" + "".join(f"        {_quoted(piece)}\n" for piece in pieces) + "    )"


def _lines(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""\n{textwrap.indent(escaped, " " * 8)}\n    """'


def _quoted(value: str) -> str:
    escaped = value.translate(_ESCAPES)
    if '"' in value and "'" not in value:
        return f"'{escaped}'"
    return '"' + escaped.replace('"', '\\"') + '"'


def _mapping(value: Mapping[str, object], column: int) -> str:
    line = ", ".join(f"{_quoted(key)}: {_rendered(item, 0)}" for key, item in value.items())
    if column + len(line) + 2 <= _WIDTH and "\n" not in line:
        return f"{{{line}}}"
    items = (
        f"        {_quoted(key)}: {_nested(_rendered(item, 12 + len(key)))},\n"
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
