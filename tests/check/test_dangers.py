"""What is dangerous in rules: on a schema that has it, and on one that nearly has it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import ProgrammingError

from townhall import pg
from townhall.check import Finding
from townhall.check.dangers import dangers, read_rules
from townhall.check.dangers.kinds import WORDS, Danger
from townhall.pg import (
    Entity,
    Function,
    MaterializedView,
    Policy,
    Procedure,
    SchemaAccess,
    TableAccess,
    View,
)
from townhall.roles import Roles
from townhall.testing.databases import Databases

PLATFORM = """
    do $$
    begin
        create role anon nologin;
        create role authenticated nologin;
        create role service_role nologin bypassrls;
    exception when duplicate_object then null;
    end
    $$;
    create schema auth;
    create schema private;
    create table auth.users (
        id uuid primary key, email text, raw_user_meta_data jsonb, raw_app_meta_data jsonb
    );
    create function auth.uid() returns uuid language sql stable
    return nullif(current_setting('request.jwt.claim.sub', true), '')::uuid;
    create function auth.jwt() returns jsonb language sql stable
    return current_setting('request.jwt.claims', true)::jsonb;
    create table public.posts (
        id bigint primary key, owner_id uuid, org_id integer, kind text, user_metadata text
    );
    alter table public.posts enable row level security;
