"""Drops that leave what was there before the revisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.ddl.base import DropColumn
from alembic.runtime.migration import MigrationContext
from sqlalchemy.schema import DropConstraint, DropIndex, DropTable

from townhall.migrate.origins.memory import Origins
from townhall.pg import sql


def drop_of_table(origins: Origins, schema: str, name: str, plain: str) -> str:
    """Return the statement that drops a table, or takes back what was added to a found one.

    Args:
        origins: The memory.
        schema: The schema of the table.
        name: The name of the table.
        plain: The drop of a table where nothing was found.
    """
    called = ", ".join(map(sql.literal, (schema, name)))
    return origins.where_remembered(f"perform pg_temp.townhall_drop_table({called});", f"{plain};")


def drop_of_part(
    origins: Origins, table: tuple[str, str], kinds: Sequence[str], part: str, plain: str
) -> str:
    """Return the statement that drops a part of a table that was not found.

    Args:
        origins: The memory.
        table: The schema and the name of the table.
        kinds: The kinds that the part may be of.
        part: The name of the part.
        plain: The drop.
    """
    listed = ", ".join(map(sql.literal, kinds))
    schema, name = map(sql.literal, table)
    called = f"{schema}, {name}, array[{listed}], {sql.literal(part)}, {sql.literal(plain)}"
    return origins.where_remembered(f"perform pg_temp.townhall_drop({called});", f"{plain};")


def guard_operations(context: MigrationContext, origins: Origins) -> None:
    """Let Alembic's own operations of a run leave what was found, as those of this package do.

    Args:
        context: The migration context of the run, which alone is changed.
        origins: The memory.
    """
    impl = context.impl
    execute = impl._exec  # noqa: SLF001 - there is no public way

    def guarded(construct: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - Alembic's
        statement = _guarded(context, origins, construct)
        return execute(construct if statement is None else statement, *arguments, **options)

    vars(impl)["_exec"] = guarded


def _guarded(context: MigrationContext, origins: Origins, construct: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's
    if not isinstance(construct, DropTable | DropColumn | DropConstraint | DropIndex):
        return None
    if isinstance(construct, DropIndex) and construct.element.dialect_options["postgresql"].get(
        "concurrently"
    ):
        return None  # which runs in no block
    dialect = context.impl.dialect
    plain = str(construct.compile(dialect=dialect)).strip()
    if dialect.identifier_preparer._double_percents:  # noqa: SLF001 - there is no public way
        plain = plain.replace("%%", "%")  # it is doubled for the driver when it is executed
    if isinstance(construct, DropTable):
        table = construct.element
        return sql.statement(drop_of_table(origins, table.schema or "public", table.name, plain))
    kinds: tuple[str, ...]
    if isinstance(construct, DropColumn):
        place, part = (construct.schema or "public", construct.table_name), construct.column.name
        kinds = ("column",)
    else:
        element: Any = construct.element
        place, part = (element.table.schema or "public", element.table.name), element.name
        kinds = ("index",) if isinstance(construct, DropIndex) else ("constraint", "foreign key")
    return sql.statement(drop_of_part(origins, place, kinds, str(part), plain))
