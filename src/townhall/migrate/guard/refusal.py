"""Refusing a run before its first change."""

from __future__ import annotations

from collections.abc import Iterable

from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.migrate.contexts import connection_of
from townhall.pg import sql
from townhall.pg.operations import run_unchanged
from townhall.printing import printable


class ObstaclesError(CommandError):
    """What stands in the way of a run, in lines that can be printed."""


def refuse(context: MigrationContext, messages: Iterable[str]) -> None:
    """Refuse a run for which there is a message; offline the script refuses where it runs.

    Args:
        context: The migration context of the run.
        messages: SQL expressions of messages, each null where nothing is in the way.

    Raises:
        CommandError: Something is in the way; the message has a line for each.
    """
    if context.as_sql:
        run_unchanged(context, (_SCRIPT.format(message=each) for each in messages))
    else:
        refuse_online(connection_of(context), messages)


def refuse_online(connection: Connection, messages: Iterable[str]) -> None:
    """Refuse what is going to be run on a connection, if there is a message.

    Args:
        connection: The connection.
        messages: As for :func:`refuse`.

    Raises:
        CommandError: As for :func:`refuse`.
    """
    found = [connection.scalar(sql.statement(f"select {each}")) for each in messages]
    if any(found):
        # In what a line is about the expression has replaced the line breaks.
        lines = "\n".join(filter(None, found)).split("\n")
        raise ObstaclesError("\n".join(map(printable, lines)))


_SCRIPT = """do $obstacles$
declare
    message constant text := {message};
begin
    if message is not null then
        raise exception '%', message;
    end if;
end
$obstacles$"""
