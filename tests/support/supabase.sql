-- A database as a hosted Supabase project has it before anything of ours, made after the sources of
-- supabase/postgres and supabase/auth: the owners, privileges and objects that a migration meets.

do $$
begin
    execute format('alter database %I owner to supabase_postgres', current_database());
    execute format(
        'grant create on database %I to supabase_auth_admin, supabase_realtime_admin',
        current_database()
    );
end
$$;

create publication supabase_realtime;
alter publication supabase_realtime owner to supabase_postgres;

-- Schemas -----------------------------------------------------------------------------------------

create schema extensions authorization supabase_postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;

create schema auth authorization supabase_admin;
grant all on schema auth to supabase_auth_admin, dashboard_user;
grant usage on schema auth to supabase_postgres, anon, authenticated, service_role;
grant usage on schema auth to supabase_realtime_admin, supabase_storage_admin;

create schema storage authorization supabase_admin;
grant all on schema storage to supabase_storage_admin with grant option;
grant usage on schema storage to supabase_postgres with grant option;
grant usage on schema storage to anon, authenticated, service_role;

create schema realtime authorization supabase_admin;
grant all on schema realtime to supabase_realtime_admin with grant option;
grant usage on schema realtime to supabase_postgres with grant option;
grant usage on schema realtime to anon, authenticated, service_role;

create schema graphql_public authorization supabase_admin;
grant usage on schema graphql_public to anon, authenticated, service_role;
grant usage on schema graphql_public to supabase_postgres with grant option;

grant usage on schema public to supabase_postgres, anon, authenticated, service_role;

-- Accounts ----------------------------------------------------------------------------------------

set role supabase_auth_admin;

create table auth.users (
    instance_id uuid,
    id uuid not null,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    confirmation_token varchar(255),
    confirmation_sent_at timestamptz,
    recovery_token varchar(255),
    recovery_sent_at timestamptz,
    email_change_token_new varchar(255),
    email_change varchar(255),
    email_change_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    phone text default null,
    phone_confirmed_at timestamptz,
    phone_change text default '',
    phone_change_token varchar(255) default '',
    phone_change_sent_at timestamptz,
    confirmed_at timestamptz
        generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
    email_change_token_current varchar(255) default '',
    email_change_confirm_status smallint default 0,
    banned_until timestamptz,
    reauthentication_token varchar(255) default '',
    reauthentication_sent_at timestamptz,
    is_sso_user boolean not null default false,
    deleted_at timestamptz,
    is_anonymous boolean not null default false,
    constraint users_pkey primary key (id),
    constraint users_phone_key unique (phone),
    constraint users_email_change_confirm_status_check
        check (email_change_confirm_status >= 0 and email_change_confirm_status <= 2)
);

comment on table auth.users is 'Auth: Stores user login data within a secure schema.';
comment on column auth.users.is_sso_user is 'Auth: True where the account comes from SSO.';

create index users_instance_id_idx on auth.users (instance_id);
create index users_instance_id_email_idx on auth.users (instance_id, lower(email::text));
create index users_is_anonymous_idx on auth.users (is_anonymous);
create unique index users_email_partial_key on auth.users (email) where (is_sso_user = false);
create unique index confirmation_token_idx on auth.users (confirmation_token)
    where confirmation_token::text !~ '^[0-9 ]*$';
create unique index recovery_token_idx on auth.users (recovery_token)
    where recovery_token::text !~ '^[0-9 ]*$';

create table auth.identities (
    provider_id text not null,
    user_id uuid not null references auth.users (id) on delete cascade,
    identity_data jsonb not null,
    provider text not null,
    last_sign_in_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    email text generated always as (lower(identity_data ->> 'email')) stored,
    id uuid not null default gen_random_uuid(),
    constraint identities_pkey primary key (id),
    constraint identities_provider_id_provider_unique unique (provider_id, provider)
);

