"""The roles to which row level security applies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from townhall.check.findings import Finding
from townhall.check.impact import Severity
from townhall.pg import ANONYMOUS, API_ROLES, AUTHENTICATED, SERVICE, sql
from townhall.pg.catalog import server_version

_FIRST_WITH_SET = 16


@dataclass(frozen=True)
class Role:
    """The attributes and memberships of a role that decide about row level security.

    Attributes:
        name: The name of the role.
        is_superuser: Whether it bypasses every check.
        bypasses: Whether it has ``bypassrls``.
        owners: The owners of tables whose privileges it inherits or that it can ``set role`` to:
            row level security does not apply to an owner unless it is forced.
        is_service: Whether it inherits the privileges of the service role or can ``set role`` to
            it.
    """

    name: str
    is_superuser: bool
    bypasses: bool
    owners: tuple[str, ...]
    is_service: bool

    @property
    def bypass(self) -> str | None:
        """Why row level security does not apply to the role, or None where it does."""
        if self.is_superuser:
            return "it is a superuser"
        if self.bypasses:
            return "it has bypassrls"
        if self.name in self.owners:
            return "it owns tables"
        if self.owners:
            return f"it is a member of {', '.join(self.owners)}, which owns tables"
        return None


def read_roles(
    connection: Connection, names: Sequence[str], schemas: Sequence[str]
) -> dict[str, Role]:
    """Return the roles that exist, by name.

    Args:
        connection: A connection within a transaction; it is only read.
        names: The names of the roles.
        schemas: The schemas whose tables are considered.
    """
    take = "set" if server_version(connection) >= _FIRST_WITH_SET else "member"
    existing = connection.execute(
        text(_ROLES),
        {"names": list(names), "schemas": list(schemas), "take": take, "service": SERVICE},
    )
    return {
        row.name: Role(
            row.name, row.is_superuser, row.bypasses, tuple(row.owners), bool(row.is_service)
        )
        for row in existing
    }


def findings_on_api_roles(roles: dict[str, Role]) -> Iterable[Finding]:
    """Yield the findings on the roles that requests act as.

    Args:
        roles: The roles that exist, by name.
    """
    for name in sorted(API_ROLES):
        role = roles.get(name)
        quoted = sql.quote(name)
        if role is None:
            yield Finding(
                f"role {name}",
                "is missing",
                Severity.FUNCTIONAL,
                "requests can't act as it",
                f"create role {quoted} nologin noinherit",
            )
        elif name in {ANONYMOUS, AUTHENTICATED} and (why := role.bypass):
            yield Finding(
                f"role {name}",
                "bypasses row level security",
                Severity.SECURITY,
                f"{why}; every client can access every row",
                f"alter role {quoted} nosuperuser nobypassrls; take its memberships from it",
            )
        elif name in {ANONYMOUS, AUTHENTICATED} and role.is_service:
            yield Finding(
                f"role {name}",
                f"is a member of {SERVICE}",
                Severity.SECURITY,
                "every client can act as the service",
                f"revoke {SERVICE} from {quoted}",
            )


_ROLES = """
    select
        r.rolname as name,
        r.rolsuper as is_superuser,
        r.rolbypassrls as bypasses,
        array(
            select distinct pg_catalog.pg_get_userbyid(c.relowner)::text
            from pg_catalog.pg_class as c
            join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p')
                and not c.relforcerowsecurity
                and n.nspname = any (:schemas)
                and (
                    pg_catalog.pg_has_role(r.oid, c.relowner, 'usage')
                    or pg_catalog.pg_has_role(r.oid, c.relowner, :take)
                )
            order by 1
        ) as owners,
        (
            select pg_catalog.pg_has_role(r.oid, s.oid, 'usage')
                or pg_catalog.pg_has_role(r.oid, s.oid, :take)
            from pg_catalog.pg_roles as s
            where s.rolname = :service
        ) as is_service
    from pg_catalog.pg_roles as r
    where r.rolname = any (:names)
"""
