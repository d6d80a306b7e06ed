"""What the schema must not have: how the catalog shows it, and an example that is found."""

from __future__ import annotations

from typing import NamedTuple


class SchemaRule(NamedTuple):
    """A rule for the whole schema.

    Attributes:
        title: What the schema must not have.
        violations: A query of the catalog for the names of the objects that violate the rule.
        example: SQL that violates the rule, beside or on ``public.example``.
    """

    title: str
    violations: str
    example: str


EXAMPLE_TABLE = """
create table public.example (id uuid primary key, user_id uuid);
comment on table public.example is 'An example.';
alter table public.example enable row level security
"""

_REDUNDANT_BY_THE_SPEC = """
    'idx_table_assignments_event', 'idx_table_assignments_table', 'idx_wizard_sessions_user_id',
    'ix_participant_sessions_tenant_id', 'ix_usage_events_tenant_id'
"""

# Keys and names that mean nothing outside of the database: a reader takes them as they are written.
_COMPARED_AS_WRITTEN = """
    'communities.slug', 'milestones.id', 'organizations.slug', 'tracks.name'
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

_LOOKED_UP = r"([\w.]+) = (?:ANY \(ARRAY\( SELECT|\( SELECT auth)"

TABLES = (
    SchemaRule(
        "a table without row level security",
        """
        select relname from pg_class
        where relnamespace = 'public'::regnamespace
            and relkind in ('r', 'p')
            and not relrowsecurity
        """,
        "alter table public.example disable row level security",
    ),
    SchemaRule(
        "a relation without a comment",
        """
        select relname from pg_class
        where relnamespace in ('public'::regnamespace, 'private'::regnamespace)
            and relkind in ('r', 'p', 'v', 'm')
            and relname <> 'alembic_version'
            and obj_description(oid, 'pg_class') is null
        """,
        "comment on table public.example is null",
    ),
    SchemaRule(
        "a privilege that policies do not restrict",
        """
        select concat_ws(' ', privilege_type, 'on', relname, 'for', grantee::regrole)
        from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
        where relnamespace = 'public'::regnamespace
            and privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
            and grantee not in (relowner, 'service_role'::regrole)
        """,
        "grant truncate on public.example to authenticated",
    ),
    SchemaRule(
        "a privilege on a table for anonymous callers or PUBLIC",
        """
        select concat_ws(' ', privilege_type, 'on', relname, attname)
        from pg_class
        left join pg_attribute on attrelid = pg_class.oid,
            aclexplode(coalesce(relacl, acldefault('r', relowner)) || attacl)
        where relnamespace = 'public'::regnamespace and grantee in (0, 'anon'::regrole)
        """,
        "grant select (user_id) on public.example to anon",
    ),
    SchemaRule(
        "a timestamp without time zone",
        """
        select attrelid::regclass || '.' || attname
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = 'public'::regnamespace and atttypid = 'timestamp'::regtype
        """,
        "alter table public.example add at timestamp",
    ),
    SchemaRule(
        "a membership whose default is not the least role",
        """
        select attrelid::regclass || '.' || attname
        from pg_attribute
        join pg_class on pg_class.oid = attrelid
        join pg_attrdef on adrelid = attrelid and adnum = attnum
        where relnamespace = 'public'::regnamespace
            and attname = 'role'
            and pg_get_expr(adbin, adrelid) not in ('''viewer''::text', '''member''::text')
        """,
        "alter table public.example add role text default 'manager'",
    ),
    SchemaRule(
        "a column updated_at without a trigger",
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
        "alter table public.example add updated_at timestamptz",
    ),
)

_BOUND_OF_TYPE = r"""
    case c.atttypid
        when 'text'::regtype then format('char_length\(%s\) <= |%1$s = ANY', c.attname)
        when 'jsonb'::regtype
            then 'octet_length\(.* <= .*jsonb_path_exists\(.*\{32\}.*jsonb_path_exists\('
        when 'text[]'::regtype
            then 'cardinality\(.* <= .*array_ndims\(.* = 1.*array_position\(.*201'
        when 'timestamptz'::regtype then 'EXTRACT\(year .* >= .* <= '
        when 'date'::regtype then '0001-01-01.*9999-12-31'
        when 'numeric'::regtype then 'NaN'
    end
"""

BOUNDS = (
    SchemaRule(
        "a column that clients write without bounds",
        f"""
        select format('%s.%s', c.attrelid::regclass, c.attname)
        from pg_attribute as c
        where c.attrelid in (
                select oid from pg_class
                where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
            )
            and c.attnum > 0
            and c.atttypid not in (
                'uuid'::regtype, 'boolean'::regtype, 'smallint'::regtype, 'integer'::regtype,
                'bigint'::regtype
            )
            and exists (
                select from unnest(array['anon', 'authenticated']) as role
                where has_column_privilege(role, c.attrelid, c.attnum, 'insert, update')
            )
            and not exists (
                select from pg_constraint as k
                where k.conrelid = c.attrelid
                    and c.attnum = any (k.conkey)
                    and (
                        k.contype = 'f'
                        or k.contype = 'c' and pg_get_constraintdef(k.oid) ~ {_BOUND_OF_TYPE}
                    )
            )
        """,
        """
        alter table public.example add content text;
        grant insert (content) on public.example to authenticated
        """,
    ),
)

INDEXES = (
    SchemaRule(
        "a foreign key column without an index",
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
        "alter table public.example add foreign key (user_id) references auth.users",
    ),
    SchemaRule(
        "an index that is a prefix of another one",
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
        create index on public.example (user_id);
        create index on public.example (user_id, id)
        """,
    ),
    SchemaRule(
        "a unique text that clients write without a check of its form",
        rf"""
        select format('%s.%s', indrelid::regclass, attname)
        from pg_index
        join pg_attribute on attrelid = indrelid and attnum = any (indkey)
        join pg_class on pg_class.oid = indrelid
        where relnamespace = 'public'::regnamespace
            and relkind in ('r', 'p')
            and indisunique
            and atttypid = 'text'::regtype
            and has_column_privilege('authenticated', indrelid, attnum, 'insert, update')
            and format('%s.%s', indrelid::regclass, attname) not in ({_COMPARED_AS_WRITTEN})
            and not exists (
                select from pg_constraint
                where conrelid = indrelid
                    and attnum = any (conkey)
                    and contype = 'c'
                    and pg_get_constraintdef(pg_constraint.oid) ~ ' ~ ''\^.*\$''|= ANY'
            )
        """,
        """
        alter table public.example add host text unique
            check (char_length(host) <= 253 and host ~ '[.]');
        grant insert (host) on public.example to authenticated
        """,
    ),
    SchemaRule(
        "a column of a policy without an index",
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
        create policy mine on public.example to authenticated
        using (user_id = (select auth.uid()))
        """,
    ),
)

POLICIES = (
    SchemaRule(
        "a policy for PUBLIC",
        "select polname || ' on ' || polrelid::regclass from pg_policy where 0 = any (polroles)",
        "create policy open on public.example for select using (true)",
    ),
    SchemaRule(
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
        create policy everything on public.example to authenticated using (user_id is null);
        create policy reading on public.example for select to authenticated using (true)
        """,
    ),
    SchemaRule(
        "a policy that evaluates the caller for each row",
        f"select policy from {_CONDITIONS} where condition ~ '(?<!SELECT )auth\\.\\w+\\('",
        """
        create policy mine on public.example for insert to authenticated
        with check (user_id = auth.uid())
        """,
    ),
    SchemaRule(
        "a policy that calls a helper function for each row",
        """
        select polname || ' on ' || polrelid::regclass from pg_policy
        where pg_get_expr(polqual, polrelid)
            ~ '(?<!SELECT )private\\.(?!\\w+_ask_for\\()\\w+\\((?!asked\\.id\\))'
        """,
        """
        create function private.is_mine(uuid) returns boolean language sql as 'select true';
        create policy mine on public.example for select to authenticated
        using (private.is_mine(user_id))
        """,
    ),
    SchemaRule(
        "a policy that may read all rows of another table to show one of its own",
        f"""
        select policy from {_CONDITIONS}
        where regexp_count(condition, 'EXISTS \\(') <> regexp_count(condition, 'OFFSET 0')
        """,
        """
        create policy readers on public.example for select to authenticated
        using (exists (select from public.profiles as p where p.id = user_id))
        """,
    ),
    SchemaRule(
        "a policy that compares a column with itself",
        f"""
        select policy from {_CONDITIONS}
        where condition ~ '(?<![\\w.])([\\w.]+) = \\1(?![\\w.(])'
        """,
        """
        create policy members on public.example for select to authenticated
        using (exists (select from public.organization_members where user_id = user_id))
        """,
    ),
)

