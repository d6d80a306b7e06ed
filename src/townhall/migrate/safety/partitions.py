"""Indexes of partitioned tables, which PostgreSQL does not build concurrently as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Row, text

from townhall.migrate.contexts import connection_of
from townhall.pg import sql


def is_partitioned(context: MigrationContext, relation: str) -> bool:
    """Tell whether a table or an index is a partitioned one.

    Args:
        context: The migration context, with a connection.
        relation: Its qualified identifier.
    """
    query = """
        select c.relkind
        from pg_catalog.pg_class as c
        where c.oid = pg_catalog.to_regclass(:relation) and c.relkind in ('p', 'I')
    """
    return bool(_rows(context, query, relation=relation))


def index_partitions(context: MigrationContext, index: str) -> None:
    """Build the indexes of the partitions that an index of a partitioned table lacks.

    Each is built concurrently and then attached; an invalid one that an interrupted build left is
    built again. A partition's own index of the same definition stays its own, which a plain
    ``create index`` would attach, so that dropping the index would drop it. The index is valid when
    all of them are.

    Args:
        context: The migration context, in an autocommit block.
        index: The index, created ``on only`` the partitioned table, as a qualified identifier.
    """
    for partition in _rows(context, _PARTITIONS, index=index):
        own = partition.attached or _build(context, index, partition)
        if partition.is_partitioned:
            index_partitions(context, own)


def _build(context: MigrationContext, index: str, partition: Row[Any]) -> str:
    left = [each for each in _matching(context, index, partition) if not each.is_valid]
    if not partition.is_partitioned:
        for each in left:
            context.execute(sql.statement(f"drop index concurrently if exists {each.name}"))
        left = []
    if not left:
        how, on = ("", "only ") if partition.is_partitioned else ("concurrently ", "")
        kind = "unique index" if partition.is_unique else "index"
        build = f"create {kind} {how}on {on}{partition.table}{partition.definition}"
        context.execute(sql.statement(build))
    name = str(_matching(context, index, partition)[0].name)
    context.execute(sql.statement(f"alter index {index} attach partition {name}"))
    return name


def _matching(context: MigrationContext, index: str, partition: Row[Any]) -> Sequence[Row[Any]]:
    return _rows(context, _MATCHING, index=index, table=partition.table)


def _rows(context: MigrationContext, query: str, **names: str) -> Sequence[Row[Any]]:
    connection = connection_of(context)
    return connection.execute(text(query), names).all()


def _definition(index: str) -> str:
    return f"substring(pg_catalog.pg_get_indexdef({index}) from ' USING .*')"


_PARTITIONS = f"""
    select
        pg_catalog.format('%I.%I', n.nspname, c.relname) as table,
        c.relkind = 'p' as is_partitioned,
        i.indisunique as is_unique,
        {_definition("i.indexrelid")} as definition,
        (
            select pg_catalog.format('%I.%I', n.nspname, o.relname)
            from pg_catalog.pg_inherits as a
            join pg_catalog.pg_index as own on own.indexrelid = a.inhrelid
            join pg_catalog.pg_class as o on o.oid = a.inhrelid
            where a.inhparent = i.indexrelid and own.indrelid = c.oid
        ) as attached
    from pg_catalog.pg_index as i
    join pg_catalog.pg_inherits as h on h.inhparent = i.indrelid
    join pg_catalog.pg_class as c on c.oid = h.inhrelid and c.relkind in ('r', 'p')
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where i.indexrelid = pg_catalog.to_regclass(:index)
    order by 1
"""

_MATCHING = f"""
    select
        pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
        own.indisvalid as is_valid
    from pg_catalog.pg_index as i
    join pg_catalog.pg_index as own
        on own.indrelid = pg_catalog.to_regclass(:table)
        and own.indisunique = i.indisunique
        and {_definition("own.indexrelid")} = {_definition("i.indexrelid")}
    join pg_catalog.pg_class as c on c.oid = own.indexrelid and not c.relispartition
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where i.indexrelid = pg_catalog.to_regclass(:index)
        and not exists (
            select from pg_catalog.pg_constraint as o where o.conindid = own.indexrelid
        )
    order by own.indexrelid desc
"""
