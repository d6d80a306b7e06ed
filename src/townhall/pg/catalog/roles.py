"""Roles: which of them row level security applies to, and which are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from townhall.pg.catalog.fragments import server_version

_FIRST_WITH_SET = 16


@dataclass(frozen=True)
class Role:
    """The attributes and memberships of a role that decide about row level security.

    Attributes:
        name: The name of the role.
        is_superuser: Whether it bypasses every check.
        bypasses: Whether it has ``bypassrls``.
        owners: The owners of tables with row level security whose privileges it inherits or that
            it can ``set role`` to: it does not apply to an owner unless it is forced.
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


def read_roles(
    connection: Connection, names: Sequence[str], schemas: Sequence[str], service: str | None
) -> dict[str, Role]:
    """Return roles by name, as far as they exist.

    Args:
        connection: A connection within a transaction; it is only read.
        names: The names of the roles.
        schemas: The schemas whose tables are considered.
        service: The service role, if there is one.
    """
    values = {
        "names": list(names),
        "schemas": list(schemas),
        "member_or_set": "set" if server_version(connection) >= _FIRST_WITH_SET else "member",
        "service": service,
    }
    return {
        row["name"]: Role(
            **{**row, "owners": tuple(row["owners"]), "memberships": tuple(row["memberships"])}
        )
        for row in connection.execute(text(_ROLES), values).mappings()
    }


def missing_roles(connection: Connection, names: Sequence[str]) -> list[str]:
    """Return the names that no role has, in their order.

    Args:
        connection: A connection to the database.
        names: Names of roles.
    """
    existing = "select rolname::text from pg_catalog.pg_roles where rolname = any (:names)"
    found = set(connection.scalars(text(existing), {"names": list(names)}))
    return [name for name in names if name not in found]


_ROLES = """
    with owners as (
        select distinct c.relowner as oid
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
            and c.relrowsecurity
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
