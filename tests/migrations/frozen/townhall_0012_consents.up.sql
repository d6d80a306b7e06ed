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
                where c.oid = to_regclass('public.consent_audit_log')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.consent_audit_log in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.consent_preferences')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.consent_preferences in access exclusive mode;
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

CREATE TABLE IF NOT EXISTS consent_audit_log (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    category TEXT NOT NULL,
    previous_value BOOLEAN NOT NULL,
    new_value BOOLEAN NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    changed_by UUID,
    ip_address TEXT,
    user_agent TEXT,
    CONSTRAINT pk_consent_audit_log PRIMARY KEY (id),
    CONSTRAINT ck_consent_audit_log_ip_address_bounds CHECK (char_length(ip_address) <= 2000),
    CONSTRAINT ck_consent_audit_log_user_agent_bounds CHECK (char_length(user_agent) <= 2000),
    CONSTRAINT ck_consent_audit_log_category_known CHECK (category in ('benchmarks', 'social_feed', 'directory', 'messaging', 'investor_intros')),
    CONSTRAINT fk_consent_audit_log_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE
);

COMMENT ON TABLE consent_audit_log IS 'Every new consent and every change of one; written only by a trigger.';

COMMENT ON COLUMN consent_audit_log.previous_value IS 'Whether the user had consented before the change.';

COMMENT ON COLUMN consent_audit_log.new_value IS 'Whether the user consents since the change.';

COMMENT ON COLUMN consent_audit_log.changed_at IS 'When; changes of one transaction are in order.';

COMMENT ON COLUMN consent_audit_log.changed_by IS 'The account whose session changed it; null for the service.';

COMMENT ON COLUMN consent_audit_log.ip_address IS 'The client''s IP address, as the request states it.';

COMMENT ON COLUMN consent_audit_log.user_agent IS 'The client''s user agent, as the request states it.';

CREATE TABLE IF NOT EXISTS consent_preferences (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    category TEXT NOT NULL,
    enabled BOOLEAN DEFAULT false NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_consent_preferences PRIMARY KEY (id),
    CONSTRAINT ck_consent_preferences_category_known CHECK (category in ('benchmarks', 'social_feed', 'directory', 'messaging', 'investor_intros')),
    CONSTRAINT fk_consent_preferences_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT uq_consent_preferences_user_id_category UNIQUE (user_id, category)
);

COMMENT ON TABLE consent_preferences IS 'A user''s consents; no row means none. Only the user can read them.';

COMMENT ON COLUMN consent_preferences.enabled IS 'Whether the user consents.';

COMMENT ON COLUMN consent_preferences.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_consent_audit_log_changed_by ON consent_audit_log (changed_by) WHERE changed_by <> user_id;

CREATE INDEX IF NOT EXISTS ix_consent_audit_log_user_id_changed_at ON consent_audit_log (user_id, changed_at DESC);

create or replace function private.record_consent(user_id uuid, category text, previous_value boolean, new_value boolean)
returns void
language sql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
insert into public.consent_audit_log (
    user_id, category, previous_value, new_value, changed_by, ip_address, user_agent
)
select
    u.id,
    record_consent.category,
    record_consent.previous_value,
    record_consent.new_value,
    (select auth.uid()),
    nullif(
        left(
            trim(split_part(h.headers ->> 'x-forwarded-for', ',', 1)), 2000
        ),
        ''
    ),
    nullif(left(h.headers ->> 'user-agent', 2000), '')
from auth.users as u
cross join (
    select nullif(current_setting('request.headers', true), '')::jsonb
) as h (headers)
where u.id = record_consent.user_id
$function$;

revoke all on function private.record_consent(uuid, text, boolean, boolean) from public, anon, authenticated, service_role;

comment on function private.record_consent(uuid, text, boolean, boolean) is 'Writes an answer to consent_audit_log, unless the account is deleted.';

create or replace function private.audit_consent()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if tg_op = 'UPDATE'
        and (old.user_id, old.category) = (new.user_id, new.category)
    then
        if old.enabled <> new.enabled then
            perform private.record_consent(
                new.user_id, new.category, old.enabled, new.enabled
            );
        end if;
        return null;
    end if;
    if tg_op <> 'INSERT' and old.enabled then
        perform private.record_consent(old.user_id, old.category, true, false);
    end if;
    if tg_op <> 'DELETE' then
        perform private.record_consent(
            new.user_id, new.category, false, new.enabled
        );
    end if;
    return null;
end
$function$;

revoke all on function private.audit_consent() from public, anon, authenticated, service_role;

comment on function private.audit_consent() is 'Writes an insert of a consent, and what an update or delete changes of it, to consent_audit_log.';

create or replace function private.audit_emptied_consents()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform private.record_consent(c.user_id, c.category, true, false)
    from public.consent_preferences as c
    where c.enabled;
    return null;
end
$function$;

revoke all on function private.audit_emptied_consents() from public, anon, authenticated, service_role;

comment on function private.audit_emptied_consents() is 'Writes the end of every enabled consent to consent_audit_log.';

alter table public.consent_preferences enable row level security;

alter table public.consent_preferences no force row level security;

revoke all on table public.consent_preferences from public, anon, authenticated, service_role;

grant select, insert (id, user_id, category, enabled), update (enabled), delete on table public.consent_preferences to authenticated;

grant all on table public.consent_preferences to service_role;

drop policy if exists "the owner can read" on public.consent_preferences;

create policy "the owner can read" on public.consent_preferences
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can read" on public.consent_preferences is null;

