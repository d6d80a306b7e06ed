do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
        for attempt in 1..10 loop
            begin
                if to_regrole(api_role) is null then
                    begin
                        execute format(
                            'create role %I nologin noinherit %s',
                            api_role,
                            case api_role when 'service_role' then 'bypassrls' end
                        );
                    exception
                        when insufficient_privilege then
                            execute format('create role %I nologin noinherit', api_role);
                    end;
                end if;
                if not exists (
                    select
                    from pg_catalog.pg_auth_members as m
                    where m.roleid = to_regrole(api_role)
                        and m.member = to_regrole(quote_ident(current_user))
                        and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
                ) then
                    execute format('grant %I to %I', api_role, current_user);
                end if;
                exit;
            exception
                when duplicate_object or unique_violation or internal_error then
                    if attempt = 10 then
                        raise;
                    end if;
                    perform pg_sleep(0.05);
            end;
        end loop;
    end loop;
end
$$;

do $$
declare
    api_role text;
begin
    alter table alembic_version enable row level security;
    revoke all on table alembic_version from public;
    for api_role in
        select r.rolname from pg_catalog.pg_roles as r
        where r.rolname = any (array['anon', 'authenticated', 'service_role']::text[])
    loop
        execute pg_catalog.format(
            'revoke all on table %s from %I', 'alembic_version', api_role
        );
    end loop;
end
$$;

do $$
declare
    api_role text;
    granted text;
begin
    if to_regnamespace('private') is null then
        create schema private;
        comment on schema private is 'townhall: helper functions, not exposed to API clients.';
        revoke all on schema private from public;
    end if;
    foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
        foreach granted in array array['public', 'private'] loop
            if not has_schema_privilege(api_role, granted, 'usage') then
                execute format('grant usage on schema %I to %I', granted, api_role);
                if to_regprocedure('pg_temp.townhall_granted(text, text)') is not null then
                    perform pg_temp.townhall_granted(granted, api_role);
                end if;
            end if;
        end loop;
    end loop;
    if to_regnamespace('auth') is null then
        create schema auth;
        comment on schema auth is
            'townhall: accounts and the caller''s claims, as Supabase has them.';
    elsif
        coalesce(obj_description(to_regnamespace('auth'), 'pg_namespace'), '') not like 'townhall:%'
        and (to_regclass('auth.users') is null or to_regprocedure('auth.uid()') is null)
    then
        raise exception 'schema auth exists without auth.users or auth.uid()'
            using hint =
                'Create auth.users (id uuid primary key) and auth.uid(), or rename the schema.';
    end if;
end
$$;

create or replace function private.update_updated_at_column()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    new.updated_at := now();
    return new;
end
$function$;

revoke all on function private.update_updated_at_column() from public, anon, authenticated, service_role;

comment on function private.update_updated_at_column() is 'Sets updated_at to now(); shared by all tables with timestamps.';

do $$
begin
if
obj_description(to_regnamespace('auth'), 'pg_namespace') like 'townhall:%'
 then
execute $sql$
    create table if not exists auth.users (
        id uuid constraint pk_users primary key default gen_random_uuid(),
        email text constraint uq_users_email unique,
        raw_app_meta_data jsonb,
        raw_user_meta_data jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        last_sign_in_at timestamptz
    )
    $sql$;
execute $sql$comment on table auth.users is 'Accounts; the shape of Supabase''s table of that name.'$sql$;
execute $sql$alter table auth.users enable row level security$sql$;
execute $sql$
    create or replace trigger update_users_updated_at
    before update on auth.users
    for each row execute function private.update_updated_at_column()
    $sql$;
execute $sql$
    create or replace function auth.jwt()
    returns jsonb
    language sql
    stable parallel safe
    return nullif(current_setting('request.jwt.claims', true), '')::jsonb
    $sql$;
execute $sql$comment on function auth.jwt() is 'The caller''s claims; null where there are none.'$sql$;
execute $sql$
    create or replace function auth.uid()
    returns uuid
    language sql
    stable parallel safe
    return coalesce(
        nullif(auth.jwt() ->> 'sub', ''),
        nullif(current_setting('request.jwt.claim.sub', true), '')
    )::uuid
    $sql$;
execute $sql$comment on function auth.uid() is 'The calling user; null where there is none.'$sql$;
execute $sql$
    create or replace function auth.role()
    returns text
    language sql
    stable parallel safe
    return coalesce(
        nullif(auth.jwt() ->> 'role', ''),
        nullif(current_setting('request.jwt.claim.role', true), '')
    )
    $sql$;
execute $sql$comment on function auth.role() is 'The role in the caller''s claims.'$sql$;
execute $sql$
    create or replace function auth.email()
    returns text
    language sql
    stable parallel safe
    return coalesce(
        nullif(auth.jwt() ->> 'email', ''),
        nullif(current_setting('request.jwt.claim.email', true), '')
    )
    $sql$;
execute $sql$comment on function auth.email() is 'The e-mail address in the caller''s claims.'$sql$;
execute $sql$grant usage on schema auth to anon, authenticated, service_role$sql$;
end if;
end
$$;
