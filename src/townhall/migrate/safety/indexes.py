"""Indexes that are created and dropped concurrently."""

from __future__ import annotations

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from townhall.pg import sql


def create_index(
    name: str, table: str, definition: str, *, unique: bool = False, schema: str = "public"
) -> None:
    """Create an index on a large table while it is in use.

    The index is built concurrently, apart from the revision's transaction; an invalid one of an
    interrupted build is rebuilt. A script (``--sql``) does not build it concurrently, and so blocks
    writes: an editor that sends the whole script at once could not run it otherwise.

    Args:
        name: The name of the index; an existing valid one is kept.
        table: The name of the table.
        definition: The definition after the table: ``(event_id) where is_vip``.
        unique: Whether it is a unique index.
        schema: The schema of the table.
    """
    kind = "unique index" if unique else "index"
    what = f"{sql.quote(name)} on {sql.quote(schema)}.{sql.quote(table)} {sql.layout(definition)}"
    context = op.get_context()
    if context.as_sql:
        context.execute(sql.statement(f"create {kind} if not exists {what}"))
        return
    with context.autocommit_block():
        if _is_invalid(context, f"{sql.quote(schema)}.{sql.quote(name)}"):
            _drop_concurrently(context, name, schema)
        context.execute(sql.statement(f"create {kind} concurrently if not exists {what}"))


def drop_index(name: str, *, schema: str = "public") -> None:
    """Drop an index of a table that is in use, if it exists.

    Args:
        name: The name of the index.
        schema: The schema of its table.
    """
    context = op.get_context()
    if context.as_sql:
        context.execute(
            sql.statement(f"drop index if exists {sql.quote(schema)}.{sql.quote(name)}")
        )
        return
    with context.autocommit_block():
        _drop_concurrently(context, name, schema)


def _drop_concurrently(context: MigrationContext, name: str, schema: str) -> None:
    index = f"{sql.quote(schema)}.{sql.quote(name)}"
    context.execute(sql.statement(f"drop index concurrently if exists {index}"))


def _is_invalid(context: MigrationContext, index: str) -> bool:
    connection = context.connection
    assert connection is not None  # noqa: S101 - only a script has none
    query = text(
        """
        select not i.indisvalid
        from pg_catalog.pg_index as i
        where i.indexrelid = pg_catalog.to_regclass(:index)
        """
    )
    return bool(connection.scalar(query, {"index": index}))
