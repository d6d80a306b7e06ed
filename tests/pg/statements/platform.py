"""The statements of what is declared for tables of the platform."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CASES: dict[str, EntityCase] = {
    "a trigger on accounts": EntityCase(
        pg.Trigger(
            schema="auth",
            table="users",
            name="odd name",
            timing="after",
            events=("insert",),
            function="public.welcome",
        ),
        create="""
            create or replace trigger "odd name" after insert
            on auth.users
            for each row
            execute function public.welcome();
        """,
        drop="""
            do $function$
            begin
                drop trigger if exists "odd name" on auth.users;
            exception
                when insufficient_privilege then
                    create function pg_temp.townhall_dropped_trigger() returns trigger
                    language plpgsql as 'begin return null; end';
                    create or replace trigger "odd name" after insert on auth.users
                    for each row execute function pg_temp.townhall_dropped_trigger();
                    drop function pg_temp.townhall_dropped_trigger() cascade;
            end
            $function$;
        """,
    ),
    "a policy on files": EntityCase(
        pg.Policy(
            schema="storage",
            table="objects",
            name="all",
            command="select",
            roles=("public",),
            using="true",
        ),
        create="""
            drop policy if exists "all" on storage.objects;
            create policy "all" on storage.objects
            as permissive for select
            to public
            using (
                true
            );
        """,
        replace="""
            alter policy "all" on storage.objects
            to public
            using (
                true
            );
        """,
        drop="""
            drop policy if exists "all" on storage.objects;
        """,
    ),
    "a grant on accounts": EntityCase(
        pg.TableGrant(
            schema="auth",
            table="users",
            role="reports",
            privileges=("select (id)", "references with grant option"),
        ),
        create="""
            revoke all on table auth.users from reports cascade;
            grant select (id) on table auth.users to reports;
            grant references on table auth.users to reports with grant option;
        """,
        drop="""
            revoke all on table auth.users from reports;
        """,
    ),
}
