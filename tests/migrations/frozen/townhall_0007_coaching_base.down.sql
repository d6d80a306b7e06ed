DROP TABLE IF EXISTS campaign_assignments;

DROP TABLE IF EXISTS campaigns;
