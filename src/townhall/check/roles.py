"""The findings on the roles that requests act as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from townhall.check.findings import Finding
from townhall.check.impact import Severity
from townhall.pg import sql
from townhall.pg.catalog import Role
from townhall.roles import Roles


def findings_on_roles(existing: Mapping[str, Role], roles: Roles) -> Iterable[Finding]:
    """Yield the findings on the roles that requests act as.

    Args:
        existing: The roles that exist, by name.
        roles: The roles that are declared.
    """
    for name in sorted(roles.names):
        role = existing.get(name)
        if role is None:
            yield Finding(
                f"role {name}",
                "is missing",
                Severity.FUNCTIONAL,
                "requests can't act as it",
                f"create role {sql.quote(name)} nologin noinherit",
            )
        elif name != roles.service:
            yield from _findings_on_client(role, roles)


def _findings_on_client(role: Role, roles: Roles) -> Iterable[Finding]:
    if role.bypass is not None:
        yield Finding(
            f"role {role.name}",
            "bypasses row level security",
            Severity.SECURITY,
            f"{role.bypass}; every client can access every row",
            "; ".join(_repair(role)),
        )
    elif role.is_service:
        yield Finding(
            f"role {role.name}",
            f"is a member of {roles.service}",
            Severity.SECURITY,
            "every client can act as the service",
            "; ".join(_repair(role)),
        )


def _repair(role: Role) -> Iterable[str]:
    """Yield what makes row level security apply to a role."""
    name = sql.quote(role.name)
    if role.is_superuser or role.bypasses:
        yield f"alter role {name} nosuperuser nobypassrls"
    if role.name in role.owners:
        yield f"reassign owned by {name} to {sql.quote(role.database_owner)}"
    if role.memberships:
        yield f"revoke {sql.roles(role.memberships)} from {name}"
