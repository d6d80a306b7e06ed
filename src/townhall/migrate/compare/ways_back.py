"""The way back of dropping the expression of a generated column, which takes several operations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from alembic.operations import MigrateOperation
from alembic.operations.ops import DropTableOp
from sqlalchemy import Connection, text

from townhall.migrate.compare.decisions import generation_by_hand
from townhall.migrate.compare.entities import Declared
from townhall.migrate.compare.simulation import run_in_any_order
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.expressions import DropExpressionOp, GenerateOnceOp
from townhall.migrate.operations.parts import CreatePartOp, DropPartOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.operations.table_names import name_of, table_of
from townhall.migrate.savepoints import attempt, rolled_back, run_script
from townhall.pg import CreateEntityOp, DropEntityOp, catalog, ddl, sql
from townhall.pg.catalog import Dependants, Target, read_dependants
from townhall.pg.state import Key, State, read_state

Invoke = Callable[[MigrateOperation], None]

_REFUSED_IN_LEVELS = (
    "PostgreSQL makes a generated column an ordinary one only where no partition of the table, and"
    " no table that inherits from it, has partitions or such tables itself"
)
_READS_BOTH = (
    "on the way back the column would be generated before the tables that inherit it come back, and"
    " {} reads both: without this step, the next revision does it"
)
_HEIRS = """
    with recursive heirs (relation, parent) as (
        select inhrelid, inhparent
        from pg_catalog.pg_inherits
        where inhparent = to_regclass(:table)
        union
        select i.inhrelid, i.inhparent
        from heirs
        join pg_catalog.pg_inherits as i on i.inhparent = heirs.relation
    )
    select relation::regclass::text, parent = to_regclass(:table) as is_direct
    from heirs
    order by 1
"""


def with_ways_back(
    connection: Connection,
    operations: Sequence[MigrateOperation],
    declared: Declared,
    invoke: Invoke,
) -> list[MigrateOperation]:
    """Return operations whose expressions of generated columns come back, with what reads them.

    One that has no way back becomes a step that needs a hand.

    Args:
        connection: A connection within a transaction, to the database as it is.
        operations: The operations.
        declared: What is declared.
        invoke: Runs an operation.
    """
    if not any(isinstance(each, DropExpressionOp) for each in operations):
        return [*operations]
    actual = read_state(connection, declared.schemas, declared.kinds)
    dropped = {
        sql.qualified(*table_of(each)) for each in operations if isinstance(each, DropTableOp)
    }
    keys = {each.key for each in declared.entities}

    def changed(operation: DropExpressionOp) -> MigrateOperation:
        going = _going_first(connection, operation, dropped)
        if going is None:
            return _by_hand(operation, _REFUSED_IN_LEVELS)
        before = _depending(connection, operation)
        with rolled_back(connection):
            if error := attempt(connection, partial(run_script, connection, going)):
                return _by_hand(operation, str(error.orig))
            found = _depending(connection, operation) if going else before
            if kept := (before.entities - found.entities) & keys:
                why = _READS_BOTH.format(_in_words(sorted(kept)))
                return _by_hand(operation, why, can_keep_values=not operation.is_virtual)
            back = _way_back(connection, operation, found, actual, invoke)
            if isinstance(back, UndecidedOp):
                return back
            addition = _addition(connection, operation, back) if operation.is_virtual else ()
        table, column = operation.table, operation.column
        if going:
            # A second run comes after the tables.
            back = [GenerateOnceOp(table, column, [*_statements(back)])]
        return DropExpressionOp(
            table,
            column,
            back,
            is_virtual=operation.is_virtual,
            addition=addition,
        )

    return [changed(each) if isinstance(each, DropExpressionOp) else each for each in operations]


def _going_first(
    connection: Connection, operation: DropExpressionOp, dropped: Collection[str]
) -> list[str] | None:
    """Return what drops the tables in the way of an expression, or None where others are.

    Where the tables that inherit the column have such tables themselves, the expression goes after
    them, and comes back before them.
    """
    with catalog.empty_search_path(connection):
        table = {"table": qualified_name(operation.table)}
        heirs = connection.execute(text(_HEIRS), table).all()
    if all(each.is_direct for each in heirs):
        return []
    if any(not each.is_direct and each.relation not in dropped for each in heirs):
        return None
    going = [each.relation for each in heirs if each.relation in dropped]
    return [f"drop table {', '.join(going)} cascade"]


def _depending(connection: Connection, operation: DropExpressionOp) -> Dependants:
    table = qualified_name(operation.table)
    target = Target(relation=table, column=operation.column, is_recreated=True)
    return read_dependants(connection, [target])


def _way_back(
    connection: Connection,
    operation: DropExpressionOp,
    found: Dependants,
    actual: State,
    invoke: Invoke,
) -> Sequence[MigrateOperation] | UndecidedOp:
    if lost := sorted(found.entities - actual.keys()):
        return _without_way_back(operation, f"nothing would create {_in_words(lost)} again")
    drops, creations = _around(found, actual)
    with rolled_back(connection):
        set_rows_aside(connection, [operation], ())
        dropped, failures = run_in_any_order(connection, drops, invoke)
        created, more = run_in_any_order(connection, creations, invoke)
    if failures or more:
        return _without_way_back(operation, [*failures, *more][0].message)
    return [*dropped, *created]


def _addition(
    connection: Connection, operation: DropExpressionOp, around: Iterable[MigrateOperation]
) -> list[str]:
    schema, name = name_of(operation.table)
    with catalog.empty_search_path(connection):
        tables = {each.name: each for each in catalog.read_tables(connection, [schema])}
    column = tables[name].columns[operation.column]
    identity = f"column {sql.quote(column.name)} on {qualified_name(operation.table)}"
    statements: list[str] = []
    for each in around:
        if isinstance(each, CreatePartOp) and each.part.identity == identity:
            statements += ddl.add_with_values(qualified_name(operation.table), column)
            statements += each.part.settings
        else:
            statements += _statements([each])
    return statements


def _statements(operations: Iterable[MigrateOperation]) -> Iterable[str]:
    for operation in operations:
        if isinstance(operation, DropEntityOp):
            yield from operation.target.drop_statements()
        elif isinstance(operation, CreateEntityOp):
            yield from operation.target.create_statements()
        else:
            assert isinstance(operation, DropPartOp | CreatePartOp)  # noqa: S101 - there are no others
            yield from operation.statements


def _in_words(keys: Iterable[Key]) -> str:
    return ", ".join(f"{kind} {sql.qualified(*names)}" for kind, *names in keys)


def _without_way_back(operation: DropExpressionOp, why: str) -> UndecidedOp:
    reason = f"the column can't be generated again on the way back: {why}"
    return _by_hand(operation, reason, can_keep_values=not operation.is_virtual)


def _by_hand(
    operation: DropExpressionOp, reason: str, *, can_keep_values: bool = False
) -> UndecidedOp:
    return generation_by_hand(
        operation.table, operation.column, reason, can_keep_values=can_keep_values
    )


def _around(
    found: Dependants, actual: State
) -> tuple[Sequence[MigrateOperation], Sequence[MigrateOperation]]:
    entities = [actual[key] for key in sorted(found.entities)]
    return (
        [*map(DropEntityOp, entities), *map(DropPartOp, found.parts)],
        [*map(CreatePartOp, reversed(found.parts)), *map(CreateEntityOp, entities)],
    )
