-- The roles of a hosted Supabase project, as supabase/postgres makes them. They belong to the whole
-- server: this runs under a lock, and some roles may exist already.
--
-- `supabase_postgres` is what `postgres` is there: a name of its own, since the superuser of the
-- server for tests has that one.

do $$
declare
    wanted record;
begin
    for wanted in
        select *
        from (
            values
                ('anon', 'nologin inherit'),
                ('authenticated', 'nologin inherit'),
                ('service_role', 'nologin inherit bypassrls'),
                ('authenticator', 'login noinherit'),
                ('supabase_admin', 'nologin superuser createdb createrole replication bypassrls'),
                ('supabase_auth_admin', 'login noinherit createrole noreplication'),
                ('supabase_storage_admin', 'login noinherit createrole noreplication'),
                ('supabase_realtime_admin', 'login noinherit createrole replication'),
                ('dashboard_user', 'nologin createdb createrole replication'),
                ('supabase_postgres', 'login createdb createrole replication bypassrls')
        ) as role (name, attributes)
    loop
        begin
            execute format('create role %I', wanted.name);
        exception
            when duplicate_object or unique_violation then null;
        end;
        execute format('alter role %I %s', wanted.name, wanted.attributes);
    end loop;
end
$$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to supabase_realtime_admin;

do $$
begin
    if current_setting('server_version_num')::int >= 160000 then
        grant anon, authenticated, service_role to supabase_postgres with admin option;
    else
        grant anon, authenticated, service_role to supabase_postgres;
    end if;
end
$$;
