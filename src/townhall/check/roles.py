"""For whom row level security holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from townhall.check.findings import Finding
from townhall.check.meanings import Effect
from townhall.pg import ANONYMOUS, API_ROLES, AUTHENTICATED, SERVICE, sql
from townhall.pg.catalog import server_version

_FIRST_WITH_SET = 16


@dataclass(frozen=True)
class Role:
    """What a role is, as far as it decides on row level security.

    Attributes:
        name: The name of the role.
        is_superuser: Whether nothing at all holds for it.
        bypasses: Whether it has ``bypassrls``.
        owners: The owners of tables whose rights it has or can take: row level security does not
            hold for an owner unless it is forced.
        may_serve: Whether it can act as the service.
    """

    name: str
    is_superuser: bool
    bypasses: bool
    owners: tuple[str, ...]
    may_serve: bool

    @property
    def passes(self) -> str | None:
        """Why row level security does not hold for the role, or None where it does."""
        if self.is_superuser:
            return "it is a superuser"
        if self.bypasses:
            return "it has bypassrls"
        if self.name in self.owners:
            return "it owns tables"
        if self.owners:
            return f"it can act as {', '.join(self.owners)}, who owns tables"
        return None


def read_roles(
    connection: Connection, names: Sequence[str], schemas: Sequence[str]
) -> dict[str, Role]:
    """Return roles by name; one that does not exist is left out.

    Args:
        connection: A connection within a transaction; a read-only one will do.
        names: The names of the roles.
        schemas: The schemas whose tables matter.
    """
    take = "set" if server_version(connection) >= _FIRST_WITH_SET else "member"
    found = connection.execute(
        text(_ROLES),
        {"names": list(names), "schemas": list(schemas), "take": take, "service": SERVICE},
    )
    return {
        row.name: Role(
            row.name, row.is_superuser, row.bypasses, tuple(row.owners), bool(row.may_serve)
        )
        for row in found
    }


def judge_api_roles(roles: dict[str, Role]) -> Iterable[Finding]:
    """Yield what is wrong with the roles that clients of an API act as.

    Args:
        roles: Those that exist, by name.
    """
    for name in sorted(API_ROLES):
        role = roles.get(name)
        quoted = sql.quote(name)
        if role is None:
            yield Finding(
                f"role {name}",
                "is missing",
                Effect.BROKEN,
                "no request can act as it",
                f"create role {quoted} nologin noinherit",
            )
        elif name in {ANONYMOUS, AUTHENTICATED} and (why := role.passes):
            yield Finding(
                f"role {name}",
                "is above row level security",
                Effect.OPEN,
                f"{why}, so every client sees every row",
                f"alter role {quoted} nosuperuser nobypassrls; take its memberships from it",
            )
        elif name in {ANONYMOUS, AUTHENTICATED} and role.may_serve:
            yield Finding(
                f"role {name}",
                f"is a member of {SERVICE}",
                Effect.OPEN,
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
        ) as may_serve
    from pg_catalog.pg_roles as r
    where r.rolname = any (:names)
"""
