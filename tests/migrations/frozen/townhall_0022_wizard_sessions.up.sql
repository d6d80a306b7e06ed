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
                where c.oid = to_regclass('public.wizard_sessions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.wizard_sessions in access exclusive mode;
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
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.profiles')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.profiles in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS wizard_sessions (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    event_id UUID,
    stage INTEGER DEFAULT 1 NOT NULL,
    status TEXT DEFAULT 'in_progress' NOT NULL,
    state JSONB DEFAULT '{}'::jsonb NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_saved_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_wizard_sessions PRIMARY KEY (id),
    CONSTRAINT ck_wizard_sessions_state_bounds CHECK (octet_length(state::text) <= 1048576 and not jsonb_path_exists(state, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(state, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_wizard_sessions_completed_at_fits_status CHECK ((status = 'completed') = (completed_at is not null)),
    CONSTRAINT ck_wizard_sessions_state_is_object CHECK (jsonb_typeof(state) = 'object'),
    CONSTRAINT ck_wizard_sessions_status_known CHECK (status in ('in_progress', 'completed', 'abandoned')),
    CONSTRAINT ck_wizard_sessions_stage_in_range CHECK (stage between 1 and 6),
    CONSTRAINT fk_wizard_sessions_event_id_events FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE SET NULL,
    CONSTRAINT fk_wizard_sessions_user_id_profiles FOREIGN KEY(user_id) REFERENCES profiles (id) ON DELETE CASCADE
);

COMMENT ON TABLE wizard_sessions IS 'A session of the wizard that creates an event, saved stage by stage.';

COMMENT ON COLUMN wizard_sessions.user_id IS 'The user of the session.';

COMMENT ON COLUMN wizard_sessions.event_id IS 'The event that was created; null before that, and once the event is deleted.';

COMMENT ON COLUMN wizard_sessions.stage IS 'The stage the person is at, from 1 to 6.';

COMMENT ON COLUMN wizard_sessions.state IS 'The data entered so far; immutable once completed.';

COMMENT ON COLUMN wizard_sessions.last_saved_at IS 'When the session last changed; maintained by a trigger.';

COMMENT ON COLUMN wizard_sessions.completed_at IS 'When it was completed, or null; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS idx_wizard_sessions_event_id ON wizard_sessions (event_id);

CREATE INDEX IF NOT EXISTS idx_wizard_sessions_last_saved_at ON wizard_sessions (last_saved_at);

CREATE INDEX IF NOT EXISTS idx_wizard_sessions_status ON wizard_sessions (status);

CREATE INDEX IF NOT EXISTS idx_wizard_sessions_user_id ON wizard_sessions (user_id);

CREATE INDEX IF NOT EXISTS idx_wizard_sessions_user_status ON wizard_sessions (user_id, status);

alter table public.wizard_sessions enable row level security;

alter table public.wizard_sessions no force row level security;

revoke all on table public.wizard_sessions from public, anon, authenticated, service_role;

grant select, insert (id, user_id, event_id, stage, status, state), update (event_id, stage, status, state), delete on table public.wizard_sessions to authenticated;

grant all on table public.wizard_sessions to service_role;

drop policy if exists wizard_sessions_policy on public.wizard_sessions;

create policy wizard_sessions_policy on public.wizard_sessions
as permissive for all
to authenticated
using (
    user_id = (select auth.uid())
)
with check (
    user_id = (select auth.uid())
);

comment on policy wizard_sessions_policy on public.wizard_sessions is 'Users reach their own sessions.';

drop policy if exists wizard_sessions_insert_policy on public.wizard_sessions;

create policy wizard_sessions_insert_policy on public.wizard_sessions
as restrictive for insert
to authenticated
with check (
    user_id = (select auth.uid())
);

comment on policy wizard_sessions_insert_policy on public.wizard_sessions is 'Restrictive: a policy that is added later can''t allow inserts for other users.';

drop policy if exists "the service can do everything" on public.wizard_sessions;

create policy "the service can do everything" on public.wizard_sessions
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.wizard_sessions is null;

create or replace function public.save_wizard_session(session_id uuid, patch jsonb default '{}'::jsonb, stage integer default null::integer, status text default null::text, removed text[] default '{}'::text[])
returns public.wizard_sessions
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    saved public.wizard_sessions;
begin
    update public.wizard_sessions as w
    set state =
            (w.state - save_wizard_session.removed) || save_wizard_session.patch,
        stage = coalesce(save_wizard_session.stage, w.stage),
        status = coalesce(save_wizard_session.status, w.status)
    where w.id = save_wizard_session.session_id and w.status = 'in_progress'
    returning w.* into saved;
    if found then
        return saved;
    end if;
    select w.*
    into saved
    from public.wizard_sessions as w
    where w.id = save_wizard_session.session_id;
    if not found then
        raise exception 'wizard session % is not yours', session_id
            using errcode = 'insufficient_privilege',
                schema = 'public',
                table = 'wizard_sessions',
                constraint = 'wizard_session_is_own';
    end if;
    if saved.status = save_wizard_session.status
        and saved.stage = coalesce(save_wizard_session.stage, saved.stage)
        and saved.state =
            (saved.state - save_wizard_session.removed)
            || save_wizard_session.patch
    then
        return saved;
    end if;
    raise exception 'wizard session % is %', session_id, saved.status
        using errcode = 'check_violation',
            hint = 'Only a session in progress can be saved.',
            schema = 'public',
            table = 'wizard_sessions',
            column = 'status',
            constraint = 'wizard_session_is_in_progress';
end
$function$;

revoke all on function public.save_wizard_session(uuid, jsonb, integer, text, text[]) from public, anon, authenticated, service_role;

grant execute on function public.save_wizard_session(uuid, jsonb, integer, text, text[]) to authenticated;

grant execute on function public.save_wizard_session(uuid, jsonb, integer, text, text[]) to service_role;

comment on function public.save_wizard_session(uuid, jsonb, integer, text, text[]) is 'Removes keys of a session in progress, merges a patch, and moves it to a stage or status; a call that is repeated returns the session.';

create or replace function public.update_wizard_session_timestamp()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    saved_at constant timestamptz := clock_timestamp();
begin
    if tg_op = 'UPDATE' then
        if old.status = 'completed' and new.state is distinct from old.state then
            raise exception 'wizard session % is completed: its state stays', old.id
                using errcode = 'check_violation',
                    hint = 'Set its status to in_progress first.',
                    schema = 'public',
                    table = 'wizard_sessions',
                    column = 'state',
                    constraint = 'wizard_session_is_open';
        end if;
        new.last_saved_at := saved_at;
    end if;
    if new.status is distinct from 'completed' then
        new.completed_at := null;
    elsif tg_op = 'INSERT' then
        new.completed_at := coalesce(new.completed_at, saved_at);
    elsif old.status <> 'completed' then
        new.completed_at := saved_at;
    end if;
    return new;
end
$function$;

revoke all on function public.update_wizard_session_timestamp() from public, anon, authenticated, service_role;

comment on function public.update_wizard_session_timestamp() is 'Sets last_saved_at and completed_at; refuses a change of a completed session''s state.';

create or replace trigger update_wizard_session_timestamp before insert or update
on public.wizard_sessions
for each row
execute function public.update_wizard_session_timestamp();

comment on trigger update_wizard_session_timestamp on public.wizard_sessions is 'Sets last_saved_at and completed_at; refuses a change of a completed session''s state.';