FUNCTIONS = (
    SchemaRule(
        "a row trigger that looks up rows with the rights of the caller, once more for each row",
        f"""
        select proname from {_OUR_FUNCTIONS}
            and prorettype = 'trigger'::regtype
            and not prosecdef
            and prosrc ~ '\\m(from|join|update|into) (public|private)[.][a-z_]+\\M(?! *[(])'
            and exists (
                select from pg_trigger
                where tgfoid = pg_proc.oid and not tgisinternal and tgtype & 1 = 1
            )
        """,
        """
        create function public.look_up() returns trigger language plpgsql
        set search_path = pg_catalog, pg_temp as 'begin /* from public.events */ end';
        create trigger look_up before insert on public.example
            for each row execute function public.look_up()
        """,
    ),
    SchemaRule(
        "a function in public that triggers of several tables share",
        """
        select tgfoid::regproc::text
        from pg_trigger
        join pg_proc on pg_proc.oid = tgfoid
        where pronamespace = 'public'::regnamespace
        group by tgfoid
        having count(distinct tgrelid) > 1
        """,
        """
        create function public.stamp() returns trigger language plpgsql
        set search_path = pg_catalog, pg_temp as 'begin end';
        create trigger stamp before update on public.example execute function public.stamp();
        create trigger stamp before update on public.profiles execute function public.stamp()
        """,
    ),
    SchemaRule(
        "a function without a comment",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and obj_description(pg_proc.oid, 'pg_proc') is null
        """,
        "create function private.example() returns int language sql as 'select 1'",
    ),
    SchemaRule(
        "a function with an unsafe search path",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and proconfig @> array['search_path=pg_catalog, pg_temp'] is not true
        """,
        """
        create function private.example() returns int language sql
        set search_path = '' as 'select 1'
        """,
    ),
    SchemaRule(
        "a security definer function outside schema private",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and prosecdef
            and pronamespace <> 'private'::regnamespace
        """,
        """
        create function public.example() returns int language sql security definer
        set search_path = pg_catalog, pg_temp as 'select 1'
        """,
    ),
    SchemaRule(
        "a function that PUBLIC may execute",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and exists (
                select from aclexplode(coalesce(proacl, acldefault('f', proowner)))
                where grantee = 0
            )
        """,
        "create function private.example() returns int language sql as 'select 1'",
    ),
    SchemaRule(
        "a helper query that evaluates the caller for each row",
        f"""
        select pg_proc.oid::regprocedure::text from {_OUR_FUNCTIONS}
            and prolang = (select oid from pg_language where lanname = 'sql')
            and prosrc ~* '(?<!select )auth\\.\\w+\\('
        """,
        """
        create function private.example() returns setof uuid language sql
        as 'select id from auth.users where id = auth.uid()'
        """,
    ),
    SchemaRule(
        "a view without security_invoker",
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
        "create view public.example_view as select * from public.example",
    ),
)
