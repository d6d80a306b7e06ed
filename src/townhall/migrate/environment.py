"""What ``env.py`` calls: one run of Alembic, with its guards."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from logging.config import fileConfig
from typing import Any

from alembic import context
from alembic.config import Config
from alembic.runtime.plugins import Plugin
from sqlalchemy import Connection, MetaData

from townhall.migrate import autogenerate
from townhall.migrate.compare.scope import Scope
from townhall.migrate.guard.connections import PUBLIC_FIRST, connected
from townhall.migrate.guard.locks import A_MOMENT, alone, waiting_at_most
from townhall.migrate.guard.unknown_revisions import explaining_unknown_revisions
from townhall.migrate.safety import protect_version_table
from townhall.migrate.write.formatting import format_new_revisions
from townhall.migrate.write.rendering import render_item, render_percent_signs_once
from townhall.migrate.write.revision import finish_revision
from townhall.pg import Entity, sql
from townhall.product import Product, own_product

Plugin.setup_plugin_from_module(autogenerate, autogenerate.PLUGIN)


def run(
    *,
    product: Product | bool = True,
    metadata: Iterable[MetaData] = (),
    entities: Iterable[Entity] = (),
    schemas: Iterable[str] = (),
    lock_timeout: str = "5s",
) -> None:
    """Run the command that Alembic was called with; an ``env.py`` needs nothing else.

    Args:
        product: The product whose tables and entities take part: townhall's own, another one, or
            none where it is False.
        metadata: The application's metadata; that of a base of its own, if it has one.
        entities: The application's entities.
        schemas: Schemas that the application owns besides ``public``, ``private`` and those its
            tables and entities are in: what is found there and declared nowhere is proposed to
            be dropped.
        lock_timeout: How long a statement waits for a lock before the revision is given up, as
            PostgreSQL writes durations. ``-x lock_timeout=…`` overrides it for one run, and the
            moment that a comparison waits.

    Raises:
        CommandError: The database can't be had, a lock could not be had in time, or an entity
            could not be created.
    """
    _log_as_configured(context.config)
    format_new_revisions(context.config, context.script)
    if product is True:
        product = own_product()
    products = [product] if product else []
    all_metadata = list(dict.fromkeys([*(each.metadata for each in products), *metadata]))
    of_products = (entity for each in products for entity in each.entities)
    all_entities = list({entity.key: entity for entity in [*of_products, *entities]}.values())
    scope = Scope.of(all_metadata, all_entities, schemas)
    options: dict[str, Any] = {
        "target_metadata": all_metadata,
        "transaction_per_migration": True,
        # The comparison of tables finds every default that differs. Alembic would ask the server
        # whether two are equal, for which it quotes texts in its own way.
        "compare_server_default": False,
        "include_schemas": True,
        "render_item": render_item,
        "process_revision_directives": finish_revision,
        "on_version_apply": _protect_stamped_version_table,
        autogenerate.ENTITIES_OPTION: all_entities,
        autogenerate.SCOPE_OPTION: scope,
        "autogenerate_plugins": autogenerate.plugins(),
    }
    arguments = context.get_x_argument(as_dictionary=True)
    options[autogenerate.LOCK_TIMEOUT_OPTION] = str(arguments.get("lock_timeout", A_MOMENT))
    timeout = str(arguments.get("lock_timeout", lock_timeout))
    if context.is_offline_mode():
        _run_offline(timeout, options)
    else:
        with connected(context.config, arguments) as connection:
            _run_online(connection, scope, timeout, options)


def _log_as_configured(config: Config) -> None:
    # A program that calls Alembic has a logging of its own; on the command line alembic.ini says.
    if config.cmd_opts is not None and config.file_config.has_section("loggers"):
        fileConfig(config.file_config, disable_existing_loggers=False)


def _run_offline(duration: str, options: dict[str, Any]) -> None:
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **options,
    )
    context.execute("set client_min_messages = warning")
    context.execute(sql.statement(f"set lock_timeout = {sql.literal(duration)}"))
    context.execute(sql.statement(PUBLIC_FIRST))
    with context.begin_transaction():
        context.run_migrations()
    for setting in ("client_min_messages", "lock_timeout", "search_path"):
        context.execute(f"reset {setting}")


def _run_online(
    connection: Connection, scope: Scope, duration: str, options: dict[str, Any]
) -> None:
    with waiting_at_most(connection, duration):
        name_filter = scope.name_filter(connection)
        object_filter = scope.object_filter(connection)
        connection.commit()  # Alembic leaves a transaction alone that was begun before it
        context.configure(
            connection=connection,
            include_name=name_filter,
            include_object=object_filter,
            **options,
        )
        render_percent_signs_once(context.get_context())
        only_looks = context.get_context().opts.get("dont_mutate", False)
        with (
            nullcontext() if only_looks else alone(connection),
            context.begin_transaction(),
            explaining_unknown_revisions(context.get_context(), context.script),
        ):
            context.run_migrations()


def _protect_stamped_version_table(*, ctx: Any, step: Any, **_: Any) -> None:  # noqa: ANN401 - Alembic's
    if step.is_stamp:
        protect_version_table(ctx)
