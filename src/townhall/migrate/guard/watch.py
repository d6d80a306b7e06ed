"""Who is in the way of a migration, as a second connection sees it while the first one waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple, Self

import psycopg
from sqlalchemy import Connection, event, text

from townhall.migrate.guard.sessions import COLUMNS, listed, of_rows
from townhall.printing import abridged

_log = logging.getLogger(__name__)

_LONGEST_PAUSE = 0.2  # seconds between two looks
_SHORTEST_PAUSE = 0.02
_FIRST_MESSAGE = 5.0  # seconds of waiting
_NEXT_MESSAGE = 30.0

# Also for a session that has set another role, whose entry in pg_stat_activity is hidden from it.
_QUERY = f"""
    select {COLUMNS.format(alias="a")}, n.nspname || '.' || c.relname as relation
    from pg_catalog.pg_locks as w
    cross join lateral (select distinct unnest(pg_blocking_pids(w.pid)) as pid) as b
    left join pg_catalog.pg_stat_activity as a on a.pid = b.pid
    left join pg_catalog.pg_class as c on c.oid = w.relation
    left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where w.pid = %s and not w.granted
    order by a.wait_event_type is not distinct from 'Lock', a.xact_start
"""

_LOCK_TIMEOUT = text("select setting::int from pg_catalog.pg_settings where name = 'lock_timeout'")


class Wait(NamedTuple):
    """What a statement waits for.

    Attributes:
        table: The table whose lock it waits for, where it is one of a table.
        holders: The sessions in the way, as a message names them.
    """

    table: str | None
    holders: str


class Watch:
    """Looks from a second connection whether the first one waits, and for whom."""

    def __init__(self, second: psycopg.Connection, connection: Connection, pause: float) -> None:
        """Take both connections, and the seconds between two looks."""
        self._second = second
        self._connection = connection
        self._server_process = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr] # psycopg's
        self._pause = pause
        self._end = Event()
        self._statement, self._started = "", time.monotonic()
        self._found: tuple[float, Wait] | None = None
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        event.listen(self._connection, "before_cursor_execute", self._begin_statement)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking, before the second connection is closed."""
        event.remove(self._connection, "before_cursor_execute", self._begin_statement)
        self._end.set()
        self._thread.join()

    def last_wait(self) -> Wait | None:
        """Return what the last statement waited for, if it was seen to wait."""
        found = self._found
        return found[1] if found is not None and found[0] >= self._started else None

    def _begin_statement(self, _: object, __: object, statement: str, *___: object) -> None:
        self._statement, self._started = statement, time.monotonic()

    def _look(self) -> None:
        next_message = _FIRST_MESSAGE
        waiting_since: float | None = None
        while not self._end.wait(self._pause):
            now = time.monotonic()
            try:
                rows = self._second.execute(_QUERY, [self._server_process]).fetchall()
            except psycopg.Error:
                return  # the first connection will say what happened to the server
            if not rows:
                waiting_since, next_message = None, _FIRST_MESSAGE
                continue
            wait = Wait(rows[0][-1], listed(of_rows(rows)))
            self._found = (now, wait)
            waiting_since = waiting_since or now
            if now - waiting_since >= next_message:
                seconds, statement = round(now - waiting_since), abridged(self._statement)
                _log.warning("Waiting since %d s for %s, at: %s", seconds, wait.holders, statement)
                next_message += _NEXT_MESSAGE


@contextmanager
def watching(connection: Connection, second: psycopg.Connection | None) -> Iterator[Watch | None]:
    """Look during a block for whom the first connection waits.

    Args:
        connection: The connection of the run, outside a transaction, with its lock timeout set.
        second: A second connection in autocommit mode; without one there is no watch.
    """
    if second is None:
        yield None
        return
    milliseconds = connection.scalar(_LOCK_TIMEOUT) or 0
    connection.rollback()
    pause = min(_LONGEST_PAUSE, milliseconds / 4000) if milliseconds else _LONGEST_PAUSE
    with Watch(second, connection, max(pause, _SHORTEST_PAUSE)) as watch:
        yield watch
