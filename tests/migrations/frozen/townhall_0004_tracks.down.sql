do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'participant_tracks');
    else
        drop table if exists public.participant_tracks;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_table('public', 'tracks');
    else
        drop table if exists public.tracks;
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_routine('public.fill_participant_track_event()', 'drop function if exists public.fill_participant_track_event()');
    else
        drop function if exists public.fill_participant_track_event();
    end if;
end
$do$;
