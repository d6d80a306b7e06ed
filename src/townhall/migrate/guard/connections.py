"""The connection of a run: a new one, or the one that the program passed to Alembic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from configparser import InterpolationError
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import DBAPIError

from townhall.embedded import EmbeddedServerError
from townhall.engines import engine_of
from townhall.ini import describe_config_error
from townhall.migrate.faults import describe
from townhall.migrate.guard.encodings import REQUIRED, check_encodings, refuse_other_encodings
from townhall.migrate.guard.faults import explaining_faults
from townhall.migrate.guard.poolers import explain_pooler
from townhall.migrate.guard.traps import refuse_traps, refuse_traps_of_passed
from townhall.migrate.guard.version_table import refuse_hidden_revision
from townhall.migrate.urls import resolve_url
from townhall.printing import on_one_line

_SET_PATH = """perform pg_catalog.set_config(
        'search_path',
        pg_catalog.concat_ws(', ', 'public', nullif(pg_catalog.current_setting('search_path'), '')),
        {is_local}
    );"""

# By default a schema of the role's own name comes first on the search path, where there is one.
# It is set for a transaction, since a setting of the session would stay in a pool.
PUBLIC_FIRST = f"""do $$
begin
    if pg_catalog.current_schema() is distinct from 'public' then
        {_SET_PATH.format(is_local="true")}
    end if;
end
$$"""
"""Makes public the schema in which unqualified names are created, until the transaction ends."""

PUBLIC_FIRST_IN_SCRIPT = f"""do $$
begin
    {_SET_PATH.format(is_local="false")}
end
$$"""
"""The same for the session of a script, also once it has created the schema that came first."""


@contextmanager
def connected(
    config: Config, arguments: dict[str, Any], schemas: Iterable[str]
) -> Iterator[Connection]:
    """Provide the connection of a run.

    Args:
        config: Alembic's configuration, whose attributes may have a ``connection`` or a ``url``.
        arguments: The ``-x`` arguments; their ``url`` takes precedence over that of the attributes.
        schemas: The declared schemas.

    Raises:
        CommandError: The database can't be connected to, the passed connection can't be used, the
            role can't see the revision of the database, others can put functions in the place of
            PostgreSQL's, or a statement of the block failed.
    """
    is_command = config.cmd_opts is not None
    passed = config.attributes.get("connection")
    if passed is not None:
        _refuse_no_connection(passed)
        with explaining_faults(passed, is_command=is_command):
            _check(passed, schemas)
            refuse_hidden_revision(passed)
            yield passed
        return
    with (
        _opened(config, arguments, schemas) as connection,
        explaining_faults(connection, is_command=is_command),
    ):
        refuse_hidden_revision(connection)
        yield connection


@contextmanager
def _opened(
    config: Config, arguments: dict[str, Any], schemas: Iterable[str]
) -> Iterator[Connection]:
    try:
        url = resolve_url(
            arguments.get("url") or config.attributes.get("url"),
            _url_of_ini(config),
        )
    except (ValueError, EmbeddedServerError) as error:
        raise CommandError(on_one_line(error)) from error
    with _connect(url, schemas) as connection:
        yield connection


def _url_of_ini(config: Config) -> str | None:
    # Where pyproject.toml configures Alembic there may be no alembic.ini, or no section in it.
    try:
        return config.file_config.get(config.config_ini_section, "sqlalchemy.url", fallback=None)
    except InterpolationError as error:
        name = Path(config.config_file_name or "alembic.ini")
        raise CommandError(f"sqlalchemy.url of {describe_config_error(error, name)}") from None


def _connect(url: URL, schemas: Iterable[str]) -> Connection:
    engine = engine_of(
        url,
        # Revisions may pass and read values of this type; traps are refused before.
        use_native_hstore=True,
        # The role may have another client_encoding.
        connect_args={"fallback_application_name": "townhall", "client_encoding": REQUIRED},
    )
    # Before SQLAlchemy runs a statement of its own, such as that for the default schema.
    event.listen(engine, "connect", partial(_prepare, schemas), insert=True)
    refuse_other_encodings(engine)
    try:
        return engine.connect()
    except DBAPIError as error:
        explain_pooler(error)
        raise CommandError(describe(error)) from error


def _prepare(schemas: Iterable[str], driver_connection: Any, _: object) -> None:  # noqa: ANN401 - psycopg's
    try:
        driver_connection.execute(PUBLIC_FIRST)
        refuse_traps(driver_connection, schemas)
        # SQLAlchemy asks for the default schema in the same transaction.
        driver_connection.execute(PUBLIC_FIRST)
    except CommandError:
        driver_connection.close()
        raise


@contextmanager
def public_first(connection: Connection) -> Iterator[None]:
    """Make public the schema of unqualified names for a transaction, which a block is.

    Args:
        connection: A connection outside a transaction.
    """
    connection.exec_driver_sql(PUBLIC_FIRST)
    yield
    connection.commit()


def _refuse_no_connection(passed: object) -> None:
    if not isinstance(passed, Connection):
        raise CommandError(
            f"what is passed to Alembic as connection is of the class {type(passed).__name__}:"
            " pass one of engine.connect(), with an AsyncEngine by run_sync"
        )


def _check(connection: Connection, schemas: Iterable[str]) -> None:
    if connection.in_transaction():
        raise CommandError(
            "the connection passed to Alembic is in a transaction, and each revision needs its own:"
            " pass one of engine.connect(), not of engine.begin()"
        )
    if connection.get_execution_options().get("schema_translate_map"):
        raise CommandError(
            "the connection passed to Alembic has a schema_translate_map, which the comparison and"
            " the SQL of policies, functions and views don't follow: they would be about other"
            " schemas than the tables. Pass a connection without it"
        )
    driver_connection = connection.connection.driver_connection
    if getattr(driver_connection, "autocommit", False):
        raise CommandError(
            "the connection passed to Alembic commits each statement, and a revision that fails"
            " could not be taken back: pass one without isolation_level='AUTOCOMMIT'"
        )
    check_encodings(driver_connection)
    refuse_traps_of_passed(connection, schemas)
    first = connection.scalar(text("select current_schema()"))
    connection.rollback()
    if first != "public":
        raise CommandError(
            f"the search_path of the connection passed to Alembic begins with {first}, and tables"
            " would be created there: set it to public"
        )
