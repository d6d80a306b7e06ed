"""People, and the organizations they work for."""

from __future__ import annotations

from townhall.domains.identity.models import (
    Organization,
    OrganizationMember,
    OrganizationRole,
    Profile,
    User,
)

__all__ = ["Organization", "OrganizationMember", "OrganizationRole", "Profile", "User"]
