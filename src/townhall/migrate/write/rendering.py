"""The Python that a revision contains for operations and types."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from alembic.autogenerate import render as alembic_render
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateTableOp, UpgradeOps
from sqlalchemy import ARRAY, DefaultClause, Enum, Interval, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from townhall import pg
from townhall.migrate.compare.columns import type_in_sql
from townhall.migrate.compare.expressions import without_parameters
from townhall.migrate.operations.bodies import UNCHECKED, UncheckedBodiesOp
from townhall.migrate.operations.constraints import AddCheckOp
from townhall.migrate.operations.decisions import LaterOp, UndecidedOp
from townhall.migrate.operations.live import NotedOp, RewrittenOp, SafeOp
from townhall.migrate.operations.second_run import FindResultOp, UnlessFoundOp
from townhall.migrate.operations.statements import StatementsOp
from townhall.migrate.write.decisions import comment, render_later, render_undecided
from townhall.migrate.write.python_source import (
    quoted,
    render_call,
    render_execution,
    render_name,
)
from townhall.pg import CreateEntityOp, DropEntityOp, Entity, ReplaceEntityOp
from townhall.pg.adapted import Adapted
from townhall.pg.alembic_utils import (
    DropOp,
    render_create_entity,
    render_drop_entity,
    render_replace_entity,
)
from townhall.pg.requirements import guarded

_IMPORT = "from townhall import pg"
_OF_ARRAYS = ("as_tuple", "dimensions", "zero_indexes")
_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_dialect.colspecs = {}  # types are not replaced by those of a driver


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:  # noqa: ANN401 - Alembic's
    """Render a type of ours as the database's type, and a default whose text is in quotes."""
    if kind == "server_default":
        return _render_default(item)
    return _render_any_type(item, context) if kind == "type" else False


def _render_any_type(item: TypeEngine[Any], context: AutogenContext) -> str | Literal[False]:
    if (plain := _plain(item)) is not item:
        return alembic_render._repr_type(plain, context)  # noqa: SLF001 - as Alembic writes it itself
    if isinstance(item, Enum) and item.native_enum:
        return _render_enum(item, context)
    if isinstance(item, DOMAIN):
        return _render_domain(item, context)
    if isinstance(item, ARRAY):
        return _render_array(item, context)
    if not _is_of_sqlalchemy(item):
        context.imports.add(_IMPORT)
        return f"pg.ColumnType({quoted(type_in_sql(item))})"
    return False


def _plain(item: TypeEngine[Any]) -> TypeEngine[Any]:
    # Revisions don't depend on our classes.
    if isinstance(item, TypeDecorator) and not _is_of_sqlalchemy(item):
        return item.load_dialect_impl(_dialect)
    # SQLAlchemy's representation of an interval lacks the precision.
    if isinstance(item, Interval) and item.second_precision is not None:
        return postgresql.INTERVAL(precision=item.second_precision)
    return item


def _render_default(item: Any) -> str | Literal[False]:  # noqa: ANN401 - Alembic's
    # Alembic takes the quotes at both ends of a text for those of an SQL constant.
    text = item.arg if isinstance(item, DefaultClause) else None
    is_quoted = isinstance(text, str) and "'" in {text[:1], text[-1:]}
    return quoted(str(text)) if is_quoted else False


def _is_of_sqlalchemy(item: TypeEngine[Any]) -> bool:
    return type(item).__module__.startswith("sqlalchemy.")


def _render_array(item: ARRAY[Any], context: AutogenContext) -> str:
    # Alembic takes the type of the elements for a regular expression, which a name may break.
    elements = alembic_render._repr_type(item.item_type, context)  # noqa: SLF001 - as Alembic writes it itself
    options = "".join(
        f", {name}={value!r}" for name in _OF_ARRAYS if (value := getattr(item, name))
    )
    if isinstance(item, postgresql.ARRAY):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return f"postgresql.ARRAY({elements}{options})"
    return f"sa.ARRAY({elements}{options})"


def _render_domain(item: DOMAIN, context: AutogenContext) -> str:
    # Like an enum, it is created and dropped by operations of its own.
    context.imports.add("from sqlalchemy.dialects import postgresql")
    base = alembic_render._repr_type(item.data_type, context)  # noqa: SLF001 - as Alembic writes it itself
    schema = f", schema={quoted(item.schema)}" if item.schema else ""
    return f"postgresql.DOMAIN({quoted(str(item.name))}, {base}{schema}, create_type=False)"


def _render_enum(item: Enum, context: AutogenContext) -> str:
    # The enum type is created and dropped by operations of its own.
    context.imports.add("from sqlalchemy.dialects import postgresql")
    values = "".join(f"{quoted(value)}, " for value in item.enums)
    schema = f", schema={quoted(item.schema)}" if item.schema else ""
    return f"postgresql.ENUM({values}name={quoted(str(item.name))}{schema}, create_type=False)"


@renderers.dispatch_for(CreateTableOp, replace=True)
def _render_table(context: AutogenContext, operation: CreateTableOp) -> str:
    call = alembic_render._add_table(context, operation)  # noqa: SLF001 - as Alembic writes it itself
    # Without a column and a constraint Alembic writes nothing between two commas.
    return call.replace(",\n,", ",", 1)


@renderers.dispatch_for(CreateEntityOp)
def _render_create(context: AutogenContext, operation: CreateEntityOp) -> str | list[str]:
    if isinstance(operation.target, Adapted):
        return _rendered_by_alembic_utils(render_create_entity, context, operation.target)
    context.imports.add(_IMPORT)
    if not _is_in_pg(operation.target):
        return _as_sql(operation.target, operation.target.create_statements())
    return render_call("create_entity", operation.target)


