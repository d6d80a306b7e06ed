"""What the catalogs say of the rules of a database: a constant number of queries, of any size.

Everything in the schemas of PostgreSQL is left out, and whatever an extension brought.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping

from townhall.check.dangers.rules import (
    Callers,
    ForeignKey,
    FoundFunction,
    FoundPolicy,
    Relation,
    Rules,
    ViewQuery,
)
from townhall.check.dangers.truth import read_always_true
from townhall.pg import TableAccess, sql
from townhall.pg.catalog import (
    PLATFORM_SCHEMAS,
    SIGNATURE,
    empty_search_path,
    not_of_an_extension,
    rows,
)
from townhall.roles import SUPABASE, Roles

_USUALLY_EXPOSED = "public"


def read_rules(
    connection: Connection,
    roles: Roles | None,
    exposed: Sequence[str] | None = None,
) -> Rules:
    """Return the rules of a database.

    Args:
        connection: A connection within a transaction; it is only read.
        roles: The roles that requests act as, or None to find them: those of Supabase, or the
            anonymous role of PostgREST's settings.
        exposed: The schemas whose objects requests can name; None for those of PostgREST's
            settings, and ``public`` where there are none.
    """
    with empty_search_path(connection):
        callers = _callers(rows(connection, _ROLES, []), roles)
        relations = [Relation(**_values(row)) for row in rows(connection, _RELATIONS, [])]
        policies = [FoundPolicy(**_values(row)) for row in rows(connection, _POLICIES, [])]
        functions = [
            FoundFunction(**_values(row))
            for row in rows(connection, _FUNCTIONS, sorted(PLATFORM_SCHEMAS))
        ]
        always_true = read_always_true(connection)
        keys = rows(connection, _FOREIGN_KEYS, sorted(PLATFORM_SCHEMAS))
        names = rows(connection, _NAMES, sorted({row["schema"] for row in keys}))
        if exposed is None:
            exposed = callers.schemas or (_USUALLY_EXPOSED,)
        schemas = rows(connection, _SCHEMAS, [])
        creators = {
            row["name"]: found for row in schemas if (found := callers.may_create(row["creators"]))
        }
        open_schemas = {each.schema for each in relations if each.is_open_table}
        queries = rows(connection, _VIEW_QUERIES, []) if policies else []
        metadata = rows(connection, _METADATA, [])
        accesses = TableAccess.read(connection, sorted(open_schemas))
    return Rules(
        callers,
        tuple(exposed),
        frozenset(
            row["name"]
            for row in schemas
            if row["name"] in exposed and callers.may_have(row["users"])
        ),
        creators,
        {each.oid: each for each in relations},
        {(each.schema, each.table): each for each in accesses if not each.row_security},
        policies,
        always_true,
        {each.oid: each for each in functions},
        {row["oid"]: ViewQuery(tuple(row["columns"]), row["query"]) for row in queries},
        {row["oid"]: row["number"] for row in metadata if row["is_stored"]},
        {(row["type"], row["number"]): row["name"] for row in metadata},
        frozenset((row["schema"], row["name"]) for row in names),
        [ForeignKey(**_values(row)) for row in keys],
    )


def _values(row: RowMapping) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def _callers(found: Sequence[RowMapping], declared: Roles | None) -> Callers:
    by_name = {row["name"]: row for row in found}
    settings = [setting for row in found for setting in row["settings"]]
    roles = declared or _usual_roles(by_name, _setting(settings, "pgrst.db_anon_role"))
    names = tuple(
        name for name in (roles.anonymous, roles.user) if name is not None and name in by_name
    )
    return Callers(
        roles.anonymous if roles.anonymous in by_name else None,
        tuple(name for name in (roles.user, roles.service) if name is not None and name in by_name),
        names,
        {name: frozenset(row["memberships"]) for name, row in by_name.items()},
        frozenset(name for name, row in by_name.items() if row["bypasses"]),
        tuple(
            each for each in _setting(settings, "pgrst.db_schemas") if each not in PLATFORM_SCHEMAS
        ),
    )


def _usual_roles(existing: Container[str], anonymous: Sequence[str]) -> Roles:
    if any(name in existing for name in SUPABASE.names):
        return SUPABASE
    return Roles(anonymous=next(iter(anonymous), None), user=None, service=None)


def _setting(settings: Iterable[str], name: str) -> list[str]:
    for setting in settings:
        key, _, value = setting.partition("=")
        if key == name:
            return [each for each in sql.split_list(value) if each]
    return []


_ROLES = """
    select
        r.rolname as name,
        r.rolsuper or r.rolbypassrls as bypasses,
        array(
            select m.rolname
            from pg_catalog.pg_roles as m
            where pg_has_role(r.oid, m.oid, 'usage') and not r.rolsuper
        ) as memberships,
        array(
            select s.setting
            from pg_catalog.pg_db_role_setting as d
            cross join unnest(d.setconfig) as s (setting)
            where d.setrole in (0, r.oid)
                and d.setdatabase in (
                    0,
                    (select oid from pg_catalog.pg_database where datname = current_database())
                )
                and s.setting like 'pgrst.%%'
            order by d.setdatabase desc, d.setrole desc
        ) as settings
    from pg_catalog.pg_roles as r
    where r.rolname !~ '^pg_'
    order by r.rolname
