ALTER TABLE participant_sessions DROP CONSTRAINT IF EXISTS fk_participant_sessions_campaign_id_tenant_id_campaigns;

ALTER TABLE campaigns DROP CONSTRAINT IF EXISTS fk_campaigns_tenant_id_tenant_profiles;

ALTER TABLE campaigns DROP CONSTRAINT IF EXISTS ck_campaigns_results_disclosure_bounds;

ALTER TABLE campaigns DROP CONSTRAINT IF EXISTS ck_campaigns_assessment_type_bounds;

ALTER TABLE campaigns DROP CONSTRAINT IF EXISTS uq_campaigns_id_tenant_id;

DROP INDEX IF EXISTS ix_campaigns_tenant_id_created_at;
