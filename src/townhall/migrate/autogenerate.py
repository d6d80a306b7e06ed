"""The comparison as a plugin of Alembic's autogenerate."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from functools import cache, partial
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import AlterColumnOp, UpgradeOps
from alembic.runtime.plugins import Plugin
from alembic.util import CommandError, DispatchPriority, PriorityDispatchResult, to_list
from sqlalchemy import Column, Connection
from sqlalchemy.exc import SAWarning

from townhall.migrate.compare.calls import with_calls_apart
from townhall.migrate.compare.changes import with_drops_of_alembic_utils
from townhall.migrate.compare.columns import with_column_changes
from townhall.migrate.compare.cycles import with_cycles_apart, with_foreign_keys_last
from townhall.migrate.compare.decisions import decisions, waiting_for_types
from townhall.migrate.compare.declared_names import with_names_of_database
from townhall.migrate.compare.definitions import (
    columns_not_added,
    not_repeated,
    with_definitions,
)
from townhall.migrate.compare.dependants import is_change_of
from townhall.migrate.compare.derived import referred_to, with_declared_by
from townhall.migrate.compare.entities import Declared, compare
from townhall.migrate.compare.exact_privileges import (
    with_default_privileges_last,
    with_exact_privileges,
)
from townhall.migrate.compare.listeners import without_attached_indexes
from townhall.migrate.compare.missing_values import refuse_without_value, tables_with_rows
from townhall.migrate.compare.normalization import normalized, normalized_operations
from townhall.migrate.compare.ordering import drops_routine_or_view, ordered, table_operations
from townhall.migrate.compare.partitions import with_partitions_kept
from townhall.migrate.compare.platform import on_skipped_schemas, possible, refuse_on_platform
from townhall.migrate.compare.reflection import read_schemas_together
from townhall.migrate.compare.schemas import missing_schemas
from townhall.migrate.compare.scope import OF_PLATFORM
from townhall.migrate.compare.search_path import read_search_paths
from townhall.migrate.compare.second_keys import with_second_keys_apart
from townhall.migrate.compare.serials import omit_default_of_serial
from townhall.migrate.compare.storage import storage_parameters
from townhall.migrate.compare.types import is_other_type
from townhall.migrate.compare.ways_back import with_ways_back
from townhall.migrate.guard.lock_timeouts import COMPARISON
from townhall.migrate.guard.locks import with_retries
from townhall.migrate.operations.alterations import AddValuesOp, adds_values
from townhall.migrate.operations.decisions import LaterOp, UndecidedOp
from townhall.migrate.operations.expressions import DropExpressionOp
from townhall.migrate.operations.identities import with_names_of_former_sequences
from townhall.migrate.operations.words import describe
from townhall.migrate.origins.kept import is_drop_of_kept, kept_in_words, read_kept
from townhall.migrate.savepoints import rolled_back, run_script
from townhall.migrate.settings import LOCK_TIMEOUT_OPTION, REVISIONS_OPTION, SETTINGS, Settings
from townhall.migrate.trial.new_values import NotReplacedError, replace_enums
from townhall.migrate.write.revision import flat
from townhall.pg import CreateEntityOp, Entity, Extension, Routine
from townhall.pg.alembic_utils import is_used, replace_comparison
from townhall.pg.catalog import TableName, set_search_path

_log = logging.getLogger(__name__)

PLUGIN = "townhall.entities"
_TOLD, _WITH_ROWS = "townhall_told", "townhall_with_rows"
_SEARCH_PATHS, _QUIET = "townhall_search_paths", "townhall_quiet"
_EXPRESSIONS = "townhall_dropped_expressions"


@cache
def plugins() -> list[str]:
    """Return the names of the comparisons to run: Alembic's own and this one."""
    Plugin.setup_plugin_from_module(sys.modules[__name__], PLUGIN)
    return ["alembic.autogenerate.*", PLUGIN]


def setup(plugin: Plugin) -> None:
    """Register the comparison with Alembic, which calls this.

    Args:
        plugin: The plugin that Alembic made for this module.
    """
    plugin.add_autogenerate_comparator(
        _prepare,
        "autogenerate",
        "townhall",
        priority=DispatchPriority.FIRST,
    )
    plugin.add_autogenerate_comparator(
        _prepare_reflection, "schema", "townhall", priority=DispatchPriority.FIRST
    )
    plugin.add_autogenerate_comparator(_compare_generation, "column", "townhall")
    plugin.add_autogenerate_comparator(
        _compare_entities, "autogenerate", "townhall", priority=DispatchPriority.LAST
    )


def _prepare(context: AutogenContext, operations: UpgradeOps) -> PriorityDispatchResult:
    del operations
    if _takes_part(context):
        replace_comparison(context.comparators, None)
        connection = _connection(context)
        context.opts[_EXPRESSIONS] = []
        context.opts[_SEARCH_PATHS] = read_search_paths(connection)
        context.opts[_QUIET] = quiet = ExitStack()
        quiet.enter_context(warnings.catch_warnings())
        # PostgreSQL has types and options that SQLAlchemy does not know, and tables that refer to
        # each other, which are no problem here.
        warnings.simplefilter("ignore", SAWarning)
        context.metadata = [with_names_of_database(each) for each in to_list(context.metadata)]
        impl = context.migration_context.impl
        # There is no public way.
        impl.autogen_column_reflect = omit_default_of_serial  # type: ignore[method-assign]
        impl.compare_type = partial(is_other_type, impl)  # type: ignore[method-assign]
    return PriorityDispatchResult.CONTINUE


