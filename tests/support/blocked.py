"""Waiting until somebody in the database is held up by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SOMEBODY_WAITS = text(
    """
    select exists (
        select
        from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
    )
    """
)
_A_MOMENT = text("select pg_sleep(0.01)")
_MOMENTS = 3000


def wait_until_somebody_waits(engine: Engine) -> None:
    """Return once somebody in the database waits for a lock of somebody else's.

    Args:
        engine: An engine on the database.

    Raises:
        AssertionError: Nobody ever did.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(_MOMENTS):
            if connection.scalar(_SOMEBODY_WAITS):
                return
            connection.execute(_A_MOMENT)
    raise AssertionError("nobody waits for anybody")
