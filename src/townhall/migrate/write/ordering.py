"""In which order the operations of a revision run.

The order is found by trying: what PostgreSQL refuses is tried again after the rest. Where it
forbids a step as long as something else stands on the object (a column's type under a view, a
function's result under a policy), what stands there is dropped before and created again after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateIndexOp, DropIndexOp
from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.migrate.compare.entities import Comparison
from townhall.migrate.compare.simulation import Failure, Key, State, read_state, run_in_any_order
from townhall.migrate.compare.table_states import TableState, read_tables
from townhall.migrate.compare.tables import TableDifference, reflected
from townhall.migrate.operations.constraints import AddCheckOp, AddDefinedOp, DropDefinedOp
from townhall.migrate.savepoints import attempt, rolled_back, run_script
from townhall.pg import CreateEntityOp, DropEntityOp, Entity, ReplaceEntityOp, Trigger, View
from townhall.pg.catalog import rows

AROUND = "PostgreSQL forbids a later step while this stands on it: created again below."


def missed(
    connection: Connection, comparison: Comparison, schemas: Sequence[str]
) -> tuple[list[MigrateOperation], list[MigrateOperation]]:
    """Return what Alembic missed of tables: what comes before entities change, and what after.

    A function that can't be replaced takes along the checks and indexes that call it when it makes
    way in the trial. They are there still, so they are dropped before it and come back after it.

    Args:
        connection: A connection within a transaction.
        comparison: What was compared.
        schemas: The schemas that were compared.
    """
    before: list[MigrateOperation] = []
    after: list[MigrateOperation] = []
    tables = read_tables(connection, schemas) if comparison.tables else {}
    for difference in comparison.tables:
        there = tables.get((difference.table.schema or "public", difference.table.name))
        for operation in difference.operations():
            drop = (
                None if there is None else _drop_of_taken(connection, operation, difference, there)
            )
            if drop is None:
                before.append(operation)
            else:
                before.append(drop)
                after.append(operation)
    return before, after


def _drop_of_taken(
    connection: Connection,
    operation: MigrateOperation,
    difference: TableDifference,
    there: TableState,
) -> MigrateOperation | None:
    table, found = difference.table, difference.found
    if isinstance(operation, AddCheckOp | AddDefinedOp):
        name = str(operation.constraint_name)
        if name in there.constraints and name not in found.constraints:
            return DropDefinedOp(AddDefinedOp(table, name, there.constraints[name]))
    elif isinstance(operation, CreateIndexOp):
        name = str(operation.index_name)
        if name in there.indexes and name not in found.indexes:
            indexes = {str(index.name): index for index in reflected(connection, table).indexes}
            return DropIndexOp.from_index(indexes[name])
    return None


def ordered(
    connection: Connection,
    comparison: Comparison,
    operations: Sequence[MigrateOperation],
    schemas: Sequence[str],
    invoke: Callable[[MigrateOperation], None],
) -> list[MigrateOperation]:
    """Return operations in an order in which they run, with what they need around them.

    Args:
        connection: A connection within a transaction; it is left as it was.
        comparison: What was compared.
        operations: Drops, operations on tables and creations, in the order to try.
        schemas: The schemas that were compared.
        invoke: Runs an operation.

    Raises:
        CommandError: No order works; the message says what PostgreSQL refuses.
    """
    around = _triggers_of_dropped_views(operations, comparison)
    while True:
        steps = _with_recreations(operations, comparison, around)
        with rolled_back(connection):
            done, failures = run_in_any_order(
                connection, steps, invoke, _waiting(comparison, around)
            )
            standing = _in_the_way(connection, failures, schemas) - around if failures else set()
        if not failures:
            return done
        known = standing & set(comparison.keys.values())
        if not known:
            refused = [failure.step for failure in failures]
            others = [describe(step) for step in operations if step not in refused]
            raise CommandError("\n\n".join(map(_report, failures)) + and_the_others(others))
        around |= known


def _triggers_of_dropped_views(
    operations: Iterable[MigrateOperation], comparison: Comparison
) -> set[Key]:
    # They are in nobody's way: they go with their view, and nothing is said.
    views = {
        operation.target.name_parts
        for operation in operations
        if isinstance(operation, DropEntityOp) and isinstance(operation.target, View)
    }
    return {
        key
        for key in comparison.keys.values()
        if isinstance(trigger := comparison.before.get(key), Trigger)
        and (trigger.schema, trigger.table) in views
    }


def _waiting(
    comparison: Comparison, around: set[Key]
) -> Callable[[MigrateOperation, Sequence[MigrateOperation]], bool]:
    def waits(step: MigrateOperation, refused: Sequence[MigrateOperation]) -> bool:
        if not isinstance(step, CreateEntityOp):
            return False
        if comparison.keys.get(step.target.key) in around:
            # What makes way for others comes back when they are done.
            return any(not isinstance(other, CreateEntityOp | ReplaceEntityOp) for other in refused)
        # What is dropped to be created in another form must be gone before it is.
        key = comparison.keys.get(step.target.key)
        return any(isinstance(other, DropEntityOp) and other.target.key == key for other in refused)

    return waits


def _with_recreations(
    operations: Sequence[MigrateOperation], comparison: Comparison, around: set[Key]
) -> list[MigrateOperation]:
    before = comparison.before
    drops = [DropEntityOp(before[key], why=AROUND) for key in sorted(around) if key in before]
    creations = [
        # What is new is only late: created at once, it would hold on to what is to go.
        CreateEntityOp(step.with_unmanaged_grants_of(before[key]) if key in before else step)
        for step in comparison.done
        if isinstance(step, Entity) and (key := comparison.keys[step.key]) in around
    ]
    others = [operation for operation in operations if not _concerns(operation, comparison, around)]
    return [*drops, *others, *creations]


def _concerns(operation: MigrateOperation, comparison: Comparison, keys: set[Key]) -> bool:
    if isinstance(operation, ReplaceEntityOp | CreateEntityOp):
        return comparison.keys.get(operation.target.key) in keys
    return isinstance(operation, DropEntityOp) and operation.target.key in keys


def _in_the_way(
    connection: Connection, failures: Iterable[Failure[MigrateOperation]], schemas: Sequence[str]
) -> set[Key]:
    before = read_state(connection, schemas)
    found: set[Key] = set()
    for failure in failures:
        if isinstance(failure.step, DropEntityOp):
            found |= _going_with(connection, failure.step, before, schemas)
        elif (table := getattr(failure.step, "table_name", None)) is not None:
            schema = getattr(failure.step, "schema", None) or "public"
            found |= _standing_on(connection, (schema, table), before, schemas)
    return found


def _going_with(
    connection: Connection, drop: DropEntityOp, before: State, schemas: Sequence[str]
) -> set[Key]:
    with rolled_back(connection):
        cascade = (f"{statement} cascade" for statement in drop.target.drop_statements())
        if attempt(connection, lambda: run_script(connection, cascade)) is not None:
            return set()
        after = read_state(connection, schemas)
    return before.keys() - after.keys() - {drop.target.key}


def _standing_on(
    connection: Connection, table: tuple[str, str], before: State, schemas: Sequence[str]
) -> set[Key]:
    dependants = {
        (row["kind"], *row["name"])
        for row in rows(connection, _DEPENDANTS, [f"{table[0]}.{table[1]}"])
    }
    found = {key for key in before if key in dependants}
    for key in list(found):
        found |= _going_with(connection, DropEntityOp(before[key]), before, schemas)
    return found


def _report(failure: Failure[MigrateOperation]) -> str:
    return f"PostgreSQL refuses {describe(failure.step)}: {failure.message}"


def describe(operation: MigrateOperation) -> str:
    """Return an operation in words, for a log or a list: ``create_policy public events …``."""
    return " ".join(str(part) for part in operation.to_diff_tuple() if part is not None)


def and_the_others(differences: Sequence[str]) -> str:
    """Return what a message ends with that says why there is no revision: all that differs beside.

    Args:
        differences: What differs, in words.
    """
    return f"\n\nThe others differ here: {'; '.join(differences)}" if differences else ""


_DEPENDANTS = """
    with target as (
        select c.oid
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname || '.' || c.relname = any (%(schemas)s)
    ),
    dependants as (
        select d.classid, d.objid
        from pg_catalog.pg_depend as d
        join target on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = target.oid
    )
    select
        case v.relkind when 'm' then 'materialized view' else 'view' end as kind,
        array[n.nspname, v.relname]::text[] as name
    from dependants as d
    join pg_catalog.pg_rewrite as r
        on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    join pg_catalog.pg_class as v on v.oid = r.ev_class and v.relkind in ('v', 'm')
    join pg_catalog.pg_namespace as n on n.oid = v.relnamespace
    union
    select 'policy', array[n.nspname, c.relname, p.polname]::text[]
    from dependants as d
    join pg_catalog.pg_policy as p
        on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    union
    select 'trigger', array[n.nspname, c.relname, t.tgname]::text[]
    from dependants as d
    join pg_catalog.pg_trigger as t
        on d.classid = 'pg_catalog.pg_trigger'::regclass and d.objid = t.oid
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where not t.tgisinternal
"""
