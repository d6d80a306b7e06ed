"""A standby that sessions read from, as long as it is near enough to its primary."""

from __future__ import annotations

import logging
import re
import time
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.util.concurrency import in_greenlet

from townhall.input_error import InputError
from townhall.session.answering import NoAnswerError, answered_within

# What was committed is written to the log, unless commits don't wait for that: then it is before
# the end of what is still in memory. That end is behind the header of a page on which nothing
# stands yet, where no standby arrives before the next record.
_CURRENT_POSITION = text(
    """
    select
      case
        when pg_catalog.current_setting('synchronous_commit') <> 'off'
        then pg_catalog.pg_current_wal_lsn()
        when in_page <= :header
        then in_memory - in_page
        else in_memory
      end::text
    from pg_catalog.pg_current_wal_insert_lsn() as in_memory
    cross join pg_catalog.mod(
      in_memory - pg_catalog.pg_lsn '0/0',
      pg_catalog.current_setting('wal_block_size')::numeric
    ) as in_page
    """
).bindparams(header=40)

_log = logging.getLogger(__name__)

_POSITION = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}", re.ASCII)
_PAUSE = 0.01  # seconds between two looks at how far the replica is
_KNOWN = 0.1  # seconds in which a replica that is near enough is not looked at again
_RETRY = 5.0  # seconds in which a replica that could not be reached is not tried again
_ANSWER = 2.0  # seconds in which it answers, beside those in which it may replay a position

# With an idle primary the last transaction is old, and nothing is missing: what tells is whether
# all that has arrived is replayed, and whether more would arrive. Of the receiver every account
# sees that it is there.
_STATE = text(
    """
    select
      pg_catalog.pg_is_in_recovery() as is_standby,
      coalesce(pg_catalog.pg_last_wal_replay_lsn() >= cast(:after as pg_catalog.pg_lsn), true)
        as has_replayed,
      case
        when pg_catalog.pg_last_wal_replay_lsn() >= pg_catalog.pg_last_wal_receive_lsn()
          and exists (select from pg_catalog.pg_stat_wal_receiver)
        then 0
        else extract(
          epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
        )
      end as lag
    """
)
_SLEEP = text("select pg_catalog.pg_sleep(:seconds)")


class Limits(NamedTuple):
    """How old what is read may be, and how long to wait for what is newer.

    Attributes:
        max_lag: How many seconds the replica may be behind; None for any number.
        max_wait: How many seconds to wait until the replica has replayed a position.
    """

    max_lag: float | None
    max_wait: float


class Replica:
    """A standby, and whether sessions can read from it."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        """Take the engine of the standby.

        Args:
            engine: The engine.
            limits: How far behind it may be.
        """
        self.engine = read_only(engine)
        self._engine_without_transaction = without_transaction(engine)
        self._limits = limits
        self._retry_at = 0.0
        self._known_until = 0.0

    def can_look(self) -> bool:
        """Tell whether a statement can run here: ``AsyncSession.get_bind()`` is no coroutine."""
        return not self.engine.dialect.is_async or in_greenlet()

    def is_usable(self, after: str | None) -> bool:
        """Tell whether a transaction can read from the replica now.

        It looks in one round trip, and without a position ten times a second at most, unless the
        server has ended the connection meanwhile.

        Args:
            after: The position that has to be replayed, for which it waits; None for any.
        """
        now = time.monotonic()
        if now < self._retry_at:
            return False
        is_known = after is None and now < self._known_until
        try:
            if is_known and self._is_quiet():
                return True
            obstacle = self._obstacle(after)
        except DBAPIError as error:
            if not isinstance(error, OperationalError) and not error.connection_invalidated:
                raise
            return self._is_left(error.orig)
        except (NoAnswerError, PoolTimeoutError) as error:
            return self._is_left(error)
        if obstacle:
            _log.info("The primary is read: %s", obstacle)
            return False
        self._known_until = time.monotonic() + _KNOWN
        return True

    def _is_left(self, why: BaseException | None) -> Literal[False]:
        """Leave the replica alone for some seconds, as it could not be reached."""
        self._retry_at = time.monotonic() + _RETRY
        _log.warning("The primary is read for %g seconds: %s", _RETRY, why)
        return False

    def _is_quiet(self) -> bool:
        """Tell whether the server has sent nothing, such as the end of a pooled connection."""
        with self.engine.connect() as connection, DefaultSelector() as selector:
            driver: Any = connection.connection.driver_connection
            selector.register(driver.fileno(), EVENT_READ)
            return not selector.select(0)

    def _obstacle(self, after: str | None) -> str | None:
        limit = self._limits.max_wait + _ANSWER
        with (
            self._engine_without_transaction.connect() as connection,
            answered_within(limit, connection),
        ):
            until = time.monotonic() + self._limits.max_wait
            state = connection.execute(_STATE, {"after": after}).one()
            while not state.has_replayed and time.monotonic() < until:
                connection.execute(_SLEEP, {"seconds": _PAUSE})
                state = connection.execute(_STATE, {"after": after}).one()
        max_lag = self._limits.max_lag
        if not state.is_standby:
            return "the replica is no standby"
        if not state.has_replayed:
            return f"the replica has not replayed {after} in time"
        if max_lag is not None and state.lag is None:
            return "nothing tells how far the replica is behind"
        if max_lag is not None and state.lag > max_lag:
            return f"the replica is {state.lag:.1f} seconds behind, of {max_lag:g} that are allowed"
        return None


def read_only(engine: Engine) -> Engine:
    """Return an engine whose transactions begin as read-only ones, by no statement more.

    Args:
        engine: The engine whose connections it uses.
    """
    return engine.execution_options(postgresql_readonly=True)


def without_transaction(engine: Engine) -> Engine:
    """Return an engine each of whose statements is one round trip.

    Args:
        engine: The engine whose connections it uses.
    """
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def current_position(connection: Connection) -> str:
    """Return how far the log of the primary is.

    Args:
        connection: A connection to it.
    """
    return str(connection.scalar(_CURRENT_POSITION))


def checked_position(after: str) -> str:
    """Return a position in the log of a primary.

    Raises:
        InputError: It is none. The message does not repeat it.
    """
    if not _POSITION.fullmatch(after):
        raise InputError("after is no position: it takes what position() of the factory returned")
    return after
