"""What no part of the schema may be: how the catalog tells it, and an example that it tells."""

from __future__ import annotations

from typing import NamedTuple


class Offence(NamedTuple):
    """Something that is wrong wherever it occurs.

    Attributes:
        title: What is wrong, in words.
        offenders: A query of the catalog for the name of everything that is wrong.
        example: What commits the offence, next to or on ``public.offender``.
    """

    title: str
    offenders: str
    example: str


EXAMPLE_TABLE = """
create table public.offender (id uuid primary key, user_id uuid);
comment on table public.offender is 'An example.';
alter table public.offender enable row level security
"""

_REDUNDANT_BY_THE_SPEC = """
    'idx_table_assignments_event', 'idx_table_assignments_table', 'idx_wizard_sessions_user_id',
    'ix_participant_sessions_tenant_id', 'ix_usage_events_tenant_id'
"""

_OUR_FUNCTIONS = """
    pg_proc
    where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        and not exists (
            select from pg_depend
            where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'
        )
"""

_CONDITIONS = """
    (
        select
            polrelid,
            polname || ' on ' || polrelid::regclass as policy,
            concat_ws(
                ' ', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
            ) as condition
        from pg_policy
    ) as conditions
"""

_LOOKED_UP = r"([\w.]+) = (?:ANY \(ARRAY|\( SELECT auth)"

TABLES = (
    Offence(
        "a table without row level security",
        """
        select relname from pg_class
        where relnamespace = 'public'::regnamespace
            and relkind in ('r', 'p')
            and not relrowsecurity
        """,
        "alter table public.offender disable row level security",
    ),
    Offence(
        "a relation without a comment",
        """
        select relname from pg_class
        where relnamespace in ('public'::regnamespace, 'private'::regnamespace)
            and relkind in ('r', 'p', 'v', 'm')
            and relname <> 'alembic_version'
            and obj_description(oid, 'pg_class') is null
        """,
        "comment on table public.offender is null",
    ),
    Offence(
        "a privilege that policies do not hold for",
        """
        select concat_ws(' ', privilege_type, 'on', relname, 'for', grantee::regrole)
        from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
        where relnamespace = 'public'::regnamespace
            and privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
            and grantee not in (relowner, 'service_role'::regrole)
        """,
        "grant truncate on public.offender to authenticated",
    ),
    Offence(
        "a privilege on a table for nobody in particular",
        """
        select concat_ws(' ', privilege_type, 'on', relname, attname)
        from pg_class
        left join pg_attribute on attrelid = pg_class.oid,
            aclexplode(coalesce(relacl, acldefault('r', relowner)) || attacl)
        where relnamespace = 'public'::regnamespace and grantee in (0, 'anon'::regrole)
        """,
        "grant select (user_id) on public.offender to anon",
    ),
    Offence(
        "a time without a zone",
        """
        select attrelid::regclass || '.' || attname
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = 'public'::regnamespace and atttypid = 'timestamp'::regtype
        """,
        "alter table public.offender add at timestamp",
    ),
    Offence(
        "a time of change that nothing keeps",
        """
        select attrelid::regclass::text
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = 'public'::regnamespace
            and relkind = 'r'
            and attname = 'updated_at'
            and not exists (
                select from pg_trigger
                where tgrelid = attrelid and tgtype & 19 = 19  -- before update, for each row
            )
        """,
        "alter table public.offender add updated_at timestamptz",
    ),
)

INDEXES = (
    Offence(
        "a foreign key column that no index begins with",
        """
        select conrelid::regclass || '.' || attname
        from pg_constraint, unnest(conkey) as key
        join pg_attribute on attnum = key
        where attrelid = conrelid
            and contype = 'f'
            and connamespace = 'public'::regnamespace
            and not exists (
                select from pg_index
                where indrelid = conrelid
                    and indkey[0] = key
                    and indisvalid
                    and coalesce(pg_get_expr(indpred, indrelid), '')
                        in ('', format('(%I IS NOT NULL)', attname))
            )
        """,
        "alter table public.offender add foreign key (user_id) references auth.users",
    ),
    Offence(
        "an index that another one begins with",
        f"""
        with indexes as (
            select
                indexrelid::regclass as name,
                indrelid,
                indisunique as is_unique,
                relam,
                pg_get_expr(indpred, indrelid) as predicate,
                array(
                    select pg_get_indexdef(indexrelid, position, true)
                    from generate_series(1, indnkeyatts) as position
                    order by position
                ) as columns
            from pg_index join pg_class on pg_class.oid = indexrelid
            where relnamespace = 'public'::regnamespace
        )
        select shorter.name::text
        from indexes as shorter
        join indexes as longer
            on longer.indrelid = shorter.indrelid
            and longer.relam = shorter.relam
            and longer.predicate is not distinct from shorter.predicate
            and longer.columns[:cardinality(shorter.columns)] = shorter.columns
            and longer.name <> shorter.name
        where (shorter.is_unique, shorter.columns, shorter.name::oid)
                < (longer.is_unique, longer.columns, longer.name::oid)
            and (not shorter.is_unique or longer.columns = shorter.columns)
            and shorter.name::text not in ({_REDUNDANT_BY_THE_SPEC})
        """,
        """
        create index on public.offender (user_id);
        create index on public.offender (user_id, id)
        """,
    ),
    Offence(
        "a column of a policy that no index begins with",
        f"""
        select policy || ': ' || matched[1]
        from {_CONDITIONS}, regexp_matches(condition, '{_LOOKED_UP}', 'g') as matched
        where not exists (
            select from pg_index
            join pg_attribute on attrelid = indrelid and attnum = indkey[0]
            where indrelid = polrelid and indisvalid and quote_ident(attname) = matched[1]
        )
        """,
        """
        create policy mine on public.offender to authenticated
        using (user_id = (select auth.uid()))
        """,
    ),
)

