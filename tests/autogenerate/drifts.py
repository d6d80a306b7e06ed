"""Changes made by hand to a database at head, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Drift:
    """A change by hand, and what ``alembic check`` must say of it.

    Attributes:
        name: The change in words.
        sql: The change.
        named: What the report must contain, each part of it.
    """

    name: str
    sql: str
    named: tuple[str, ...]


DRIFTS = (
    # Policies
    Drift(
        "a policy's condition is opened",
        'alter policy "members of the organization can read" on public.events using (true)',
        ("policy", "events", "members of the organization can read"),
    ),
    Drift(
        "a policy's check is opened",
        'alter policy "managers of the event can insert" on public.participants with check (true)',
        ("policy", "participants", "managers of the event can insert"),
    ),
    Drift(
        "a policy is for public",
        'alter policy "members of the event can read" on public.tracks to public',
        ("policy", "tracks", "members of the event can read"),
    ),
    Drift(
        "a policy is dropped",
        'drop policy "managers of the organization can delete" on public.events',
        ("policy", "events", "managers of the organization can delete"),
    ),
    Drift(
        "a policy is added",
        "create policy wide on public.profiles for select to authenticated using (true)",
        ("policy", "profiles", "wide"),
    ),
    Drift(
        "a policy whose name has a percent sign is added",
        'create policy "100% open" on public.profiles for select to authenticated using (true)',
        ("policy", "profiles", "100% open"),
    ),
    Drift(
        "a restrictive policy is added",
        "create policy narrow on public.profiles as restrictive to authenticated using (false)",
        ("policy", "profiles", "narrow"),
    ),
    Drift(
        "a policy is renamed",
        """
        alter policy "members of the organization can read" on public.events rename to "everybody"
        """,
        ("policy", "events", "everybody"),
    ),
    Drift(
        "a policy is for another command",
        """
        drop policy "owners of the organization can delete" on public.organization_members;
        create policy "owners of the organization can delete" on public.organization_members for all
        to authenticated
        using (organization_id = any (array(select private.my_owned_organization_ids())))
        """,
        ("policy", "organization_members", "owners of the organization can delete"),
    ),
    Drift(
        "a policy becomes restrictive",
        """
        drop policy "members of the organization can read" on public.events;
        create policy "members of the organization can read" on public.events
        as restrictive for select to authenticated
        using (organization_id = any (array(select private.my_organization_ids())))
        """,
        ("policy", "events", "members of the organization can read"),
    ),
    Drift(
        "a policy loses its check",
        """
        drop policy "the owner can update" on public.profiles;
        create policy "the owner can update" on public.profiles for update
        to authenticated using (id = (select auth.uid()))
        """,
        ("policy", "profiles", "the owner can update"),
    ),
    Drift(
        "a policy is commented",
        """
        comment on policy "members of the organization can read" on public.events is 'checked'
        """,
        ("policy", "events", "members of the organization can read"),
    ),
    # Row level security
    Drift(
        "row level security is switched off",
        "alter table public.participants disable row level security",
        ("table_access", "participants"),
    ),
    Drift(
        "row level security is forced",
        "alter table public.events force row level security",
        ("table_access", "events"),
    ),
    # Privileges of tables and columns
    Drift(
        "public may read a table",
        "grant select on public.profiles to public",
        ("table_access", "profiles"),
    ),
    Drift(
        "anon may read a table",
        "grant select on public.events to anon",
        ("table_access", "events"),
    ),
    Drift(
        "anon may read a column",
        "grant select (name) on public.events to anon",
        ("table_access", "events"),
    ),
    Drift(
        "authenticated may write a time",
        "grant update (created_at) on public.events to authenticated",
        ("table_access", "events"),
    ),
    Drift(
        "authenticated may write every column",
        "grant update on public.events to authenticated",
        ("table_access", "events"),
    ),
    Drift(
        "authenticated may empty a table",
        "grant truncate on public.participants to authenticated",
        ("table_access", "participants"),
    ),
    Drift(
        "authenticated may pass a privilege on",
        "grant select on public.tracks to authenticated with grant option",
        ("table_access", "tracks"),
    ),
    Drift(
        "authenticated may no longer read",
        "revoke select on public.tracks from authenticated",
        ("table_access", "tracks"),
    ),
    Drift(
        "authenticated may no longer write a column",
        "revoke insert (name) on public.tracks from authenticated",
        ("table_access", "tracks"),
    ),
    Drift(
        "the service may no longer delete",
        "revoke delete on public.events from service_role",
        ("table_access", "events"),
    ),
    # Functions
    Drift(
        "a function's body is changed",
        """
        create or replace function private.my_event_ids() returns setof uuid
        language sql stable security definer set search_path = pg_catalog, pg_temp
        as 'select id from public.events'
        """,
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function runs with the caller's rights",
        "alter function private.my_event_ids() security invoker",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function with its owner's rights loses its search path",
        "alter function private.my_event_ids() reset search_path",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function has another search path",
        "alter function private.my_event_ids() set search_path = public, pg_temp",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function has a further setting",
        "alter function private.my_event_ids() set work_mem = '64MB'",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function has another volatility",
        "alter function private.my_event_ids() volatile",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function is strict",
        "alter function public.set_networking_opt_in(uuid, boolean) strict",
        ("function", "set_networking_opt_in"),
    ),
    Drift(
        "a function is leakproof",
        "alter function private.my_event_ids() leakproof",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function is parallel safe",
        "alter function private.my_event_ids() parallel safe",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function has another cost",
        "alter function private.my_event_ids() cost 1",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function promises other rows",
        "alter function private.my_event_ids() rows 1",
        ("function", "my_event_ids"),
    ),
    Drift(
        "public may execute a function",
        "grant execute on function private.my_event_ids() to public",
        ("function", "my_event_ids"),
    ),
    Drift(
        "anon may execute a function",
        "grant execute on function public.set_networking_opt_in(uuid, boolean) to anon",
        ("function", "set_networking_opt_in"),
    ),
    Drift(
        "authenticated may no longer execute a function",
        "revoke execute on function private.my_event_ids() from authenticated",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function loses its comment",
        "comment on function private.my_event_ids() is null",
        ("function", "my_event_ids"),
    ),
    Drift(
        "a function is added",
        "create function public.backdoor() returns text language sql as 'select current_user'",
        ("function", "backdoor"),
    ),
    Drift(
        "a function of the same name is added",
        """
        create function public.set_networking_opt_in(participant_id text) returns void
        language sql as 'select'
        """,
        ("function", "set_networking_opt_in(text)"),
    ),
    Drift(
        "a function gets a default",
        """
        create or replace function public.set_networking_opt_in(
            participant_id uuid, opt_in boolean default true
        ) returns void language sql set search_path = pg_catalog, pg_temp
        as 'select private.set_networking_opt_in(participant_id, opt_in)'
        """,
        ("function", "set_networking_opt_in"),
    ),
    Drift(
        "a function is dropped",
        "drop function public.set_networking_opt_in(uuid, boolean)",
        ("function", "set_networking_opt_in"),
    ),
    # Triggers
    Drift(
        "a trigger is dropped",
        "drop trigger update_events_updated_at on public.events",
        ("trigger", "events", "update_events_updated_at"),
    ),
    Drift(
        "a trigger is disabled",
        "alter table public.events disable trigger update_events_updated_at",
        ("trigger", "events", "update_events_updated_at"),
    ),
    Drift(
        "a trigger fires always",
        "alter table public.events enable always trigger update_events_updated_at",
        ("trigger", "events", "update_events_updated_at"),
    ),
    Drift(
        "a trigger is renamed",
        "alter trigger update_events_updated_at on public.events rename to other",
        ("trigger", "events", "other"),
    ),
    Drift(
        "a trigger fires for less",
        """
        create or replace trigger update_events_updated_at before update of name on public.events
        for each row execute function private.update_updated_at_column()
        """,
        ("trigger", "events", "update_events_updated_at"),
    ),
    Drift(
        "a trigger fires under a condition",
        """
        create or replace trigger update_events_updated_at before update on public.events
        for each row when (new.name <> old.name)
        execute function private.update_updated_at_column()
        """,
        ("trigger", "events", "update_events_updated_at"),
    ),
    Drift(
        "a trigger is added",
        """
        create trigger spy before update on public.profiles
        for each row execute function private.update_updated_at_column()
        """,
        ("trigger", "profiles", "spy"),
    ),
    Drift(
        "a trigger loses its comment",
        "comment on trigger update_events_updated_at on public.events is null",
        ("trigger", "events", "update_events_updated_at"),
    ),
    # Views
    Drift(
        "a view runs as its owner",
        "alter view public.track_statistics reset (security_invoker)",
        ("view", "track_statistics"),
    ),
    Drift(
        "a view's option is off",
        "alter view public.track_statistics set (security_invoker = false)",
        ("view", "track_statistics"),
    ),
    Drift(
        "a view is a barrier",
        "alter view public.track_statistics set (security_barrier = true)",
        ("view", "track_statistics"),
    ),
    Drift(
        "a view's query is changed",
        """
        create or replace view public.track_statistics with (security_invoker = true) as
        select id as track_id, event_id, name as track_name, color, 0::bigint as participant_count,
            0::bigint as vip_count, 0::bigint as primary_count, 0::numeric as percentage
        from public.tracks
        """,
        ("view", "track_statistics"),
    ),
    Drift(
        "a view has a further column",
        """
        create or replace view public.track_statistics with (security_invoker = true) as
        select id as track_id, event_id, name as track_name, color, 0::bigint as participant_count,
            0::bigint as vip_count, 0::bigint as primary_count, 0::numeric as percentage, 1 as more
        from public.tracks
        """,
        ("view", "track_statistics"),
    ),
    Drift(
        "a view is dropped",
        "drop view public.track_statistics",
        ("view", "track_statistics"),
    ),
    Drift(
        "a view is added",
        "create view public.everything as select * from public.participants",
        ("view", "everything"),
    ),
    Drift(
        "anon may read a view",
        "grant select on public.track_statistics to anon",
        ("view", "track_statistics"),
    ),
    Drift(
        "authenticated may no longer read a view",
        "revoke select on public.track_statistics from authenticated",
        ("view", "track_statistics"),
    ),
    Drift(
        "a view's comment is changed",
        "comment on view public.track_statistics is 'other'",
        ("view", "track_statistics"),
    ),
    Drift(
        "a view's column loses its comment",
        "comment on column public.track_statistics.percentage is null",
        ("view", "track_statistics"),
    ),
    # Materialized views
    Drift(
        "a materialized view is added",
        "create materialized view public.snapshot as select * from public.participants",
        ("materialized_view", "snapshot"),
    ),
    Drift(
        "a materialized view's query is changed",
        """
        drop materialized view public.benchmark_stage_aggregates;
        create materialized view public.benchmark_stage_aggregates as
        select stage, count(*)::bigint as founder_count, 0::numeric(5, 2) as avg_irs_score,
            0::numeric as median_irs_score
        from public.profiles group by stage;
        create unique index idx_benchmark_stage_agg_stage
        on public.benchmark_stage_aggregates (stage);
        """,
        ("materialized_view", "benchmark_stage_aggregates"),
    ),
    Drift(
        "a materialized view loses its index",
        "drop index public.idx_benchmark_stage_agg_stage",
        ("materialized_view", "benchmark_stage_aggregates"),
    ),
    Drift(
        "a materialized view's index is no longer unique",
        """
        drop index public.idx_benchmark_stage_agg_stage;
        create index idx_benchmark_stage_agg_stage on public.benchmark_stage_aggregates (stage)
        """,
        ("materialized_view", "benchmark_stage_aggregates"),
    ),
    Drift(
        "a materialized view gets an index",
        "create index extra on public.benchmark_stage_aggregates (founder_count)",
        ("materialized_view", "benchmark_stage_aggregates"),
    ),
    Drift(
        "anon may read a materialized view",
        "grant select on public.benchmark_stage_aggregates to anon",
        ("materialized_view", "benchmark_stage_aggregates"),
    ),
    Drift(
        "a materialized view loses its comment",
        "comment on materialized view public.benchmark_stage_aggregates is null",
        ("materialized_view", "benchmark_stage_aggregates"),
    ),
    Drift(
        "a materialized view is dropped",
        "drop materialized view public.benchmark_stage_aggregates",
        ("materialized_view", "benchmark_stage_aggregates"),
    ),
    # Replica identity
    Drift(
        "a table shows less of what is deleted",
        "alter table public.social_feed_posts replica identity default",
        ("replica_identity", "social_feed_posts"),
    ),
    Drift(
        "a table shows nothing of what is deleted",
        "alter table public.founder_messages replica identity nothing",
        ("replica_identity", "founder_messages"),
    ),
    # Checks
    Drift(
        "a check allows one more value",
        """
        alter table public.events drop constraint ck_events_status_known;
        alter table public.events add constraint ck_events_status_known
        check (status in ('draft', 'published', 'cancelled', 'completed', 'secret'))
        """,
        ("ck_events_status_known",),
    ),
    Drift(
        "a check is dropped",
        "alter table public.events drop constraint ck_events_ends_after_start",
        ("ck_events_ends_after_start",),
    ),
    Drift(
        "a check is added",
        "alter table public.events add constraint extra check (name <> '')",
        ("extra",),
    ),
    Drift(
        "a check is not valid",
        """
        alter table public.events drop constraint ck_events_ends_after_start;
        alter table public.events add constraint ck_events_ends_after_start
        check (ends_at >= starts_at) not valid
        """,
        ("ck_events_ends_after_start",),
    ),
    # Columns
    Drift(
        "a default is changed",
        "alter table public.events alter column status set default 'published'",
        ("events", "status"),
    ),
    Drift(
        "a default is dropped",
        "alter table public.participants alter column is_vip drop default",
        ("participants", "is_vip"),
    ),
    Drift(
        "a default is added",
        "alter table public.participant_tracks alter column event_id set default gen_random_uuid()",
        ("participant_tracks", "event_id"),
    ),
    Drift(
        "a column may be null",
        "alter table public.participants alter column is_vip drop not null",
        ("participants", "is_vip"),
    ),
    Drift(
        "a column may not be null",
        "alter table public.profiles alter column stage set not null",
        ("profiles", "stage"),
    ),
    Drift(
        "a column has another type",
        "alter table public.tracks alter column sort_order type bigint",
        ("tracks", "sort_order"),
    ),
    Drift(
        "a column has another collation",
        'alter table public.participants alter column phone type text collate "C"',
        ("participants", "phone"),
    ),
    Drift(
        "a column is added",
        "alter table public.tracks add column secret text",
        ("tracks", "secret"),
    ),
    Drift(
        "a column is renamed",
        "alter table public.tracks rename column color to colour",
        ("tracks", "colour"),
    ),
    Drift(
        "a column's comment is changed",
        "comment on column public.profiles.stage is 'other'",
        ("profiles", "stage"),
    ),
    Drift(
        "a table's comment is dropped",
        "comment on table public.profiles is null",
        ("profiles",),
    ),
    # Keys and indexes
    Drift(
        "an index is dropped",
        "drop index public.ix_participants_user_id",
        ("ix_participants_user_id",),
    ),
    Drift(
        "an index is added",
        "create index extra on public.participants (phone)",
        ("extra",),
    ),
    Drift(
        "an index has lost its condition",
        """
        drop index public.idx_table_assignments_vip;
        create index idx_table_assignments_vip
        on public.table_assignments (event_id, table_number)
        """,
        ("idx_table_assignments_vip",),
    ),
    Drift(
        "an index has another order",
        """
        drop index public.ix_events_organization_id_created_at;
        create index ix_events_organization_id_created_at
        on public.events (organization_id, created_at)
        """,
        ("ix_events_organization_id_created_at",),
    ),
    Drift(
        "an index has another expression",
        """
        drop index public.uq_participants_event_id_email;
        create unique index uq_participants_event_id_email
        on public.participants (event_id, email)
        """,
        ("uq_participants_event_id_email",),
    ),
    Drift(
        "an index is of another kind",
        """
        drop index public.ix_participants_user_id;
        create index ix_participants_user_id on public.participants using hash (user_id)
        """,
        ("ix_participants_user_id",),
    ),
    Drift(
        "a unique index is no longer unique",
        """
        drop index public.uq_participant_tracks_primary;
        create index uq_participant_tracks_primary
        on public.participant_tracks (participant_id) where is_primary
        """,
        ("uq_participant_tracks_primary",),
    ),
    Drift(
        "a unique constraint is dropped",
        "alter table public.organizations drop constraint uq_organizations_slug",
        ("uq_", "organizations", "slug"),
    ),
    Drift(
        "a unique constraint takes nulls for equal",
        """
        alter table public.table_assignments
            drop constraint uq_table_assignments_event_id_table_number_seat_number;
        alter table public.table_assignments
            add constraint uq_table_assignments_event_id_table_number_seat_number
            unique nulls not distinct (event_id, table_number, seat_number) deferrable
        """,
        ("uq_", "table_assignments", "seat_number"),
    ),
    Drift(
        "a unique constraint is checked for each row",
        """
        alter table public.table_assignments
            drop constraint uq_table_assignments_event_id_table_number_seat_number;
        alter table public.table_assignments
            add constraint uq_table_assignments_event_id_table_number_seat_number
            unique (event_id, table_number, seat_number)
        """,
        ("uq_", "table_assignments", "seat_number"),
    ),
    Drift(
        "a primary key is dropped",
        "alter table public.table_assignments drop constraint pk_table_assignments",
        ("add_primary_key", "pk_table_assignments"),
    ),
    Drift(
        "a foreign key is dropped",
        "alter table public.participants drop constraint fk_participants_event_id_events",
        ("fk_participants_event_id_events",),
    ),
    Drift(
        "a foreign key no longer cascades",
        """
        alter table public.participants drop constraint fk_participants_event_id_events;
        alter table public.participants add constraint fk_participants_event_id_events
        foreign key (event_id) references public.events (id)
        """,
        ("fk_participants_event_id_events",),
    ),
    Drift(
        "a foreign key is not valid",
        """
        alter table public.participants drop constraint fk_participants_event_id_events;
        alter table public.participants add constraint fk_participants_event_id_events
        foreign key (event_id) references public.events (id) on delete cascade not valid
        """,
        ("fk_participants_event_id_events",),
    ),
    # Tables
    Drift(
        "a table is added",
        "create table public.stash (id int primary key)",
        ("stash",),
    ),
    Drift(
        "a table is dropped",
        "drop table public.table_assignments cascade",
        ("table_assignments",),
    ),
)

EVERY_DRIFT = [
    # All of them take minutes; every run tries some of each kind.
    pytest.param(drift, id=drift.name, marks=() if number % 60 == 0 else pytest.mark.exhaustive)
    for number, drift in enumerate(DRIFTS)
]
"""Parameters of a test."""
