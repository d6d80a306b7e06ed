DROP TABLE IF EXISTS participant_tracks;

DROP TABLE IF EXISTS tracks;

drop function if exists public.fill_participant_track_event();
