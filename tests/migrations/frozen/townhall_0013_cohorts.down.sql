DROP TABLE IF EXISTS cohort_members;

DROP TABLE IF EXISTS cohorts;

drop function if exists private.my_cohort_ids();
