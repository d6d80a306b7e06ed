"""The functions that return the organizations of the caller, for policies."""

from __future__ import annotations

from townhall.domains.identity.models import Organization, OrganizationRole
from townhall.pg.access import Declaration, membership

_MEMBERSHIPS = """
    select m.organization_id
    from public.organization_members as m
    where m.user_id = :caller
"""


def _memberships_as(*roles: OrganizationRole) -> str:
    one_of = ", ".join(f"'{role.value}'" for role in roles)
    return f"{_MEMBERSHIPS.rstrip()}\n        and m.role in ({one_of})"


MY_ORGANIZATION_IDS = membership(
    "my_organization_ids",
    Organization.id,
    _MEMBERSHIPS,
    "The organizations that the caller belongs to.",
    by_id=_MEMBERSHIPS,
)

_MANAGED = _memberships_as(OrganizationRole.OWNER, OrganizationRole.MANAGER)

MY_MANAGED_ORGANIZATION_IDS = membership(
    "my_managed_organization_ids",
    Organization.id,
    _MANAGED,
    "The organizations whose events the caller manages, with an account.",
    by_id=_MANAGED,
).with_account

MY_OWNED_ORGANIZATION_IDS = membership(
    "my_owned_organization_ids",
    Organization.id,
    _memberships_as(OrganizationRole.OWNER),
    "The organizations that the caller is an owner of, with an account.",
).with_account

ENTITIES: tuple[Declaration, ...] = (
    MY_ORGANIZATION_IDS,
    MY_MANAGED_ORGANIZATION_IDS,
    MY_OWNED_ORGANIZATION_IDS,
)
