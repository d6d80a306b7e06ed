"""Every manual change is reported with its impact, and its repair ends it."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from sqlalchemy import Connection

from tests.autogenerate.drifts import EVERY_DRIFT, Drift
from tests.check.conftest import AtHead
from tests.check.repairing import change, repair_all
from townhall.check.findings import Finding, compare
from townhall.check.impact import Severity
from townhall.check.snapshot import read
from townhall.roles import SUPABASE


class Case(NamedTuple):
    """A manual change, and how the line that reports it begins."""

    sql: str
    line: str


CASES = {
    "row level security is disabled": Case(
        "alter table public.events disable row level security",
        "security: table access public.events: row level security is off; declared: on."
        " Impact: no policy applies: every role with a privilege can access every row."
        " Repair: alter table public.events enable row level security",
    ),
    "clients may truncate": Case(
        "grant truncate on public.events to authenticated",
        "security: table access public.events: authenticated holds TRUNCATE; not declared."
        " Impact: row level security does not apply to TRUNCATE."
        " Repair: revoke truncate on table public.events from authenticated",
    ),
    "anonymous clients may read a column": Case(
        "grant select (name) on public.events to anon",
        "security: table access public.events: anon holds SELECT (name); not declared."
        " Impact: only policies restrict access to these rows and columns."
        " Repair: revoke select (name) on table public.events from anon",
    ),
    "clients may update every column": Case(
        "grant update on public.tracks to authenticated",
        "security: table access public.tracks: authenticated holds UPDATE; declared: UPDATE (color,"
        " description, is_active, name, sort_order)."
        " Impact: only policies restrict access to these rows and columns."
        " Repair: revoke update on table public.tracks from authenticated; grant update (color,"
        " description, is_active, name, sort_order) on table public.tracks to authenticated",
    ),
    "clients hold a grant option": Case(
        "grant select on public.tracks to authenticated with grant option",
        "security: table access public.tracks: authenticated holds SELECT WITH GRANT OPTION;"
        " declared: SELECT. Impact: it may grant the privilege to any role."
        " Repair: revoke grant option for select on table public.tracks from authenticated",
    ),
    "the service may not delete": Case(
        "revoke delete on public.events from service_role",
        "functional: table access public.events: service_role does not hold DELETE."
        " Impact: service_role gets permission denied."
        " Repair: grant delete on table public.events to service_role",
    ),
    "an undeclared policy": Case(
        "create policy wide on public.profiles for select to authenticated using (true)",
        "security: policy public.profiles wide: is not declared. Impact: it gives its roles"
        " (authenticated) access to further rows."
        " Repair: drop policy if exists wide on public.profiles",
    ),
    "a policy for PUBLIC": Case(
        'alter policy "members of the event can read" on public.tracks to public',
        "security: policy public.tracks members of the event can read: roles are PUBLIC; declared:"
        " authenticated."
        " Impact: which roles can access which rows is not as declared."
        ' Repair: alter policy "members of the event can read" on public.tracks to authenticated',
    ),
    "a disabled trigger": Case(
        "alter table public.events disable trigger update_events_updated_at",
        "security: trigger public.events update_events_updated_at: firing is disabled; declared:"
        " origin. Impact: what it enforces or sets may not happen, or happen twice."
        " Repair: create or replace trigger update_events_updated_at",
    ),
    "a definer function without a search path": Case(
        "alter function private.my_event_ids() reset search_path",
        "security: function private.my_event_ids(): its settings differ from the declaration."
        " Impact: its caller decides what its names refer to, and it runs with its owner's rights."
        " Repair: create or replace",
    ),
    "an invoker function without a search path": Case(
        "alter function private.update_updated_at_column() reset search_path",
        "security: function private.update_updated_at_column(): its settings differ from the"
        " declaration. Impact: what it does, and for which rows, is not as declared."
        " Repair: create or replace",
    ),
    "a function that PUBLIC may execute": Case(
        "grant execute on function private.my_event_ids() to public",
        "security: function private.my_event_ids(): PUBLIC holds EXECUTE; not declared."
        " Impact: it can be called without signing in."
        " Repair: revoke execute on function private.my_event_ids() from public",
    ),
    "an undeclared definer function": Case(
        """
        create function public.backdoor() returns text language sql security definer
        set search_path = '' as 'select current_user'
        """,
        "security: function public.backdoor(): is not declared. Impact: it bypasses row level"
        " security for every role that may execute it."
        " Repair: drop function if exists public.backdoor()",
    ),
    "a view that runs as its owner": Case(
        "alter view public.track_statistics set (security_invoker = false)",
        "security: view public.track_statistics: security invoker is off; declared: on."
        " Impact: it reads its tables as its owner and bypasses row level security."
        " Repair: alter view public.track_statistics set (security_invoker = true)",
    ),
    "an undeclared table": Case(
        "create table public.copies (id int); alter table public.copies enable row level security",
        "cosmetic: table public.copies: is not declared."
        " Impact: who can access its rows is not declared."
        " Repair: declare it, or drop table public.copies",
    ),
    "an undeclared column": Case(
        "alter table public.events add secret text",
        "security: column public.events secret: is not declared."
        " Impact: every role with SELECT on the whole table can read it."
        " Repair: declare it, or alter table public.events drop column secret",
    ),
    "a check that is not validated": Case(
        """
        alter table public.events drop constraint ck_events_status_known;
        alter table public.events add constraint ck_events_status_known
        check (status in ('draft', 'published', 'cancelled', 'completed')) not valid
        """,
        "security: constraint public.events ck_events_status_known: its definition differs from the"
        " declaration. Impact: values are accepted that nothing else refuses."
        " Repair: alter table public.events validate constraint ck_events_status_known",
    ),
    "a foreign key whose triggers are disabled": Case(
        "alter table public.participants disable trigger all",
        "security: constraint public.participants fk_participants_event_id_events: enforced is off;"
        " declared: on. Impact: rows can reference missing rows, or stay when the referenced row"
        " is deleted. Repair: alter table public.participants enable trigger all",
    ),
    "a foreign key that is enforced on replicas only": Case(
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
        "security: constraint public.participants fk_participants_event_id_events: enforced is off;"
        " declared: on.",
    ),
    "a missing index": Case(
        "drop index public.ix_participants_user_id",
        "functional: index public.participants ix_participants_user_id: is missing."
        " Impact: queries and policies that rely on it scan the whole table."
        " Repair: CREATE INDEX ix_participants_user_id ON public.participants USING btree"
        " (user_id)",
    ),
    "a column that accepts NULL": Case(
        "alter table public.events alter name drop not null",
        "security: column public.events name: NULL is accepted; declared: refused."
        " Impact: NULL is accepted; conditions on it evaluate to unknown."
        " Repair: alter table public.events alter column name set not null",
    ),
    "another default": Case(
        "alter table public.events alter status set default 'published'",
        "functional: column public.events status: default is 'published'::text; declared:"
        " 'draft'::text. Impact: new rows get another value."
        " Repair: alter table public.events alter column status set default 'draft'::text",
    ),
    "a name of two lines": Case(
        """
        create trigger "a
