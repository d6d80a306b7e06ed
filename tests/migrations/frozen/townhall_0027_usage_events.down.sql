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
                lock table public.tenant_profiles in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('auth.users')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table auth.users in access exclusive mode;
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

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'usage_events');
    else
        drop table if exists public.usage_events;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'newest_usage', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.newest_usage(bigint)')), 'drop function if exists public.newest_usage(bigint)', 'townhall_0027');
    else
        drop function if exists public.newest_usage(bigint);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_newest_usage', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_newest_usage(bigint)')), 'drop function if exists private.my_newest_usage(bigint)', 'townhall_0027');
    else
        drop function if exists private.my_newest_usage(bigint);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'usage_summary', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.usage_summary(date, uuid)')), 'drop function if exists public.usage_summary(date, uuid)', 'townhall_0027');
    else
        drop function if exists public.usage_summary(date, uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_usage_summary', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_usage_summary(date, uuid)')), 'drop function if exists private.my_usage_summary(date, uuid)', 'townhall_0027');
    else
        drop function if exists private.my_usage_summary(date, uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'log_usage_event', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone)')), 'drop function if exists public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone)', 'townhall_0027');
    else
        drop function if exists public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone);
    end if;
end
$do$;
