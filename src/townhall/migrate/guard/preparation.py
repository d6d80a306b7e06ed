"""What a run does before its first step, and after each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text

from townhall.migrate.contexts import connection_of
from townhall.migrate.guard.commits import record_before_commits
from townhall.migrate.guard.dropped_names import is_dropped_before
from townhall.migrate.guard.obstacles import obstacles
from townhall.migrate.guard.other_objects import other_objects
from townhall.migrate.guard.other_parts import other_parts
from townhall.migrate.guard.ownership import other_owners, refuse_without_temporary_objects
from townhall.migrate.guard.pending import (
    ADOPTS,
    applied_revisions,
    is_downgrade,
    pending_revisions,
    planned_steps,
    stamped_revisions,
)
from townhall.migrate.guard.refusal import refuse
from townhall.migrate.guard.revision_files import (
    creations_of,
    indexes_of,
    objects_of,
    objects_to_restore,
    parts_added_by,
)
from townhall.migrate.origins import (
    ORIGINS_OPTION,
    Origin,
    Origins,
    follow_steps,
    guard_operations,
    undone_revision,
)
from townhall.migrate.replacements import REPLACED_OPTION
from townhall.migrate.revision_source import read_source
from townhall.migrate.safety import lock_tables
from townhall.pg import sql
from townhall.pg.operations import DROP_STATEMENTS, run_unchanged


def prepare(context: MigrationContext, script: ScriptDirectory, origins: Origins) -> bool:
    """Refuse a run that something is in the way of, and remember what is there before it.

    A database that has nothing of the names that pending revisions create, and no memory, is only
    asked for them.

    Args:
        context: The migration context of the run, before its first step.
        script: The revisions of the configuration.
        origins: The memory.

    Returns:
        Whether there are revisions to apply.

    Raises:
        CommandError: Something is in the way.
    """
    steps = planned_steps(context)
    pending = pending_revisions(steps)
    follow_steps(context)
    replace_on_the_way(context)
    record_before_commits(context, pending, lambda: _start(context, origins))
    stamped, unstamped = stamped_revisions(context, script, steps)
    involved = [*pending, *stamped, *unstamped]
    # Of the database that a script runs in nothing is known.
    connection = None if context.as_sql else context.connection
    is_concerned = _is_concerned(connection, origins, involved) if connection else bool(steps)
    if is_concerned:
        if connection is not None:
            refuse_without_temporary_objects(connection)
        _start(context, origins)
        applied = applied_revisions(context, script)
        made = _names_of(applied)
        creations = [
            each
            for each in creations_of(pending)
            if each.table not in made and not is_dropped_before(each, pending)
        ]
        tables = ((each.table[0], name) for each in creations for name in each.names)
        messages = [other_owners(tables)]
        if not context.opts.get(ADOPTS):
            known = {part for revision in applied for part in parts_added_by(revision)}
            found = [
                obstacles(connection, creations),
                other_parts(connection, pending, creations, known),
                other_objects(connection, pending, made),
            ]
            messages.extend(filter(None, found))
        refuse(context, messages)
        run_unchanged(context, _memories(origins, made, pending, stamped, unstamped))
    if connection is not None:
        connection.commit()
    return bool(pending)


def replace_on_the_way(context: MigrationContext) -> None:
    """Let each revision drop what it takes the place of, also one that locks no tables first.

    Args:
        context: The migration context of the run, before its first step.
    """
    if not context.opts.get(REPLACED_OPTION):
        return
    function: Any = context._migrations_fn  # noqa: SLF001 - there is no public way

    def steps(*arguments: Any) -> Iterator[Any]:  # noqa: ANN401 - Alembic's
        for step in function(*arguments):
            calls = read_source(Path(step.revision.path)).upgrade if step.is_upgrade else ()
            if not any(each.name == lock_tables.__name__ for each in calls):
                step.migration_fn = _replacing_first(step.migration_fn)
            yield step

    vars(context)["_migrations_fn"] = steps


def _replacing_first(upgrade: Callable[..., None]) -> Callable[..., None]:
    @wraps(upgrade)
    def replace_and_upgrade(**arguments: Any) -> None:  # noqa: ANN401 - Alembic's
        lock_tables()
        upgrade(**arguments)

    return replace_and_upgrade


def after_step(context: MigrationContext, step: Any) -> None:  # noqa: ANN401 - Alembic's
    """Record what a step has added to tables that were there before.

    Args:
        context: The migration context of the run.
        step: The step.
    """
    origins = Origins.of(context)
    if origins is not None and not step.is_stamp:
        applied = step.up_revision_ids if step.is_upgrade else ()
        run_unchanged(context, [origins.note(by_us=True, applied=applied)])


def finish(context: MigrationContext) -> None:
    """Take back, at base, what is left of what the memory holds, and end it.

    An adoption that was interrupted has changed tables that no revision has come to.

    Args:
        context: The migration context of the run, after its last step.
    """
    origins = Origins.of(context)
    if origins is not None and is_downgrade(context):
        schema = context.version_table_schema
        name = sql.quote(context.version_table)
        table = f"{sql.quote(schema)}.{name}" if schema else name
        run_unchanged(context, [origins.end(table)])
        if not context.as_sql:
            connection_of(context).commit()


def _start(context: MigrationContext, origins: Origins) -> Origins:
    context.opts[ORIGINS_OPTION] = origins
    context.opts[DROP_STATEMENTS] = lambda each: origins.drop_statements(
        each, undone_revision(context)
    )
    guard_operations(context)
    run_unchanged(context, [sql.script(origins.install())])
    return origins


def _memories(
    origins: Origins,
    made: frozenset[tuple[str, ...]],
    pending: Sequence[Script],
    stamped: Sequence[Script],
    unstamped: Sequence[Script],
) -> list[str]:
    return [
        origins.note(by_us=False),
        *_remembering(origins, unstamped, "made", frozenset()),
        *_remembering(origins, [*pending, *stamped], "found", made),
        origins.note(by_us=False, applied=[each.revision for each in stamped]),
    ]


def _names_of(revisions: Sequence[Script]) -> frozenset[tuple[str, ...]]:
    """Return what revisions create; one that comes later may create it again, or rename it."""
    tables = ((each.table[0], name) for each in creations_of(revisions) for name in each.names)
    named = (
        each for revision in revisions for each in (*objects_of(revision), *indexes_of(revision))
    )
    return frozenset((*tables, *named))


def _remembering(
    origins: Origins, revisions: Sequence[Script], origin: Origin, made: frozenset[tuple[str, ...]]
) -> Iterable[str]:
    for creation in creations_of(revisions):
        if creation.table not in made:
            yield origins.remember(
                [(creation.table[0], sorted(creation.names))], origin, creation.revision.revision
            )
    for revision in revisions:
        objects = [each for each in objects_to_restore(revision) if each not in made]
        if objects:
            yield origins.remember_objects(objects, origin, revision.revision)


def _is_concerned(connection: Connection, origins: Origins, revisions: Sequence[Script]) -> bool:
    names = [
        *((each.table[0], name) for each in creations_of(revisions) for name in each.names),
        *(each[1:3] for revision in revisions for each in objects_of(revision)),
        *(each[1:3] for revision in revisions for each in indexes_of(revision)),
        *((table[0], name) for revision in revisions for table, name in parts_added_by(revision)),
    ]
    values = {
        "memory": origins.table,
        "names": json.dumps(names),
        "schemas": [origins.schema, "public"],
        "has_defaults": any(
            kind == "default privileges"
            for revision in revisions
            for kind, *_ in objects_of(revision)
        ),
        "accessed": [
            schema
            for revision in revisions
            for kind, schema, *_ in objects_of(revision)
            if kind == "schema" and schema != "public"
        ],
    }
    return bool(connection.scalar(text(_IS_CONCERNED), values))


_IS_CONCERNED = """
    with names as (
        select n.oid as schema, value ->> 1 as name
        from jsonb_array_elements(cast(:names as jsonb))
        join pg_catalog.pg_namespace as n on n.nspname = value ->> 0
    )
    select
        to_regclass(:memory) is not null
        or exists (
            select
            from pg_catalog.pg_namespace as n
            where n.nspname = any (:schemas)
                and not has_schema_privilege('public', n.oid, 'usage')
                and obj_description(n.oid, 'pg_namespace') not like 'townhall:%'
                    is not false
        )
        or exists (
            select
            from pg_catalog.pg_namespace as n
            where n.nspname = any (:accessed)
                and coalesce(n.nspacl::text, obj_description(n.oid, 'pg_namespace')) is not null
                and obj_description(n.oid, 'pg_namespace') not like 'townhall:%'
                    is not false
        )
        or :has_defaults and exists (select from pg_catalog.pg_default_acl)
        or exists (
            select
            from names
            join pg_catalog.pg_class as c on c.relnamespace = schema and c.relname = name
        )
        or exists (
            select
            from names
            join pg_catalog.pg_type as t on t.typnamespace = schema and t.typname = name
        )
        or exists (
            select
            from names
            join pg_catalog.pg_proc as p on p.pronamespace = schema and p.proname = name
        )
        or exists (
            select
            from names
            join pg_catalog.pg_constraint as k on k.connamespace = schema and k.conname = name
        )
"""
"""Whether there is a memory, a closed schema of others, or anything of some names."""
