DROP TABLE IF EXISTS community_members;

DROP TABLE IF EXISTS communities;

drop function if exists private.keep_owner_of_community();

drop function if exists private.hold_owned_communities();

drop function if exists private.add_creator_as_owner();

drop function if exists private.can_join_community(uuid);

drop function if exists private.my_owned_community_ids();

drop function if exists private.my_moderated_community_ids();

drop function if exists private.my_community_ids();