@renderers.dispatch_for(ReplaceEntityOp)
def _render_replace(context: AutogenContext, operation: ReplaceEntityOp) -> str | list[str]:
    if isinstance(operation.target, Adapted):
        return _rendered_by_alembic_utils(render_replace_entity, context, operation.target)
    context.imports.add(_IMPORT)
    if not _is_in_pg(operation.target):
        return _as_sql(operation.target, operation.target.replace_statements())
    return render_call("replace_entity", operation.target)


@renderers.dispatch_for(DropEntityOp)
def _render_drop(context: AutogenContext, operation: DropEntityOp) -> str | list[str]:
    if isinstance(operation.target, Adapted):
        return _rendered_by_alembic_utils(render_drop_entity, context, operation.target)
    context.imports.add(_IMPORT)
    why = f"# {operation.why}\n" if operation.why else ""
    if not _is_in_pg(operation.target):
        return _as_sql(operation.target, operation.target.drop_statements(), why)
    return f"{why}pg.drop_entity({render_name(operation.target)})"


def _rendered_by_alembic_utils(
    render: Callable[[AutogenContext, Any], str], context: AutogenContext, entity: Adapted
) -> str:
    # Of the operation it reads the target alone.
    return render(context, DropOp(entity.written or entity.target))


def _is_in_pg(entity: Entity) -> bool:
    return getattr(pg, type(entity).__name__, None) is type(entity)


def _as_sql(entity: Entity, statements: Iterable[str], why: str = "") -> list[str]:
    # A revision does not depend on the code of the application.
    required = entity.requirement
    each = statements if required is None else [guarded(required, statements)]
    executed = list(map(render_execution, each))
    return [why.rstrip()] * bool(why) + (executed or ["pass"])


@renderers.dispatch_for(SafeOp)
def _render_safe(context: AutogenContext, operation: SafeOp) -> list[str]:
    context.imports.add("from townhall.migrate import safety")
    if operation.statements or operation.before:
        context.imports.add(_IMPORT)
    return [*operation.before, operation.call, *map(render_execution, operation.statements)]


@renderers.dispatch_for(NotedOp)
def _render_noted(context: AutogenContext, operation: NotedOp) -> list[str]:
    steps = [line for each in operation.ops for line in alembic_render.render_op(context, each)]
    return [*comment(operation.why), *steps]


@renderers.dispatch_for(RewrittenOp)
def _render_rewritten(context: AutogenContext, operation: RewrittenOp) -> list[str]:
    context.imports.add(_IMPORT)
    return list(map(render_execution, operation.statements))


@renderers.dispatch_for(StatementsOp)
def _render_statements(context: AutogenContext, operation: StatementsOp) -> list[str]:
    if operation.statements:
        context.imports.add(_IMPORT)
    why = [f"# {operation.why}"] if operation.why else []
    statements = list(map(render_execution, operation.statements))
    return [*why, *(statements or ["pass"])]


@renderers.dispatch_for(UncheckedBodiesOp)
def _render_unchecked_bodies(context: AutogenContext, operation: UncheckedBodiesOp) -> list[str]:
    del operation
    context.imports.add(_IMPORT)
    why = "# The body of a function names what is not there yet, or is not found: as in pg_dump."
    return [why, f"pg.execute({quoted(UNCHECKED)})"]


@renderers.dispatch_for(FindResultOp)
def _render_find_result(context: AutogenContext, operation: FindResultOp) -> list[str]:
    context.imports.add(_IMPORT)
    made = [f"    {quoted(each)}," for each in operation.made]
    gone = [f"        {quoted(each)}," for each in operation.gone]
    gone = ["    gone=[", *gone, "    ],"] if gone else []
    return [*comment(_WHY_FOUND), "\n".join(["pg.find_result(", *made, *gone, ")"])]


_WHY_FOUND = "In a second run its result is there, and what PostgreSQL would refuse is left out."


@renderers.dispatch_for(UnlessFoundOp)
def _render_unless_found(context: AutogenContext, operation: UnlessFoundOp) -> list[str]:
    context.imports.add(_IMPORT)
    steps = textwrap.indent(render_body(context, operation.ops), "    ")
    # In one piece, since the printer of the whole would end the block at any empty line.
    return [f"with pg.unless_found():\n{steps}"]


def render_body(context: AutogenContext, operations: Sequence[MigrateOperation]) -> str:
    """Return operations as the body of a function, without the comments at both ends.

    Args:
        context: The context of the rendering.
        operations: The operations.
    """
    body = alembic_render._render_cmd_body(UpgradeOps([*operations]), context)  # noqa: SLF001 - there is no public way
    return "\n".join(body.strip().split("\n")[1:-1])


renderers.dispatch_for(UndecidedOp)(render_undecided)
renderers.dispatch_for(LaterOp)(render_later)


@renderers.dispatch_for(AddCheckOp)
def _render_add_check(context: AutogenContext, operation: AddCheckOp) -> str:
    del context
    schema = f", schema={quoted(operation.schema)}" if operation.schema else ""
    name, table = quoted(str(operation.constraint_name)), quoted(operation.table_name)
    condition = quoted(without_parameters(str(operation.condition)))
    return f"op.create_check_constraint(op.f({name}), {table}, {condition}{schema})"
