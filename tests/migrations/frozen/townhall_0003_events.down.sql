DROP TABLE IF EXISTS participants;

DROP TABLE IF EXISTS events;

drop function if exists private.my_participant_ids();

drop function if exists private.my_managed_event_ids();

drop function if exists private.my_event_ids();
