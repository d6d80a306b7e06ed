"""A database in which others can put functions and operators in the place of PostgreSQL's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.pg import sql
from townhall.search_path import FIND, Traps, refusal, refusal_of_creators


def refuse_traps(driver_connection: Any, schemas: Iterable[str]) -> None:  # noqa: ANN401 - psycopg's
    """Refuse such a database, before SQLAlchemy has run a statement of its own on it.

    Args:
        driver_connection: A new connection of psycopg.
        schemas: The declared schemas, in which not everybody may create.

    Raises:
        CommandError: It is one.
    """
    row = driver_connection.execute(_find(schemas)).fetchone()
    driver_connection.rollback()
    _refuse(Traps(*row))


def refuse_traps_of_passed(connection: Connection, schemas: Iterable[str]) -> None:
    """Refuse such a database by the connection that a program has passed.

    Args:
        connection: The connection, outside a transaction.
        schemas: As for :func:`refuse_traps`.

    Raises:
        CommandError: It is one.
    """
    row = connection.execute(sql.statement(_find(schemas))).one()
    connection.rollback()
    _refuse(Traps(*row))


def refuse_traps_in_script(schemas: Iterable[str]) -> str:
    """Return the statement of a script that refuses such a database.

    Args:
        schemas: As for :func:`refuse_traps`.
    """
    return f"""do $$
declare
    open_schemas pg_catalog.text[];
    objects pg_catalog.text[];
    revokes pg_catalog.text[];
begin
    select f.open_schemas, f.objects, f.revokes
    into open_schemas, objects, revokes
    from ({_find(schemas)}) as f;
    if open_schemas operator(pg_catalog.<>) array[]::pg_catalog.text[] then
        raise exception 'everybody may create objects in the schemas %', open_schemas
            using hint = 'revoke create on schema … from public';
    elsif objects operator(pg_catalog.<>) array[]::pg_catalog.text[] then
        raise exception 'functions or operators of others would run in place of PostgreSQL''s: %',
            objects
            using hint = 'Drop them.';
    elsif revokes operator(pg_catalog.<>) array[]::pg_catalog.text[] then
        raise exception 'other roles may create objects in the schemas of the search path: %',
            revokes
            using hint = 'Run these, or make the roles members of the owner of the database.';
    end if;
end
$$"""


def _refuse(traps: Traps) -> None:
    if why := refusal(traps) or refusal_of_creators(traps):
        raise CommandError(f"nothing was changed: {why}")


def _find(schemas: Iterable[str]) -> str:
    names = ", ".join(map(sql.literal, schemas))
    return FIND.format(declared=f"array[{names}]::pg_catalog.name[]")