def _prepare_reflection(
    context: AutogenContext, operations: UpgradeOps, schemas: set[str | None]
) -> PriorityDispatchResult:
    del operations
    if _takes_part(context):
        read_schemas_together(context, _connection(context), schemas)
    return PriorityDispatchResult.CONTINUE


def _compare_generation(  # noqa: PLR0913, PLR0917 - Alembic's
    context: AutogenContext,
    alteration: AlterColumnOp,
    schema: str | None,
    table: str,
    name: str,
    actual: Column[Any],
    declared: Column[Any],
) -> PriorityDispatchResult:
    del alteration, schema, table
    if _takes_part(context) and actual.computed and not declared.computed:
        is_virtual = not actual.computed.persisted
        context.opts[_EXPRESSIONS].append(
            DropExpressionOp(declared.table, name, is_virtual=is_virtual)
        )
    return PriorityDispatchResult.CONTINUE


def _compare_entities(context: AutogenContext, operations: UpgradeOps) -> PriorityDispatchResult:
    if not _takes_part(context):
        return PriorityDispatchResult.CONTINUE
    connection, paths = _connection(context), context.opts[_SEARCH_PATHS]
    declared = _declared(context, connection)
    set_search_path(connection, paths.trial)
    found = [each for each in flat(operations) if not is_drop_of_kept(each, declared.kept)]
    on_tables = [*context.opts[_EXPRESSIONS], *_on_tables(connection, declared, found)]
    # When the trial of a revision compares again, rows are set aside.
    if _WITH_ROWS not in context.opts:
        context.opts[_WITH_ROWS] = tables_with_rows(connection, on_tables)
    invoke = _run_without_data(Operations(context.migration_context), context.opts[_WITH_ROWS])
    operations.ops[:] = with_retries(
        connection,
        context.opts.get(LOCK_TIMEOUT_OPTION, COMPARISON),
        lambda: _needed(connection, declared, on_tables, invoke),
    )
    set_search_path(connection, paths.run)
    context.opts[_QUIET].close()
    if is_used():
        operations.ops[:] = with_drops_of_alembic_utils(operations.ops)
    for operation in operations.ops:
        _log.info("Detected %s", describe(operation))
    return PriorityDispatchResult.CONTINUE


def _connection(context: AutogenContext) -> Connection:
    assert context.connection is not None  # noqa: S101 - Alembic refuses autogenerate without one
    return context.connection


def _takes_part(context: AutogenContext) -> bool:
    # Another env.py of the process may enable all plugins there are.
    return SETTINGS in context.opts


def _on_tables(
    connection: Connection, declared: Declared, operations: Iterable[MigrateOperation]
) -> list[MigrateOperation]:
    normalized_ones = list(normalized_operations(list(operations), declared.tables))
    apart = with_cycles_apart(with_second_keys_apart(normalized_ones))
    with_columns = with_column_changes(connection, apart, declared.tables, declared.schemas)
    schemas = {table.schema or "public" for table in declared.tables}
    schemas |= {entity.schema for entity in declared.entities} & {*declared.schemas}
    # Supabase has a schema for extensions, which elsewhere is created.
    schemas |= {each.schema for each in declared.entities if isinstance(each, Extension)}
    return [
        *missing_schemas(connection, schemas),
        *with_definitions(connection, with_columns, declared.schemas),
    ]


