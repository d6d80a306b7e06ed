"""Revisions that change tables in use without long exclusive locks.

What commits on its way (an index that is built concurrently, a constraint that is validated apart)
is in a revision of its own, which can run again: removals before the other operations, additions
after them. One command then writes several revisions, each of which follows the one before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    CreateTableOp,
    DowngradeOps,
    DropTableOp,
    MigrationScript,
    UpgradeOps,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from townhall.migrate.contexts import connection_of
from townhall.migrate.operations.table_names import table_of
from townhall.migrate.write.new_columns import with_columns_in_steps
from townhall.migrate.write.safe_calls import Change, change_of
from townhall.pg.catalog import TableName

Operations = Sequence[MigrateOperation]


class Part(NamedTuple):
    """The operations of one revision.

    Attributes:
        upgrade: Those of its upgrade.
        downgrade: Those of its downgrade.
    """

    upgrade: Operations
    downgrade: Operations


def for_tables_in_use(
    context: MigrationContext, script: MigrationScript, *, removes_last: bool = False
) -> Sequence[MigrationScript]:
    """Return the revisions that one becomes, which is the revision itself where one suffices.

    Args:
        context: The context of the run; its connection tells which tables are partitioned.
        script: The revision, which is not changed.
        removes_last: Whether removals come after the other operations, as that of a key after the
            table that refers to it.
    """
    if len(script.upgrade_ops_list) != 1:
        return [script]
    given = [[*each.ops] for each in (*script.upgrade_ops_list, *script.downgrade_ops_list)]
    whole, partitioned = {*_whole_tables(chain(*given))}, {*_partitioned(context)}
    upgrade, filling = with_columns_in_steps(context, given[0], whole)
    downgrade, _ = with_columns_in_steps(context, given[1], whole)
    up = _changes(context, upgrade, whole, partitioned)
    down = _changes(context, downgrade, whole, partitioned)
    if not (up or down) and [upgrade, downgrade] == given:
        return [script]
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
        parts = [
            Part(
                [*before.upgrade, *after.upgrade],
                [*after.downgrade, *before.downgrade],
            )
        ]
    else:
        first = (others, before) if removes_last else (before, others)
        parts = [part for part in (*first, after) if any(part)]
    return [_script(script, part, number, len(parts)) for number, part in enumerate(parts, 1)]


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


def _script(script: MigrationScript, part: Part, number: int, count: int) -> MigrationScript:
    if count == 1:
        message, rev_id = script.message, script.rev_id
    else:
        message = f"{script.message or 'empty message'} ({number} of {count})"
        rev_id = script.rev_id if number == 1 else f"{script.rev_id}_{number}"
    previous = script.rev_id if number <= 2 else f"{script.rev_id}_{number - 1}"  # noqa: PLR2004 - the second one follows the first
    is_first = number == 1
    (old_upgrade,), (old_downgrade,) = script.upgrade_ops_list, script.downgrade_ops_list
    return MigrationScript(
        rev_id=rev_id,
        upgrade_ops=UpgradeOps(part.upgrade, upgrade_token=old_upgrade.upgrade_token),
        downgrade_ops=DowngradeOps(part.downgrade, downgrade_token=old_downgrade.downgrade_token),
        message=message,
        imports=set(script.imports),
        head=script.head if is_first else previous,
        splice=script.splice if is_first else None,
        branch_label=script.branch_label if is_first else None,
        version_path=script.version_path,
        depends_on=script.depends_on if is_first else None,
    )


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
