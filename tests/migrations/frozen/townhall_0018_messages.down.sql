DROP TABLE IF EXISTS founder_messages;

drop function if exists public.mark_messages_read(uuid[]);

drop function if exists private.mark_messages_read(uuid[]);
