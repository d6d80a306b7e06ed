"""The SQL of what belongs to a table or a schema: its access and its replica identity."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CASES = {
    "the access of a table": EntityCase(
        pg.TableAccess(
            table="posts",
            grants={
                "authenticated": ("select", "insert (title, body)", "delete with grant option"),
                "service_role": ("all",),
            },
        ),
        create="""
            alter table public.posts enable row level security;
            alter table public.posts no force row level security;
            revoke all on table public.posts from public, anon, service_role;
            revoke all on table public.posts from authenticated cascade;
            grant select, insert (title, body) on table public.posts to authenticated;
            grant delete on table public.posts to authenticated with grant option;
            grant all on table public.posts to service_role;
        """,
        drop="revoke all on table public.posts from public, anon, authenticated, service_role;",
    ),
    "the access of a table without row level security": EntityCase(
        pg.TableAccess(
            schema="shop", table="Codes", row_security=False, forced=True, api_roles=("web",)
        ),
        create="""
            alter table shop."Codes" disable row level security;
            alter table shop."Codes" force row level security;
            revoke all on table shop."Codes" from public, web;
        """,
        drop="""
            revoke all on table shop."Codes" from public, web;
        """,
    ),
    "the access of a schema": EntityCase(
        pg.SchemaAccess(
            schema="Shop",
            usage=("web", "staff with grant option"),
            create=("staff",),
            api_roles=("web", "job"),
        ),
        create="""
            revoke all on schema "Shop" from public, web, job;
            revoke all on schema "Shop" from staff cascade;
            grant usage on schema "Shop" to web;
            grant create on schema "Shop" to staff;
            grant usage on schema "Shop" to staff with grant option;
        """,
        drop="""
            revoke all on schema "Shop" from public, web, job;
        """,
    ),
    "a replica identity": EntityCase(
        pg.ReplicaIdentity(table="posts"),
        create="alter table public.posts replica identity full;",
        drop="alter table public.posts replica identity default;",
    ),
    "a replica identity by an index": EntityCase(
        pg.ReplicaIdentity(schema="shop", table="Orders", mode="index", index="uq Orders"),
        create="""
            alter table shop."Orders" replica identity using index "uq Orders";
        """,
        drop="""
            alter table shop."Orders" replica identity default;
        """,
    ),
}
