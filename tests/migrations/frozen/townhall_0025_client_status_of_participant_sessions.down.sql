DROP INDEX IF EXISTS ix_participant_sessions_tenant_id_client_status;

DROP INDEX IF EXISTS ix_participant_sessions_tenant_id;

DROP INDEX IF EXISTS ix_participant_sessions_client_status;

ALTER TABLE participant_sessions DROP CONSTRAINT IF EXISTS fk_participant_sessions_tenant_id_tenant_profiles;

ALTER TABLE participant_sessions DROP CONSTRAINT IF EXISTS ck_participant_sessions_client_status_known;

ALTER TABLE participant_sessions ALTER COLUMN client_status DROP NOT NULL;
