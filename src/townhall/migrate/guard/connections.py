"""The connection of a run: one to the database that is meant, or the one that was given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from townhall.embedded import EmbeddedServerError
from townhall.migrate.urls import resolve_url

# A role may have a schema of its own name, which comes first unless something else is said.
PUBLIC_FIRST = """do $$
begin
    if current_schema() is distinct from 'public' then
        perform set_config(
            'search_path',
            concat_ws(', ', 'public', nullif(current_setting('search_path'), '')),
            false
        );
    end if;
end
$$"""
"""Makes public the schema in which unqualified names are created."""


@contextmanager
def connected(config: Config, arguments: dict[str, Any]) -> Iterator[Connection]:
    """Hold the connection of a run.

    Args:
        config: Alembic's configuration, which may contain a connection or a URL.
        arguments: The ``-x`` arguments, whose ``url`` comes first.

    Raises:
        CommandError: There is no connection, or the given one can't be used.
    """
    given = config.attributes.get("connection")
    with _given(given) if given is not None else _made(config, arguments) as connection:
        yield connection


@contextmanager
def _made(config: Config, arguments: dict[str, Any]) -> Iterator[Connection]:
    try:
        url = resolve_url(
            arguments.get("url") or config.attributes.get("url"),
            config.get_main_option("sqlalchemy.url"),
        )
    except (ValueError, EmbeddedServerError) as error:
        raise CommandError(str(error)) from error
    with _connect(url) as connection:
        yield connection


def _connect(url: URL) -> Connection:
    engine = create_engine(
        url, poolclass=NullPool, connect_args={"fallback_application_name": "townhall"}
    )
    # Before SQLAlchemy asks for the default schema.
    event.listen(engine, "connect", _put_public_first, insert=True)
    try:
        return engine.connect()
    except DBAPIError as error:
        raise CommandError(f"the database can't be had: {error.orig}") from error


def _put_public_first(driver_connection: Any, _: object) -> None:  # noqa: ANN401 - psycopg's
    driver_connection.execute(PUBLIC_FIRST)
    driver_connection.commit()


@contextmanager
def _given(connection: Connection) -> Iterator[Connection]:
    if connection.in_transaction():
        raise CommandError(
            "the connection given to Alembic is in a transaction, and each revision is to have its"
            " own: give it one of engine.connect(), not of engine.begin()"
        )
    first = connection.scalar(text("select current_schema()"))
    connection.rollback()
    if first != "public":
        raise CommandError(
            f"the connection given to Alembic looks into {first} first, and tables would be made"
            " there: set its search_path to public"
        )
    yield connection
