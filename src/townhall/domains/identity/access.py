"""Who may do what to people and organizations."""

from __future__ import annotations

from townhall.domains.identity.models import (
    Organization,
    OrganizationMember,
    OrganizationRole,
    Profile,
)
from townhall.pg import Entity
from townhall.pg.access import Access, Who, anyone_with, entities_of, membership, owner


def _organizations_as(*roles: OrganizationRole) -> str:
    one_of = ", ".join(f"'{role.value}'" for role in roles)
    return f"{_MY_ORGANIZATIONS.rstrip()}\n        and m.role in ({one_of})"


_MY_ORGANIZATIONS = """
    select m.organization_id
    from public.organization_members as m
    where m.user_id = (select auth.uid())
"""

HELPERS = (
    membership(
        "my_organization_ids",
        _MY_ORGANIZATIONS,
        "The organizations that the caller belongs to.",
    ),
    membership(
        "my_managed_organization_ids",
        _organizations_as(OrganizationRole.OWNER, OrganizationRole.MANAGER),
        "The organizations whose events the caller manages.",
    ),
    membership(
        "my_owned_organization_ids",
        _organizations_as(OrganizationRole.OWNER),
        "The organizations that the caller governs.",
    ),
)


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

ENTITIES: tuple[Entity, ...] = (*HELPERS, *entities_of(RULES))
