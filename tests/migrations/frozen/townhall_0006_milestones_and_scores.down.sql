DROP TABLE IF EXISTS investor_readiness_scores;

DROP TABLE IF EXISTS milestones;