"""
"""A small platform, and a table of which nothing is dangerous."""

HAS: dict[str, tuple[Danger, str, str]] = {
    "table": (
        Danger.NO_ROW_SECURITY,
        'table public.Odd "T"',
        'create table "Odd ""T""" (id integer); grant select on "Odd ""T""" to anon',
    ),
    "partitioned table": (
        Danger.NO_ROW_SECURITY,
        "table public.t",
        """
        create table t (id integer) partition by list (id); grant insert on t to authenticated
        """,
    ),
    "table of a role that callers are members of": (
        Danger.NO_ROW_SECURITY,
        "table public.t",
        """
        create role readers nologin; alter role anon inherit; grant readers to anon;
        create table t (id integer); grant select on t to readers
        """,
    ),
    "table of which one column may be changed": (
        Danger.NO_ROW_SECURITY,
        "table public.t",
        "create unlogged table t (id integer, s text); grant update (s) on t to authenticated",
    ),
    "partition that callers may name": (
        Danger.NO_ROW_SECURITY,
        "table public.t_1",
        """
        create table t (id integer) partition by list (id);
        alter table t enable row level security;
        create table t_1 partition of t default;
        grant select on t_1 to authenticated
        """,
    ),
    "table with a privilege on a column": (
        Danger.NO_ROW_SECURITY,
        "table public.child",
        """
        create table child (extra text) inherits (posts); grant select (id) on child to public
        """,
    ),
    "table that a caller owns": (
        Danger.NO_ROW_SECURITY,
        "table public.t",
        """
        grant create on schema public to authenticated;
        create table t (id integer); alter table t owner to authenticated
        """,
    ),
    "foreign table": (
        Danger.NO_ROW_SECURITY,
        "foreign table public.Far away",
        """
        create foreign data wrapper w; create server s foreign data wrapper w;
        create foreign table "Far away" (id integer) server s;
        grant select on "Far away" to authenticated
        """,
    ),
    "policy of a table that is not exposed": (
        Danger.UNUSED_POLICIES,
        "table private.t",
        "create table private.t (id integer); create policy p on private.t using (id = 1)",
    ),
    "insert": (
        Danger.WRITABLE_BY_ALL,
        'policy public.posts "any" one',
        """create policy "\"\"any\"\" one" on posts for insert to anon with check (true)""",
    ),
    "insert by a group of callers": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        """
        alter role authenticated inherit;
        create role "Web users" nologin;
        grant "Web users" to authenticated;
        create policy p on posts for insert to "Web users" with check (true)
        """,
    ),
    "update of any row": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        "create policy p on posts for update using (true) with check (owner_id is not null)",
    ),
    "update to any row": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        "create policy p on posts for update using (owner_id is not null) with check (1 = 1)",
    ),
    "delete": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        "create policy p on posts for delete to authenticated using (true)",
    ),
    "everything": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        "create policy p on posts using (true)",
    ),
    "everything with a check": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        "create policy p on posts using (true) with check (owner_id is not null)",
    ),
    "conditions that are always true": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        """
        create policy p on posts for update to authenticated
        using ((select true) and 'a' = 'a') with check (owner_id is not null or not false)
        """,
    ),
    "restriction of another command": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        """
        create policy p on posts for insert with check (true);
        create policy r on posts as restrictive for delete using (owner_id is not null)
        """,
    ),
    "restriction of another role": (
        Danger.WRITABLE_BY_ALL,
        "policy public.posts p",
        """
        create policy p on posts for insert with check (true);
        create policy r on posts as restrictive to anon using (owner_id is not null)
        """,
    ),
    "view": (
        Danger.OWNERS_VIEW,
        "view public.View",
        """
        create view "View" with (security_barrier) as select id from posts;
        grant select (id) on "View" to anon
        """,
    ),
    "view that says it is no invoker": (
        Danger.OWNERS_VIEW,
        "view public.v",
        """
        create view v with (security_invoker = off) as select id from posts;
        grant update on v to public
        """,
    ),
    "view of a view": (
        Danger.OWNERS_VIEW,
        "view public.v",
        """
        create view private.v with (security_invoker = true) as select id from posts;
        create view v as select id from private.v; grant select on v to anon
        """,
    ),
    "view that a view of its reader reads": (
        Danger.OWNERS_VIEW,
        "view private.v",
        """
        create view private.v as select id from posts; grant select on private.v to anon;
        create view v with (security_invoker) as select id from private.v;
        grant select on v to anon
        """,
    ),
    "materialized view that a view of its reader reads": (
        Danger.OWNERS_VIEW,
        "materialized view private.v",
        """
        create materialized view private.v as select id from posts;
        grant select on private.v to authenticated;
        create view v with (security_invoker) as select id from private.v;
        grant select on v to authenticated
        """,
    ),
    "view of a member of the owner of the table": (
        Danger.OWNERS_VIEW,
        "view public.v",
        """
        create role owner_of_tables nologin; create role owner_of_views nologin inherit;
        grant owner_of_tables to owner_of_views;
        grant all on schema public to owner_of_tables, owner_of_views;
        create table t (id integer); alter table t enable row level security;
        alter table t owner to owner_of_tables;
        create view v as select id from t; alter view v owner to owner_of_views;
        grant select on v to anon
        """,
    ),
    "view of a partition": (
        Danger.OWNERS_VIEW,
        "view public.v",
        """
        create table private.t (id integer) partition by list (id);
        create table private.t_1 partition of private.t default;
        alter table private.t_1 enable row level security;
        create view v as select id from private.t_1; grant select on v to anon
        """,
    ),
    "materialized view that callers may read": (
        Danger.OWNERS_VIEW,
        "materialized view public.v",
        "create materialized view v as select id from posts; grant select on v to anon",
    ),
    "view of auth.users": (
        Danger.USERS_SHOWN,
        "view public.v",
        """
        create view v as select p.id, u.email from posts p join auth.users u on u.id = p.owner_id;
        grant select on v to anon
        """,
    ),
    "view of auth.users that a view of its reader reads": (
        Danger.USERS_SHOWN,
        "view private.v",
        """
        create view private.v as select id, email as contact from auth.users;
        grant select on private.v to authenticated;
        create view v with (security_invoker) as select contact from private.v;
        grant select on v to authenticated
        """,
    ),
    "materialized view of auth.users": (
        Danger.USERS_SHOWN,
        "materialized view public.v",
        "create materialized view v as select id from auth.users; grant select on v to public",
    ),
    "definer function for everybody": (
        Danger.ANONYMOUS_DEFINER,
        "function public.Count(integer, text)",
        """
        create function "Count"(integer, text) returns bigint language sql security definer
        set search_path = '' as 'select count(*) from public.posts'
        """,
    ),
    "definer function for anonymous callers": (
        Danger.ANONYMOUS_DEFINER,
        "function public.f()",
        """
        create function f() returns bigint language sql security definer
        set search_path = '' as 'select count(*) from public.posts';
        revoke execute on function f() from public; grant execute on function f() to anon
        """,
    ),
    "definer function with a body of SQL": (
        Danger.ANONYMOUS_DEFINER,
        "function public.f()",
        """
        create role callers nologin; alter role anon inherit; grant callers to anon;
        create function f() returns bigint language sql security definer set search_path = ''
        begin atomic select count(*) from public.posts; end;
        revoke execute on function f() from public; grant execute on function f() to callers
        """,
    ),
    "definer procedure": (
        Danger.ANONYMOUS_DEFINER,
        "procedure public.f()",
        """
        create procedure f() language sql security definer set search_path = ''
        as 'delete from public.posts'
        """,
    ),
    "definer function without a path": (
        Danger.UNSAFE_SEARCH_PATH,
        "function private.f(integer)",
        """
        create function private.f(integer) returns integer language sql security definer
        as 'select 1'
        """,
    ),
    "definer trigger function with temporary tables first": (
        Danger.UNSAFE_SEARCH_PATH,
        "function public.f()",
        """
        create function f() returns trigger language plpgsql security definer
        set search_path = "Odd, path", public as 'begin return new; end'
        """,
    ),
    "definer function that looks for temporary tables first and last": (
        Danger.UNSAFE_SEARCH_PATH,
        "function private.f()",
        """
        create function private.f() returns integer language sql security definer
        set search_path = pg_temp, private, pg_temp as 'select 1'
        """,
    ),
    "definer function with a schema in which callers may create": (
        Danger.UNSAFE_SEARCH_PATH,
        "function private.f()",
        """
        create schema "Of all"; grant create on schema "Of all" to public;
        create function private.f() returns integer language sql security definer
        set search_path = "Of all", pg_temp as 'select 1'
        """,
    ),
    "invoker view of auth.users that callers may read": (
        Danger.USERS_SHOWN,
        "view public.v",
        """
        grant select on auth.users to authenticated;
        create view v with (security_invoker) as select email from auth.users;
        grant select on v to authenticated
        """,
    ),
    "invoker view of an invoker view of auth.users of which callers may read a column": (
        Danger.USERS_SHOWN,
        "view private.v",
        """
        grant select (email) on auth.users to authenticated;
        create view private.v with (security_invoker) as select email from auth.users;
        create view v with (security_invoker) as select email from private.v;
        grant select on private.v, v to authenticated
        """,
    ),
    "user metadata": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select
        using ((select auth.jwt()) -> 'user_metadata' ->> 'role' = 'admin')
        """,
    ),
    "user metadata in a path": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for insert with check (
            (select current_setting('request.jwt.claims', true)::jsonb)
            #>> '{user_metadata,role}' = 'admin'
        )
        """,
    ),
    "user metadata of auth.users": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            exists (
                select from auth.users as u
                where u.id = (select auth.uid()) and u.raw_user_meta_data ->> 'role' = 'admin'
            )
        )
        """,
    ),
    "user metadata in a function": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create function private.f() returns boolean language sql stable
        as $$ select auth.jwt() -> 'user_metadata' ->> 'role' = 'admin' $$;
        create policy p on posts for select using ((select private.f()))
        """,
    ),
    "user metadata in a function that a function calls": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create function private."Role of"() returns text language sql stable
        return auth.jwt() -> 'user_metadata' ->> 'role';
        create function private.g() returns boolean language plpgsql stable
        as $$ begin return private."Role of"() = 'admin'; end $$;
        create policy p on posts for select using ((select private.g()))
        """,
    ),
    "user metadata in a view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private."Users" with (security_barrier) as
        select id, raw_app_meta_data, raw_user_meta_data as meta from auth.users;
        create policy p on posts for select using (
            exists (
                select from private."Users" where id = owner_id and meta ->> 'role' = 'admin'
            )
        )
        """,
    ),
    "user metadata in a view by its own name": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.users as select raw_user_meta_data, id from auth.users
        union all select auth.jwt() -> 'user_metadata', null;
        create policy p on posts for select using (
            exists (
                select from private.users as u
                where u.id = owner_id and u.raw_user_meta_data ->> 'role' = 'admin'
            )
        )
        """,
    ),
    "user metadata in a view that a function reads": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.accounts as
        select id, raw_user_meta_data ->> 'role' as role from auth.users;
        create function private.f() returns boolean language sql stable as $$
        select exists (select from private.accounts as a where a.id = auth.uid() and role = 'admin')
        $$;
        create policy p on posts for select using ((select private.f()))
        """,
    ),
    "user metadata in a function that a view calls": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create function private."Role of"() returns text language sql stable
        as $$ select auth.jwt() -> 'user_metadata' ->> 'role' $$;
        create view private.caller as select private."Role of"() as role, auth.uid() as id;
        create policy p on posts for select using (
            exists (select from private.caller as c where c.role = 'admin' and c.id = owner_id)
        )
        """,
    ),
    "user metadata in a view of a view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.accounts as
        select id, raw_user_meta_data as user_metadata from auth.users;
        create view private.admins as
        select id from private.accounts union
        select (user_metadata ->> 'id')::uuid from private.accounts;
        create policy p on posts for select using (owner_id in (select id from private.admins))
        """,
    ),
    "user metadata by an alias in a query of a view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select s.id, s.m ->> 'role' as role
        from (select id, raw_user_meta_data as m from auth.users) as s;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata by a lateral query of a view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select u.id, l.role
        from auth.users as u
        cross join lateral (select u.raw_user_meta_data ->> 'role' as role) as l;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata by a query of with": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        with a as (select id, raw_user_meta_data as m from auth.users),
        b as (select a.id, a.m as n from a)
        select id, n ->> 'role' as role from b;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata by a query of with that reads itself": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        with recursive a as (
            select id, raw_user_meta_data as m from auth.users
            union all select id, m from a where false
        )
        select id, m ->> 'role' as role from a;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata by the alias of a join": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select j.id, j.raw_user_meta_data ->> 'role' as role
        from (auth.users as u cross join public.posts as p (number)) as j;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata by the alias of using": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select j.id, x.m ->> 'role' as role
        from (select id, raw_user_meta_data as m from auth.users) as x
        join auth.users using (id) as j;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata of a whole row": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select id, to_jsonb(u) -> 'raw_user_meta_data' ->> 'role' as role from auth.users as u;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata in an aggregate of groups": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select id, m ->> 'role' as role
        from (select id, raw_user_meta_data as m from auth.users) as s group by id, m;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata that decides which rows a view has": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select id from auth.users where raw_user_meta_data ->> 'role' = 'admin';
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and true
        ))
        """,
    ),
    "user metadata that decides which rows a query in a view has": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select s.id from (
            select id from auth.users where raw_user_meta_data ->> 'role' = 'admin'
        ) as s;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and true
        ))
        """,
    ),
    "user metadata in a subquery of a column": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select id, exists (
            select from auth.users as u
            where u.id = o.id and u.raw_user_meta_data ->> 'role' = 'admin'
        ) as is_admin
        from auth.users as o;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and is_admin
        ))
        """,
    ),
    "user metadata of claims in a query of a view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select (c.claims ->> 'sub')::uuid as id, c.claims -> 'user_metadata' ->> 'role' as role
        from (select auth.jwt() as claims) as c;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata of claims that the policy takes apart": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select auth.uid() as id, auth.jwt() as claims;
        create policy p on posts for select using (exists (
            select from private.v
            where id = owner_id and claims -> 'user_metadata' ->> 'role' = 'admin'
        ))
        """,
    ),
    "user metadata of claims as a record": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select auth.uid() as id, r.user_metadata ->> 'role' as role
        from jsonb_to_record(auth.jwt()) as r (user_metadata jsonb);
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata in a materialized view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create materialized view private.v as select id, raw_user_meta_data ->> 'role' as role
        from auth.users;
        create unique index on private.v (id);
        create policy p on posts for select using (
            exists (select from private.v where id = owner_id and role = 'admin')
        )
        """,
    ),
    "user metadata in a materialized view that a view reads": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create materialized view private.m as select id, raw_user_meta_data as meta from auth.users;
        create function private.f() returns boolean language sql stable as $$
        select exists (select from private.m where id = auth.uid() and meta ->> 'role' = 'admin')
        $$;
        create policy p on posts for select using ((select private.f()))
        """,
    ),
    "user metadata by a subscript": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            (select auth.jwt())['user_metadata']['role'] = '"admin"'
        )
        """,
    ),
    "user metadata by a path function": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            jsonb_path_exists((select auth.jwt()), '$.user_metadata ? (@.role == "admin")')
        )
        """,
    ),
    "user metadata by an operator of paths": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            (select auth.jwt()) @? '$.user_metadata.admin'
        )
        """,
    ),
    "user metadata by nested functions": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            coalesce(
                lower(jsonb_extract_path_text((select auth.jwt()), 'user_metadata', 'role')), ''
            ) = 'admin'
        )
        """,
    ),
    "user metadata by a record of claims": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            exists (
                select from jsonb_to_record((select auth.jwt())) as r (user_metadata jsonb)
                where r.user_metadata ->> 'role' = 'admin'
            )
        )
        """,
    ),
    "user metadata by each key": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            exists (
                select from jsonb_each((select auth.jwt())) as e
                where e.key = 'user_metadata' and e.value ->> 'role' = 'admin'
            )
        )
        """,
    ),
    "user metadata of a whole row of auth.users": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            exists (
                select from auth.users as u
                where u.id = owner_id and to_jsonb(u) -> 'raw_user_meta_data' ->> 'role' = 'admin'
            )
        )
        """,
    ),
    "user metadata of a row that a function gives": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create function private.me() returns jsonb language sql stable as $$
        select to_jsonb(s) from (select * from auth.users where id = auth.uid()) as s
        $$;
        create policy p on posts for select using (
            (select private.me() -> 'raw_user_meta_data' ->> 'role') = 'admin'
        )
        """,
    ),
    "user metadata of a row that an atomic function gives": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create function private.me() returns jsonb language sql stable
        begin atomic select to_jsonb(u) from auth.users as u where u.id = auth.uid(); end;
        create view private.v as
        select auth.uid() as id, private.me() -> 'raw_user_meta_data' ->> 'role' as role;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata of rows that a function gives": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create function private.them() returns setof auth.users language sql stable
        as 'select * from auth.users';
        create policy p on posts for select using (exists (
            select from private.them() as t
            where t.id = owner_id and t.raw_user_meta_data ->> 'role' = 'admin'
        ))
        """,
    ),
    "user metadata by a record of a whole row": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (exists (
            select
            from auth.users as u, jsonb_to_record(to_jsonb(u)) as r (raw_user_meta_data jsonb)
            where u.id = owner_id and r.raw_user_meta_data ->> 'role' = 'admin'
        ))
        """,
    ),
    "user metadata by a record like a table": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create table private.claims (user_metadata jsonb, app_metadata jsonb);
        create policy p on posts for select using (exists (
            select from jsonb_populate_record(null::private.claims, (select auth.jwt())) as r
            where r.user_metadata ->> 'role' = 'admin'
        ))
        """,
    ),
    "user metadata by a field of a record like a table": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create table private.claims (user_metadata jsonb, app_metadata jsonb);
        create policy p on posts for select using ((
            (select jsonb_populate_record(null::private.claims, auth.jwt())).user_metadata
        ) ->> 'role' = 'admin')
        """,
    ),
    "user metadata by a field of claims in a view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create type private.claims as (user_metadata jsonb, app_metadata jsonb);
        create view private.v as select
            auth.uid() as id,
            (
                (select jsonb_populate_record(null::private.claims, auth.jwt())).user_metadata
            ) ->> 'role' as r;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and r = 'admin'
        ))
        """,
    ),
    "user metadata by a field of a row in a view": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create view private.v as
        select s.id, (s.u).raw_user_meta_data ->> 'role' as role
        from (select id, u from auth.users as u) as s;
        create policy p on posts for select using (exists (
            select from private.v where id = owner_id and role = 'admin'
        ))
        """,
    ),
    "user metadata by rows that a function makes in exists": (
        Danger.USER_METADATA,
        "policy public.posts p",
        """
        create policy p on posts for select using (exists (
            select jsonb_array_elements(u.raw_user_meta_data -> 'roles')
            from auth.users as u where u.id = owner_id
        ))
        """,
    ),
    "auth.uid()": (
        Danger.PER_ROW,
        "policy public.posts p",
        "create policy p on posts for select using (owner_id = auth.uid())",
    ),
    "auth.uid() in the check of an update": (
        Danger.PER_ROW,
        "policy public.posts p",
        """
        create policy p on posts for update using (owner_id = (select auth.uid()))
        with check (auth.uid() = owner_id)
        """,
    ),
    "current_setting": (
        Danger.PER_ROW,
        "policy public.posts p",
        """
        create policy p on posts for select
        using (kind = current_setting('app.kind', true) or org_id = 1)
        """,
    ),
    "stable function": (
        Danger.PER_ROW,
        "policy public.posts p",
        """
        create function private."My kind"(text) returns text language sql stable as 'select $1';
        create policy p on posts for select using (private."My kind"('(x'::varchar(3)) = kind)
        """,
    ),
    "stable function of an array": (
        Danger.PER_ROW,
        "policy public.posts p",
        """
        create function private.orgs() returns integer[] language sql stable as 'select array[1]';
        create policy p on posts for select using (org_id = any (private.orgs()))
        """,
    ),
    "argument of a function of the row": (
        Danger.PER_ROW,
        "policy public.posts p",
        """
        create function private.may(uuid, integer) returns boolean language sql stable
        as 'select true';
        create policy p on posts for select using (private.may(auth.uid(), org_id))
        """,
    ),
    "auth.uid() within other functions": (
        Danger.PER_ROW,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            kind = lower(auth.uid()::text) or kind in (coalesce((auth.jwt() -> 'kinds') ->> 0, ''))
        )
        """,
    ),
    "comparison in a query of its own": (
        Danger.PER_ROW,
        "policy public.posts p",
        "create policy p on posts for select using ((select owner_id = auth.uid()))",
    ),
    "auth.uid() in a subquery": (
        Danger.PER_ROW,
        "policy public.posts p",
        """
        create policy p on posts for select using (
            exists (select from auth.users as u where u.id = auth.uid() and u.id = posts.owner_id)
        )
        """,
    ),
    "policies for every role and for one": (
        Danger.SEVERAL_PERMISSIVE,
        "table public.posts",
        """
        create policy "a read" on posts for select using (kind = 'open');
        create policy "b read" on posts for select to authenticated using (org_id = 1)
        """,
    ),
    "policies for all commands and for one": (
        Danger.SEVERAL_PERMISSIVE,
        "table public.posts",
        """
        create policy own on posts to authenticated using (org_id = 1) with check (org_id = 2);
        create policy change on posts for update to authenticated using (org_id = 3)
        """,
    ),
    "policies for a role and for a member of it": (
        Danger.SEVERAL_PERMISSIVE,
        "table public.posts",
        """
        create role readers nologin; alter role authenticated inherit;
        grant readers to authenticated;
        create policy a on posts for select to readers using (org_id = 1);
        create policy b on posts for select to authenticated using (org_id = 2)
        """,
    ),
    "policies for all commands": (
        Danger.SEVERAL_PERMISSIVE,
        "table public.posts",
        """
        create policy own on posts to authenticated using (org_id = 1);
        create policy other on posts to anon, authenticated using (org_id = 3)
        """,
    ),
    "foreign key": (
        Danger.NO_INDEX,
        'constraint public.T of "key',
        """
        create table "T" (id integer primary key, "Of" bigint);
        alter table "T" enable row level security;
        alter table "T" add constraint "of ""key" foreign key ("Of") references posts
        """,
    ),
    "foreign key behind another column": (
        Danger.NO_INDEX,
        "constraint private.t t_b_fkey",
        "create table private.t (a integer, b bigint references posts, primary key (a, b))",
    ),
    "foreign key with a partial index": (
        Danger.NO_INDEX,
        "constraint private.t t_b_fkey",
        """
        create table private.t (a integer, b bigint references posts);
        create index on private.t (b) where a = 1;
        create index on private.t (a) include (b);
        create index on private.t using brin (b)
        """,
    ),
    "foreign key of a partitioned table": (
        Danger.NO_INDEX,
        "constraint private.t t_b_fkey",
        """
        create table private.t (a integer, b bigint references posts) partition by list (a);
        create table private.t_1 partition of private.t default
        """,
    ),
    "foreign key of two columns": (
        Danger.NO_INDEX,
        "constraint private.t k",
        """
        create table private.o (a integer, b integer, primary key (a, b));
        create table private.t (
            x integer, y integer, constraint k foreign key (x, y) references private.o
        );
        create index on private.t (x)
        """,
    ),
    "foreign keys of the same columns": (
        Danger.NO_INDEX,
        "constraint private.t k",
        """
        create table private.t (
            b bigint,
            constraint k foreign key (b) references posts,
            constraint l foreign key (b) references posts
        )
        """,
    ),
}
"""By name: the danger, the object it is found in, and what makes it."""

HAS_NOT = {
    "table that is not exposed": """
        create table private.t (id integer); grant select on private.t to anon
    """,
    "table without a privilege of a caller": """
        create table t (id integer); grant all on t to service_role
    """,
    "exposed schema that no caller may use": """
        create schema api; alter role anon set pgrst.db_schemas = 'api';
        create table api.t (id integer); grant all on api.t to anon, authenticated;
        create view api.v as select id from posts; grant select on api.v to anon;
        create function api.f() returns integer language sql security definer
        set search_path = '' as 'select 1'
    """,
    "foreign table without a privilege of a caller": """
        create foreign data wrapper w; create server s foreign data wrapper w;
        create foreign table t (id integer) server s; grant select on t to service_role
    """,
    "table of the platform": "create table auth.t (id integer)",
    "partition": """
        create table t (id integer) partition by list (id);
        alter table t enable row level security;
        create table t_1 partition of t default
    """,
    "inheriting table": "create table child (extra text) inherits (posts)",
    "temporary table": "create temporary table t (id integer)",
    "read policy": "create policy p on posts for select using (true)",
    "write policy of the service": """
        create policy p on posts to service_role using (true) with check (true)
    """,
    "restrictive true policy": """
        create policy p on posts as restrictive to anon using (true)
    """,
    "restricted true policy": """
        create policy p on posts for insert to authenticated with check (true);
        create policy r on posts as restrictive using (kind = 'open')
    """,
    "condition that only looks true": """
        create policy p on posts for insert with check (kind = 'true' or org_id = 1)
    """,
    "invoker view": """
        create view v with (security_invoker) as select id from posts; grant select on v to anon
    """,
    "view without a table": "create view v as select 1 as one; grant select on v to anon",
    "view that is not exposed": """
        create view private.v as select email from auth.users; grant select on private.v to anon
    """,
    "view that callers can't read": """
        create view v as select id from posts; grant select on v to service_role
    """,
    "invoker view of auth.users that callers can't read": """
        create view v with (security_invoker) as select email from auth.users;
        grant select on v to authenticated
    """,
    "invoker view of auth.users with policies": """
        alter table auth.users enable row level security;
        grant select on auth.users to authenticated;
        create view v with (security_invoker) as select email from auth.users;
        grant select on v to authenticated
    """,
    "invoker view of a view that callers can't read": """
        create view private.v as select id from posts;
        create view v with (security_invoker) as select id from private.v;
        grant select on v to anon
    """,
    "invoker view of an invoker view": """
        create view private.v with (security_invoker) as select id from posts;
        grant select on private.v to anon;
        create view v with (security_invoker) as select id from private.v;
        grant select on v to anon
    """,
    "view of tables that are not exposed": """
        create table private.t (id integer); create view v as select id from private.t;
        grant select on v to anon
    """,
    "view of a forced table": """
        create role owner_of_views nologin; grant all on schema public to owner_of_views;
        create table t (id integer); alter table t enable row level security;
        alter table t force row level security; alter table t owner to owner_of_views;
        create view v as select id from t; alter view v owner to owner_of_views;
        grant select on v to anon
    """,
    "materialized view that callers can't read": """
        create materialized view v as select id from posts; grant select on v to service_role
    """,
    "invoker function": """
        create function f() returns bigint language sql as 'select count(*) from posts'
    """,
    "definer function for users": """
        create function f() returns bigint language sql security definer set search_path = ''
        as 'select count(*) from public.posts';
        revoke execute on function f() from public; grant execute on function f() to authenticated
    """,
    "definer function that is not exposed": """
        create function private.f() returns bigint language sql security definer
        set search_path = pg_catalog, public, pg_temp as 'select count(*) from public.posts'
    """,
    "definer function with a schema in which the service may create": """
        create schema api; grant create on schema api to service_role;
        create function private.f() returns integer language sql security definer
        set search_path = api, pg_temp as 'select 1'
    """,
    "definer trigger function": """
        create function f() returns trigger language plpgsql security definer
        set search_path = '' as 'begin return new; end'
    """,
    "app metadata": """
        create policy p on posts for select
        using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin')
    """,
    "key with user_metadata in its name": """
        create policy p on posts for select
        using ((select auth.jwt()) -> 'app_metadata' ->> 'user_metadata_checked' = 'yes')
    """,
    "column called user_metadata": """
        create policy p on posts for select
        using (user_metadata = (select auth.jwt()) -> 'app_metadata' ->> 'role')
    """,
    "text user_metadata": """
        create policy p on posts for select using (kind = 'user_metadata')
    """,
    "other column of a view with user metadata": """
        create view private.users as
        select id, raw_user_meta_data as shown, raw_app_meta_data as trusted from auth.users;
        create policy p on posts for select using (
            exists (
                select from private.users where id = owner_id and trusted ->> 'role' = 'admin'
            )
        )
    """,
    "function that reads another column of a view with user metadata": """
        create view private.users as
        select id, raw_user_meta_data as shown, raw_app_meta_data as trusted from auth.users;
        create function private.f() returns boolean language sql stable
        as $$ select trusted ->> 'role' = 'admin' from private.users where id = auth.uid() $$;
        create policy p on posts for select using ((select private.f()))
    """,
    "column of a view beside user metadata in a query": """
        create view private.v as
        select s.id, s.trusted ->> 'role' as role, s.m
        from (
            select id, raw_user_meta_data as m, raw_app_meta_data as trusted from auth.users
        ) as s;
        create policy p on posts for select using (
            exists (select from private.v where id = owner_id and role = 'admin')
        )
    """,
    "trusted claims in a view": """
        create view private.v as
        select auth.uid() as id, c.claims -> 'app_metadata' ->> 'role' as role, 'user_metadata' as k
        from (select auth.jwt() as claims) as c where auth.uid() is not null;
        create policy p on posts for select using (
            exists (select from private.v where id = owner_id and role = 'admin')
        )
    """,
    "columns of users in exists": """
        create policy p on posts for select using (
            exists (select * from auth.users as u where u.id = owner_id and u.email = 'a')
        )
    """,
    "columns of users in exists of a function": """
        create function private.f() returns boolean language sql stable begin atomic
        select exists (select * from auth.users where id = auth.uid() and email = 'a');
        end;
        create policy p on posts for select using ((select private.f()))
    """,
    "columns of users in exists of a view": """
        create view private.v as
        select auth.uid() as id, exists (select * from auth.users where email = 'a') as is_admin;
        create policy p on posts for select using (
            exists (select from private.v where id = owner_id and is_admin)
        )
    """,
    "other column of rows that a function gives": """
        create function private.them() returns setof auth.users language sql stable
        as 'select * from auth.users';
        create policy p on posts for select using (
            exists (select from private.them() as t where t.id = owner_id and t.email = 'a')
        )
    """,
    "other field of claims": """
        create type private.claims as (role text, user_metadata jsonb);
        create view private.v as select
            auth.uid() as id, (jsonb_populate_record(null::private.claims, auth.jwt())).role;
        create policy p on posts for select using (
            exists (select from private.v where id = owner_id and role = 'admin')
        )
    """,
    "other field of a row in a view": """
        create view private.v as
        select s.id, (s.u).email from (select id, u from auth.users as u) as s;
        create policy p on posts for select using (
            exists (select from private.v where id = owner_id and email = 'a')
        )
    """,
    "function that reads no token": """
        create function private.f() returns boolean language sql stable
        as $$ /* auth.jwt() -> 'user_metadata' */ select true $$;
        create policy p on posts for select using ((select private.f()))
    """,
    "auth.uid() once": """
        create policy p on posts for select using (
            owner_id = (select auth.uid())
            or owner_id in (select auth.uid())
            or owner_id = (select nullif(auth.uid(), null))
        )
    """,
    "auth.uid() in a policy of the service": """
        create policy p on posts for select to service_role using (owner_id = auth.uid())
    """,
    "function of the row": """
        create function private.may(integer) returns boolean language sql stable as 'select true';
        create policy p on posts for select using (private.may(org_id))
    """,
    "immutable, volatile and built-in functions": """
        create function private.f() returns boolean language sql immutable as 'select true';
        create function private.g() returns boolean language sql volatile as 'select true';
        create policy p on posts for select
        using (private.f() and private.g() and now() > '-infinity')
    """,
    "stable function of a caller in a query of its own": """
        create policy p on posts for select
        using (
            owner_id = (select coalesce(auth.uid(), null)) and kind = (select auth.jwt() ->> 'k')
        )
    """,
    "call in a text": "create policy p on posts for select using (kind = 'auth.uid()')",
    "table function": """
        create function private.orgs() returns setof integer language sql stable as 'select 1';
        create policy p on posts for select
        using (org_id in (select o from private.orgs() as o) or org_id in (select private.orgs()))
    """,
    "table function that is joined": """
        create policy p on posts for select using (
            org_id in (
                select u.id
                from unnest(current_setting('app.orgs')::integer[]) as o (id)
                join unnest(array[1, 2]) as u (id) on u.id = o.id
            )
        )
    """,
    "policies for other commands": """
        create policy a on posts for select using (true);
        create policy b on posts for delete to authenticated using (org_id = 1)
    """,
    "policies for other roles": """
        create policy a on posts for select to anon using (true);
        create policy b on posts for select to authenticated using (org_id = 1)
    """,
    "restrictive policy beside a permissive one": """
        create policy a on posts for select using (true);
        create policy b on posts as restrictive for select using (org_id = 1)
    """,
    "policy of the service beside another": """
        create policy a on posts for select using (true);
        create policy b on posts for select to service_role using (true)
    """,
    "foreign key with an index in another order": """
        create table private.o (a integer, b integer, primary key (a, b));
        create table private.t (
            x integer, y integer, z integer, foreign key (x, y) references private.o,
            unique (y, x, z)
        )
    """,
    "foreign key with an index of what is not null": """
        create table private.t ("B" bigint references posts);
        create index on private.t ("B") where "B" is not null
    """,
    "foreign key with a hash index": """
        create table private.t (b bigint references posts); create index on private.t using hash (b)
    """,
    "foreign key of which a part is a key": """
        create table private.o (a integer primary key, b integer, unique (b, a));
        create table private.t (
            x integer, y integer, foreign key (x, y) references private.o (a, b)
        );
        create index on private.t (x)
    """,
    "foreign key of a partitioned table with an index": """
        create table private.t (a integer, b bigint references posts) partition by list (a);
        create index on private.t (b);
        create table private.t_1 partition of private.t default
    """,
    "objects of an extension": """
        create table t (id bigint references posts);
        create policy p on t using (auth.uid() is null);
        create view v as select id from posts; grant select on t, v to anon;
        create function f() returns integer language sql security definer as 'select 1';
        alter extension plpgsql add table t; alter extension plpgsql add view v;
        alter extension plpgsql add function f()
    """,
}


@pytest.fixture
def connection(
    server: Databases, empty_database_on: Callable[[Databases], str]
) -> Iterator[Connection]:
    """Yield a connection to a small platform in a transaction that is rolled back."""
    with create_engine(empty_database_on(server), poolclass=NullPool).connect() as connection:
        run(connection, PLATFORM)
        yield connection
        connection.rollback()


def run(connection: Connection, sql: str) -> None:
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def found(connection: Connection) -> list[Finding]:
    return dangers(connection, read_rules(connection, None))


def _params(names: Iterable[str], plain: Collection[str]) -> list[ParameterSet]:
    marks = {name: () if name in plain else pytest.mark.thorough for name in names}
    return [pytest.param(name, marks=mark) for name, mark in marks.items()]


FIRST = {danger: name for name, (danger, *_) in reversed(HAS.items())}.values()


@pytest.mark.parametrize("name", _params(HAS, FIRST))
def test_danger_is_told_and_its_repair_ends_it(connection: Connection, name: str) -> None:
    danger, item, made_by = HAS[name]
    run(connection, made_by)
    told = found(connection)
    assert [each.object for each in told if each.danger == danger] == [item]
    for each in told:
        assert each.severity == WORDS[Danger(each.danger or "")].severity
        assert each.python
        run(connection, each.repair)
    assert found(connection) == []


@pytest.mark.parametrize("name", _params(HAS_NOT, ("partition", "invoker view", "auth.uid() once")))
def test_rules_without_danger_are_not_told(connection: Connection, name: str) -> None:
    run(connection, HAS_NOT[name])
    assert [(each.danger, each.object) for each in found(connection)] == []


@pytest.mark.parametrize("kind", [Function, MaterializedView, Procedure, SchemaAccess, View])
def test_functions_and_views_that_no_repair_changes_are_not_read(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, kind: type[Entity]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError(kind)

    monkeypatch.setattr(kind, "read", refuse)
    run(
        connection,
        """
        create view v with (security_invoker) as select id from posts; grant select on v to anon;
        create materialized view private.m as select raw_user_meta_data from auth.users;
        create function f() returns integer language sql as 'select 1';
        create procedure p() language sql as 'select 1';
        create policy p on posts for select using (owner_id = auth.uid());
        create table t (id integer); grant select on t to anon
        """,
    )
    assert {each.danger for each in found(connection)} == {
        Danger.NO_ROW_SECURITY,
        Danger.PER_ROW,
    }


ALWAYS_TRUE = [
    "true",
    "not false",
    "not (id is null)",
    "true or kind = 'x'",
    "kind = 'x' or 1 = 1",
    "(auth.uid() is not null or true) and 'a' = 'a'",
    "(select true)",
    "(select true from (select 1) as one)",
    "exists (select 1)",
    "exists (select count(*) from auth.users)",
    "exists (select from (values (1), (2)) as v (x))",
    "exists (select 1) is not null",
    "coalesce(true, kind = 'x')",
    "coalesce(null, true, kind = 'x')",
    "coalesce(kind = 'x', false) is not null",
    "1 is not null",
    "id is not null",
    "(org_id is null) is not null",
    "kind is null or org_id = 1 or kind is not null",
    "(org_id is null) or not (org_id is null)",
    "id = id",
    "id >= posts.id",
    "id is not distinct from id",
    "kind is not distinct from kind",
    "(kind is distinct from kind) is false",
    "id is distinct from null",
    "id in (7, id)",
    "auth.uid() = auth.uid()",
    "auth.jwt() ->> 'role' = auth.jwt() ->> 'role'",
    "(select auth.uid()) = (select auth.uid())",
    "current_user = current_user",
    "current_user is not null",
    "now() is not null",
    "'a' = 'a'::varchar(5)",
    "'a'::text <> 'b'",
    "true::text = 'true'",
    "'yes'::text::boolean",
    "1::boolean",
    "1 < 2",
    "2 between 1 and 3",
    "1 + 1 = 2",
    "1 in (1, 2)",
    "'a' in ('a')",
    "3 <> all (array[1, 2])",
    "'x' || 'y' like 'x%'",
    "length('abc') > 0",
    "true is true",
    "(kind = 'x') is unknown or (kind = 'x') is not unknown",
    "case when kind = 'x' then true else 1 = 1 end",
    "case when true then true else kind = 'x' end",
    "nullif(1, 1) is null",
    "row (id, 1) is not null or true",
    "private.always()",
    'private."Always too"()',
    "private.always_atomic() or org_id = 1",
]

NOT_ALWAYS_TRUE = [
    "false",
    "null",
    "not true",
    "kind = kind",
    "kind is not null",
    "kind >= kind",
    "auth.uid() is not null",
    "coalesce(kind = 'x', true)",
    "coalesce(null, kind = 'x')",
    "exists (select 1 where kind = 'x')",
    "exists (select 1 limit 0)",
    "exists (select from auth.users)",
    "exists (select from auth.users as u where u.id = u.id)",
    "exists (select count(*) from auth.users having count(*) > 3)",
    "exists (select count(*) from auth.users group by email)",
    "(select kind = 'x')",
    "(select true from auth.users)",
    "1 = 2",
    "'true' = 'false'",
    "1 in (2, 3)",
    "1 / 0 = 1",
    "kind in ('true', kind)",
    "random() = random()",
    "private.counter() = private.counter()",
    "kind = 'x' or kind is null",
    "kind is null or org_id is not null",
    "row (id, kind) is null or row (id, kind) is not null",
    "case when kind = 'x' then true end",
    "case when kind = 'x' then true else kind is null end",
    "org_id::boolean",
    "true and kind = 'x'",
    "private.of_row(kind)",
    "private.hostile()",
]


def test_conditions_that_hold_for_every_row_are_told_whatever_their_form(
    connection: Connection,
) -> None:
    run(
        connection,
        """
        create function private.always() returns boolean language sql immutable as 'select true;';
        create function private."Always too"() returns boolean language plpgsql
        as $$ begin /* for now */ return (true); end; $$;
        create function private.always_atomic() returns boolean language sql return true;
        create function private.counter() returns integer language sql volatile as 'select 1';
        create function private.of_row(text) returns boolean language sql immutable
        as $$ select $1 = 'true' $$;
        create function private.hostile() returns boolean language plpgsql immutable
        as $$ begin raise exception 'called'; end $$;
        """,
    )
    for number, condition in enumerate([*ALWAYS_TRUE, *NOT_ALWAYS_TRUE]):
        run(connection, f"create policy p{number} on posts for delete using ({condition})")
    told = {each.object for each in found(connection) if each.danger == Danger.WRITABLE_BY_ALL}
    open_ones = {
        condition
        for number, condition in enumerate([*ALWAYS_TRUE, *NOT_ALWAYS_TRUE])
        if f"policy public.posts p{number}" in told
    }
    assert open_ones ^ {*ALWAYS_TRUE} == set()


ROLES = Roles(anonymous="visitor", user="member", service=None)


def test_roles_of_other_names_are_the_declared_ones(connection: Connection) -> None:
    run(
        connection,
        """
        create role visitor nologin; create role member nologin;
        create policy read on posts for insert to visitor with check (true);
        create policy other on posts for insert to anon with check (true);
        create function f() returns integer language sql security definer set search_path = ''
        as 'select 1';
        revoke execute on function f() from public; grant execute on function f() to visitor
        """,
    )
    told = dangers(connection, read_rules(connection, ROLES))
    assert [each.object for each in told] == ["policy public.posts read", "function public.f()"]


def test_schemas_are_those_that_postgrest_exposes(connection: Connection) -> None:
    run(
        connection,
        """
        create schema api; grant usage on schema api to anon;
        create table api.t (id integer); create table public.t (id integer);
        grant select on api.t, public.t to anon;
        create role web nologin; alter role web set pgrst.db_schemas = 'api, storage'
        """,
    )
    assert [each.object for each in found(connection)] == ["table api.t"]
    told = dangers(connection, read_rules(connection, None, ("public", "api")))
    assert [each.object for each in told] == ["table api.t", "table public.t"]


def test_repairs_of_one_policy_build_on_each_other(connection: Connection) -> None:
    run(
        connection,
        """
        create policy everything on posts using (true) with check (owner_id = auth.uid());
        create policy admins on posts for update to authenticated
        using (auth.jwt() -> 'user_metadata' ->> 'role' = 'admin');
        create policy readers on posts for select to anon using (kind = current_setting('a.b'))
        """,
    )
    told = found(connection)
    assert [(each.danger, each.object) for each in told] == [
        (Danger.WRITABLE_BY_ALL, "policy public.posts everything"),
        (Danger.USER_METADATA, "policy public.posts admins"),
        (Danger.PER_ROW, "policy public.posts admins"),
        (Danger.PER_ROW, "policy public.posts everything"),
        (Danger.PER_ROW, "policy public.posts readers"),
        (Danger.SEVERAL_PERMISSIVE, "table public.posts"),
    ]
    for each in told:
        run(connection, each.repair)
    assert found(connection) == []


def test_large_schema_takes_as_many_queries_as_a_small_one(connection: Connection) -> None:
    statements: list[str] = []
    event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
    counts = []
    for first, last in ((1, 1), (2, 30)):
        run(
            connection,
            f"""
            do $$
            begin
                for number in {first}..{last} loop
                    execute format('create table t%s (id bigint references posts)', number);
                    execute format('create policy p on t%s using (auth.uid() is null)', number);
                    execute format('create view v%s as select id from t%1$s', number);
                    execute format('grant select on t%s, v%1$s to anon', number);
                end loop;
            end
            $$
            """,
        )
        statements.clear()
        told = found(connection)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 20
    assert len(told) == 4 * 30


ACCESS = {
    "select": "select id from posts",
    "update": "update posts set kind = kind returning id",
    "delete": "delete from posts returning id",
    **{
        f"insert by {org}": f"insert into posts (id, org_id) values (9{org}, {org}) returning id"
        for org in range(1, 5)
    },
}


def accessible(connection: Connection) -> dict[tuple[str, str], list[int] | None]:
    """Return which rows each role reaches with each command, None where it is refused."""
    reached: dict[tuple[str, str], list[int] | None] = {}
    for role in ("anon", "authenticated", "auditor"):
        for name, statement in ACCESS.items():
            point = connection.begin_nested()
            run(connection, f"set local role {role}")
            try:
                rows = connection.exec_driver_sql(statement).scalars()
                reached[role, name] = sorted(rows)
            except ProgrammingError:
                reached[role, name] = None
            point.rollback()
    return reached


def test_one_policy_in_the_place_of_several_gives_the_same_access(connection: Connection) -> None:
    run(
        connection,
        """
        create role auditor nologin inherit;
        grant authenticated to auditor;
        grant all on posts to anon, authenticated, auditor;
        insert into posts (id, org_id, kind) select n, n % 5, 'k' from generate_series(0, 9) as n;
        create policy a on posts to authenticated using (org_id = 1) with check (org_id in (1, 2));
        create policy b on posts for select using (org_id = 2);
        create policy c on posts for update to anon, authenticated using (org_id = 2)
        with check (org_id < 3);
        create policy d on posts for insert with check (org_id = 3);
        create policy e on posts to auditor using (org_id in (3, 4));
        create policy f on posts for select;
        create policy g on posts for update with check (org_id = 4);
        create policy r on posts as restrictive to anon using (org_id <> 4)
        """,
    )
    before = accessible(connection)
    assert len({str(each) for each in before.values()}) > 5
    (finding,) = found(connection)
    run(connection, finding.repair)
    assert accessible(connection) == before
    assert found(connection) == []


@pytest.mark.thorough
def test_python_of_a_repair_keeps_the_privileges_of_a_table(connection: Connection) -> None:
    run(
        connection,
        """
        create table t (id integer, s text);
        grant select, update (s) on t to authenticated; grant all on t to service_role
        """,
    )
    (before,) = [each for each in TableAccess.read(connection, ["public"]) if each.table == "t"]
    (finding,) = found(connection)
    declared: TableAccess = eval(finding.python or "", {"pg": pg})  # noqa: S307 - our own
    assert declared == replace(before, row_security=True)


@pytest.mark.parametrize(
    "made_by",
    [
        "create policy p on posts using (true) with check (owner_id = auth.uid())",
        "create policy p on posts for update with check (owner_id = auth.uid())",
        "create policy p on posts for update with check (true)",
        "create policy p on posts with check (true)",
        pytest.param(HAS["auth.uid()"][2], marks=pytest.mark.thorough),
        pytest.param(HAS["user metadata"][2], marks=pytest.mark.thorough),
        pytest.param(HAS["update to any row"][2], marks=pytest.mark.thorough),
        pytest.param(HAS["policies for every role and for one"][2], marks=pytest.mark.thorough),
        pytest.param(
            HAS["policies for a role and for a member of it"][2], marks=pytest.mark.thorough
        ),
    ],
)
def test_python_of_a_repair_declares_the_policies_that_its_sql_makes(
    connection: Connection, made_by: str
) -> None:
    run(connection, made_by)
    told = found(connection)
    for each in told:
        run(connection, each.repair)
    made = Policy.read(connection, ["public"])
    source = told[-1].python or ""
    declared: list[Policy] = eval(f"[\n{source}\n]", {"pg": pg})  # noqa: S307 - our own
    for policy in declared:
        for statement in policy.create_statements():
            run(connection, statement)
    assert {each.key: each for each in Policy.read(connection, ["public"])} == {
        each.key: each for each in made
    }
    assert found(connection) == []
