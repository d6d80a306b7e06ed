"""What ``env.py`` calls: one run of Alembic, with its guards."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from logging.config import fileConfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData

from townhall.migrate.alembic_options import refuse_others
from townhall.migrate.cells import (
    CELL_OPTION,
    NotForCellsError,
    chosen_cells,
    each_cell,
)
from townhall.migrate.compare.filters import Filters, IncludeName, IncludeObject
from townhall.migrate.guard.connections import (
    PUBLIC_FIRST_IN_SCRIPT,
    connected,
    public_first,
)
from townhall.migrate.guard.encodings import REFUSE_IN_SCRIPT
from townhall.migrate.guard.limits import limits_of_script, reset_of_script
from townhall.migrate.guard.lock_timeouts import COMPARISON, LOCK_TIMEOUT, LockTimeout
from townhall.migrate.guard.locks import comparison_transaction
from townhall.migrate.guard.migrating import migrating
from townhall.migrate.guard.pending import ADOPTS, is_move
from townhall.migrate.guard.preparation import after_step, finish, prepare
from townhall.migrate.guard.printable_errors import printable_errors
from townhall.migrate.guard.telling import tell_of_others, tell_of_unfinished, telling
from townhall.migrate.guard.traps import refuse_traps_in_script
from townhall.migrate.guard.unknown_revisions import explaining_unknown_revisions
from townhall.migrate.guard.wait_limits import BY_DEFAULT, WAIT_LIMIT, WaitLimit
from townhall.migrate.members import (
    DECLARATIONS,
    explaining_tables,
    function_of,
    functions_of,
    members,
    metadata_of,
)
from townhall.migrate.origins import Origins
from townhall.migrate.safety import protect_version_table
from townhall.migrate.safety.waiting import LOCK_TIMEOUT_OF_REVISIONS
from townhall.migrate.settings import (
    LIVE_OPTION,
    LOCK_TIMEOUT_OPTION,
    REVISIONS_OPTION,
    SETTINGS,
    Settings,
)
from townhall.migrate.write.formatting import format_new_revisions
from townhall.migrate.write.placement import write_beside_own_revisions
from townhall.pg import Accepted, Entity, sql
from townhall.pg.access import Declaration
from townhall.pg.alembic_utils import ReplaceableEntity, registry
from townhall.pg.dialect import quote_reserved_words
from townhall.printing import log_printable
from townhall.product import Product
from townhall.roles import HELPER_SCHEMA, SUPABASE, Roles

if TYPE_CHECKING:
    from townhall.migrate.comparing import RenderItem
    from townhall.migrate.trial.hook import ProcessDirectives

OnVersionApply = Callable[..., None]
"""``on_version_apply`` of Alembic's ``context.configure``."""

# The options by which Alembic's commands are known that change a database, and that compare one.
_DESTINATION = "destination_rev"
_COMPARISON = "revision_context"


