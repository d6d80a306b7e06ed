DROP TABLE IF EXISTS community_members;

DROP TABLE IF EXISTS communities;

drop function if exists private.is_open_community(uuid);

drop function if exists private.my_community_ids();
