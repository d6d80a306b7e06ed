"""The functions by which policies know what the caller belongs to."""

from __future__ import annotations

from townhall.domains.identity.models import OrganizationRole
from townhall.pg import Entity
from townhall.pg.access import membership


def _organizations_as(*roles: OrganizationRole) -> str:
    one_of = ", ".join(f"'{role.value}'" for role in roles)
    return f"{_MY_ORGANIZATIONS.rstrip()}\n        and m.role in ({one_of})"


_MY_ORGANIZATIONS = """
    select m.organization_id
    from public.organization_members as m
    where m.user_id = (select auth.uid())
"""

ENTITIES: tuple[Entity, ...] = (
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