b" before update on public.events
        for each row execute function private.update_updated_at_column()
        """,
        r"security: trigger public.events a\nb: is not declared."
        " Impact: undeclared code runs on changes of the table."
        r' Repair: drop trigger if exists U&"a\000Ab" on public.events',
    ),
    "an undeclared procedure": Case(
        "create procedure public.wipe() language sql as 'select'",
        "security: procedure public.wipe(): is not declared."
        " Impact: undeclared code for every role that may execute it."
        " Repair: drop procedure if exists public.wipe()",
    ),
    "an undeclared type": Case(
        "create type public.mood as enum ('good', 'bad')",
        "cosmetic: enum public.mood: is not declared. Impact: no effect on access."
        " Repair: drop type if exists public.mood",
    ),
    "a schema in which clients may create": Case(
        "grant create on schema private to authenticated",
        "security: schema access private: authenticated holds CREATE; not declared."
        " Impact: objects in it can be named, or created under the names of others."
        " Repair: revoke create on schema private from authenticated",
    ),
    "another function for the caller's id": Case(
        """
        create or replace function auth.uid() returns uuid language sql stable parallel safe
        as 'select null::uuid'
        """,
        "security: function auth.uid(): its body differs from the declaration."
        " Impact: what it does, and for which rows, is not as declared."
        " Repair: create or replace function auth.uid()",
    ),
    "an unlogged table": Case(
        "alter table public.table_assignments set unlogged",
        "functional: table public.table_assignments: persistence is unlogged; declared: logged."
        " Impact: a crash empties it, and it is not replicated."
        " Repair: alter table public.table_assignments set logged",
    ),
    "a readable version table": Case(
        "grant select on public.alembic_version to anon",
        "security: table access public.alembic_version: anon holds SELECT; not declared."
        " Impact: only policies restrict access to these rows and columns."
        " Repair: revoke select on table public.alembic_version from anon",
    ),
}


def findings_of(connection: Connection, at_head: AtHead) -> list[Finding]:
    actual = read(connection, at_head.schemas, SUPABASE.names)
    return compare(at_head.snapshot, actual, roles=SUPABASE)


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_change_is_reported_on_one_line_before_its_repair_and_repaired(
    case: Case, connection: Connection, at_head: AtHead
) -> None:
    change(connection, case.sql)
    findings = findings_of(connection, at_head)
    lines = [" ".join(str(finding).split()) for finding in findings]
    assert [line for line in lines if line.startswith(case.line)]
    assert not [each for each in findings if "\n" in str(each).removesuffix(each.repair).rstrip()]
    repair_all(connection, lambda: findings_of(connection, at_head))


@pytest.mark.parametrize("drift", EVERY_DRIFT)
def test_drift_of_autogenerate_is_reported_and_repaired(
    drift: Drift, connection: Connection, at_head: AtHead
) -> None:
    change(connection, drift.sql)
    assert findings_of(connection, at_head)
    repair_all(connection, lambda: findings_of(connection, at_head))


def test_database_at_head_has_no_findings(connection: Connection, at_head: AtHead) -> None:
    assert len(at_head.snapshot) > 500
    assert findings_of(connection, at_head) == []


@pytest.mark.exhaustive
def test_missing_table_is_reported_without_its_policies_and_triggers(
    connection: Connection, at_head: AtHead
) -> None:
    change(connection, "drop table public.participant_tracks cascade")
    objects = [finding.object for finding in findings_of(connection, at_head)]
    assert [each for each in objects if "public.participant_tracks" in each] == [
        "table public.participant_tracks"
    ]


def test_table_in_place_of_a_view_is_two_findings(connection: Connection, at_head: AtHead) -> None:
    change(connection, "drop view public.track_statistics")
    change(connection, "create table public.track_statistics (track_id uuid)")
    assert [(each.object, each.difference) for each in findings_of(connection, at_head)] == [
        ("table public.track_statistics", "is not declared"),
        ("view public.track_statistics", "is missing"),
    ]


def test_foreign_table_in_place_of_a_table_is_reported(
    connection: Connection, at_head: AtHead
) -> None:
    change(
        connection,
        """
        create foreign data wrapper nothing;
        create server elsewhere foreign data wrapper nothing;
        drop table public.cohort_members cascade;
        create foreign table public.cohort_members (id uuid) server elsewhere
        """,
    )
    objects = [each.object for each in findings_of(connection, at_head)]
    assert "table access public.cohort_members" in objects


def test_undeclared_table_without_row_level_security_is_a_security_finding(
    connection: Connection, at_head: AtHead
) -> None:
    change(connection, "create table public.copies (id int primary key)")
    assert [(each.object, str(each.severity)) for each in findings_of(connection, at_head)] == [
        ("table public.copies", "security"),
    ]


def test_privileges_of_other_roles_are_not_reported(
    connection: Connection, at_head: AtHead
) -> None:
    change(
        connection,
        "create role townhall_reports; grant select on public.events to"
        " townhall_reports; grant usage on schema private to townhall_reports",
    )
    assert findings_of(connection, at_head) == []


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
def test_object_owned_by_a_client_role_is_reported(
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
    assert [
        (each.object, each.difference, each.severity) for each in findings_of(connection, at_head)
    ] == [(what, "is owned by authenticated", "security")]


def test_objects_are_reported_where_a_client_role_owns_most(
    connection: Connection, at_head: AtHead
) -> None:
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
    objects = {
        each.object for each in findings_of(connection, at_head) if "owned by" in each.difference
    }
    assert {"table public.events", "function private.my_event_ids()"} <= objects


def test_objects_of_an_extension_are_not_reported(connection: Connection, at_head: AtHead) -> None:
    available = connection.exec_driver_sql("select name from pg_available_extensions")
    name = next(
        (row.name for row in available if row.name in {"citext", "hstore", "pg_trgm", "vector"}),
        None,
    )
    if name is None:
        pytest.skip("this server has no extension with objects to install")
    change(connection, f"create extension {name} schema public")
    assert findings_of(connection, at_head) == []


def test_objects_of_unknown_revisions_are_not_reported(
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
    actual = read(connection, at_head.schemas, SUPABASE.names)
    findings = compare(at_head.snapshot, actual, roles=SUPABASE, has_unknown_revisions=True)
    assert [each.object for each in findings] == [
        "policy public.events accountants",
        "table access public.invoices",
    ]


def test_repair_of_several_lines_is_printed_unchanged() -> None:
    repair = "create function f() returns text language sql as $$\n-- A comment.\nselect 'a  b'\n$$"
    finding = Finding("function f()", "is missing", Severity.FUNCTIONAL, "calls fail", repair)
    assert str(finding) == (
        f"functional: function f(): is missing. Impact: calls fail. Repair:\n{repair}"
    )