POLICIES = (
    Offence(
        "a policy for everybody",
        "select polname || ' on ' || polrelid::regclass from pg_policy where 0 = any (polroles)",
        "create policy open on public.offender for select using (true)",
    ),
    Offence(
        "two permissive policies for one role and command",
        """
        select format('%s on %s for %s', command, polrelid::regclass, role::regrole)
        from pg_policy,
            unnest(polroles) as role,
            unnest(case polcmd when '*' then array['r', 'a', 'w', 'd'] else array[polcmd::text] end)
                as command
        where polpermissive
        group by command, polrelid, role
        having count(*) > 1
        """,
        """
        create policy everything on public.offender to authenticated using (user_id is null);
        create policy reading on public.offender for select to authenticated using (true)
        """,
    ),
    Offence(
        "a policy that asks who calls for every row",
        f"select policy from {_CONDITIONS} where condition ~ '(?<!SELECT )auth\\.\\w+\\('",
        """
        create policy mine on public.offender for insert to authenticated
        with check (user_id = auth.uid())
        """,
    ),
    Offence(
        "a policy that calls a helper for every row that is there",
        """
        select polname || ' on ' || polrelid::regclass from pg_policy
        where pg_get_expr(polqual, polrelid) ~ '(?<!SELECT )private\\.\\w+\\('
        """,
        """
        create function private.is_mine(uuid) returns boolean language sql as 'select true';
        create policy mine on public.offender for select to authenticated
        using (private.is_mine(user_id))
        """,
    ),
    Offence(
        "a policy that compares a column with itself",
        f"""
        select policy from {_CONDITIONS}
        where condition ~ '(?<![\\w.])([\\w.]+) = \\1(?![\\w.(])'
        """,
        """
        create policy members on public.offender for select to authenticated
        using (exists (select from public.organization_members where user_id = user_id))
        """,
    ),
)

FUNCTIONS = (
    Offence(
        "a function without a comment",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and obj_description(pg_proc.oid, 'pg_proc') is null
        """,
        "create function private.offence() returns int language sql as 'select 1'",
    ),
    Offence(
        "a function that finds what its caller put there",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and proconfig @> array['search_path=pg_catalog, pg_temp'] is not true
        """,
        """
        create function private.offence() returns int language sql
        set search_path = '' as 'select 1'
        """,
    ),
    Offence(
        "a function with its owner's rights that clients see",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and prosecdef
            and pronamespace <> 'private'::regnamespace
        """,
        """
        create function public.offence() returns int language sql security definer
        set search_path = pg_catalog, pg_temp as 'select 1'
        """,
    ),
    Offence(
        "a function that everybody may execute",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and exists (
                select from aclexplode(coalesce(proacl, acldefault('f', proowner)))
                where grantee = 0
            )
        """,
        "create function private.offence() returns int language sql as 'select 1'",
    ),
    Offence(
        "a query of a helper that asks who calls for every row",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and prolang = (select oid from pg_language where lanname = 'sql')
            and prosrc ~* '(?<!select )auth\\.\\w+\\('
        """,
        """
        create function private.offence() returns setof uuid language sql
        as 'select id from auth.users where id = auth.uid()'
        """,
    ),
    Offence(
        "a view that goes around the policies of its tables",
        """
        select relname from pg_class
        where relnamespace = 'public'::regnamespace
            and relkind = 'v'
            and not coalesce(
                (
                    select option_value::boolean from pg_options_to_table(reloptions)
                    where option_name = 'security_invoker'
                ),
                false
            )
        """,
        "create view public.offence as select * from public.offender",
    ),
)
