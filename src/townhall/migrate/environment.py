"""What ``env.py`` calls: one run of Alembic, with its guards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.plugins import Plugin
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from alembic import context
from townhall.base import metadata as townhall_metadata
from townhall.migrate import autogenerate
from townhall.migrate.configuration import resolve_url
from townhall.migrate.render import render_item
from townhall.migrate.safety import protect_version_table
from townhall.migrate.scope import Scope
from townhall.pg import Entity
from townhall.schema import entities as townhall_entities

_ADVISORY_LOCK = 0x746F776E68616C6C  # "townhall" in ASCII
_LOCK_NOT_AVAILABLE = "55P03"

Plugin.setup_plugin_from_module(autogenerate, autogenerate.PLUGIN)


def run(
    *,
    metadata: Iterable[MetaData] = (),
    entities: Iterable[Entity] = (),
    schemas: Iterable[str] = (),
    lock_timeout: str = "5s",
) -> None:
    """Run the command that Alembic was called with; an ``env.py`` needs nothing else.

    The tables and entities of townhall always take part. An application adds its own.

    Args:
        metadata: The application's metadata; that of a base of its own, if it has one.
        entities: The application's entities.
        schemas: Schemas that the application owns besides ``public``, ``private`` and those its
            tables and entities are in: what is found there and declared nowhere is proposed to
            be dropped.
        lock_timeout: How long a statement waits for a lock before the revision is given up, as
            PostgreSQL writes durations. ``-x lock_timeout=…`` overrides it for one run.

    Raises:
        CommandError: A lock could not be had in time, or an entity could not be created.
    """
    all_metadata = list(dict.fromkeys([townhall_metadata, *metadata]))
    all_entities = list({entity.key: entity for entity in [*townhall_entities, *entities]}.values())
    scope = Scope.of(all_metadata, all_entities, schemas)
    options: dict[str, Any] = {
        "target_metadata": all_metadata,
        "transaction_per_migration": True,
        "compare_server_default": True,
        "include_schemas": True,
        "render_item": render_item,
        "process_revision_directives": autogenerate.finish,
        "on_version_apply": _protect_stamped_version_table,
        autogenerate.ENTITIES_OPTION: all_entities,
        autogenerate.SCOPE_OPTION: scope,
        "autogenerate_plugins": autogenerate.plugins(),
    }
    arguments = context.get_x_argument(as_dictionary=True)
    timeout = str(arguments.get("lock_timeout", lock_timeout))
    if context.is_offline_mode():
        _run_offline(options)
    else:
        given = context.config.attributes.get("connection")
        with _given(given) if given is not None else _connected(arguments) as connection:
            _run_online(connection, scope, timeout, options)


def _run_offline(options: dict[str, Any]) -> None:
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **options,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_online(
    connection: Connection, scope: Scope, lock_timeout: str, options: dict[str, Any]
) -> None:
    with _alone(connection, lock_timeout):
        name_filter = scope.name_filter(connection)
        connection.commit()  # Alembic leaves a transaction alone that was begun before it
        context.configure(
            connection=connection,
            include_name=name_filter,
            include_object=scope.includes_object,
            **options,
        )
        with _clear_lock_errors(lock_timeout), context.begin_transaction():
            context.run_migrations()


@contextmanager
def _connected(arguments: dict[str, Any]) -> Iterator[Connection]:
    url = resolve_url(
        arguments.get("url") or context.config.attributes.get("url"),
        context.config.get_main_option("sqlalchemy.url"),
    )
    engine = create_engine(url, poolclass=NullPool, connect_args={"application_name": "townhall"})
    with engine.connect() as connection:
        yield connection


@contextmanager
def _given(connection: Connection) -> Iterator[Connection]:
    yield connection


@contextmanager
def _alone(connection: Connection, lock_timeout: str) -> Iterator[None]:
    # The session holds the lock, not a transaction: a revision that builds an index concurrently
    # ends its transaction on the way.
    key = {"key": _ADVISORY_LOCK}
    connection.execute(text("select pg_advisory_lock(:key)"), key)
    connection.execute(
        text("select set_config('lock_timeout', :duration, false)"), {"duration": lock_timeout}
    )
    connection.commit()
    try:
        yield
    finally:
        if not connection.closed and not connection.invalidated:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), key)
            connection.commit()


@contextmanager
def _clear_lock_errors(lock_timeout: str) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise CommandError(
            f"gave up waiting for a lock after {lock_timeout}: {error.orig}. The database is at"
            " the last revision that was completed. Run again when the application is less busy,"
            " or wait longer with -x lock_timeout=30s."
        ) from error


def _protect_stamped_version_table(*, ctx: Any, step: Any, **_: Any) -> None:  # noqa: ANN401 - Alembic's
    if step.is_stamp:
        protect_version_table(ctx)
