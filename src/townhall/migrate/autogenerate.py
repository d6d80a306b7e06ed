"""The comparison of entities as a plugin of Alembic's autogenerate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import (
    AddColumnOp,
    CreateIndexOp,
    CreateTableOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
    MigrationScript,
    OpContainer,
    UpgradeOps,
)
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.util import CommandError, DispatchPriority, PriorityDispatchResult
from alembic_utils import replaceable_entity
from sqlalchemy import Connection

from townhall.migrate.comparison import Comparison, Declared, Step, compare
from townhall.migrate.enums import with_enums
from townhall.migrate.locking import A_MOMENT, in_short_waits
from townhall.migrate.plain import plain, plain_operations
from townhall.migrate.plan import and_the_others, describe, missed, ordered
from townhall.migrate.schemas import missing_schemas
from townhall.migrate.scope import Scope
from townhall.migrate.simulation import Failure, run_script
from townhall.pg import CreateEntityOp, DropEntityOp, Entity, Function

_log = logging.getLogger(__name__)

PLUGIN = "townhall.entities"
ENTITIES_OPTION = "townhall_entities"
SCOPE_OPTION = "townhall_scope"
LOCK_TIMEOUT_OPTION = "townhall_lock_timeout"


def plugins() -> list[str]:
    """Return the comparisons to run: Alembic's own and this one."""
    return ["alembic.autogenerate.*", PLUGIN]


def setup(plugin: Plugin) -> None:
    """Register the comparison with Alembic, which calls this.

    Args:
        plugin: The plugin that Alembic made for this module.
    """
    plugin.add_autogenerate_comparator(
        _silence_alembic_utils, "autogenerate", "townhall", priority=DispatchPriority.FIRST
    )
    plugin.add_autogenerate_comparator(
        _compare_entities, "autogenerate", "townhall", priority=DispatchPriority.LAST
    )


def _silence_alembic_utils(
    context: AutogenContext, operations: UpgradeOps
) -> PriorityDispatchResult:
    # alembic-utils registers its comparison when it is imported, with no way to leave it out. It
    # would propose to drop what it was not told of, and that is everything.
    del operations
    theirs = replaceable_entity.compare_registered_entities
    for functions in context.comparators._registry.values():  # noqa: SLF001 - there is no other way
        functions[:] = [entry for entry in functions if entry[0] is not theirs]
    return PriorityDispatchResult.CONTINUE


def _compare_entities(context: AutogenContext, operations: UpgradeOps) -> PriorityDispatchResult:
    _refuse_foreign_entities()
    declared = _declared(context)
    _refuse_hijackable(declared.entities)
    connection = context.connection
    assert connection is not None  # noqa: S101 - Alembic refuses autogenerate without one
    invoke = _trial(Operations(context.migration_context))
    on_tables = _on_tables(connection, declared, _flat(operations))
    operations.ops[:] = in_short_waits(
        connection,
        context.opts.get(LOCK_TIMEOUT_OPTION, A_MOMENT),
        lambda: _needed(connection, declared, on_tables, invoke),
    )
    for operation in operations.ops:
        _log.info("Detected %s", describe(operation))
    return PriorityDispatchResult.CONTINUE


def _on_tables(
    connection: Connection, declared: Declared, operations: Iterable[MigrateOperation]
) -> list[MigrateOperation]:
    plain_ones = list(plain_operations(list(operations), declared.tables))
    needed = {table.schema or "public" for table in declared.tables}
    needed |= {entity.schema for entity in declared.entities} & {*declared.schemas}
    return [
        *missing_schemas(connection, needed),
        *with_enums(connection, plain_ones, declared.tables, declared.schemas),
    ]


