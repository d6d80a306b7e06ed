"""The orders in which to try the operations of a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import OpContainer
from sqlalchemy import Connection

from townhall.migrate.compare.simulation import run_in_any_order
from townhall.migrate.operations.bodies import UncheckedBodiesOp, are_checked
from townhall.migrate.savepoints import rolled_back
from townhall.pg import CreateEntityOp, DropEntityOp


def orders(
    connection: Connection,
    container: OpContainer,
    run: Callable[[MigrateOperation], None],
) -> Iterator[Sequence[MigrateOperation]]:
    """Yield the operations in the orders to try, the given one first.

    The second one does not check the bodies of functions. The third one, which is that of a
    downgrade only where the opposite order of the upgrade does not work, is found by running them.

    Args:
        connection: A connection within a transaction, which is left as it was.
        container: The operations.
        run: Runs one of them as it is written.
    """
    yield container.ops
    yield [UncheckedBodiesOp([]), *container.ops]
    with rolled_back(connection):
        done, failures = run_in_any_order(connection, container.ops, run, _waits)
        is_checked = are_checked(connection)
    if not failures:
        yield done if is_checked else [UncheckedBodiesOp([]), *done]


def _waits(step: MigrateOperation, refused: Sequence[MigrateOperation]) -> bool:
    # What is dropped and created again is dropped first.
    return isinstance(step, CreateEntityOp) and any(
        isinstance(other, DropEntityOp) and other.target.key == step.target.key for other in refused
    )
