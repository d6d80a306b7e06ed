"""The SQL of functions."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CREATE_PRICE = (
    'create or replace function shop."Price"(int, n bigint default 1, out total numeric,'
    """ variadic "Codes" text[] default '{}')"""
)

CASES = {
    "a function": EntityCase(
        pg.Function(
            name="my_teams",
            returns="setof uuid",
            body="select m.team_id from public.members as m where m.user_id = auth.uid();",
            volatility="stable",
            security="definer",
            settings={"search_path": pg.SAFE_SEARCH_PATH, "work_mem": "64MB"},
            execute=("authenticated", "service_role with grant option"),
            comment="The caller's teams.",
        ),
        create="""
            create or replace function public.my_teams()
            returns setof uuid
            language sql
            stable security definer parallel unsafe
            set search_path = 'pg_catalog', 'pg_temp'
            set work_mem = '64MB'
            as $function$
            select m.team_id from public.members as m where m.user_id = auth.uid()
            $function$;
            revoke all on function public.my_teams() from public, anon, authenticated;
            revoke all on function public.my_teams() from service_role cascade;
            grant execute on function public.my_teams() to authenticated;
            grant execute on function public.my_teams() to service_role with grant option;
            comment on function public.my_teams() is 'The caller''s teams.';
        """,
        drop="drop function if exists public.my_teams();",
    ),
    "arguments of every mode, and every option": EntityCase(
        pg.Function(
            schema="shop",
            name="Price",
            arguments={
                "$1": "int",
                "n": "bigint default 1",
                "total": "out numeric",
                "Codes": "variadic text[] default '{}'",
            },
            returns="numeric",
            language="plpgsql",
            body="""
                begin
                    total := 1;
                end
            """,
            volatility="immutable",
            is_strict=True,
            is_leakproof=True,
            parallel="safe",
            cost=7,
            api_roles=("web",),
        ),
        create=f"""
            {CREATE_PRICE}
            returns numeric
            language plpgsql
            immutable security invoker parallel safe strict leakproof cost 7
            as $function$
            begin
                total := 1;
            end
            $function$;
            revoke all on function shop."Price"(int, bigint, text[]) from public, web;
            comment on function shop."Price"(int, bigint, text[]) is null;
        """,
        drop="""
            drop function if exists shop."Price"(int, bigint, text[]);
        """,
    ),
    "a body of the SQL standard": EntityCase(
        pg.Function(name="f", arguments={"n": "integer"}, returns="integer", body="return n + 1"),
        create="""
            create or replace function public.f(n integer)
            returns integer
            language sql
            volatile security invoker parallel unsafe
            return n + 1;
            revoke all on function public.f(integer) from public, anon, authenticated, service_role;
            comment on function public.f(integer) is null;
        """,
        drop="drop function if exists public.f(integer);",
    ),
}
