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
                where c.oid = to_regclass('public.usage_events')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.usage_events in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.tenant_profiles')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.tenant_profiles in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS usage_events (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    tenant_id UUID,
    user_id UUID,
    event_type TEXT NOT NULL,
    event_data JSONB DEFAULT '{}'::jsonb NOT NULL,
    tokens_used BIGINT DEFAULT 0 NOT NULL,
    model_used TEXT,
    cost_cents NUMERIC(12, 4) DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_usage_events PRIMARY KEY (id),
    CONSTRAINT ck_usage_events_event_data_bounds CHECK (octet_length(event_data::text) <= 262144 and not jsonb_path_exists(event_data, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(event_data, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_usage_events_event_type_bounds CHECK (char_length(event_type) <= 200 and event_type ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_usage_events_model_used_bounds CHECK (char_length(model_used) <= 200),
    CONSTRAINT ck_usage_events_event_data_is_object CHECK (jsonb_typeof(event_data) = 'object'),
    CONSTRAINT ck_usage_events_cost_cents_not_negative CHECK (cost_cents >= 0 and cost_cents < 'NaN'),
    CONSTRAINT ck_usage_events_created_at_bounds CHECK (extract(year from created_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_usage_events_tokens_used_not_negative CHECK (tokens_used >= 0),
    CONSTRAINT fk_usage_events_tenant_id_tenant_profiles FOREIGN KEY(tenant_id) REFERENCES tenant_profiles (id) ON DELETE SET NULL,
    CONSTRAINT fk_usage_events_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE SET NULL
);

COMMENT ON TABLE usage_events IS 'What tenants used, for billing; rows are only added.';

COMMENT ON COLUMN usage_events.tenant_id IS 'The tenant that pays; null once it is deleted.';

COMMENT ON COLUMN usage_events.user_id IS 'The account that caused it; null where none did, or it was deleted.';

COMMENT ON COLUMN usage_events.event_data IS 'Details of the event.';

COMMENT ON COLUMN usage_events.tokens_used IS 'Input and output tokens of the language model.';

COMMENT ON COLUMN usage_events.model_used IS 'The language model, if one was used.';

COMMENT ON COLUMN usage_events.cost_cents IS 'The cost in cents, with fractions.';

COMMENT ON COLUMN usage_events.created_at IS 'When the row was created.';

CREATE INDEX IF NOT EXISTS ix_usage_events_created_at ON usage_events (created_at);

CREATE INDEX IF NOT EXISTS ix_usage_events_event_type ON usage_events (event_type);

CREATE INDEX IF NOT EXISTS ix_usage_events_tenant_id ON usage_events (tenant_id);

CREATE INDEX IF NOT EXISTS ix_usage_events_tenant_id_created_at ON usage_events (tenant_id, created_at DESC);

CREATE INDEX IF NOT EXISTS ix_usage_events_user_id ON usage_events (user_id);

alter table public.usage_events enable row level security;

alter table public.usage_events no force row level security;

revoke all on table public.usage_events from public, anon, authenticated, service_role;

grant select on table public.usage_events to authenticated;

grant all on table public.usage_events to service_role;

drop policy if exists "the tenant's owner can read" on public.usage_events;

create policy "the tenant's owner can read" on public.usage_events
as permissive for select
to authenticated
using (
    tenant_id = any (array(select private.my_tenant_ids()))
);

comment on policy "the tenant's owner can read" on public.usage_events is null;

drop policy if exists "the service can do everything" on public.usage_events;

create policy "the service can do everything" on public.usage_events
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.usage_events is null;

create or replace function public.log_usage_event(p_tenant_id uuid, p_event_type text, p_event_data jsonb default '{}'::jsonb, p_user_id uuid default null::uuid, p_tokens_used bigint default 0, p_model_used text default null::text, p_cost_cents numeric default 0, p_id uuid default null::uuid, p_created_at timestamp with time zone default null::timestamp with time zone)
returns uuid
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
declare
    event_id constant uuid := coalesce(p_id, gen_random_uuid());
begin
    insert into public.usage_events (
        id, tenant_id, event_type, event_data, user_id, tokens_used, model_used,
        cost_cents, created_at
    )
    values (
        event_id,
        p_tenant_id,
        p_event_type,
        coalesce(p_event_data, '{}'),
        p_user_id,
        coalesce(p_tokens_used, 0),
        p_model_used,
        coalesce(p_cost_cents, 0),
        coalesce(p_created_at, now())
    )
    on conflict do nothing;
    if not found and not exists (
        select u.id
        from public.usage_events as u
        where u.id = event_id and u.tenant_id is not distinct from p_tenant_id
    ) then
        raise exception 'usage event % is not of tenant %', event_id, p_tenant_id
            using errcode = 'unique_violation',
                hint = 'Choose a new id for each event, also across tenants.',
                schema = 'public',
                table = 'usage_events',
                constraint = 'pk_usage_events',
                column = 'id';
    end if;
    return event_id;
end
$function$;

revoke all on function public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone) from public, anon, authenticated, service_role;

grant execute on function public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone) to service_role;

comment on function public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone) is 'Logs usage of a tenant for billing, once for each id; returns the id of the event.';

create or replace function private.my_usage_summary(p_month date, p_tenant_id uuid default null::uuid, out tenant_id uuid, out event_type text, out model_used text, out events bigint, out tokens_used numeric, out cost_cents numeric)
returns setof record
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    first constant timestamp := date_trunc('month', p_month::timestamp);
    tenants constant uuid[] := array(
        select mine.id
        from private.my_tenant_ids() as mine (id)
        where p_tenant_id is null or mine.id = p_tenant_id
    );
begin
    return query
    select
        u.tenant_id,
        u.event_type,
        u.model_used,
        count(*),
        sum(u.tokens_used),
        sum(u.cost_cents)
    from public.usage_events as u
    where u.created_at >= first at time zone 'UTC'
        and u.created_at < (first + interval '1 month') at time zone 'UTC'
        and u.tenant_id = any (tenants)
    group by u.tenant_id, u.event_type, u.model_used
    order by u.tenant_id, u.event_type, u.model_used;
end
$function$;

revoke all on function private.my_usage_summary(date, uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_usage_summary(date, uuid) to authenticated;

comment on function private.my_usage_summary(date, uuid) is 'Sums up a month of the caller''s tenants, or of one of them.';

create or replace function public.usage_summary(p_month date, p_tenant_id uuid default null::uuid, out tenant_id uuid, out event_type text, out model_used text, out events bigint, out tokens_used numeric, out cost_cents numeric)
returns setof record
language plpgsql
stable security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    first constant timestamp := date_trunc('month', p_month::timestamp);
begin
    if
        row_security_active('public.usage_events')
        and not pg_has_role('service_role', 'usage')
    then
        return query
        select s.*
        from private.my_usage_summary(p_month, p_tenant_id) as s;
        return;
    end if;
    return query
    select
        u.tenant_id,
        u.event_type,
        u.model_used,
        count(*),
        sum(u.tokens_used),
        sum(u.cost_cents)
    from public.usage_events as u
    where u.created_at >= first at time zone 'UTC'
        and u.created_at < (first + interval '1 month') at time zone 'UTC'
        and (p_tenant_id is null or u.tenant_id = p_tenant_id)
    group by u.tenant_id, u.event_type, u.model_used
    order by u.tenant_id, u.event_type, u.model_used;
end
$function$;

revoke all on function public.usage_summary(date, uuid) from public, anon, authenticated, service_role;

grant execute on function public.usage_summary(date, uuid) to authenticated;

grant execute on function public.usage_summary(date, uuid) to service_role;

comment on function public.usage_summary(date, uuid) is 'Sums up a month of what the caller may read, by tenant, event type and model.';

create or replace function private.my_newest_usage(p_limit bigint default 50, out id uuid, out tenant_id uuid, out user_id uuid, out event_type text, out event_data jsonb, out tokens_used bigint, out model_used text, out cost_cents numeric, out created_at timestamp with time zone)
returns setof record
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    tenant uuid;
begin
    for tenant in select private.my_tenant_ids() loop
        return query
        select
            u.id,
            u.tenant_id,
            u.user_id,
            u.event_type,
            u.event_data,
            u.tokens_used,
            u.model_used,
            u.cost_cents,
            u.created_at
        from public.usage_events as u
        where u.tenant_id = tenant
        order by u.created_at desc
        limit p_limit;
    end loop;
end
$function$;

revoke all on function private.my_newest_usage(bigint) from public, anon, authenticated, service_role;

grant execute on function private.my_newest_usage(bigint) to authenticated;

comment on function private.my_newest_usage(bigint) is 'Returns the newest usage events of each of the caller''s tenants.';

create or replace function public.newest_usage(p_limit bigint default 50, out id uuid, out tenant_id uuid, out user_id uuid, out event_type text, out event_data jsonb, out tokens_used bigint, out model_used text, out cost_cents numeric, out created_at timestamp with time zone)
returns setof record
language plpgsql
stable security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
set plan_cache_mode = 'force_custom_plan'
as $function$
begin
    if
        row_security_active('public.usage_events')
        and not pg_has_role('service_role', 'usage')
    then
        return query
        select n.*
        from private.my_newest_usage(p_limit) as n
        order by n.created_at desc
        limit p_limit;
        return;
    end if;
    return query
    select
        u.id,
        u.tenant_id,
        u.user_id,
        u.event_type,
        u.event_data,
        u.tokens_used,
        u.model_used,
        u.cost_cents,
        u.created_at
    from public.usage_events as u
    where u.tenant_id is not null
    order by u.created_at desc
    limit p_limit;
end
$function$;

revoke all on function public.newest_usage(bigint) from public, anon, authenticated, service_role;

grant execute on function public.newest_usage(bigint) to authenticated;

grant execute on function public.newest_usage(bigint) to service_role;

comment on function public.newest_usage(bigint) is 'Returns the newest usage events that the caller may read, the newest first.';
