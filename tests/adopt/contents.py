"""What the databases of products hold: rows, and the parts of their tables."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, text

Rows = dict[str, dict[Any, dict[str, Any]]]


def connected(url: str) -> Connection:
    return create_engine(url, poolclass=NullPool).connect()


def rows_of(url: str) -> Rows:
    """Return the rows of every table in ``public`` as JSON, by table and key."""
    with connected(url) as connection:
        connection.execute(text("set timezone = 'UTC'"))
        return {
            name: {
                row["id"]: row
                for row in connection.scalars(text(f"select to_jsonb(t) from public.{name} as t"))
            }
            for name in connection.scalars(text(_TABLES)).all()
        }


_TABLES = """
    select c.relname
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace
        and c.relkind = 'r'
        and c.relname <> 'alembic_version'
    order by 1
"""

_PARTS = """
    select 'constraint ' || k.conname || ' ' || pg_catalog.pg_get_constraintdef(k.oid)
    from pg_catalog.pg_constraint as k
    where k.connamespace = 'public'::regnamespace and k.contype <> 'n'
    union all
    select 'index ' || i.indexname || ' ' || i.indexdef
    from pg_catalog.pg_indexes as i
    where i.schemaname = 'public' and i.tablename <> 'alembic_version'
    union all
    select concat_ws(
        ' ', 'policy', p.tablename, p.policyname, p.permissive, p.cmd, p.roles, p.qual, p.with_check
    )
    from pg_catalog.pg_policies as p
    where p.schemaname = 'public'
    union all
    select concat_ws(' ', 'row security', c.relname, c.relrowsecurity, c.relforcerowsecurity)
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    union all
    select concat_ws(
        ' ', 'privilege', c.relname, x.grantee::regrole, x.privilege_type, x.is_grantable
    )
    from pg_catalog.pg_class as c
    cross join pg_catalog.aclexplode(c.relacl) as x
    where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'v')
        and x.grantee <> c.relowner
    union all
    select 'trigger ' || pg_catalog.pg_get_triggerdef(t.oid)
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    where not t.tgisinternal and c.relnamespace = 'public'::regnamespace
    union all
    select 'column ' || c.table_name || ' ' || c.column_name || ' ' || c.is_nullable || ' '
        || coalesce(c.column_default, '')
    from information_schema.columns as c
    where c.table_schema = 'public' and c.table_name <> 'alembic_version'
    order by 1
"""


_CASTS = re.compile(r"::(?:character varying|text)(?:\[\])?|[()]")
"""What PostgreSQL renders otherwise once it has read its own rendering."""


def parts_of(url: str) -> list[str]:
    """Return the constraints, indexes, policies, triggers, access and columns of the tables."""
    with connected(url) as connection:
        found = connection.scalars(text(_PARTS)).all()
    return sorted(_CASTS.sub("", each) for each in found if "alembic_version" not in each)


def assert_kept(before: Rows, after: Rows) -> None:
    """Assert that every row is there with every value that it had."""
    for table, rows in before.items():
        found = after.get(table) or after[_LAST_NAMES[table]]
        for key, row in rows.items():
            known = {
                name: value
                for name, value in row.items()
                if value is not None and not {name, f"{table}.{name}"} & _CORRECTED
            }
            assert {name: same(found[key][name]) for name in known} == {
                name: same(value) for name, value in known.items()
            }


_CORRECTED = {"reaction_count", "comment_count", "social_feed_comments.updated_at"}
"""What a revision counts anew, and what it stamps."""

_LAST_NAMES = {"campaign_assignments": "participant_sessions"}


def same(value: object) -> object:
    """Return a value so that a time without a time zone equals the same one in UTC."""
    return value.removesuffix("+00:00") if isinstance(value, str) else value


def rows_in_order(url: str) -> list[str]:
    with connected(url) as connection:
        return [
            row
            for name in connection.scalars(text(_TABLES)).all()
            for row in connection.scalars(text(f"select t::text from {name} as t order by 1"))
        ]
