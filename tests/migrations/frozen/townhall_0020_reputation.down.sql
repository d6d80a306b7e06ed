DROP TABLE IF EXISTS engagement_streaks;

DROP TABLE IF EXISTS reputation_events;
