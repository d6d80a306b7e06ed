"""The access of a table: row level security and privileges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog
from townhall.pg.entity import TableEntity
from townhall.pg.owned import AccessOfOwned
from townhall.pg.privileges import API_ROLES, Grants, grant_statements, read_grants, refused_grants


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TableAccess(AccessOfOwned, TableEntity):
    """Row level security of a table, and the privileges on it and its columns.

    Attributes:
        row_security: Whether row level security is enabled. If not, policies have no effect.
        forced: Whether it holds for the table's owner as well.
        grants: The privileges of each role.
        api_roles: The roles that have no privilege but those in ``grants``; ``public`` is always
            among them. A role that is neither here nor in ``grants`` keeps what it has.
    """

    kind: ClassVar[str] = "table access"
    is_own_object: ClassVar[bool] = False
    drop_fields: ClassVar[tuple[str, ...]] = ("api_roles",)

    row_security: bool = True
    forced: bool = False
    grants: Grants = field(default_factory=dict)
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)

    def __post_init__(self) -> None:
        """Refuse an unknown privilege.

        Raises:
            InputError: A value has another type than its field, or a privilege is none of a table.
        """
        super().__post_init__()
        if why := refused_grants(self.grants):
            self._refuse(why)

    def create_statements(self) -> Iterable[str]:
        """Yield row level security and the privileges."""
        alter = f"alter table {self.literal_table}"
        yield f"{alter} {'enable' if self.row_security else 'disable'} row level security"
        yield f"{alter} {'force' if self.forced else 'no force'} row level security"
        yield from self._privileges(self.grants)

    def drop_statements(self) -> Iterable[str]:
        """Yield the revocation of all privileges.

        Row level security stays enabled: a table without declared access is closed, not open.
        """
        yield from self._privileges({})

    def _privileges(self, grants: Grants) -> Iterable[str]:
        target = f"table {self.literal_table}"
        return grant_statements(target, grants, self.api_roles, self.owner)

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the access of the tables in ``schemas``."""
        version = catalog.server_version(connection)
        return [
            cls.found(
                schema=row["schema"],
                table=row["table"],
                row_security=row["row_security"],
                forced=row["forced"],
                owner=row["owner"],
                grants=read_grants([row["entries"], row["column_entries"]], version),
            )
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        c.relrowsecurity as row_security,
        c.relforcerowsecurity as forced,
        {catalog.other_owner("c.relowner")} as owner,
        {catalog.entries("c.relacl", "c.relowner", "r")} as entries,
        {catalog.column_entries("c")} as column_entries
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and n.nspname = any (%(schemas)s)
        and {catalog.not_of_an_extension("pg_class", "c")}
"""
