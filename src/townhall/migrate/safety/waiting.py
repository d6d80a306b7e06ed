"""Steps that may wait long, since nothing queues behind them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from townhall.migrate.contexts import connection_of
from townhall.migrate.guard.sessions import COLUMNS, listed, of_rows
from townhall.pg import sql

LOCK_TIMEOUT_OF_REVISIONS = "townhall_lock_timeout_of_revisions"
"""The option of a migration context with the lock timeout that a script sets."""

_log = logging.getLogger(__name__)

# A transaction that began a moment ago has probably ended before the message is read.
_IN_THE_WAY = text(
    f"""
    select {COLUMNS.format(alias="a")}
    from pg_catalog.pg_stat_activity as a
    where a.datname = current_database()
        and a.pid <> pg_backend_pid()
        and coalesce(a.xact_start < clock_timestamp() - interval '1 second', true)
        and (
            a.backend_xmin is not null
            or exists (
                select
                from pg_catalog.pg_locks as l
                where l.pid = a.pid
                    and l.granted
                    and l.relation = to_regclass(cast(:table as text))
            )
        )
    order by a.xact_start
    """
)


@contextmanager
def without_lock_timeout(context: MigrationContext) -> Iterator[None]:
    """Let the statements of a block wait for locks as long as it takes.

    It is for locks that block neither reads nor writes, so that none of these queue behind them.

    Args:
        context: The migration context, in an autocommit block.
    """
    connection = context.connection
    if context.as_sql or connection is None:
        duration = context.opts.get(LOCK_TIMEOUT_OF_REVISIONS)
    else:
        duration = connection.scalar(text("select current_setting('lock_timeout')"))
    context.execute(text("set lock_timeout = 0"))
    try:
        yield
    finally:
        value = "default" if duration is None else sql.literal(duration)
        context.execute(sql.statement(f"set lock_timeout = {value}"))


def tell_who_is_in_the_way(context: MigrationContext, table: str) -> None:
    """Log the transactions that a concurrent step on a table waits for, if there are any.

    It waits for every transaction that may still see the table as it was, also for one that reads
    other tables.

    Args:
        context: The migration context, with a connection.
        table: The qualified name of the table.
    """
    connection = connection_of(context)
    sessions = of_rows(connection.execute(_IN_THE_WAY, {"table": table}).all())
    if sessions:
        _log.warning("The next step on %s waits for the end of: %s", table, listed(sessions))
