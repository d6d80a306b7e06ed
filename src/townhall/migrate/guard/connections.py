"""The connection of a run: a new one, or the one that the program passed to Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from townhall.embedded import EmbeddedServerError
from townhall.migrate.guard.poolers import explain_pooler
from townhall.migrate.urls import resolve_url

# By default a schema of the role's own name comes first on the search path.
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
    """Provide the connection of a run.

    Args:
        config: Alembic's configuration, whose attributes may have a ``connection`` or a ``url``.
        arguments: The ``-x`` arguments; their ``url`` takes precedence over that of the attributes.

    Raises:
        CommandError: The database can't be connected to, or the passed connection can't be used.
    """
    passed = config.attributes.get("connection")
    with _checked(passed) if passed is not None else _opened(config, arguments) as connection:
        yield connection


@contextmanager
def _opened(config: Config, arguments: dict[str, Any]) -> Iterator[Connection]:
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
        explain_pooler(error)
        raise CommandError(f"cannot connect to the database: {error.orig}") from error


def _put_public_first(driver_connection: Any, _: object) -> None:  # noqa: ANN401 - psycopg's
    driver_connection.execute(PUBLIC_FIRST)
    driver_connection.commit()


@contextmanager
def _checked(connection: Connection) -> Iterator[Connection]:
    if connection.in_transaction():
        raise CommandError(
            "the connection passed to Alembic is in a transaction, and each revision needs its own:"
            " pass one of engine.connect(), not of engine.begin()"
        )
    first = connection.scalar(text("select current_schema()"))
    connection.rollback()
    if first != "public":
        raise CommandError(
            f"the search_path of the connection passed to Alembic begins with {first}, and tables"
            " would be created there: set it to public"
        )
    yield connection
