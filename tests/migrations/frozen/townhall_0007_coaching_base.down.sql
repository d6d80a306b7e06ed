do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'campaign_assignments');
    else
        drop table if exists public.campaign_assignments;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'campaigns');
    else
        drop table if exists public.campaigns;
    end if;
end
$do$;
