"""Whatever is changed by hand is told, with what it means, and its cure ends it."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from sqlalchemy import Connection

from tests.autogenerate.drifts import EVERY_DRIFT, Drift
from tests.check.conftest import AtHead
from townhall.check.cures import AUTOGENERATE, DECLARE
from townhall.check.findings import Finding, compare
from townhall.check.reading import read


class Case(NamedTuple):
    """A change by hand, and the one line that tells it."""

    sql: str
    told: str


CASES = {
    "row security off": Case(
        "alter table public.events disable row level security",
        "open: table access public.events has row security off instead of on: policies hold for"
        " nobody: who has a privilege reaches every row."
        " Cure: alter table public.events enable row level security",
    ),
    "truncate for clients": Case(
        "grant truncate on public.events to authenticated",
        "open: table access public.events lets authenticated truncate: row level security does not"
        " hold for truncate. Cure: revoke truncate on table public.events from authenticated",
    ),
    "a column for strangers": Case(
        "grant select (name) on public.events to anon",
        "open: table access public.events lets anon select (name): only the policies still decide"
        " on these rows and columns."
        " Cure: revoke select (name) on table public.events from anon",
    ),
    "a privilege to pass on": Case(
        "grant select on public.tracks to authenticated with grant option",
        "open: table access public.tracks lets authenticated grant option for select: only the"
        " policies still decide on these rows and columns."
        " Cure: revoke grant option for select on table public.tracks from authenticated",
    ),
    "the service is shut out": Case(
        "revoke delete on public.events from service_role",
        "broken: table access public.events does not let service_role delete: service_role gets"
        " permission denied. Cure: grant delete on table public.events to service_role",
    ),
    "a policy too much": Case(
        "create policy wide on public.profiles for select to authenticated using (true)",
        "open: policy public.profiles wide is declared nowhere: it opens rows to its roles"
        " (authenticated). Cure: drop policy if exists wide on public.profiles",
    ),
    "a policy for everybody": Case(
        'alter policy "members select" on public.tracks to public',
        "open: policy public.tracks members select has roles public instead of authenticated: who"
        ' reaches which rows is not what was reviewed. Cure: alter policy "members select" on'
        " public.tracks to authenticated",
    ),
    "a trigger switched off": Case(
        "alter table public.events disable trigger update_events_updated_at",
        "open: trigger public.events update_events_updated_at has firing disabled instead of"
        " origin: what it keeps true, guards or fills in may not happen, or twice. Cure: create or"
        " replace trigger update_events_updated_at",
    ),
    "a function to hijack": Case(
        "alter function private.my_event_ids() reset search_path",
        "open: function private.my_event_ids() differs in its settings: whoever calls it chooses"
        " what its names mean, and it runs with its owner's rights. Cure: create or replace",
    ),
    "a function with its caller's rights and search path": Case(
        "alter function public.update_updated_at_column() reset search_path",
        "open: function public.update_updated_at_column() differs in its settings: what it does,"
        " and for which rows, is not what was reviewed. Cure: create or replace",
    ),
    "a function for everybody": Case(
        "grant execute on function private.my_event_ids() to public",
        "open: function private.my_event_ids() lets everybody execute: it can be called without"
        " signing in."
        " Cure: revoke execute on function private.my_event_ids() from public",
    ),
    "a back door": Case(
        """
        create function public.backdoor() returns text language sql security definer
        set search_path = '' as 'select current_user'
        """,
        "open: function public.backdoor() is declared nowhere: it runs past row level security for"
        " whoever may execute it. Cure: drop function if exists public.backdoor()",
    ),
    "a view past the policies": Case(
        "alter view public.track_statistics set (security_invoker = false)",
        "open: view public.track_statistics has security invoker off instead of on: it reads its"
        " tables as its owner, past every policy."
        " Cure: alter view public.track_statistics set (security_invoker = true)",
    ),
    "a table of somebody's": Case(
        "create table public.copies (id int); alter table public.copies enable row level security",
        "different: table public.copies is declared nowhere: nobody reviewed who reaches its rows."
        " Cure: declare it, or drop table public.copies",
    ),
    "a column of somebody's": Case(
        "alter table public.events add secret text",
        "open: column public.events secret is declared nowhere: whoever may read the whole table"
        " reads it. Cure: declare it, or alter table public.events drop column secret",
    ),
    "a check that is not valid": Case(
        """
        alter table public.events drop constraint ck_events_status_known;
        alter table public.events add constraint ck_events_status_known
        check (status in ('draft', 'published', 'cancelled', 'completed')) not valid
        """,
        "open: constraint public.events ck_events_status_known differs in its definition: values"
        " get in that nothing else refuses."
        " Cure: alter table public.events validate constraint ck_events_status_known",
    ),
    "a foreign key that nothing keeps": Case(
        "alter table public.participants disable trigger all",
        "open: constraint public.participants fk_participants_event_id_events has enforced off"
        " instead of on: rows can point to nothing, or stay where they should go with another."
        " Cure: alter table public.participants enable trigger all",
    ),
    "a foreign key that is kept for a replica alone": Case(
        """
        do $$
        begin
            execute (
                select format('alter table public.participants enable replica trigger %I', t.tgname)
                from pg_catalog.pg_trigger as t
                join pg_catalog.pg_constraint as c on c.oid = t.tgconstraint
                where c.conname = 'fk_participants_event_id_events'
                    and t.tgrelid = 'public.participants'::regclass
                limit 1
            );
        end
        $$
        """,
        "open: constraint public.participants fk_participants_event_id_events has enforced off"
        " instead of on",
    ),
    "an index that is missing": Case(
        "drop index public.ix_participants_user_id",
        "broken: index public.participants ix_participants_user_id is missing: reads and policies"
        " that rely on it look at every row. Cure: CREATE INDEX ix_participants_user_id ON"
        " public.participants USING btree (user_id)",
    ),
    "an empty value": Case(
        "alter table public.events alter name drop not null",
        "open: column public.events name has nullable on instead of off: a missing value gets in,"
        " for which conditions are neither true nor false."
        " Cure: alter table public.events alter column name set not null",
    ),
    "another default": Case(
        "alter table public.events alter status set default 'published'",
        "broken: column public.events status has default 'published'::text instead of"
        " 'draft'::text: new rows begin with another value."
        " Cure: alter table public.events alter column status set default 'draft'::text",
    ),
    "a rule": Case(
        "create rule swallow as on delete to public.events do instead nothing",
        "open: rule public.events swallow is declared nowhere: it rewrites statements in a way that"
        " nobody reviewed. Cure: drop rule swallow on public.events",
    ),
    "a name of two lines": Case(
        """
        create trigger "a
        b" before update on public.events
        for each row execute function public.update_updated_at_column()
        """,
        "open: trigger public.events a b is declared nowhere: code that nobody reviewed runs with"
        " every change. Cure: drop trigger if exists",
    ),
    "a procedure": Case(
        "create procedure public.wipe() language sql as 'select'",
        "open: procedure public.wipe() is declared nowhere: code that nobody reviewed, for whoever"
        " may execute it. Cure: drop procedure public.wipe()",
    ),
    "a type": Case(
        "create type public.mood as enum ('good', 'bad')",
        "different: type public.mood is declared nowhere: nothing is opened."
        " Cure: drop type public.mood",
    ),
    "a place for anybody's functions": Case(
        "grant create on schema private to authenticated",
        "open: schema private lets authenticated create: names in it are reached, or taken by"
        " somebody else's objects. Cure: revoke create on schema private from authenticated",
    ),
    "the caller is whoever one says": Case(
        """
        create or replace function auth.uid() returns uuid language sql stable parallel safe
        as 'select null::uuid'
        """,
        "open: function auth.uid() differs in its body: what it does, and for which rows, is not"
        " what was reviewed. Cure: create or replace function auth.uid()",
    ),
    "a table that a crash empties": Case(
        "alter table public.table_assignments set unlogged",
        "broken: table public.table_assignments has persistence unlogged instead of logged: a"
        " crash empties it, and no standby has it."
        " Cure: alter table public.table_assignments set logged",
    ),
    "the version table within reach": Case(
        "grant select on public.alembic_version to anon",
        "open: table access public.alembic_version lets anon select: only the policies still decide"
        " on these rows and columns."
        " Cure: revoke select on table public.alembic_version from anon",
    ),
}


def told(connection: Connection, at_head: AtHead) -> list[Finding]:
    found = read(connection, at_head.schemas)
    return compare(at_head.snapshot, found, others_live_here=False)


def heal(connection: Connection, findings: list[Finding]) -> None:
    # What destroys rows comes last, as anybody would do it: views let go of it first.
    for finding in sorted(findings, key=lambda finding: finding.cure.startswith(DECLARE)):
        change(connection, finding.cure.removeprefix(DECLARE))


def change(connection: Connection, sql: str) -> None:
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_change_is_told_on_one_line_and_cured(
    case: Case, connection: Connection, at_head: AtHead
) -> None:
    change(connection, case.sql)
    findings = told(connection, at_head)
    assert [line for line in map(str, findings) if line.startswith(case.told)]
    assert not [line for line in map(str, findings) if "\n" in line]
    heal(connection, findings)
    assert told(connection, at_head) == []


@pytest.mark.parametrize("drift", EVERY_DRIFT)
def test_what_autogenerate_names_is_told_and_cured(
    drift: Drift, connection: Connection, at_head: AtHead
) -> None:
    change(connection, drift.sql)
    findings = told(connection, at_head)
    assert findings
    if AUTOGENERATE not in {finding.cure for finding in findings}:
        heal(connection, findings)
        assert told(connection, at_head) == []


def test_a_database_at_head_has_nothing_to_tell(connection: Connection, at_head: AtHead) -> None:
    assert len(at_head.snapshot) > 500
    assert told(connection, at_head) == []


def test_what_belongs_to_a_missing_table_is_not_told_by_itself(
    connection: Connection, at_head: AtHead
) -> None:
    change(connection, "drop table public.participant_tracks cascade")
    objects = [finding.object for finding in told(connection, at_head)]
    assert [each for each in objects if "public.participant_tracks" in each] == [
        "table public.participant_tracks"
    ]


def test_a_view_that_became_a_table_is_told_as_one_and_the_other(
    connection: Connection, at_head: AtHead
) -> None:
    change(connection, "drop view public.track_statistics")
    change(connection, "create table public.track_statistics (track_id uuid)")
    assert [(each.object, each.difference) for each in told(connection, at_head)] == [
        ("table public.track_statistics", "is declared nowhere"),
        ("view public.track_statistics", "is missing"),
    ]


def test_a_table_that_became_a_foreign_one_is_told(connection: Connection, at_head: AtHead) -> None:
    change(
        connection,
        """
        create foreign data wrapper nothing;
        create server elsewhere foreign data wrapper nothing;
        drop table public.cohort_members cascade;
        create foreign table public.cohort_members (id uuid) server elsewhere
        """,
    )
    objects = [each.object for each in told(connection, at_head)]
    assert "table access public.cohort_members" in objects


def test_a_new_table_without_row_level_security_is_open(
    connection: Connection, at_head: AtHead
) -> None:
    change(connection, "create table public.copies (id int primary key)")
    assert [(each.object, str(each.effect)) for each in told(connection, at_head)] == [
        ("table public.copies", "open"),
    ]


def test_what_a_role_of_somebody_elses_was_given_is_not_told(
    connection: Connection, at_head: AtHead
) -> None:
    change(
        connection,
        "create role townhall_reports; grant select on public.events to"
        " townhall_reports; grant usage on schema private to townhall_reports",
    )
    assert told(connection, at_head) == []


@pytest.mark.parametrize(
    "what",
    [
        "schema private",
        "table public.events",
        "view public.track_statistics",
        "materialized view public.benchmark_stage_aggregates",
        "function private.my_event_ids()",
    ],
)
def test_a_client_who_owns_something_is_told(
    what: str, connection: Connection, at_head: AtHead
) -> None:
    change(
        connection,
        "grant create on schema public, private to authenticated;"
        f" alter {what} owner to authenticated;"
        " revoke create on schema public from authenticated",
    )
    if what != "schema private":
        change(connection, "revoke create on schema private from authenticated")
    assert [(each.object, each.difference, each.effect) for each in told(connection, at_head)] == [
        (what, "has owner authenticated instead of none", "open")
    ]


def test_a_client_who_owns_most_is_told(connection: Connection, at_head: AtHead) -> None:
    owner = connection.exec_driver_sql("select current_user").scalar()
    change(
        connection,
        f"""
        do $$
        declare
            relation text;
        begin
            for relation in
                select c.oid::regclass from pg_catalog.pg_class as c
                where c.relkind = 'r' and c.relowner = '{owner}'::regrole
                    and c.relnamespace = 'public'::regnamespace
            loop
                execute 'alter table ' || relation || ' owner to authenticated';
            end loop;
            for relation in
                select p.oid::regprocedure from pg_catalog.pg_proc as p
                where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
            loop
                execute 'alter function ' || relation || ' owner to authenticated';
            end loop;
        end
        $$
        """,
    )
    objects = {each.object for each in told(connection, at_head) if "owner" in each.difference}
    assert {"table public.events", "function private.my_event_ids()"} <= objects


def test_what_an_extension_brings_is_not_told(connection: Connection, at_head: AtHead) -> None:
    available = connection.exec_driver_sql("select name from pg_available_extensions")
    name = next(
        (row.name for row in available if row.name in {"citext", "hstore", "pg_trgm", "vector"}),
        None,
    )
    if name is None:
        pytest.skip("this server has no extension with objects to install")
    change(connection, f"create extension {name} schema public")
    assert told(connection, at_head) == []


def test_others_who_live_here_keep_what_stands_alone(
    connection: Connection, at_head: AtHead
) -> None:
    change(
        connection,
        """
        create table public.invoices (id int primary key);
        create view public.open_invoices with (security_invoker = true)
        as select id from public.invoices;
        create policy accountants on public.events for select to authenticated using (true);
        """,
    )
    found = read(connection, at_head.schemas)
    findings = compare(at_head.snapshot, found, others_live_here=True)
    assert [each.object for each in findings] == [
        "policy public.events accountants",
        "table access public.invoices",
    ]
