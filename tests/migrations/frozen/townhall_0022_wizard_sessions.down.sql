drop function if exists public.save_wizard_session(uuid, jsonb, integer, text);

DROP TABLE IF EXISTS wizard_sessions;

drop function if exists public.update_wizard_session_timestamp();
