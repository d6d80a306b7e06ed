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
                where c.oid = to_regclass('public.participants')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participants in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.events')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.events in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.organizations')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.organizations in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS events (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    organization_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    status TEXT DEFAULT 'draft' NOT NULL,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT ck_events_description_bounds CHECK (char_length(description) <= 20000),
    CONSTRAINT ck_events_ends_at_bounds CHECK (extract(year from ends_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_events_name_bounds CHECK (char_length(name) <= 200 and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_events_settings_bounds CHECK (octet_length(settings::text) <= 262144 and not jsonb_path_exists(settings, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(settings, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_events_starts_at_bounds CHECK (extract(year from starts_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_events_settings_is_object CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT ck_events_status_known CHECK (status in ('draft', 'published', 'cancelled', 'completed')),
    CONSTRAINT ck_events_ends_after_start CHECK (ends_at >= starts_at),
    CONSTRAINT fk_events_organization_id_organizations FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

COMMENT ON TABLE events IS 'An event of an organization.';

COMMENT ON COLUMN events.settings IS 'Preferences; default_networking_opt_in is the default of new participants.';

COMMENT ON COLUMN events.created_at IS 'When the row was created.';

COMMENT ON COLUMN events.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_events_organization_id_created_at ON events (organization_id, created_at DESC);

create or replace function private.my_event_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform set_config(
        'asked_at.public.events.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select e.id
        from public.events as e
        where e.organization_id = any (array(select private.my_organization_ids()))
    ) as mine (id);
end
$function$;

revoke all on function private.my_event_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_event_ids() to authenticated;

grant execute on function private.my_event_ids() to service_role;

comment on function private.my_event_ids() is 'The events of the organizations that the caller belongs to.';

create or replace view private.my_event_ids_by_id
with (security_barrier = true) as
select mine.id::uuid
from (
    select e.id
    from public.events as e
    where exists (
        select
        from public.organization_members as m
        where m.organization_id = e.organization_id
            and m.user_id = (select auth.uid())
        offset 0
    )
) as mine (id);

revoke all on table private.my_event_ids_by_id from public, anon, authenticated, service_role;

grant select on table private.my_event_ids_by_id to authenticated;

grant select on table private.my_event_ids_by_id to service_role;

comment on view private.my_event_ids_by_id is 'The ids of private.my_event_ids(), for a lookup of single ones.';

create or replace function private.my_event_ids_include(asked_id uuid)
returns boolean
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return exists (
        select
        from private.my_event_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$function$;

revoke all on function private.my_event_ids_include(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_event_ids_include(uuid) to authenticated;

grant execute on function private.my_event_ids_include(uuid) to service_role;

comment on function private.my_event_ids_include(uuid) is 'Whether an id is one of private.my_event_ids().';

create or replace function private.my_event_ids_ask_for(asked_id uuid)
returns boolean
language plpgsql
stable security invoker parallel unsafe cost 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if current_setting('asked_at.public.events.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.events.id',
                case
                    when private.my_event_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.events.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$function$;

revoke all on function private.my_event_ids_ask_for(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_event_ids_ask_for(uuid) to authenticated;

grant execute on function private.my_event_ids_ask_for(uuid) to service_role;

comment on function private.my_event_ids_ask_for(uuid) is 'Asks for the first id of a statement that is one of private.my_event_ids().';

create or replace function private.my_managed_event_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform set_config(
        'asked_at.public.events.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select e.id
        from public.events as e
        where e.organization_id = any (
            array(select private.my_managed_organization_ids())
        )
    ) as mine (id);
end
$function$;

revoke all on function private.my_managed_event_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_managed_event_ids() to authenticated;

grant execute on function private.my_managed_event_ids() to service_role;

comment on function private.my_managed_event_ids() is 'The events that the caller manages, with an account.';

create or replace view private.my_managed_event_ids_by_id
with (security_barrier = true) as
select mine.id::uuid
from (
    select e.id
    from public.events as e
    where exists (
        select
        from (
            select mine.id
            from (
                select m.organization_id
                from public.organization_members as m
                where m.user_id = (select auth.uid())
                    and m.role in ('owner', 'manager')
            ) as mine (id)
            where (
                select
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                    ->> 'is_anonymous'
            ) is distinct from 'true'
        ) as managed (id)
        where managed.id = e.organization_id
        offset 0
    )
) as mine (id);

revoke all on table private.my_managed_event_ids_by_id from public, anon, authenticated, service_role;

grant select on table private.my_managed_event_ids_by_id to authenticated;

grant select on table private.my_managed_event_ids_by_id to service_role;

comment on view private.my_managed_event_ids_by_id is 'The ids of private.my_managed_event_ids(), for a lookup of single ones.';

create or replace function private.my_managed_event_ids_include(asked_id uuid)
returns boolean
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$function$;

revoke all on function private.my_managed_event_ids_include(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_managed_event_ids_include(uuid) to authenticated;

grant execute on function private.my_managed_event_ids_include(uuid) to service_role;

comment on function private.my_managed_event_ids_include(uuid) is 'Whether an id is one of private.my_managed_event_ids().';

create or replace function private.my_managed_event_ids_ask_for(asked_id uuid)
returns boolean
language plpgsql
stable security invoker parallel unsafe cost 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if current_setting('asked_at.public.events.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.events.id',
                case
                    when private.my_managed_event_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.events.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$function$;

revoke all on function private.my_managed_event_ids_ask_for(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_managed_event_ids_ask_for(uuid) to authenticated;

grant execute on function private.my_managed_event_ids_ask_for(uuid) to service_role;

comment on function private.my_managed_event_ids_ask_for(uuid) is 'Asks for the first id of a statement that is one of private.my_managed_event_ids().';

alter table public.events enable row level security;

alter table public.events no force row level security;

revoke all on table public.events from public, anon, authenticated, service_role;

grant select, insert (id, organization_id, name, description, starts_at, ends_at, status, settings), update (name, description, starts_at, ends_at, status, settings), delete on table public.events to authenticated;

grant all on table public.events to service_role;

drop policy if exists "members of the organization can read" on public.events;

create policy "members of the organization can read" on public.events
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.organizations.id', true)
                = statement_timestamp()::text
        )
        or private.my_organization_ids_ask_for(organization_id) is not null
    )
    and (
        organization_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.organizations.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_organization_ids_include(asked.id)
            )
        )
        or organization_id = any (array(select private.my_organization_ids()))
    )
);

comment on policy "members of the organization can read" on public.events is null;

drop policy if exists "managers of the organization can insert" on public.events;

create policy "managers of the organization can insert" on public.events
as permissive for insert
to authenticated
with check (
    exists (
        select
        from private.my_managed_organization_ids_by_id as mine
        where mine.id = public.events.organization_id
        offset 0
    )
);

comment on policy "managers of the organization can insert" on public.events is null;

drop policy if exists "managers of the organization can update" on public.events;

create policy "managers of the organization can update" on public.events
as permissive for update
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.organizations.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_organization_ids_ask_for(organization_id) is not null
    )
    and (
        organization_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.organizations.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_organization_ids_include(asked.id)
            )
        )
        or organization_id = any (array(select private.my_managed_organization_ids()))
    )
)
with check (
    exists (
        select
        from private.my_managed_organization_ids_by_id as mine
        where mine.id = public.events.organization_id
        offset 0
    )
);

comment on policy "managers of the organization can update" on public.events is null;

drop policy if exists "managers of the organization can delete" on public.events;

create policy "managers of the organization can delete" on public.events
as permissive for delete
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.organizations.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_organization_ids_ask_for(organization_id) is not null
    )
    and (
        organization_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.organizations.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_organization_ids_include(asked.id)
            )
        )
        or organization_id = any (array(select private.my_managed_organization_ids()))
    )
);

comment on policy "managers of the organization can delete" on public.events is null;

drop policy if exists "the service can do everything" on public.events;

create policy "the service can do everything" on public.events
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.events is null;

create or replace trigger update_events_updated_at before update
on public.events
for each row
execute function private.update_updated_at_column();

comment on trigger update_events_updated_at on public.events is 'Sets updated_at.';

CREATE TABLE IF NOT EXISTS participants (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    event_id UUID NOT NULL,
    user_id UUID,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    phone TEXT,
    status TEXT DEFAULT 'registered' NOT NULL,
    is_vip BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_participants PRIMARY KEY (id),
    CONSTRAINT ck_participants_email_bounds CHECK (char_length(email) <= 2000),
    CONSTRAINT ck_participants_first_name_bounds CHECK (char_length(first_name) <= 200),
    CONSTRAINT ck_participants_last_name_bounds CHECK (char_length(last_name) <= 200),
    CONSTRAINT ck_participants_phone_bounds CHECK (char_length(phone) <= 2000),
    CONSTRAINT ck_participants_status_known CHECK (status in ('registered', 'confirmed', 'checked_in', 'cancelled')),
    CONSTRAINT fk_participants_event_id_events FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE,
    CONSTRAINT fk_participants_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE SET NULL,
    CONSTRAINT uq_participants_event_id_id UNIQUE (event_id, id)
);

COMMENT ON TABLE participants IS 'A participant of an event, with or without an account.';

COMMENT ON COLUMN participants.user_id IS 'The person''s account; null for a guest without one.';

COMMENT ON COLUMN participants.email IS 'Unique within the event, without regard to case.';

COMMENT ON COLUMN participants.created_at IS 'When the row was created.';

COMMENT ON COLUMN participants.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_participants_lower_email ON participants (lower(email));

CREATE INDEX IF NOT EXISTS ix_participants_user_id ON participants (user_id);

CREATE UNIQUE INDEX IF NOT EXISTS uq_participants_event_id_email ON participants (event_id, lower(email));

create or replace function private.my_participant_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return query
    select mine.id::uuid
    from (
        select p.id
        from public.participants as p
        where p.user_id = (select auth.uid())
    ) as mine (id);
end
$function$;

revoke all on function private.my_participant_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_participant_ids() to authenticated;

grant execute on function private.my_participant_ids() to service_role;

comment on function private.my_participant_ids() is 'The participants who have the caller''s account.';

alter table public.participants enable row level security;

alter table public.participants no force row level security;

revoke all on table public.participants from public, anon, authenticated, service_role;

grant select, insert (id, event_id, user_id, first_name, last_name, email, phone, status, is_vip), update (user_id, first_name, last_name, email, phone, status, is_vip), delete on table public.participants to authenticated;

grant all on table public.participants to service_role;

drop policy if exists "members of the event or the participant can read" on public.participants;

create policy "members of the event or the participant can read" on public.participants
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
        user_id = (select auth.uid())
        or event_id = any (
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

comment on policy "members of the event or the participant can read" on public.participants is null;

drop policy if exists "managers of the event can insert" on public.participants;

create policy "managers of the event can insert" on public.participants
as permissive for insert
to authenticated
with check (
    exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = public.participants.event_id
        offset 0
    )
);

comment on policy "managers of the event can insert" on public.participants is null;

drop policy if exists "managers of the event can update" on public.participants;

create policy "managers of the event can update" on public.participants
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
        where mine.id = public.participants.event_id
        offset 0
    )
);

comment on policy "managers of the event can update" on public.participants is null;

drop policy if exists "managers of the event can delete" on public.participants;

create policy "managers of the event can delete" on public.participants
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

comment on policy "managers of the event can delete" on public.participants is null;

drop policy if exists "the service can do everything" on public.participants;

create policy "the service can do everything" on public.participants
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.participants is null;

create or replace trigger update_participants_updated_at before update
on public.participants
for each row
execute function private.update_updated_at_column();

comment on trigger update_participants_updated_at on public.participants is 'Sets updated_at.';