comment on table auth.identities is 'Auth: Stores identities associated to a user.';

create index identities_user_id_idx on auth.identities (user_id);
create index identities_email_idx on auth.identities (email text_pattern_ops);

create table auth.schema_migrations (
    version varchar(255) not null,
    constraint schema_migrations_pkey primary key (version)
);

comment on table auth.schema_migrations is 'Auth: Manages updates to the auth system.';

alter table auth.users enable row level security;
alter table auth.identities enable row level security;
alter table auth.schema_migrations enable row level security;

grant all on auth.users, auth.identities to supabase_postgres, dashboard_user;
grant select on auth.users, auth.identities to supabase_postgres with grant option;
grant select on auth.schema_migrations to supabase_postgres with grant option;

create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;

create function auth.role() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
$$;

create function auth.email() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )
$$;

create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

comment on function auth.uid() is 'Deprecated. Use auth.jwt() -> ''sub'' instead.';
comment on function auth.role() is 'Deprecated. Use auth.jwt() -> ''role'' instead.';
comment on function auth.email() is 'Deprecated. Use auth.jwt() -> ''email'' instead.';

grant all on function auth.uid(), auth.role(), auth.email(), auth.jwt() to dashboard_user;
grant all on function auth.jwt() to supabase_postgres;

-- Files -------------------------------------------------------------------------------------------

set role supabase_storage_admin;

create table storage.buckets (
    id text not null primary key,
    name text not null,
    owner uuid,
    public boolean default false,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table storage.objects (
    id uuid not null default gen_random_uuid() primary key,
    bucket_id text references storage.buckets (id),
    name text,
    owner_id text,
    metadata jsonb,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create unique index bucketid_objname on storage.objects (bucket_id, name);

alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;

grant all on storage.buckets, storage.objects to supabase_postgres with grant option;
grant all on storage.buckets, storage.objects to anon, authenticated, service_role;

create function storage.touch() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end
$$;

create trigger update_objects_updated_at before update on storage.objects
    for each row execute function storage.touch();

-- Messages ----------------------------------------------------------------------------------------

set role supabase_realtime_admin;

create table realtime.messages (
    id uuid not null default gen_random_uuid(),
    topic text not null,
    extension text not null,
    payload jsonb,
    inserted_at timestamp not null default now(),
    primary key (id, inserted_at)
) partition by range (inserted_at);

alter table realtime.messages enable row level security;

grant all on realtime.messages to supabase_postgres, dashboard_user;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

create function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;

-- What the superuser owns -------------------------------------------------------------------------

set role supabase_admin;

create function graphql_public.graphql(
    "operationName" text default null,
    query text default null,
    variables jsonb default null,
    extensions jsonb default null
) returns jsonb language sql as $$
    select '{"errors": [{"message": "pg_graphql extension is not enabled."}]}'::jsonb
$$;

create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as $$
begin
    notify pgrst, 'reload schema';
end
$$;

create event trigger pgrst_ddl_watch on ddl_command_end
    execute function extensions.pgrst_ddl_watch();

do $$
begin
    -- Any extension will do: its objects are declared nowhere.
    execute (
        select format('create extension %I schema extensions', name)
        from pg_available_extensions
        where name in ('pgcrypto', 'vector')
        order by name
        limit 1
    );
end
$$;

alter default privileges for role supabase_admin in schema public
    grant all on tables to supabase_postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
    grant all on sequences to supabase_postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
    grant all on functions to supabase_postgres, anon, authenticated, service_role;

set role supabase_postgres;

alter default privileges for role supabase_postgres in schema public
    grant all on tables to supabase_postgres, anon, authenticated, service_role;
alter default privileges for role supabase_postgres in schema public
    grant all on sequences to supabase_postgres, anon, authenticated, service_role;
alter default privileges for role supabase_postgres in schema public
    grant all on functions to supabase_postgres, anon, authenticated, service_role;

reset role;
