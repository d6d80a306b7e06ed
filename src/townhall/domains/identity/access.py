"""Who may do what to people and organizations."""

from __future__ import annotations

from townhall.domains.identity.models import Organization, OrganizationMember, Profile
from townhall.pg.access import Access, Who, anyone_with, owner


def members(column: str) -> Who:
    """Return the members of the organization whose id is in ``column``."""
    return anyone_with(column, "my_organization_ids", "members")


def managers(column: str) -> Who:
    """Return the owners and managers of the organization whose id is in ``column``."""
    return anyone_with(column, "my_managed_organization_ids", "managers")


def owners(column: str) -> Who:
    """Return the owners of the organization whose id is in ``column``."""
    return anyone_with(column, "my_owned_organization_ids", "owners")


RULES = (
    Access(Profile, read=owner("id"), insert=owner("id"), update=owner("id")),
    Access(Organization, read=members("id"), update=owners("id")),
    Access(
        OrganizationMember,
        read=members("organization_id"),
        write=owners("organization_id"),
        fixed=("organization_id", "user_id"),
    ),
)