drop policy if exists "the owner with an account can insert" on public.consent_preferences;

create policy "the owner with an account can insert" on public.consent_preferences
as permissive for insert
to authenticated
with check (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the owner with an account can insert" on public.consent_preferences is null;

drop policy if exists "the owner with an account can update" on public.consent_preferences;

create policy "the owner with an account can update" on public.consent_preferences
as permissive for update
to authenticated
using (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (user_id = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the owner with an account can update" on public.consent_preferences is null;

drop policy if exists "the owner can delete" on public.consent_preferences;

create policy "the owner can delete" on public.consent_preferences
as permissive for delete
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can delete" on public.consent_preferences is null;

drop policy if exists "the service can do everything" on public.consent_preferences;

create policy "the service can do everything" on public.consent_preferences
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.consent_preferences is null;

alter table public.consent_audit_log enable row level security;

alter table public.consent_audit_log no force row level security;

revoke all on table public.consent_audit_log from public, anon, authenticated, service_role;

grant select on table public.consent_audit_log to authenticated;

grant all on table public.consent_audit_log to service_role;

drop policy if exists "the owner can read" on public.consent_audit_log;

create policy "the owner can read" on public.consent_audit_log
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can read" on public.consent_audit_log is null;

drop policy if exists "the service can do everything" on public.consent_audit_log;

create policy "the service can do everything" on public.consent_audit_log
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.consent_audit_log is null;

create or replace trigger update_consent_preferences_updated_at before update
on public.consent_preferences
for each row
execute function private.update_updated_at_column();

comment on trigger update_consent_preferences_updated_at on public.consent_preferences is 'Sets updated_at.';

create or replace function private.hold_account()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if has_any_column_privilege('auth.users', 'update') then
        perform
        from auth.users as u
        where u.id = (select auth.uid())
        for key share;
    end if;
    return null;
end
$function$;

revoke all on function private.hold_account() from public, anon, authenticated, service_role;

comment on function private.hold_account() is 'Locks the caller''s account against deletion until the transaction ends.';

create or replace trigger hold_account before insert or update or delete
on public.consent_preferences
for each statement
execute function private.hold_account();

comment on trigger hold_account on public.consent_preferences is 'Prevents a deadlock between the audit and the deletion of an account.';

create or replace trigger audit_consent after insert or update or delete
on public.consent_preferences
for each row
execute function private.audit_consent();

comment on trigger audit_consent on public.consent_preferences is 'Inserts a row into consent_audit_log for each first answer and each change.';

create or replace trigger audit_emptied_consents before truncate
on public.consent_preferences
for each statement
execute function private.audit_emptied_consents();

comment on trigger audit_emptied_consents on public.consent_preferences is 'Inserts a row into consent_audit_log for every enabled consent.';

create or replace function private.directory_page(after_created_at timestamp with time zone default null, after_id uuid default null, page_size integer default 20)
returns table (user_id uuid, display_name text, avatar_url text, bio text, stage text, industry text, achievements text[], created_at timestamptz, id uuid)
language sql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select
    p.user_id,
    case when shows.name then p.display_name end,
    case when shows.name then p.avatar_url end,
    case when shows.bio then p.bio end,
    case when shows.stage then p.stage end,
    case when shows.industry then p.industry end,
    case when shows.achievements then p.achievements end,
    p.created_at,
    p.id
from public.community_profiles as p
cross join lateral (
    select
        coalesce(p.visibility_settings -> 'show_name', 'true') = 'true'
            as name,
        coalesce(p.visibility_settings -> 'show_bio', 'true') = 'true'
            as bio,
        coalesce(p.visibility_settings -> 'show_stage', 'true') = 'true'
            as stage,
        coalesce(p.visibility_settings -> 'show_industry', 'true') = 'true'
            as industry,
        coalesce(p.visibility_settings -> 'show_achievements', 'true') = 'true'
            as achievements
) as shows
where (p.created_at, p.id) < (
        coalesce(directory_page.after_created_at, 'infinity'),
        coalesce(directory_page.after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
    and (
        select c.enabled
        from public.consent_preferences as c
        where c.user_id = p.user_id
            and c.category = 'directory'
    )
order by p.created_at desc, p.id desc
limit directory_page.page_size
$function$;

revoke all on function private.directory_page(timestamp with time zone, uuid, integer) from public, anon, authenticated, service_role;

grant execute on function private.directory_page(timestamp with time zone, uuid, integer) to authenticated;

grant execute on function private.directory_page(timestamp with time zone, uuid, integer) to service_role;

comment on function private.directory_page(timestamp with time zone, uuid, integer) is 'A page of the profiles of founders who consented to the directory, newest first, with the fields that they show.';

create or replace function public.directory_page(after_created_at timestamp with time zone default null, after_id uuid default null, page_size integer default 20)
returns table (user_id uuid, display_name text, avatar_url text, bio text, stage text, industry text, achievements text[], created_at timestamptz, id uuid)
language sql
stable security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select * from private.directory_page(after_created_at, after_id, page_size)
$function$;

revoke all on function public.directory_page(timestamp with time zone, uuid, integer) from public, anon, authenticated, service_role;

grant execute on function public.directory_page(timestamp with time zone, uuid, integer) to authenticated;

grant execute on function public.directory_page(timestamp with time zone, uuid, integer) to service_role;

comment on function public.directory_page(timestamp with time zone, uuid, integer) is 'A page of the profiles of founders who consented to the directory, newest first, with the fields that they show.';
