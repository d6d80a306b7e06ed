do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.engagement_streaks')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.engagement_streaks in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.reputation_events')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.reputation_events in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('auth.users')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table auth.users in share row exclusive mode;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

CREATE TABLE IF NOT EXISTS reputation_events (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    event_type TEXT NOT NULL,
    points INTEGER DEFAULT 1 NOT NULL,
    source_id UUID,
    source_type TEXT,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_reputation_events PRIMARY KEY (id),
    CONSTRAINT ck_reputation_events_metadata_bounds CHECK (octet_length(metadata::text) <= 262144 and not jsonb_path_exists(metadata, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(metadata, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_reputation_events_source_type_bounds CHECK (char_length(source_type) <= 200),
    CONSTRAINT ck_reputation_events_event_type_known CHECK (event_type in ('intro_made', 'roundtable_participation', 'help_given', 'expertise_shared', 'mentor_session')),
    CONSTRAINT ck_reputation_events_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT fk_reputation_events_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE
);

COMMENT ON TABLE reputation_events IS 'The events that earned a founder points; written by the service.';

COMMENT ON COLUMN reputation_events.source_id IS 'The row that the points are for, in the table that source_type names.';

COMMENT ON COLUMN reputation_events.source_type IS 'The table of source_id.';

COMMENT ON COLUMN reputation_events.created_at IS 'When the row was created.';

CREATE INDEX IF NOT EXISTS ix_reputation_events_user_id_created_at ON reputation_events (user_id, created_at DESC);

alter table public.reputation_events enable row level security;

alter table public.reputation_events no force row level security;

revoke all on table public.reputation_events from public, anon, authenticated, service_role;

grant select on table public.reputation_events to authenticated;

grant all on table public.reputation_events to service_role;

drop policy if exists "the owner can read" on public.reputation_events;

create policy "the owner can read" on public.reputation_events
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can read" on public.reputation_events is null;

drop policy if exists "the service can do everything" on public.reputation_events;

create policy "the service can do everything" on public.reputation_events
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.reputation_events is null;

CREATE TABLE IF NOT EXISTS engagement_streaks (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    current_streak INTEGER DEFAULT 0 NOT NULL,
    longest_streak INTEGER DEFAULT 0 NOT NULL,
    total_checkins INTEGER DEFAULT 0 NOT NULL,
    last_checkin_date DATE,
    streak_started_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_engagement_streaks PRIMARY KEY (id),
    CONSTRAINT ck_engagement_streaks_last_checkin_date_bounds CHECK (last_checkin_date between '0001-01-01' and '9999-12-31'),
    CONSTRAINT ck_engagement_streaks_streak_started_at_bounds CHECK (extract(year from streak_started_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_engagement_streaks_current_streak_not_negative CHECK (current_streak >= 0),
    CONSTRAINT ck_engagement_streaks_longest_is_longest CHECK (longest_streak >= current_streak),
    CONSTRAINT ck_engagement_streaks_total_checkins_not_negative CHECK (total_checkins >= 0),
    CONSTRAINT fk_engagement_streaks_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT uq_engagement_streaks_user_id UNIQUE (user_id)
);

COMMENT ON TABLE engagement_streaks IS 'On how many days in a row a founder has checked in; written by the service.';

COMMENT ON COLUMN engagement_streaks.updated_at IS 'When the row last changed; maintained by a trigger.';

alter table public.engagement_streaks enable row level security;

alter table public.engagement_streaks no force row level security;

revoke all on table public.engagement_streaks from public, anon, authenticated, service_role;

grant select on table public.engagement_streaks to authenticated;

grant all on table public.engagement_streaks to service_role;

drop policy if exists "the owner can read" on public.engagement_streaks;

create policy "the owner can read" on public.engagement_streaks
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can read" on public.engagement_streaks is null;

drop policy if exists "the service can do everything" on public.engagement_streaks;

create policy "the service can do everything" on public.engagement_streaks
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.engagement_streaks is null;

create or replace trigger update_engagement_streaks_updated_at before update
on public.engagement_streaks
for each row
execute function private.update_updated_at_column();

comment on trigger update_engagement_streaks_updated_at on public.engagement_streaks is 'Sets updated_at.';
