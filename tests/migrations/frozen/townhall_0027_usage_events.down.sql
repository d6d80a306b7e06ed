DROP TABLE IF EXISTS usage_events;

drop function if exists public.log_usage_event(uuid, text, jsonb, uuid, bigint, text, numeric, uuid, timestamp with time zone);
