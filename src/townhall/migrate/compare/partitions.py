"""Drops of tables with which partitions of schemas that are not compared would go."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import DropTableOp
from sqlalchemy import Connection, text

from townhall.migrate.operations.decisions import Answer, UndecidedOp
from townhall.migrate.operations.table_names import table_of
from townhall.migrate.operations.words import describe
from townhall.pg import catalog, sql


def with_partitions_kept(
    connection: Connection, operations: Sequence[MigrateOperation], schemas: Sequence[str]
) -> list[MigrateOperation]:
    """Return operations in which no drop of a table takes a partition along that is to stay.

    PostgreSQL drops the partitions with their table, also those of a schema that is not compared.
    Such a drop becomes a step that needs a hand.

    Args:
        connection: A connection within a transaction, to the database as it is.
        operations: The operations.
        schemas: The schemas that are compared.
    """
    dropped = {
        sql.qualified(*table_of(each)): each for each in operations if isinstance(each, DropTableOp)
    }
    if not dropped:
        return [*operations]
    by_hand: dict[DropTableOp, UndecidedOp] = {}
    with catalog.empty_search_path(connection):
        for row in connection.execute(_PARTITIONS, {"tables": [*dropped], "schemas": [*schemas]}):
            drop = dropped[row.dropped]
            by_hand[drop] = _by_hand(drop, row.partitions, row.detached)
    return [
        by_hand.get(each, each) if isinstance(each, DropTableOp) else each for each in operations
    ]


def _by_hand(drop: DropTableOp, partitions: Sequence[str], detached: Sequence[str]) -> UndecidedOp:
    remove = f"drop table {sql.qualified(*table_of(drop))}"
    why = (
        "PostgreSQL would drop its partitions of schemas that are not compared with it:"
        f" {', '.join(partitions)}"
    )
    answers = [
        Answer("keep them as tables of their own", [*detached, remove]),
        Answer("lose them with their rows", [remove]),
    ]
    return UndecidedOp(describe(drop), why, answers)


_PARTITIONS = text(
    """
    select
        dropped,
        array_agg(t.relid::regclass::text order by t.relid::regclass::text) as partitions,
        array_agg(
            pg_catalog.format(
                'alter table %s detach partition %s',
                t.parentrelid::regclass, t.relid::regclass
            )
            order by t.relid::regclass::text
        ) as detached
    from unnest(cast(:tables as text[])) as dropped
    cross join pg_catalog.pg_partition_tree(to_regclass(dropped)) as t
    join pg_catalog.pg_class as c on c.oid = t.relid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where t.parentrelid is not null and n.nspname <> all (:schemas)
    group by dropped
    """
)