"""

_NAMES = """
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
"""

_OWN_SCHEMA = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"


def _holders(privilege: str) -> str:
    return f"""array(
            select coalesce(r.rolname, 'public')
            from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as e
            left join pg_catalog.pg_roles as r on r.oid = e.grantee
            where e.privilege_type = '{privilege}'
            order by 1
        )"""


_SCHEMAS = f"""
    select
        n.nspname as name,
        {_holders("USAGE")} as users,
        {_holders("CREATE")} as creators
    from pg_catalog.pg_namespace as n
    where {_OWN_SCHEMA}
    order by n.nspname
"""

_RELATIONS = f"""
    select
        c.oid::bigint as oid,
        n.nspname as schema,
        c.relname as name,
        c.relkind::text as kind,
        c.relrowsecurity as row_security,
        o.rolname as owner,
        o.rolsuper or o.rolbypassrls as is_owned_by_bypassing,
        c.relforcerowsecurity as is_forced,
        exists (select from pg_catalog.pg_inherits as i where i.inhrelid = c.oid) as is_child,
        coalesce(
            (
                select x.option_value::boolean
                from pg_catalog.pg_options_to_table(c.reloptions) as x
                where x.option_name = 'security_invoker'
            ),
            false
        ) as is_invoker,
        array(
            select coalesce(r.rolname, 'public')
            from (
                select e.grantee
                from aclexplode(c.relacl) as e
                where e.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
                union
                select e.grantee
                from pg_catalog.pg_attribute as a
                cross join aclexplode(a.attacl) as e
                where a.attrelid = c.oid and not a.attisdropped and a.attacl is not null
            ) as g
            left join pg_catalog.pg_roles as r on r.oid = g.grantee
            where g.grantee <> c.relowner
            order by 1
        ) as grantees,
        array(
            select distinct d.refobjid::bigint
            from pg_catalog.pg_rewrite as w
            join pg_catalog.pg_depend as d
                on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
            where w.ev_class = c.oid
                and c.relkind in ('v', 'm')
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.refobjid <> c.oid
            order by 1
        ) as reads,
        not ({not_of_an_extension("pg_class", "c")}) as is_of_extension
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_roles as o on o.oid = c.relowner
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and {_OWN_SCHEMA}
    order by n.nspname, c.relname
"""

ACCOUNT_METADATA = "raw_user_meta_data"
"""The column of ``auth.users`` with what users may set themselves."""

SETTING_FUNCTIONS = frozenset({2077, 3294})
"""The numbers of ``current_setting``, which gives the claims of a token."""

CLAIM_METADATA = "user_metadata"
"""The key of the same among the claims of a token."""

_METADATA = f"""
    select
        c.oid::bigint as oid,
        c.reltype::bigint as type,
        a.attnum as number,
        a.attname as name,
        c.relkind in ('r', 'p', 'f') and a.attname = '{ACCOUNT_METADATA}' as is_stored
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    where a.attname in ('{ACCOUNT_METADATA}', '{CLAIM_METADATA}')
        and c.relkind in ('r', 'p', 'f', 'v', 'm', 'c')
"""

_VIEW_QUERIES = f"""
    with recursive found as (
        select c.oid
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        join pg_catalog.pg_rewrite as w on w.ev_class = c.oid
        where c.relkind in ('v', 'm')
            and {_OWN_SCHEMA}
            and {not_of_an_extension("pg_class", "c")}
            and (
                w.ev_action::text ~ ':funcid ({"|".join(map(str, sorted(SETTING_FUNCTIONS)))}) '
                or exists (
                    select
                    from pg_catalog.pg_depend as d
                    where d.classid = 'pg_catalog.pg_rewrite'::regclass
                        and d.objid = w.oid
                        and d.refclassid = 'pg_catalog.pg_proc'::regclass
                )
                or exists (
                    select
                    from pg_catalog.pg_depend as d
                    join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid
                    where d.classid = 'pg_catalog.pg_rewrite'::regclass
                        and d.objid = w.oid
                        and d.refclassid = 'pg_catalog.pg_class'::regclass
                        and a.attname = '{ACCOUNT_METADATA}'
                )
            )
        union
        select c.oid
        from found as f
        join pg_catalog.pg_depend as d
            on d.classid = 'pg_catalog.pg_rewrite'::regclass
            and d.refclassid = 'pg_catalog.pg_class'::regclass
            and d.refobjid = f.oid
        join pg_catalog.pg_rewrite as w on w.oid = d.objid
        join pg_catalog.pg_class as c on c.oid = w.ev_class
        where c.relkind in ('v', 'm') and c.oid <> f.oid
    )
    select
        c.oid::bigint as oid,
        w.ev_action::text as query,
        array(
            select a.attname
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0
            order by a.attnum
        ) as columns
    from pg_catalog.pg_class as c
    join pg_catalog.pg_rewrite as w on w.ev_class = c.oid
    where w.ev_type = '1' and w.rulename = '_RETURN' and c.oid in (select f.oid from found as f)
    order by c.oid
