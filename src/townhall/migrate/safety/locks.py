"""Locks on several tables at once, without a deadlock."""

from __future__ import annotations

from collections.abc import Iterable

from alembic import op
from sqlalchemy import TextClause

from townhall.migrate.replacements import take_drops
from townhall.pg import sql

_LONGEST_WAIT = 300  # milliseconds, well below the deadlock_timeout of a server
_PAUSE = 0.1  # seconds between two attempts


def lock_tables(*tables: str, writes_only: Iterable[str] = ()) -> None:
    """Lock the tables that a revision changes, before it changes the first one.

    A revision that locks one table after another may deadlock with a transaction of the application
    that uses them in another order, and so may one that strengthens a lock. PostgreSQL then cancels
    one of the two, which may be the application's. Here either all locks are granted within a
    moment, or all are released for another attempt, until the lock timeout is over. A table that
    does not exist is left out.

    Args:
        tables: The qualified names of tables that are altered or dropped, or get or lose a policy,
            and of those that foreign keys of dropped tables refer to. A view is locked with the
            tables that it reads.
        writes_only: The qualified names of tables that stay open to reads: those that only get a
            trigger, or a foreign key that refers to them.
    """
    locks = [(table, "access exclusive") for table in tables]
    locks += [(table, "share row exclusive") for table in writes_only]
    drops = take_drops(op.get_context())
    op.execute(sql.statement(locks_at_once(locks, drops)))


def locks_at_once(locks: Iterable[tuple[str, str]], drops: Iterable[str] = ()) -> str:
    """Return the statement that takes locks on several tables at once, in attempts.

    Args:
        locks: The qualified names of tables, each with its mode: ``access exclusive``.
        drops: Drops whose locks are taken with them.
    """
    statements = [*(_lock(*each) for each in locks), *(f"{each};" for each in drops)]
    return sql.do(attempts("\n".join(statements)))


def in_attempts(statements: str) -> TextClause:
    """Return a statement that runs others, again where a lock is not granted within 300 ms.

    Args:
        statements: Statements of PL/pgSQL, each of which ends in a semicolon. Their changes are
            undone before each further attempt.
    """
    return sql.statement(sql.do(attempts(statements)))


def attempts(statements: str, repeated: str = "lock_not_available or deadlock_detected") -> str:
    """Return a block of PL/pgSQL that runs statements, again where a lock is not granted.

    Args:
        statements: Statements of PL/pgSQL, each of which ends in a semicolon. Their changes are
            undone before each further attempt.
        repeated: The conditions after which there is a further attempt.
    """
    return f"""
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), {_LONGEST_WAIT})::text, true
            );
            {sql.indented(statements, " " * 12).strip()}
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when {repeated} then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep({_PAUSE});
    end loop;
end
"""


def _lock(table: str, mode: str) -> str:
    # Where the platform owns a table, the role may refer to it without the right to lock it.
    return f"""if exists (
    select
    from pg_catalog.pg_class as c
    where c.oid = to_regclass({sql.literal(table)})
        and c.relkind in ('r', 'p', 'v')
        and has_table_privilege(c.oid, 'update, delete, truncate')
) then
    lock table {table} in {mode} mode;
end if;"""
