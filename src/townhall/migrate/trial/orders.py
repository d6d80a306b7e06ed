"""The orders in which to try the operations of a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import OpContainer
from sqlalchemy import Connection

from townhall.migrate.compare.overloads import arrangements, created_routine, run_in_parts
from townhall.migrate.compare.simulation import run_in_any_order
from townhall.migrate.operations.bodies import UncheckedBodiesOp, are_checked
from townhall.migrate.savepoints import rolled_back
from townhall.migrate.write.revision import dropped_tables
from townhall.pg import CreateEntityOp, DropEntityOp

_PARTS = ("policy", "trigger")


def orders(
    connection: Connection,
    container: OpContainer,
    run: Callable[[MigrateOperation], None],
    *,
    is_way_back: bool,
) -> Iterator[Sequence[MigrateOperation]]:
    """Yield the operations in the orders to try.

    On the way back policies and triggers go with their tables, if that works. Then the given order
    is tried, then without checking the bodies of functions, and then orders that are found by
    running the operations: at once, and with some functions of each name behind the rest.

    Args:
        connection: A connection within a transaction, which is left as it was.
        container: The operations.
        run: Runs one of them as it is written.
        is_way_back: Whether it is a downgrade.
    """
    short = _without_parts_of_tables(container.ops) if is_way_back else container.ops
    if len(short) < len(container.ops):
        yield short
        with rolled_back(connection):
            # A function that they call goes after the table then.
            done, failures = run_in_any_order(connection, short, run, _waits)
        if not failures:
            yield done
    yield container.ops
    yield [UncheckedBodiesOp([]), *container.ops]
    for arrangement in (
        [container.ops],
        *arrangements(container.ops, created_routine),
        *_with_routines_last(container.ops),
    ):
        with rolled_back(connection):
            done, failures = run_in_parts(connection, arrangement, run, _waits)
            is_checked = are_checked(connection)
        if not failures:
            yield done if is_checked else [UncheckedBodiesOp([]), *done]


def _with_routines_last(
    operations: Sequence[MigrateOperation],
) -> Iterator[Sequence[Sequence[MigrateOperation]]]:
    # Where one with the same name is there already.
    later = [each for each in operations if created_routine(each)]
    if later:
        yield [each for each in operations if each not in later], later


def _without_parts_of_tables(
    operations: Sequence[MigrateOperation],
) -> Sequence[MigrateOperation]:
    tables = dropped_tables(operations)
    return [
        each
        for each in operations
        if not (
            isinstance(each, DropEntityOp)
            and each.target.kind in _PARTS
            and each.target.name_parts[:2] in tables
        )
    ]


def _waits(step: MigrateOperation, refused: Sequence[MigrateOperation]) -> bool:
    # What is dropped and created again is dropped first.
    return isinstance(step, CreateEntityOp) and any(
        isinstance(other, DropEntityOp) and other.target.key == step.target.key for other in refused
    )
