"""The SQL of policies."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CASES = {
    "a policy for reading": EntityCase(
        pg.Policy(
            table="posts",
            name="members can read",
            command="select",
            roles=("authenticated",),
            using="""
                team_id = any (array(select private.my_team_ids()))
                or is_public
            """,
            comment="For members.",
        ),
        create="""
            drop policy if exists "members can read" on public.posts;
            create policy "members can read" on public.posts
            as permissive for select
            to authenticated
            using (
                team_id = any (array(select private.my_team_ids()))
                or is_public
            );
            comment on policy "members can read" on public.posts is 'For members.';
        """,
        replace="""
            alter policy "members can read" on public.posts
            to authenticated
            using (
                team_id = any (array(select private.my_team_ids()))
                or is_public
            );
            comment on policy "members can read" on public.posts is 'For members.';
        """,
        drop="""
            drop policy if exists "members can read" on public.posts;
        """,
    ),
    "a restrictive policy for every command": EntityCase(
        pg.Policy(
            schema="shop",
            table="Orders",
            name="own_tenant",
            command="all",
            roles=("public",),
            using="tenant_id = 1",
            check="tenant_id = 1",
            permissive=False,
        ),
        create="""
            drop policy if exists own_tenant on shop."Orders";
            create policy own_tenant on shop."Orders"
            as restrictive for all
            to public
            using (
                tenant_id = 1
            )
            with check (
                tenant_id = 1
            );
            comment on policy own_tenant on shop."Orders" is null;
        """,
        replace="""
            alter policy own_tenant on shop."Orders"
            to public
            using (
                tenant_id = 1
            )
            with check (
                tenant_id = 1
            );
            comment on policy own_tenant on shop."Orders" is null;
        """,
        drop="""
            drop policy if exists own_tenant on shop."Orders";
        """,
    ),
    "a policy for inserting": EntityCase(
        pg.Policy(
            table="posts",
            name="insert",
            command="insert",
            roles=("authenticated", "Editor"),
            check="true",
        ),
        create="""
            drop policy if exists insert on public.posts;
            create policy insert on public.posts
            as permissive for insert
            to authenticated, "Editor"
            with check (
                true
            );
            comment on policy insert on public.posts is null;
        """,
        replace="""
            alter policy insert on public.posts
            to authenticated, "Editor"
            with check (
                true
            );
            comment on policy insert on public.posts is null;
        """,
        drop="drop policy if exists insert on public.posts;",
    ),
}