"""
"""Those that read a relation with that column, call a function, or read another such view."""

_POLICIES = f"""
    select
        n.nspname as schema,
        c.relname as table,
        p.polname as name,
        case p.polcmd
            when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
            when 'd' then 'delete' else 'all'
        end as command,
        p.polpermissive as is_permissive,
        array(
            select coalesce(r.rolname, 'public')
            from unnest(p.polroles) as x (oid)
            left join pg_catalog.pg_roles as r on r.oid = x.oid
            order by 1
        ) as roles,
        pg_get_expr(p.polqual, p.polrelid) as using,
        pg_get_expr(p.polwithcheck, p.polrelid) as check,
        array(
            select d.refobjid::bigint
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_policy'::regclass
                and d.objid = p.oid
                and d.refclassid = 'pg_catalog.pg_proc'::regclass
            order by 1
        ) as functions,
        array(
            select d.refobjid::bigint || ' ' || d.refobjsubid || ' ' || coalesce(a.attname, '')
            from pg_catalog.pg_depend as d
            left join pg_catalog.pg_attribute as a
                on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_catalog.pg_policy'::regclass
                and d.objid = p.oid
                and d.refclassid = 'pg_catalog.pg_class'::regclass
            order by 1
        ) as columns
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where {_OWN_SCHEMA} and {not_of_an_extension("pg_class", "c")}
    order by n.nspname, c.relname, p.polname
"""

_FUNCTIONS = f"""
    select
        p.oid::bigint as oid,
        n.nspname as schema,
        {SIGNATURE} as signature,
        case p.prokind when 'p' then 'procedure' else 'function' end as kind,
        quote_ident(n.nspname) || '.' || quote_ident(p.proname) as literal,
        p.oid::regprocedure::text as target,
        format_type(p.prorettype, null) as returns,
        p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) as is_trigger,
        p.proretset as is_set,
        p.prosecdef as is_definer,
        p.provolatile = 's' or n.nspname = 'auth' as is_stable,
        (
            select substr(s.setting, length('search_path=') + 1)
            from unnest(p.proconfig) as s (setting)
            where starts_with(s.setting, 'search_path=')
        ) as search_path,
        array(
            select coalesce(r.rolname, 'public')
            from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as e
            left join pg_catalog.pg_roles as r on r.oid = e.grantee
            where e.grantee <> p.proowner
            order by 1
        ) as grantees,
        coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body,
        n.nspname <> all (%(schemas)s) and {not_of_an_extension("pg_proc", "p")} as is_own
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where p.prokind in ('f', 'p') and {_OWN_SCHEMA}
    order by n.nspname, p.proname, p.oid::regprocedure::text
"""

# An index covers a key whose columns are the first ones of it, in any order. As good is one whose
# first columns are a part of the key that references a key of its own: what references the event 7
# of the tenant 3 is what references the event 7.
_FOREIGN_KEYS = f"""
    with covering as (
        select k.oid as constraint_oid, pg_get_expr(i.indpred, i.indrelid) as predicate
        from pg_catalog.pg_constraint as k
        join pg_catalog.pg_index as i on i.indrelid = k.conrelid
        join pg_catalog.pg_class as x on x.oid = i.indexrelid
        join pg_catalog.pg_am as m on m.oid = x.relam
        cross join generate_series(
            1, least(i.indnkeyatts::integer, cardinality(k.conkey))
        ) as l (length)
        cross join lateral (
            select
                (i.indkey::smallint[])[0:l.length - 1] as columns,
                array(
                    select r.referenced
                    from unnest(k.conkey, k.confkey) as r (own, referenced)
                    where r.own = any ((i.indkey::smallint[])[0:l.length - 1])
                ) as referenced
        ) as head
        where k.contype = 'f'
            and i.indisvalid
            and m.amname in ('btree', 'hash')
            and head.columns <@ k.conkey
            and (
                l.length = cardinality(k.conkey)
                or exists (
                    select
                    from pg_catalog.pg_index as u
                    where u.indrelid = k.confrelid
                        and u.indisunique
                        and u.indisvalid
                        and u.indpred is null
                        and u.indexprs is null
                        and (u.indkey::smallint[])[0:u.indnkeyatts - 1] <@ head.referenced
                )
            )
    )
    select
        n.nspname as schema,
        c.relname as table,
        k.conname as name,
        array(
            select a.attname
            from unnest(k.conkey) with ordinality as x (number, place)
            join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = x.number
            order by x.place
        ) as columns,
        array(
            select distinct i.predicate
            from covering as i
            where i.constraint_oid = k.oid
            order by 1
        ) as predicates
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as c on c.oid = k.conrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where k.contype = 'f'
        and k.conparentid = 0
        and {_OWN_SCHEMA}
        and n.nspname <> all (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
        and not exists (
            select from covering as i where i.constraint_oid = k.oid and i.predicate is null
        )
    order by n.nspname, c.relname, k.conname
"""
