"""The roles to which row level security applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from townhall.check.findings import Finding
from townhall.check.impact import Severity
from townhall.pg import sql
from townhall.pg.catalog import server_version
from townhall.roles import Roles

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
        memberships: The roles it was granted through which it is a member of those.
        database_owner: The owner of the database.
    """

    name: str
    is_superuser: bool
    bypasses: bool
    owners: tuple[str, ...]
    is_service: bool
    memberships: tuple[str, ...]
    database_owner: str

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

    def repair(self) -> Iterable[str]:
        """Yield what makes row level security apply to the role."""
        name = sql.quote(self.name)
        if self.is_superuser or self.bypasses:
            yield f"alter role {name} nosuperuser nobypassrls"
        if self.name in self.owners:
            yield f"reassign owned by {name} to {sql.quote(self.database_owner)}"
        if self.memberships:
            yield f"revoke {sql.roles(self.memberships)} from {name}"


def read_roles(
    connection: Connection, roles: Roles, login: str, schemas: Sequence[str]
) -> dict[str, Role]:
    """Return the roles that requests act as and the login role, by name, as far as they exist.

    Args:
        connection: A connection within a transaction; it is only read.
        roles: The roles that requests act as.
        login: The role that the application logs in as.
        schemas: The schemas whose tables are considered.
    """
    values = {
        "names": [login, *roles.names],
        "schemas": list(schemas),
        "member_or_set": "set" if server_version(connection) >= _FIRST_WITH_SET else "member",
        "service": roles.service,
    }
    return {
        row["name"]: Role(
            **{**row, "owners": tuple(row["owners"]), "memberships": tuple(row["memberships"])}
        )
        for row in connection.execute(text(_ROLES), values).mappings()
    }


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
            "; ".join(role.repair()),
        )
    elif role.is_service:
        yield Finding(
            f"role {role.name}",
            f"is a member of {roles.service}",
            Severity.SECURITY,
            "every client can act as the service",
            "; ".join(role.repair()),
        )


_ROLES = """
    with owners as (
        select distinct c.relowner as oid
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
            and not c.relforcerowsecurity
            and n.nspname = any (:schemas)
    ),
    service as (
        select s.oid
        from pg_catalog.pg_roles as s
        where s.rolname = :service
    )
    select
        r.rolname::text as name,
        r.rolsuper as is_superuser,
        r.rolbypassrls as bypasses,
        array(
            select pg_catalog.pg_get_userbyid(o.oid)::text
            from owners as o
            where pg_catalog.pg_has_role(r.oid, o.oid, 'usage')
                or pg_catalog.pg_has_role(r.oid, o.oid, :member_or_set)
            order by 1
        ) as owners,
        exists (
            select
            from service as s
            where pg_catalog.pg_has_role(r.oid, s.oid, 'usage')
                or pg_catalog.pg_has_role(r.oid, s.oid, :member_or_set)
        ) as is_service,
        array(
            select distinct pg_catalog.pg_get_userbyid(m.roleid)::text
            from pg_catalog.pg_auth_members as m
            where m.member = r.oid
                and exists (
                    select
                    from (table owners union all table service) as p (oid)
                    where pg_catalog.pg_has_role(m.roleid, p.oid, 'member')
                )
            order by 1
        ) as memberships,
        (
            select pg_catalog.pg_get_userbyid(d.datdba)::text
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        ) as database_owner
    from pg_catalog.pg_roles as r
    where r.rolname = any (:names)
"""
