"""Revisions that change tables in use without long exclusive locks.

What commits on its way (an index that is built concurrently, a constraint that is validated apart)
is in a revision of its own, which can run again: removals before the other operations, additions
after them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateTableOp, DropTableOp
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from townhall.migrate.contexts import connection_of
from townhall.migrate.operations.table_names import table_of
from townhall.migrate.write.new_columns import with_columns_in_steps
from townhall.migrate.write.safe_calls import Change, change_of
from townhall.migrate.write.series import Operations, Part
from townhall.pg.catalog import TableName


def for_tables_in_use(
    context: MigrationContext, given: Part, *, removes_last: bool = False
) -> Sequence[Part]:
    """Return the revisions that one becomes, which is the revision itself where one suffices.

    Args:
        context: The context of the run; its connection tells which tables are partitioned.
        given: The operations of the revision.
        removes_last: Whether removals come after the other operations, as that of a key after the
            table that refers to it.
    """
    whole, partitioned = {*_whole_tables(chain(*given))}, {*_partitioned(context)}
    upgrade, filling = with_columns_in_steps(context, given.upgrade, whole)
    downgrade, _ = with_columns_in_steps(context, given.downgrade, whole)
    up = _changes(context, upgrade, whole, partitioned)
    down = _changes(context, downgrade, whole, partitioned)
    if not (up or down) and Part(upgrade, downgrade) == given:
        return [given]
    added_again = {each.name for each in down.values() if not each.removes}
    removed = {each.name for each in up.values() if each.removes} & added_again
    added = {each.name for each in up.values() if not each.removes}
    before = Part(
        _selected(upgrade, up, removed, removes=True),
        _selected(downgrade, down, removed, removes=False),
    )
    after = Part(
        [*filling, *_selected(upgrade, up, added, removes=False)],
        _selected(downgrade, down, added, removes=True),
    )
    others = Part(_others(upgrade, up, removed, added), _others(downgrade, down, added, removed))
    if not any(others):
        return [
            Part([*before.upgrade, *after.upgrade], [*after.downgrade, *before.downgrade]),
        ]
    first = (others, before) if removes_last else (before, others)
    return [part for part in (*first, after) if any(part)]


def _changes(
    context: MigrationContext,
    operations: Operations,
    whole: Collection[TableName],
    partitioned: Collection[TableName],
) -> Mapping[int, Change]:
    found = ((id(each), change_of(context, each, whole, partitioned)) for each in operations)
    return {key: change for key, change in found if change is not None}


def _selected(
    operations: Operations,
    changes: Mapping[int, Change],
    names: Collection[tuple[str, ...]],
    *,
    removes: bool,
) -> Operations:
    return [
        change.operation
        for each in operations
        if (change := changes.get(id(each))) and change.removes == removes and change.name in names
    ]


def _others(
    operations: Operations,
    changes: Mapping[int, Change],
    removed: Collection[tuple[str, ...]],
    added: Collection[tuple[str, ...]],
) -> Operations:
    return [
        each
        for each in operations
        if (change := changes.get(id(each))) is None
        or change.name not in (removed if change.removes else added)
    ]


def _whole_tables(operations: Iterable[MigrateOperation]) -> Iterable[TableName]:
    for each in operations:
        if isinstance(each, CreateTableOp | DropTableOp):
            yield table_of(each)


def _partitioned(context: MigrationContext) -> Iterable[TableName]:
    connection = connection_of(context)
    query = """
        select n.nspname as schema, c.relname as name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = 'p'
    """
    return [(row.schema, row.name) for row in connection.execute(text(query))]
