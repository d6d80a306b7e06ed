DROP TABLE IF EXISTS organization_members;

DROP TABLE IF EXISTS organizations;

DROP TABLE IF EXISTS profiles;

drop function if exists private.keep_owner_of_organization();

drop function if exists private.hold_owned_organizations();

drop function if exists private.my_owned_organization_ids();

drop function if exists private.my_managed_organization_ids();

drop function if exists private.my_organization_ids();
