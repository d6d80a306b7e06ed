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
                where c.oid = to_regclass('public.participant_tracks')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participant_tracks in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.tracks')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.tracks in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.participants')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participants in share row exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.events')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.events in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS tracks (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    event_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    color TEXT,
    is_active BOOLEAN DEFAULT true NOT NULL,
    sort_order INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tracks PRIMARY KEY (id),
    CONSTRAINT ck_tracks_color_bounds CHECK (char_length(color) <= 200),
    CONSTRAINT ck_tracks_description_bounds CHECK (char_length(description) <= 20000),
    CONSTRAINT ck_tracks_name_bounds CHECK (char_length(name) <= 200 and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT fk_tracks_event_id_events FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE,
    CONSTRAINT uq_tracks_event_id_id UNIQUE (event_id, id),
    CONSTRAINT uq_tracks_event_id_name UNIQUE (event_id, name)
);

COMMENT ON TABLE tracks IS 'A part of an event''s programme that participants choose.';

COMMENT ON COLUMN tracks.is_active IS 'Whether the track is open; statistics cover open tracks only.';

COMMENT ON COLUMN tracks.created_at IS 'When the row was created.';

COMMENT ON COLUMN tracks.updated_at IS 'When the row last changed; maintained by a trigger.';

alter table public.tracks enable row level security;

alter table public.tracks no force row level security;

revoke all on table public.tracks from public, anon, authenticated, service_role;

grant select, insert (id, event_id, name, description, color, is_active, sort_order), update (name, description, color, is_active, sort_order), delete on table public.tracks to authenticated;

grant all on table public.tracks to service_role;

drop policy if exists "members of the event can read" on public.tracks;

create policy "members of the event can read" on public.tracks
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_event_ids()))
    )
);

comment on policy "members of the event can read" on public.tracks is null;

drop policy if exists "managers of the event can insert" on public.tracks;

create policy "managers of the event can insert" on public.tracks
as permissive for insert
to authenticated
with check (
    exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = public.tracks.event_id
        offset 0
    )
);

comment on policy "managers of the event can insert" on public.tracks is null;

drop policy if exists "managers of the event can update" on public.tracks;

create policy "managers of the event can update" on public.tracks
as permissive for update
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_managed_event_ids()))
    )
)
with check (
    exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = public.tracks.event_id
        offset 0
    )
);

comment on policy "managers of the event can update" on public.tracks is null;

drop policy if exists "managers of the event can delete" on public.tracks;

create policy "managers of the event can delete" on public.tracks
as permissive for delete
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_managed_event_ids()))
    )
);

comment on policy "managers of the event can delete" on public.tracks is null;

drop policy if exists "the service can do everything" on public.tracks;

create policy "the service can do everything" on public.tracks
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.tracks is null;

create or replace trigger update_tracks_updated_at before update
on public.tracks
for each row
execute function private.update_updated_at_column();

comment on trigger update_tracks_updated_at on public.tracks is 'Sets updated_at.';

CREATE TABLE IF NOT EXISTS participant_tracks (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    event_id UUID NOT NULL,
    participant_id UUID NOT NULL,
    track_id UUID NOT NULL,
    is_primary BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_participant_tracks PRIMARY KEY (id),
    CONSTRAINT fk_participant_tracks_event_id_participant_id_participants FOREIGN KEY(event_id, participant_id) REFERENCES participants (event_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_participant_tracks_event_id_track_id_tracks FOREIGN KEY(event_id, track_id) REFERENCES tracks (event_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_participant_tracks_participant_id_track_id UNIQUE (participant_id, track_id)
);

COMMENT ON TABLE participant_tracks IS 'The tracks of a participant, at most one of them primary.';

COMMENT ON COLUMN participant_tracks.event_id IS 'The event of both, set by a trigger; it keeps the two in one event.';

COMMENT ON COLUMN participant_tracks.is_primary IS 'Whether this is the participant''s primary track.';

COMMENT ON COLUMN participant_tracks.created_at IS 'When the row was created.';

CREATE INDEX IF NOT EXISTS ix_participant_tracks_event_id ON participant_tracks (event_id);

CREATE INDEX IF NOT EXISTS ix_participant_tracks_track_id ON participant_tracks (track_id);

CREATE UNIQUE INDEX IF NOT EXISTS uq_participant_tracks_primary ON participant_tracks (participant_id) WHERE is_primary;

alter table public.participant_tracks enable row level security;

alter table public.participant_tracks no force row level security;

revoke all on table public.participant_tracks from public, anon, authenticated, service_role;

grant select, insert (id, participant_id, track_id, is_primary), update (participant_id, track_id, is_primary), delete on table public.participant_tracks to authenticated;

grant all on table public.participant_tracks to service_role;

drop policy if exists "members of the event or the participant can read" on public.participant_tracks;

create policy "members of the event or the participant can read" on public.participant_tracks
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_event_ids()))
        or participant_id = any (array(select private.my_participant_ids()))
    )
);

comment on policy "members of the event or the participant can read" on public.participant_tracks is null;

drop policy if exists "managers of the event can insert" on public.participant_tracks;

create policy "managers of the event can insert" on public.participant_tracks
as permissive for insert
to authenticated
with check (
    exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = public.participant_tracks.event_id
        offset 0
    )
);

comment on policy "managers of the event can insert" on public.participant_tracks is null;

drop policy if exists "managers of the event can update" on public.participant_tracks;

create policy "managers of the event can update" on public.participant_tracks
as permissive for update
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_managed_event_ids()))
    )
)
with check (
    exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = public.participant_tracks.event_id
        offset 0
    )
);

comment on policy "managers of the event can update" on public.participant_tracks is null;

drop policy if exists "managers of the event can delete" on public.participant_tracks;

create policy "managers of the event can delete" on public.participant_tracks
as permissive for delete
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_managed_event_ids()))
    )
);

comment on policy "managers of the event can delete" on public.participant_tracks is null;

drop policy if exists "the service can do everything" on public.participant_tracks;

create policy "the service can do everything" on public.participant_tracks
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.participant_tracks is null;

create or replace function private.fill_participant_track_event()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    new.event_id := (
        select p.event_id
        from public.participants as p
        where p.id = new.participant_id
    );
    return new;
end
$function$;

revoke all on function private.fill_participant_track_event() from public, anon, authenticated, service_role;

comment on function private.fill_participant_track_event() is 'Sets event_id to the event of the participant.';

create or replace trigger fill_participant_track_event before insert or update of participant_id, event_id
on public.participant_tracks
for each row
execute function private.fill_participant_track_event();

comment on trigger fill_participant_track_event on public.participant_tracks is 'Sets event_id to the event of the participant.';
