DROP TABLE IF EXISTS expert_listings;

DROP TABLE IF EXISTS community_profiles;
