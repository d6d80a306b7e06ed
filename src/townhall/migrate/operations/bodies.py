"""Functions that are created before the tables that their bodies read."""

from __future__ import annotations

from alembic.operations import Operations
from alembic.operations.ops import OpContainer
from sqlalchemy import Connection

from townhall.pg import sql

UNCHECKED = "set local check_function_bodies = off"
CHECKED = "set local check_function_bodies = on"


class UncheckedBodiesOp(OpContainer):
    """Create functions without checking their bodies, as ``pg_dump`` does, in this revision.

    It contains no operation, so ``alembic check`` does not list it as a difference.
    """


@Operations.implementation_for(UncheckedBodiesOp)
def _execute(operations: Operations, operation: UncheckedBodiesOp) -> None:
    del operation
    operations.execute(sql.statement(UNCHECKED))


def are_checked(connection: Connection) -> bool:
    """Return whether PostgreSQL checks the body of a function when it is created."""
    return connection.exec_driver_sql("show check_function_bodies").scalar() == "on"
