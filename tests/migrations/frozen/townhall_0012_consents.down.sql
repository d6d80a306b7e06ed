drop function if exists public.directory_page(timestamp with time zone, uuid, integer);

drop function if exists private.directory_page(timestamp with time zone, uuid, integer);

DROP TABLE IF EXISTS consent_preferences;

DROP TABLE IF EXISTS consent_audit_log;

drop function if exists private.hold_account();

drop function if exists private.audit_emptied_consents();

drop function if exists private.audit_consent();

drop function if exists private.record_consent(uuid, text, boolean, boolean);
