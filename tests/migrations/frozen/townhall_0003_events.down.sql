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
                lock table public.organizations in access exclusive mode;
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
        perform pg_temp.townhall_drop_table('public', 'participants');
    else
        drop table if exists public.participants;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_managed_event_ids_ask_for', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_managed_event_ids_ask_for(uuid)')), 'drop function if exists private.my_managed_event_ids_ask_for(uuid)', 'townhall_0003');
    else
        drop function if exists private.my_managed_event_ids_ask_for(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_managed_event_ids_include', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_managed_event_ids_include(uuid)')), 'drop function if exists private.my_managed_event_ids_include(uuid)', 'townhall_0003');
    else
        drop function if exists private.my_managed_event_ids_include(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_managed_event_ids_by_id', 'view', '', 'drop view if exists private.my_managed_event_ids_by_id', 'townhall_0003');
    else
        drop view if exists private.my_managed_event_ids_by_id;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_event_ids_ask_for', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_event_ids_ask_for(uuid)')), 'drop function if exists private.my_event_ids_ask_for(uuid)', 'townhall_0003');
    else
        drop function if exists private.my_event_ids_ask_for(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_event_ids_include', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_event_ids_include(uuid)')), 'drop function if exists private.my_event_ids_include(uuid)', 'townhall_0003');
    else
        drop function if exists private.my_event_ids_include(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_event_ids_by_id', 'view', '', 'drop view if exists private.my_event_ids_by_id', 'townhall_0003');
    else
        drop view if exists private.my_event_ids_by_id;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'events');
    else
        drop table if exists public.events;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_participant_ids', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_participant_ids()')), 'drop function if exists private.my_participant_ids()', 'townhall_0003');
    else
        drop function if exists private.my_participant_ids();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_managed_event_ids', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_managed_event_ids()')), 'drop function if exists private.my_managed_event_ids()', 'townhall_0003');
    else
        drop function if exists private.my_managed_event_ids();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_event_ids', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_event_ids()')), 'drop function if exists private.my_event_ids()', 'townhall_0003');
    else
        drop function if exists private.my_event_ids();
    end if;
end
$do$;