def run(  # noqa: PLR0913 - each is a setting of its own
    *,
    product: Product | bool = True,
    metadata: MetaData | Iterable[MetaData] = (),
    entities: Iterable[Declaration | ReplaceableEntity] = (),
    schemas: Iterable[str] = (),
    roles: Roles = SUPABASE,
    helper_schema: str = HELPER_SCHEMA,
    kinds: Iterable[type[Entity]] = (),
    exposed: Iterable[str] = (),
    accepted: Iterable[Accepted] = (),
    lock_timeout: str = "5s",
    wait: str = BY_DEFAULT,
    live: bool = True,
    include_name: IncludeName | None = None,
    include_object: IncludeObject | None = None,
    process_revision_directives: ProcessDirectives | None = None,
    render_item: RenderItem | None = None,
    on_version_apply: OnVersionApply | Iterable[OnVersionApply] = (),
    template_args: Mapping[str, object] | None = None,
    **options_of_alembic: object,
) -> None:
    """Run the command that Alembic was called with; an ``env.py`` needs nothing else.

    What is declared is left in ``context.config.attributes[townhall.migrate.SETTINGS]``.

    Args:
        product: The product that takes part with its tables and entities: True for townhall's own,
            False for none, so that the database has nothing of it.
        metadata: The application's metadata, one or several.
        entities: The application's entities, access rules and what
            :func:`townhall.pg.access.membership` returned. Rules and ``:caller`` are expanded for
            ``roles``. Entities of alembic-utils take part as they are, and so do those that were
            registered with it.
        schemas: Schemas that the application owns besides ``public``, the schema of helpers and
            those of its tables and entities. Undeclared objects in them are proposed to be dropped.
        roles: The roles that requests act as. With a product they are the product's. Where
            ``roles.caller`` is a function of the schema of helpers and not declared, it is declared
            here.
        helper_schema: The schema of helper functions, which clients don't see.
        kinds: The application's own kinds of entities, which are compared like those of
            ``townhall.pg``.
        exposed: The schemas whose objects requests can name, for ``townhall check``. Without them
            they are those of PostgREST's setting ``db-schemas`` in the database, or ``public``;
            none where ``roles`` has none.
        accepted: The dangers that were looked at and do no harm, which ``townhall check`` then
            leaves out.
        lock_timeout: How long a statement waits for a lock before the revision is given up, as
            PostgreSQL writes durations. ``-x lock_timeout=…`` overrides it for one run, and the
            lock timeout of a comparison (200 ms).
        wait: How long a command waits for another migration of the database before it gives up: a
            number of seconds, or a duration as PostgreSQL writes it. ``-x wait=…`` overrides it
            for one run; 0 is not to wait.
        live: Whether generated revisions change tables that exist without long exclusive locks, in
            several revisions where one has to commit on its way. ``-x live=no`` overrides it for
            one run.
        include_name: Whether a name of the database takes part in a comparison, as the parameter of
            Alembic's ``context.configure``; what does not is left alone.
        include_object: Whether a declared or an actual object takes part, likewise. Both are asked
            for entities as well, with kinds such as ``view``, ``materialized_view``, ``policy`` and
            names such as ``public.seats``, ``public.price(integer)``.
        process_revision_directives: What changes generated revisions before they are tried and
            written, as the parameter of Alembic's ``context.configure``: a function, or Alembic's
            ``Rewriter``.
        render_item: What writes a type, a default or another item as Python, likewise; where it
            returns False, the item is written as without it.
        on_version_apply: What is called after each revision, one or several, likewise.
        template_args: Further names for ``script.py.mako``, likewise.
        options_of_alembic: Further options of Alembic's ``context.configure``, which an ``env.py``
            can keep where they say what is done anyway, such as ``compare_type=True``,
            ``include_schemas=True``, ``literal_binds=True`` and
            ``version_table="alembic_version"``.

    Raises:
        CommandError: An option of Alembic has another value than what is done. A list has a member
            of another class, what Alembic is to call is no function, a table or an entity is
            declared twice, a rule is for a role that is absent, the roles or the schema of helpers
            are not the product's, an entity is of a kind of the application's that is not among
            ``kinds``, the database can't be connected to, another migration did not end or a lock
            was not granted in time, or PostgreSQL refuses what is declared or what a revision does.
    """
    refuse_others(options_of_alembic)
    _log_as_configured(context.config)
    format_new_revisions(context.config, context.script)
    write_beside_own_revisions(context.config, context.script)
    settings = Settings.of(
        product=product,
        metadata=metadata_of(metadata),
        entities=[*members("entities", entities, *DECLARATIONS), *registry.entities()],
        schemas=[*members("schemas", schemas, str), *registry.schemas],
        roles=members("roles", [roles], Roles)[0],
        helper_schema=helper_schema,
        kinds=members("kinds", kinds, type),
        filters=Filters(
            function_of("include_name", include_name),
            function_of("include_object", include_object),
        ),
        exposed=members("exposed", exposed, str),
        accepted=members("accepted", accepted, Accepted),
    )
    in_addition = {
        "process_revision_directives": function_of(
            "process_revision_directives", process_revision_directives
        ),
        "render_item": function_of("render_item", render_item),
        "on_version_apply": [
            partial(_after_step, settings),
            *functions_of("on_version_apply", on_version_apply),
        ],
        "template_args": template_args,
    }
    context.config.attributes[SETTINGS] = settings
    arguments = context.get_x_argument(as_dictionary=True)
    timeout = _lock_timeout(arguments, LockTimeout(lock_timeout))
    wait_limit = _wait_limit(arguments, wait)
    options = {
        **_options(settings),
        **in_addition,
        LOCK_TIMEOUT_OPTION: _lock_timeout(arguments, COMPARISON),
        LOCK_TIMEOUT_OF_REVISIONS: timeout.duration,
        LIVE_OPTION: arguments.get("live", "yes" if live else "no") != "no",
    }
    cells = chosen_cells(context.config, arguments)
    if context.is_offline_mode():
        if cells:
            raise CommandError("--sql writes a script for one database: leave out -x cells")
        _run_offline(settings, timeout, options)
        return

    def migrate(arguments: dict[str, Any], options: dict[str, Any]) -> None:
        with connected(context.config, arguments, settings.scope.schemas) as connection:
            _run_online(connection, settings, (timeout, wait_limit), options)

    if cells:
        each_cell(cells, lambda cell, url: migrate({"url": url}, {**options, CELL_OPTION: cell}))
        return
    with printable_errors():
        migrate(arguments, options)


def _lock_timeout(arguments: Mapping[str, Any], by_default: LockTimeout) -> LockTimeout:
    given: LockTimeout | None = context.config.attributes.get(LOCK_TIMEOUT)
    if given is not None:
        return given.of_comparison if by_default is COMPARISON else given
    return replace(by_default, duration=str(arguments.get("lock_timeout", by_default.duration)))


