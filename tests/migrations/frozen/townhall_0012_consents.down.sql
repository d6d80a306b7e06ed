DROP TABLE IF EXISTS consent_preferences;

DROP TABLE IF EXISTS consent_audit_log;

drop function if exists private.hold_account();

drop function if exists private.audit_emptied_consents();

drop function if exists private.audit_consent();

drop function if exists private.record_consent(uuid, text, boolean, boolean);
