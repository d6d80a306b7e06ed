"""Waiting until a statement waits for a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Engine

_IS_WAITING = text(
    """
    select exists (
        select
        from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
    )
    """
)
_PAUSE = text("select pg_sleep(0.01)")
_ATTEMPTS = 3000


def wait_for_a_lock(engine: Engine) -> None:
    """Return once a statement in the database waits for a lock.

    Args:
        engine: An engine on the database.

    Raises:
        AssertionError: No statement waited for half a minute.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(_ATTEMPTS):
            if connection.scalar(_IS_WAITING):
                return
            connection.execute(_PAUSE)
    raise AssertionError("no statement waits for a lock")
