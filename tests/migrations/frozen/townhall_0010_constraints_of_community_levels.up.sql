do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'communities', 'foreign key', 'fk_communities_parent_community_id_communities');
    end if;
end
$do$;

COMMIT;

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
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.communities'::regclass and c.conname = 'fk_communities_parent_community_id_communities'
            ) then
                alter table public.communities add constraint fk_communities_parent_community_id_communities foreign key (parent_community_id) references public.communities (id) on delete cascade not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            return;
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

set lock_timeout = 0;

alter table public.communities validate constraint fk_communities_parent_community_id_communities;

set lock_timeout = '5s';

BEGIN;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'communities', 'constraint', 'ck_communities_parent_is_another');
    end if;
end
$do$;

COMMIT;

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
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.communities'::regclass and c.conname = 'ck_communities_parent_is_another'
            ) then
                alter table public.communities add constraint ck_communities_parent_is_another check (parent_community_id <> id) not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            return;
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

set lock_timeout = 0;

alter table public.communities validate constraint ck_communities_parent_is_another;

set lock_timeout = '5s';

BEGIN;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'communities', 'constraint', 'ck_communities_tier_required_known');
    end if;
end
$do$;

COMMIT;

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
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.communities'::regclass and c.conname = 'ck_communities_tier_required_known'
            ) then
                alter table public.communities add constraint ck_communities_tier_required_known check (tier_required between 0 and 2) not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            return;
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

set lock_timeout = 0;

alter table public.communities validate constraint ck_communities_tier_required_known;

set lock_timeout = '5s';

BEGIN;

create index if not exists idx_communities_parent on public.communities (parent_community_id) where parent_community_id is not null;
