"""The way back of dropping the expression of a generated column, which takes several operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from alembic.operations import MigrateOperation
from sqlalchemy import Connection, text

from townhall.migrate.compare.decisions import generation_by_hand
from townhall.migrate.compare.entities import Declared
from townhall.migrate.compare.simulation import run_in_any_order
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.expressions import DropExpressionOp
from townhall.migrate.operations.parts import CreatePartOp, DropPartOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.operations.table_names import name_of
from townhall.migrate.savepoints import rolled_back
from townhall.pg import CreateEntityOp, DropEntityOp, catalog, ddl, sql
from townhall.pg.catalog import Dependants, Target, read_dependants
from townhall.pg.state import Key, State, read_state

Invoke = Callable[[MigrateOperation], None]

_REFUSED_IN_LEVELS = (
    "PostgreSQL makes a generated column an ordinary one only where no partition of the table, and"
    " no table that inherits from it, has partitions or such tables itself"
)
_HAS_LEVELS = """
    select exists (
        select
        from pg_catalog.pg_inherits as h
        join pg_catalog.pg_inherits as g on g.inhparent = h.inhrelid
        where h.inhparent = to_regclass(:table)
    )
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
    return [
        _with_way_back(connection, each, actual, invoke)
        if isinstance(each, DropExpressionOp)
        else each
        for each in operations
    ]


def _with_way_back(
    connection: Connection, operation: DropExpressionOp, actual: State, invoke: Invoke
) -> MigrateOperation:
    table, column = operation.table, operation.column
    if connection.scalar(text(_HAS_LEVELS), {"table": qualified_name(table)}):
        return generation_by_hand(table, column, _REFUSED_IN_LEVELS)
    target = Target(relation=qualified_name(table), column=column, is_recreated=True)
    found = read_dependants(connection, [target])
    if lost := sorted(found.entities - actual.keys()):
        return _by_hand(operation, f"nothing would create {_in_words(lost)} again")
    drops, creations = _around(found, actual)
    with rolled_back(connection):
        set_rows_aside(connection, [operation], ())
        dropped, failures = run_in_any_order(connection, drops, invoke)
        created, more = run_in_any_order(connection, creations, invoke)
    if failures or more:
        return _by_hand(operation, [*failures, *more][0].message)
    addition = (
        _addition(connection, operation, [*dropped, *created]) if operation.is_virtual else ()
    )
    return DropExpressionOp(
        table,
        column,
        [*dropped, *created],
        is_virtual=operation.is_virtual,
        addition=addition,
    )


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
            statements += _statements(each)
    return statements


def _statements(operation: MigrateOperation) -> Iterable[str]:
    if isinstance(operation, DropEntityOp):
        return operation.target.drop_statements()
    if isinstance(operation, CreateEntityOp):
        return operation.target.create_statements()
    assert isinstance(operation, DropPartOp | CreatePartOp)  # noqa: S101 - there are no others
    return operation.statements


def _in_words(keys: Iterable[Key]) -> str:
    return ", ".join(f"{kind} {sql.qualified(*names)}" for kind, *names in keys)


def _by_hand(operation: DropExpressionOp, why: str) -> UndecidedOp:
    reason = f"the column can't be generated again on the way back: {why}"
    return generation_by_hand(
        operation.table, operation.column, reason, can_keep_values=not operation.is_virtual
    )


def _around(
    found: Dependants, actual: State
) -> tuple[Sequence[MigrateOperation], Sequence[MigrateOperation]]:
    entities = [actual[key] for key in sorted(found.entities)]
    return (
        [*map(DropEntityOp, entities), *map(DropPartOp, found.parts)],
        [*map(CreatePartOp, reversed(found.parts)), *map(CreateEntityOp, entities)],
    )
