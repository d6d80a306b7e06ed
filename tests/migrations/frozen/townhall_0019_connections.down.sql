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
                where c.oid = to_regclass('public.social_feed_comments')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.social_feed_comments in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.social_feed_reactions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.social_feed_reactions in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.founder_connections')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.founder_connections in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.founder_messages')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.founder_messages in access exclusive mode;
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

drop policy if exists "the sender with an account to another unless blocked can insert" on public.founder_messages;

drop policy if exists "the author with an account can update" on public.social_feed_comments;

drop policy if exists "readers of the post with an account unless blocked can insert" on public.social_feed_comments;

drop policy if exists "readers of the post with an account unless blocked can insert" on public.social_feed_reactions;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'founder_connections');
    else
        drop table if exists public.founder_connections;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'keep_connection', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.keep_connection()')), 'drop function if exists private.keep_connection()', 'townhall_0019');
    else
        drop function if exists private.keep_connection();
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'unblock_founder', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.unblock_founder(uuid)')), 'drop function if exists public.unblock_founder(uuid)', 'townhall_0019');
    else
        drop function if exists public.unblock_founder(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'unblock_founder', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.unblock_founder(uuid)')), 'drop function if exists private.unblock_founder(uuid)', 'townhall_0019');
    else
        drop function if exists private.unblock_founder(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('public', 'block_founder', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('public.block_founder(uuid)')), 'drop function if exists public.block_founder(uuid)', 'townhall_0019');
    else
        drop function if exists public.block_founder(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'block_founder', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.block_founder(uuid)')), 'drop function if exists private.block_founder(uuid)', 'townhall_0019');
    else
        drop function if exists private.block_founder(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'is_post_of_blocked', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.is_post_of_blocked(uuid)')), 'drop function if exists private.is_post_of_blocked(uuid)', 'townhall_0019');
    else
        drop function if exists private.is_post_of_blocked(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'is_comment_of_blocked', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.is_comment_of_blocked(uuid)')), 'drop function if exists private.is_comment_of_blocked(uuid)', 'townhall_0019');
    else
        drop function if exists private.is_comment_of_blocked(uuid);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'my_blocked_user_ids', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.my_blocked_user_ids()')), 'drop function if exists private.my_blocked_user_ids()', 'townhall_0019');
    else
        drop function if exists private.my_blocked_user_ids();
    end if;
end
$do$;
