"""A grant on a table that belongs to the platform."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.pg.entity import TableEntity
from townhall.pg.privileges import grant_to, read_grants, refused_grants, revoke_all


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TableGrant(TableEntity):
    """Privileges of a role on a table of the platform, such as ``auth.users``.

    They are exact as far as the migrating role granted them; what the platform has granted stays.
    All privileges on a table of the application are declared with a ``TableAccess``.

    Attributes:
        role: The role.
        privileges: Its privileges as in the grants of a table: ``("select (id, email)",)``.
    """

    kind: ClassVar[str] = "table grant"
    is_for_platform: ClassVar[bool] = True
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "table", "role")

    role: str
    privileges: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse an unknown privilege, and none at all.

        Raises:
            InputError: A value has another type than its field, or a privilege is none of a table.
        """
        super().__post_init__()
        if not self.privileges:
            self._refuse("no privilege is named: add privileges=('select',)")
        if why := refused_grants({self.role: self.privileges}):
            self._refuse(why)

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema, table and role."""
        return (self.schema, self.table, self.role)

    @property
    def _target(self) -> str:
        return f"table {self.literal_table}"

    def create_statements(self) -> Iterable[str]:
        """Yield the grants, after the revocation of others that this role granted."""
        yield from revoke_all(self._target, {self.role: self.privileges})
        yield from grant_to(self._target, self.role, self.privileges)

    def drop_statements(self) -> Iterable[str]:
        """Yield the revocation of what this role granted."""
        yield f"revoke all on {self._target} from {sql.role(self.role)}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the privileges on the platform's tables in ``schemas``."""
        version = catalog.server_version(connection)
        return [
            cls.found(schema=row["schema"], table=row["table"], role=role, privileges=privileges)
            for row in catalog.rows(
                connection, _QUERY, [each for each in schemas if each in PLATFORM_SCHEMAS]
            )
            for role, privileges in read_grants(
                [row["entries"], row["column_entries"]], version
            ).items()
            if sql.is_name(role)
        ]


# The platform has granted hundreds of privileges: only tables on which this role can have granted
# some are read.
_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        {catalog.entries("c.relacl", "c.relowner", "r")} as entries,
        {catalog.column_entries("c")} as column_entries
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm')
        and n.nspname = any (%(schemas)s)
        and n.nspname <> 'information_schema'
        and (
            pg_catalog.pg_has_role(c.relowner, 'usage')
            or exists (
                select
                from pg_catalog.aclexplode(c.relacl) as a
                where a.grantor = pg_catalog.to_regrole(pg_catalog.quote_ident(current_user))
            )
            or exists (
                select
                from pg_catalog.pg_attribute as col, pg_catalog.aclexplode(col.attacl) as a
                where col.attrelid = c.oid
                    and col.attacl is not null
                    and a.grantor = pg_catalog.to_regrole(pg_catalog.quote_ident(current_user))
            )
        )
        and {catalog.not_of_an_extension("pg_class", "c")}
"""
