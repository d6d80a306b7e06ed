"""Access to profiles and organizations."""

from __future__ import annotations

from townhall.domains.identity.functions import (
    MY_MANAGED_ORGANIZATION_IDS,
    MY_ORGANIZATION_IDS,
    MY_OWNED_ORGANIZATION_IDS,
)
from townhall.domains.identity.models import Organization, OrganizationMember, Profile
from townhall.pg.access import Access, Attribute, Principal, anyone_with, owner


def members(organization_id: Attribute) -> Principal:
    """Return the members of the organization whose id is in a column."""
    return anyone_with(organization_id, MY_ORGANIZATION_IDS, "members of the organization")


def managers(organization_id: Attribute) -> Principal:
    """Return the owners and managers, with an account, of the organization of a column."""
    return anyone_with(organization_id, MY_MANAGED_ORGANIZATION_IDS, "managers of the organization")


def owners(organization_id: Attribute) -> Principal:
    """Return the owners, with an account, of the organization whose id is in a column."""
    return anyone_with(organization_id, MY_OWNED_ORGANIZATION_IDS, "owners of the organization")


RULES = (
    Access(Profile, read=owner(Profile.id), insert=owner(Profile.id), update=owner(Profile.id)),
    Access(Organization, read=members(Organization.id), update=owners(Organization.id)),
    Access(
        OrganizationMember,
        read=members(OrganizationMember.organization_id),
        write=owners(OrganizationMember.organization_id),
        fixed=(OrganizationMember.organization_id, OrganizationMember.user_id),
    ),
)
