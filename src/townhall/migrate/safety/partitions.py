"""What PostgreSQL adds to a partitioned table in its partitions, one after the other.

It does not build the index of such a table concurrently as a whole, and before version 18 it does
not add a foreign key without a look at the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Row, text

from townhall.migrate.contexts import connection_of
from townhall.migrate.safety.locks import in_attempts
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
    all of them are. That of a unique constraint or a primary key is attached as one.

    Args:
        context: The migration context, in an autocommit block.
        index: The index, created ``on only`` the partitioned table, as a qualified identifier.
    """
    for partition in _rows(context, _PARTITIONS, index=index):
        if partition.attached is None:
            _build(context, index, partition)
    for partition in _rows(context, _PARTITIONS, index=index):
        if partition.is_partitioned:
            index_partitions(context, partition.attached)


def leaves(context: MigrationContext, table: str) -> Sequence[str]:
    """Return the partitions that hold the rows of a partitioned table, as qualified identifiers.

    Args:
        context: The migration context, with a connection.
        table: The table as a qualified identifier.
    """
    return [row.name for row in _rows(context, _LEAVES, table=table)]


def _build(context: MigrationContext, index: str, partition: Row[Any]) -> None:
    if partition.is_partitioned:
        context.execute(in_attempts(_attach_whole(index, partition)))
        return
    found = _matching(context, index, partition)
    for each in found:
        if not each.is_valid:
            context.execute(sql.statement(f"drop index concurrently if exists {each.name}"))
    built = [each for each in found if each.is_valid]
    if not built:
        kind = "unique index" if partition.is_unique else "index"
        build = f"create {kind} concurrently on {partition.table}{partition.definition}"
        context.execute(sql.statement(build))
        built = [*_matching(context, index, partition)]
    context.execute(in_attempts(_attach(index, partition, built[0])))


def _attach_whole(index: str, partition: Row[Any]) -> str:
    """Return what gives a partition that is partitioned itself an index without those in it."""
    if partition.key is None:
        kind = "unique index" if partition.is_unique else "index"
        create = f"create {kind} on only {partition.table}{partition.definition}"
    else:
        create = f"alter table only {partition.table} add {partition.key}"
    return f"""{create};
execute (
    select pg_catalog.format('alter index %s attach partition %s', {sql.literal(index)},
        i.indexrelid::regclass)
    from pg_catalog.pg_index as i
    where i.indrelid = {sql.literal(partition.table)}::regclass
    order by i.indexrelid desc
    limit 1
);"""


def _attach(index: str, partition: Row[Any], built: Row[Any]) -> str:
    attach = f"alter index {index} attach partition {built.name};"
    if partition.key is None:
        return attach
    add = f"add {partition.kind_of_key} using index {built.own_name} {partition.deferrable}"
    return f"alter table {partition.table} {add.rstrip()};\n{attach}"


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
        ) as attached,
        pg_catalog.pg_get_constraintdef(k.oid) as key,
        case k.contype when 'p' then 'primary key' else 'unique' end as kind_of_key,
        pg_catalog.concat_ws(
            ' ',
            case when k.condeferrable then 'deferrable' end,
            case when k.condeferred then 'initially deferred' end
        ) as deferrable
    from pg_catalog.pg_index as i
    left join pg_catalog.pg_constraint as k
        on k.conindid = i.indexrelid and k.contype in ('p', 'u')
    join pg_catalog.pg_inherits as h on h.inhparent = i.indrelid
    join pg_catalog.pg_class as c on c.oid = h.inhrelid and c.relkind in ('r', 'p')
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where i.indexrelid = pg_catalog.to_regclass(:index)
    order by 1
"""

_MATCHING = f"""
    select
        pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
        pg_catalog.quote_ident(c.relname) as own_name,
        own.indisvalid as is_valid
    from pg_catalog.pg_index as i
    join pg_catalog.pg_index as own
        on own.indrelid = pg_catalog.to_regclass(:table)
        and own.indisunique = i.indisunique
        -- One that is older is the partition's own, and none of an interrupted build.
        and own.indexrelid > i.indexrelid
        and {_definition("own.indexrelid")} = {_definition("i.indexrelid")}
    join pg_catalog.pg_class as c on c.oid = own.indexrelid and not c.relispartition
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where i.indexrelid = pg_catalog.to_regclass(:index)
        and not exists (
            select from pg_catalog.pg_constraint as o where o.conindid = own.indexrelid
        )
    order by own.indexrelid desc
"""

_LEAVES = """
    with recursive partitions as (
        select pg_catalog.to_regclass(:table)::oid as relation
        union all
        select h.inhrelid
        from partitions as p
        join pg_catalog.pg_inherits as h on h.inhparent = p.relation
    )
    select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
    from partitions as p
    join pg_catalog.pg_class as c on c.oid = p.relation and c.relkind = 'r'
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    order by 1
"""
