"""Indexes that are created and dropped concurrently."""

from __future__ import annotations

import logging
from typing import Any

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError

from townhall.migrate.contexts import connection_of
from townhall.migrate.created_parts import CreatedPart, tell_created_part
from townhall.migrate.origins import Origins, committed_apart, undone_revision
from townhall.migrate.safety.partitions import index_partitions, is_partitioned
from townhall.migrate.safety.rows import refuse_duplicates
from townhall.migrate.safety.waiting import tell_who_is_in_the_way, without_lock_timeout
from townhall.pg import sql

_log = logging.getLogger(__name__)


def create_index(
    name: str, table: str, definition: str, *, unique: bool = False, schema: str = "public"
) -> None:
    """Create an index on a large table while it is in use.

    The index is built concurrently, apart from the revision's transaction; an invalid one of an
    interrupted build is rebuilt. It waits for older transactions of the database, however long they
    take, while nothing waits for it. A script (``--sql``) does not build it concurrently, and so
    blocks writes: an editor that sends the whole script at once could not run it otherwise.

    The index of a partitioned table is built on one partition after the other.

    Args:
        name: The name of the index; an existing valid one is kept.
        table: The name of the table.
        definition: The definition after the table: ``(event_id) where is_vip``.
        unique: Whether it is a unique index.
        schema: The schema of the table.

    Raises:
        IntegrityError: Rows are equal in a unique index; the message counts and names them, and no
            index is left.
    """
    kind = "unique index" if unique else "index"
    target = sql.qualified(schema, table)
    what = f"{sql.quote(name)} on {target} {sql.layout(definition)}"
    context = op.get_context()
    tell_created_part(context, CreatedPart((schema, table), kind, name, sql.layout(definition)))
    refuse = refuse_duplicates(schema, table, name, definition) if unique else None
    if context.as_sql:
        if refuse is not None:
            context.execute(refuse)
        context.execute(sql.statement(f"create {kind} if not exists {what}"))
        return
    part = (schema, table, "index", name)
    if is_partitioned(context, target):
        with committed_apart(context, part):
            on_only = f"{sql.quote(name)} on only {target} {sql.layout(definition)}"
            context.execute(sql.statement(f"create {kind} if not exists {on_only}"))
            with without_lock_timeout(context):
                index_partitions(context, sql.qualified(schema, name))
        return
    with committed_apart(context, part), without_lock_timeout(context):
        if refuse is not None:
            context.execute(refuse)
        state = _state(context, sql.qualified(schema, name))
        if state is None or state.is_invalid:
            tell_who_is_in_the_way(context, target)
        if state is not None and state.is_invalid:
            _log.warning(
                "The index %s is invalid, as an interrupted build left it: it is dropped and built"
                " again",
                sql.qualified(schema, name),
            )
            _drop_concurrently(context, name, schema)
        try:
            context.execute(sql.statement(f"create {kind} concurrently if not exists {what}"))
        except IntegrityError:
            _drop_concurrently(context, name, schema)
            if refuse is not None:
                context.execute(refuse)  # rows that were written since
            raise


def drop_index(name: str, *, schema: str = "public") -> None:
    """Drop an index of a table that is in use; a downgrade leaves one that was there before.

    That of a partitioned table is dropped at once, under a short exclusive lock. One that belongs
    to a constraint is left.

    Args:
        name: The name of the index.
        schema: The schema of its table.
    """
    context = op.get_context()
    origins = Origins.of(context) if undone_revision(context) else None
    if context.as_sql:
        plain = f"drop index if exists {sql.qualified(schema, name)}"
        guarded = origins.unless_index_was_found(schema, name, plain) if origins else plain
        context.execute(sql.statement(guarded))
        return
    if origins is not None and _was_found(context, origins, name, schema):
        return
    index = sql.qualified(schema, name)
    if is_partitioned(context, index):
        context.execute(sql.statement(f"drop index if exists {index}"))
        return
    with committed_apart(context), without_lock_timeout(context):
        state = _state(context, sql.qualified(schema, name))
        if state is not None:
            if state.is_of_constraint:
                return
            tell_who_is_in_the_way(context, state.table)
        _drop_concurrently(context, name, schema)


def _was_found(context: MigrationContext, origins: Origins, name: str, schema: str) -> bool:
    connection = connection_of(context)
    if not origins.exists(connection):
        return False
    return bool(connection.scalar(sql.statement(f"select {origins.index_was_found(schema, name)}")))


def _drop_concurrently(context: MigrationContext, name: str, schema: str) -> None:
    index = sql.qualified(schema, name)
    context.execute(sql.statement(f"drop index concurrently if exists {index}"))


def _state(context: MigrationContext, index: str) -> Row[Any] | None:
    connection = connection_of(context)
    query = text(
        """
        select
            not i.indisvalid as is_invalid,
            i.indrelid::regclass::text as "table",
            exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x')
            ) as is_of_constraint
        from pg_catalog.pg_index as i
        where i.indexrelid = pg_catalog.to_regclass(:index)
        """
    )
    return connection.execute(query, {"index": index}).one_or_none()