def _needed(
    connection: Connection,
    declared: Declared,
    on_tables: Sequence[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
) -> list[MigrateOperation]:
    operations = _found(connection, declared, on_tables, invoke)
    if not any(isinstance(each, LaterOp) for each in operations):
        return operations
    additions = [AddValuesOp.of(each) for each in operations if adds_values(each)]
    with rolled_back(connection):
        try:
            replace_enums(connection, additions, declared.schemas, declared.api_roles)
        except NotReplacedError as error:
            _log.warning("Left to the next run: %s", error)
            return operations
        for each in additions:
            invoke(each)
        return [*additions, *_found(connection, declared, on_tables, invoke)]


def _found(
    connection: Connection,
    declared: Declared,
    on_tables: Sequence[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
) -> list[MigrateOperation]:
    kept = with_partitions_kept(connection, on_tables, declared.schemas)
    every = with_ways_back(connection, kept, declared, invoke)
    by_hand = [each for each in every if isinstance(each, UndecidedOp)]
    on_tables = [each for each in every if each not in by_hand]
    comparison = compare(connection, declared, on_tables, invoke)
    if apart := with_calls_apart(on_tables, comparison.refusals):
        again = compare(connection, declared, apart, invoke)
        if len(again.refusals) < len(comparison.refusals):
            on_tables, comparison = apart, again
    first, last = (
        with_definitions(connection, operations, declared.schemas)
        for operations in table_operations(connection, comparison, declared.schemas)
    )
    first = [each for each in first if not is_drop_of_kept(each, declared.kept)]
    undecided = [each for each in first if isinstance(each, UndecidedOp)]
    refusals = [*comparison.refusals]
    refused = [each.operation for each in refusals]
    first = not_repeated([each for each in first if each not in undecided], on_tables, refused)
    drops: list[MigrateOperation] = [*comparison.drops()]
    changes = comparison.entity_operations()
    types = [each for each in changes if each.target.precedes_tables]
    # What is new must not use a function or a view that is going to be dropped.
    dropped = [each for each in changes if drops_routine_or_view(each)]
    drops += dropped
    others = [each for each in changes if each not in types and each not in dropped]
    wrong = [each.operation for each in refusals if each.is_of_body]
    if comparison.only_creates and not (drops or wrong):
        operations = comparison.operations()
    else:
        # What was refused may run once something else is dropped or created.
        creations = [
            each for each in refused if isinstance(each, CreateEntityOp) and each not in wrong
        ]
        added = comparison.added
        tried = [*on_tables, *first]
        needless = [each for each in tried if is_change_of(each, added)]
        changes_of_tables = with_foreign_keys_last([each for each in tried if each not in needless])
        additions = columns_not_added(added.values(), tried)
        steps = [*drops, *types, *changes_of_tables, *creations, *others, *additions, *last]
        refusals = [each for each in refusals if each.operation not in [*steps, *needless]]
        operations, more = (
            ordered(connection, comparison, steps, declared.schemas, invoke) if steps else ([], [])
        )
        refusals += more
    waiting = waiting_for_types(operations, refusals)
    operations = with_exact_privileges(
        connection,
        with_default_privileges_last([each for each in operations if each not in waiting]),
    )
    operations = with_names_of_former_sequences(operations)
    known = {each.difference for each in by_hand}
    by_hand += [each for each in undecided if each.difference not in known]
    return [*operations, *comparison.undecided, *by_hand, *decisions(refusals, waiting)]


def _run_without_data(
    operations: Operations, with_rows: Collection[TableName]
) -> Callable[[MigrateOperation], None]:
    # The rows of a materialized view are not computed, since they are rolled back.
    def invoke(operation: MigrateOperation) -> None:
        refuse_without_value(operations.get_bind(), operation, with_rows)
        if isinstance(operation, CreateEntityOp):
            run_script(operations.get_bind(), operation.target.create_without_data_statements())
        else:
            operations.invoke(without_attached_indexes(operation))

    return invoke


def _tell_once(context: AutogenContext, sentences: Iterable[str]) -> None:
    # The trial of a revision compares again.
    told: set[str] = context.opts.setdefault(_TOLD, set())
    for sentence in sentences:
        if sentence not in told:
            told.add(sentence)
            _log.warning(sentence)


def _declared(context: AutogenContext, connection: Connection) -> Declared:
    settings: Settings = context.opts[SETTINGS]
    refuse_on_platform(settings.entities)
    _refuse_hijackable(settings.entities)
    tables = [
        normalized(table)
        for table in context.sorted_tables
        if (table.schema or "public") in settings.scope.schemas
        and not table.info.get(OF_PLATFORM)
        and settings.filters.take_table(table)
    ]
    entities = [
        entity
        for entity in with_declared_by(settings.metadata, settings.entities)
        if (entity.schema in settings.scope.schemas or entity in settings.entities)
        and settings.filters.take_entity(entity, is_actual=False)
    ]
    present, sentences = possible(connection, [*entities, *storage_parameters(tables, entities)])
    kept = read_kept(connection, settings.helper_schema)
    references = referred_to(settings.metadata)
    if kept or references:
        declared = {each.key for each in present}
        kept, references = kept - declared, references - declared
    if words := kept_in_words(kept):
        sentences = [*sentences, f"kept when the database was adopted: {words}"]
    _tell_once(context, [*on_skipped_schemas(settings.skipped_schemas), *sentences])
    return Declared(
        tables=tables,
        entities=present,
        schemas=settings.scope.schemas,
        api_roles=settings.roles.names,
        revisions=context.opts.get(REVISIONS_OPTION, tuple),
        kinds=settings.kinds,
        kept=kept | references,
        filters=settings.filters,
    )


def _refuse_hijackable(entities: Iterable[Entity]) -> None:
    hijackable = [
        entity.identity
        for entity in entities
        if isinstance(entity, Routine) and entity.is_hijackable and entity.search_path != "as found"
    ]
    if hijackable:
        raise CommandError(
            "security definer with an unsafe search path, on which the caller's temporary tables"
            f" and types are found first: {', '.join(sorted(hijackable))}."
            " Add settings={'search_path': townhall.pg.SAFE_SEARCH_PATH}, and qualify the names in"
            " the body; or accept a function that was there before with search_path='as found':"
            " townhall check then tells of it."
        )