def _wait_limit(arguments: Mapping[str, Any], by_default: str) -> WaitLimit:
    given: WaitLimit | None = context.config.attributes.get(WAIT_LIMIT)
    return given or WaitLimit(str(arguments.get("wait", by_default)))


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "target_metadata": list(settings.metadata),
        "transaction_per_migration": True,
        # The comparison of tables finds every default that differs. Alembic would ask the server
        # whether two are equal, for which it quotes texts differently.
        "compare_server_default": False,
        "include_schemas": True,
        SETTINGS: settings,
        REVISIONS_OPTION: _revisions,
    }


def _revisions() -> list[Path]:
    in_order = reversed(list(context.script.walk_revisions()))
    return [Path(script.path) for script in in_order]


def _log_as_configured(config: Config) -> None:
    # A program that calls Alembic has a logging of its own; on the command line alembic.ini says.
    if config.cmd_opts is None:
        return
    if config.file_config.has_section("loggers"):
        fileConfig(config.file_config, disable_existing_loggers=False)
    log_printable()


def _run_offline(settings: Settings, lock_timeout: LockTimeout, options: dict[str, Any]) -> None:
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **options,
    )
    _prepare_context()
    before = (
        "set client_min_messages = warning",
        *limits_of_script(lock_timeout.duration),
        PUBLIC_FIRST_IN_SCRIPT,
        REFUSE_IN_SCRIPT,
        refuse_traps_in_script(settings.scope.schemas),
    )
    for statement in before:
        context.execute(sql.statement(statement))
    has_pending = prepare(context.get_context(), context.script, _origins(settings))
    with context.begin_transaction():
        context.run_migrations()
    finish(context.get_context())
    if is_move(context.get_context()):
        tell_of_unfinished(context.get_context())
    if has_pending:
        _tell_of_others(settings)
    for statement in (*reset_of_script(), "reset client_min_messages", "reset search_path"):
        context.execute(sql.statement(statement))


def _run_online(
    connection: Connection,
    settings: Settings,
    limits: tuple[LockTimeout, WaitLimit],
    options: dict[str, Any],
) -> None:
    name_filter = settings.filters.with_names(settings.scope.name_filter(connection))
    object_filter = settings.filters.with_objects(settings.scope.object_filter(connection))
    connection.commit()  # Alembic leaves a transaction alone that was begun before it
    context.configure(
        connection=connection,
        include_name=name_filter,
        include_object=object_filter,
        **options,
    )
    _prepare_context()
    with (
        warnings.catch_warnings(),  # a comparison that fails leaves some silenced
        _guard(connection, *limits),
        telling(connection),
        explaining_tables() if _COMPARISON in context.get_context().opts else nullcontext(),
        context.begin_transaction(),
        explaining_unknown_revisions(context.get_context(), context.script, settings.product),
    ):
        has_pending = _DESTINATION in context.get_context().opts and prepare(
            context.get_context(), context.script, _origins(settings)
        )
        context.run_migrations()
        finish(context.get_context())
        if is_move(context.get_context()):
            tell_of_unfinished(context.get_context())
        # An adoption has decided about what others made.
        if has_pending and not context.get_context().opts.get(ADOPTS):
            _tell_of_others(settings)


def _prepare_context() -> None:
    opts = context.get_context().opts
    if _COMPARISON in opts and CELL_OPTION in opts:
        raise NotForCellsError(
            "revisions are written and compared with one database: name a cell's with -x url=…, and"
            " leave out -x cells"
        )
    if _COMPARISON in opts:
        # All other commands compare nothing, and loading it would be most of their time.
        from townhall.migrate.comparing import prepare_comparison  # noqa: PLC0415 - see above

        prepare_comparison(context.get_context())
    else:
        quote_reserved_words(context.get_context().impl.dialect)


def _guard(
    connection: Connection, lock_timeout: LockTimeout, wait_limit: WaitLimit
) -> AbstractContextManager[None]:
    options = context.get_context().opts
    if _DESTINATION in options:
        is_passed = "connection" in context.config.attributes
        return migrating(connection, lock_timeout, wait_limit, is_passed=is_passed)
    if _COMPARISON in options:
        return comparison_transaction(connection, lock_timeout.duration, wait_limit)
    return public_first(connection)


def _tell_of_others(settings: Settings) -> None:
    revisions = list(context.script.walk_revisions())
    tell_of_others(
        context.get_context(), _origins(settings), settings.metadata, settings.entities, revisions
    )


def _origins(settings: Settings) -> Origins:
    return Origins(settings.helper_schema, settings.roles.names)


def _after_step(settings: Settings, *, ctx: Any, step: Any, **_: Any) -> None:  # noqa: ANN401 - Alembic's
    after_step(ctx, step)
    # The first revision of a product does that itself.
    if step.is_stamp or (settings.product is None and not step.source_revision_ids):
        protect_version_table(ctx, settings.roles)
