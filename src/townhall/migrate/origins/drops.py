"""Drops that leave what was there before the revisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.ddl.base import DropColumn
from alembic.runtime.migration import MigrationContext
from sqlalchemy.schema import DropConstraint, DropIndex, DropTable

from townhall.migrate.origins.memory import Origins
from townhall.migrate.origins.steps import undone_revision
from townhall.pg import sql
from townhall.pg.catalog import TableName


def drop_of_table(context: MigrationContext, schema: str, name: str, plain: str) -> list[str]:
    """Return the statements that drop a table; a downgrade takes back what it added to a found one.

    Args:
        context: The migration context of the run.
        schema: The schema of the table.
        name: The name of the table.
        plain: The drop of a table where nothing was found.
    """
    origins = Origins.of(context)
    if origins is None:
        return [plain]
    if undone_revision(context) is None:
        return [plain, origins.forget(schema, name)]
    called = ", ".join(map(sql.literal, (schema, name)))
    return [
        origins.where_remembered(f"perform pg_temp.townhall_drop_table({called});", f"{plain};")
    ]


def taking_back_of_table(context: MigrationContext, schema: str, name: str) -> list[str]:
    """Return the statements that take back what was added to a table, if that was found.

    Args:
        context: The migration context of the run.
        schema: The schema of the table.
        name: The name of the table.
    """
    origins = Origins.of(context)
    if origins is None or undone_revision(context) is None:
        return []
    drop = f"""perform pg_temp.townhall_drop_table(o.schema_name, o.object_name)
from {origins.table} as o
where o.schema_name = {sql.literal(schema)}
    and o.object_name = {sql.literal(name)}
    and o.kind = 'table'
    and o.origin = 'found';"""
    return [origins.where_remembered(drop)]


def drop_of_part(
    context: MigrationContext, table: TableName, kinds: Sequence[str], part: str, plain: str
) -> str:
    """Return the statement that drops a part of a table; a downgrade leaves one that was found.

    Args:
        context: The migration context of the run.
        table: The schema and the name of the table.
        kinds: The kinds that the part may be of.
        part: The name of the part.
        plain: The drop.
    """
    origins = Origins.of(context)
    if origins is None or undone_revision(context) is None:
        return plain
    listed = ", ".join(map(sql.literal, kinds))
    schema, name = map(sql.literal, table)
    called = f"{schema}, {name}, array[{listed}], {sql.literal(part)}, {sql.literal(plain)}"
    return origins.where_remembered(f"perform pg_temp.townhall_drop({called});", f"{plain};")


def guard_operations(context: MigrationContext) -> None:
    """Let Alembic's own drops of a run do what those of this package do.

    Args:
        context: The migration context of the run, which alone is changed.
    """
    impl = context.impl
    execute = impl._exec  # noqa: SLF001 - there is no public way

    def guarded(construct: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - Alembic's
        statements = _guarded(context, construct)
        for statement in statements:
            execute(sql.statement(statement))
        return None if statements else execute(construct, *arguments, **options)

    vars(impl)["_exec"] = guarded


def _guarded(context: MigrationContext, construct: Any) -> list[str]:  # noqa: ANN401 - SQLAlchemy's
    if not isinstance(construct, DropTable | DropColumn | DropConstraint | DropIndex):
        return []
    if isinstance(construct, DropIndex) and construct.element.dialect_options["postgresql"].get(
        "concurrently"
    ):
        return []  # which runs in no block
    dialect = context.impl.dialect
    plain = str(construct.compile(dialect=dialect)).strip()
    if dialect.identifier_preparer._double_percents:  # noqa: SLF001 - there is no public way
        plain = plain.replace("%%", "%")  # it is doubled for the driver when it is executed
    if isinstance(construct, DropTable):
        table = construct.element
        return drop_of_table(context, table.schema or "public", table.name, plain)
    if undone_revision(context) is None:
        return []
    kinds: tuple[str, ...]
    if isinstance(construct, DropColumn):
        place, part = (construct.schema or "public", construct.table_name), construct.column.name
        kinds = ("column",)
    else:
        element: Any = construct.element
        place, part = (element.table.schema or "public", element.table.name), element.name
        kinds = ("index",) if isinstance(construct, DropIndex) else ("constraint", "foreign key")
    return [drop_of_part(context, place, kinds, str(part), plain)]
