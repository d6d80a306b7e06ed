DROP INDEX IF EXISTS idx_communities_parent;

ALTER TABLE communities DROP CONSTRAINT IF EXISTS ck_communities_tier_required_known;

ALTER TABLE communities DROP CONSTRAINT IF EXISTS ck_communities_parent_is_another;

ALTER TABLE communities DROP CONSTRAINT IF EXISTS fk_communities_parent_community_id_communities;