def _needed(
    connection: Connection,
    declared: Declared,
    on_tables: Sequence[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
) -> list[MigrateOperation]:
    comparison = compare(connection, declared, on_tables, invoke)
    _refuse_failures(comparison)
    first, last = missed(connection, comparison, declared.schemas)
    drops = comparison.drops(_dropped_tables(on_tables))
    changes = comparison.entity_operations()
    if not (on_tables or first or last or drops or changes):
        return []
    if comparison.is_of_something_new:
        return comparison.operations()
    return ordered(
        connection,
        comparison,
        [*drops, *on_tables, *first, *changes, *last],
        declared.schemas,
        invoke,
    )


def _trial(operations: Operations) -> Callable[[MigrateOperation], None]:
    # Rows that are going to be rolled back are not worth computing.
    def invoke(operation: MigrateOperation) -> None:
        if isinstance(operation, CreateEntityOp):
            run_script(operations.get_bind(), operation.target.create_without_data_statements())
        elif isinstance(operation, DropTableOp):
            # As it is written: with its columns, which are for the way back, it would drop enums.
            operations.invoke(DropTableOp(operation.table_name, schema=operation.schema))
        else:
            operations.invoke(operation)

    return invoke


def _declared(context: AutogenContext) -> Declared:
    scope: Scope = context.opts[SCOPE_OPTION]
    tables = [
        plain(table)
        for table in context.sorted_tables
        if (table.schema or "public") in scope.schemas
    ]
    return Declared(tables, context.opts[ENTITIES_OPTION], scope.schemas)


def _flat(container: OpContainer) -> Iterable[MigrateOperation]:
    for operation in container.ops:
        if isinstance(operation, OpContainer):
            yield from _flat(operation)
        else:
            yield operation


def finish(context: MigrationContext, revision: object, directives: list[MigrationScript]) -> None:
    """Make a revision repeatable, and its downgrade short.

    Alembic calls this (``process_revision_directives``) with the revision it is about to write.
    """
    del context, revision
    for script in directives:
        for container in [*script.upgrade_ops_list, *script.downgrade_ops_list]:
            for operation in _flat(container):
                _make_repeatable(operation)
        for downgrade in script.downgrade_ops_list:
            _leave_to_dropped_tables(downgrade, _dropped_tables(_flat(downgrade)))


def _leave_to_dropped_tables(downgrade: OpContainer, tables: set[tuple[str, str]]) -> None:
    # Its privileges and indexes go with a table. Its policies and triggers are dropped one by one:
    # they may hold functions that go as well, and so may an index, where one goes before the table.
    kept: list[MigrateOperation] = []
    indexes_of: set[tuple[str, ...]] = set()
    for operation in reversed(downgrade.ops):
        if isinstance(operation, DropTableOp):
            indexes_of |= _dropped_tables([operation])
        elif isinstance(operation, DropEntityOp) and isinstance(operation.target, Function):
            indexes_of.clear()
        going = indexes_of if isinstance(operation, DropIndexOp) else tables
        if _table_of(operation) not in going:
            kept.append(operation)
    downgrade.ops[:] = reversed(kept)


def _table_of(operation: MigrateOperation) -> tuple[str, ...] | None:
    if isinstance(operation, DropEntityOp) and not operation.target.is_own_object:
        return operation.target.name_parts
    if isinstance(operation, DropIndexOp) and operation.table_name:
        return (operation.schema or "public", operation.table_name)
    return None


def _dropped_tables(operations: Iterable[MigrateOperation]) -> set[tuple[str, str]]:
    return {
        (operation.schema or "public", operation.table_name)
        for operation in operations
        if isinstance(operation, DropTableOp)
    }


def _make_repeatable(operation: MigrateOperation) -> None:
    # A revision can run again over its own result.
    if isinstance(operation, CreateTableOp | CreateIndexOp | AddColumnOp):
        operation.if_not_exists = True
    elif isinstance(operation, DropTableOp | DropIndexOp | DropColumnOp | DropConstraintOp):
        operation.if_exists = True


def _refuse_foreign_entities() -> None:
    foreign = [
        entity
        for entity in replaceable_entity.registry.entities()
        if not isinstance(entity, Entity)
    ]
    if foreign:
        names = ", ".join(sorted(entity.identity for entity in foreign))
        raise CommandError(
            f"registered with alembic-utils, whose comparison does not run here: {names}."
            " Declare them with the classes of townhall.pg and pass them to"
            " townhall.migrate.run(entities=[...])."
        )


def _refuse_hijackable(entities: Iterable[Entity]) -> None:
    hijackable = [
        entity.identity
        for entity in entities
        if isinstance(entity, Function) and entity.is_hijackable
    ]
    if hijackable:
        raise CommandError(
            "security definer, and under a search path on which the caller's temporary tables and"
            f" types come first: {', '.join(sorted(hijackable))}."
            " Add settings={'search_path': townhall.pg.SAFE_SEARCH_PATH}, and qualify the names in"
            " the body."
        )


def _refuse_failures(comparison: Comparison) -> None:
    if not comparison.failures:
        return
    raise CommandError(
        "PostgreSQL refuses what is declared:\n\n"
        + "\n\n".join(map(_report, comparison.failures))
        + and_the_others([describe(operation) for operation in comparison.operations()])
    )


def _report(failure: Failure[Step]) -> str:
    if isinstance(failure.step, Entity):
        definition = ";\n".join(failure.step.create_statements())
        return f"{failure.step.identity}: {failure.message}\n{definition}"
    return f"{describe(failure.step)}: {failure.message}"
