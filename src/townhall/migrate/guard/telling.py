"""What a run tells beside its steps: what a downgrade left, and what others have on tables."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Connection, MetaData

from townhall.migrate.guard.revision_files import parts_of
from townhall.migrate.origins import TOLD, Origins
from townhall.migrate.origins.unfinished import UNFINISHED
from townhall.pg import Entity, Policy, Trigger, sql
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.pg.operations import run_unchanged
from townhall.pg.policy import CODES, VERBS

_log = logging.getLogger(__name__)


@contextmanager
def telling(connection: Connection) -> Iterator[None]:
    """Log what statements of this package have to say while a run is on.

    They raise warnings, so that a script tells the same.

    Args:
        connection: A connection of psycopg.
    """
    driver: Any = connection.connection.driver_connection

    def tell(diagnostic: Any) -> None:  # noqa: ANN401 - psycopg's
        if diagnostic.sqlstate == TOLD:
            _log.warning("%s", diagnostic.message_primary)

    driver.add_notice_handler(tell)
    try:
        yield
    finally:
        driver.remove_notice_handler(tell)


def tell_of_unfinished(context: MigrationContext) -> None:
    """Tell what an interrupted adoption has left that is not valid, which no revision completes.

    Args:
        context: The migration context of the run, after its steps; offline the script tells.
    """
    run_unchanged(context, [_LEFT])


def tell_of_others(
    context: MigrationContext,
    origins: Origins,
    metadata: Iterable[MetaData],
    entities: Iterable[Entity],
    revisions: Sequence[Script],
) -> None:
    """Tell of the permissive policies and the triggers of others on declared tables.

    A permissive policy opens rows beside what is declared, and a trigger works beside those that
    are declared: it may count or audit the same. What an adoption has kept is not told.

    Args:
        context: The migration context of the run, after its steps; offline the script tells.
        origins: The memory.
        metadata: The declared tables.
        entities: The declared entities.
        revisions: The revisions, whose policies and triggers are not of others.
    """
    tables = {
        (table.schema or "public", table.name)
        for each in metadata
        for table in each.tables.values()
    }
    known = {
        *((each.kind, *each.name_parts) for each in entities if isinstance(each, Policy | Trigger)),
        *(part for revision in revisions for part in parts_of(revision)),
    }
    declared = sorted(table for table in tables if table[0] not in PLATFORM_SCHEMAS)
    statement = _OTHERS.format(
        tables=sql.literal(json.dumps(declared)),
        known=sql.literal(json.dumps(sorted(known))),
        memory=origins.table,
        memory_name=sql.literal(origins.table),
        verbs=sql.literal(json.dumps({CODES[each]: verb for each, verb in VERBS.items()})),
        told=sql.literal(TOLD),
    )
    run_unchanged(context, [statement])


_LEFT = f"""do $left$
declare
    found text := (
        select pg_catalog.string_agg(
            pg_catalog.format('%s %I.%I %I', u.kind, u.schema, u.relation, u.name), ', '
        )
        from ({UNFINISHED}) as u
    );
begin
    if found is not null then
        raise warning using
            errcode = {sql.literal(TOLD)},
            message = 'an adoption was interrupted and has left what is not valid: ' || found
                || '; run townhall adopt --apply again, with the same decisions';
    end if;
end
$left$"""

_OTHERS = """do $others$
declare
    kept jsonb = '[]';
    line text;
begin
    if pg_catalog.to_regclass({memory_name}) is not null then
        kept := (
            select coalesce(
                pg_catalog.jsonb_agg(
                    pg_catalog.jsonb_build_array(kind, schema_name, object_name, part)
                ),
                '[]'
            )
            from {memory}
            where decision = 'keep'
        );
    end if;
    for line in
        with tables as (
            select
                c.oid,
                pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
                n.nspname,
                c.relname
            from pg_catalog.jsonb_array_elements({tables}) as d
            join pg_catalog.pg_namespace as n on n.nspname = d.value ->> 0
            join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = d.value ->> 1
            where c.relkind in ('r', 'p')
        ),
        known (part) as (
            select value from pg_catalog.jsonb_array_elements({known} || kept)
        )
        select pg_catalog.format(
            'the policy %I on %s, which no revision made, lets %s %s %s',
            p.polname,
            t.name,
            case
                when p.polroles = '{{0}}' then 'every role'
                else (
                    select pg_catalog.string_agg(m.oid::regrole::text, ', ')
                    from pg_catalog.unnest(p.polroles) as m (oid)
                )
            end,
            {verbs}::jsonb ->> p.polcmd::text,
            case condition
                when 'true' then 'every row'
                when 'false' then 'no row'
                else 'rows where ' || pg_catalog.regexp_replace(condition, '\\s+', ' ', 'g')
            end
        )
        from pg_catalog.pg_policy as p
        join tables as t on t.oid = p.polrelid
        cross join lateral (
            -- PostgreSQL lets no row through a permissive policy without a condition.
            select coalesce(
                pg_catalog.pg_get_expr(
                    case when p.polcmd = 'a' then p.polwithcheck else p.polqual end, p.polrelid
                ),
                'false'
            )
        ) as c (condition)
        where p.polpermissive
            and pg_catalog.jsonb_build_array('policy', t.nspname, t.relname, p.polname)
                not in (select part from known)
        union all
        select pg_catalog.format(
            'the trigger %I on %s, which no revision made, runs %s %s %s',
            g.tgname,
            t.name,
            g.tgfoid::regprocedure,
            case
                when g.tgtype & 2 <> 0 then 'before'
                when g.tgtype & 64 <> 0 then 'instead of'
                else 'after'
            end,
            pg_catalog.concat_ws(
                ' or ',
                case when g.tgtype & 4 <> 0 then 'insert' end,
                case when g.tgtype & 16 <> 0 then 'update' end,
                case when g.tgtype & 8 <> 0 then 'delete' end,
                case when g.tgtype & 32 <> 0 then 'truncate' end
            )
        )
        from pg_catalog.pg_trigger as g
        join tables as t on t.oid = g.tgrelid
        where not g.tgisinternal
            and pg_catalog.jsonb_build_array('trigger', t.nspname, t.relname, g.tgname)
                not in (select part from known)
        order by 1
    loop
        raise warning using errcode = {told}, message = line;
    end loop;
end
$others$"""
