"""What of an old row logical replication, and with it Supabase Realtime, gets to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import TableEntity


@dataclass(frozen=True, kw_only=True)
class ReplicaIdentity(TableEntity):
    """The replica identity of a table.

    Attributes:
        mode: ``default`` (the primary key), ``full``, ``nothing``, or the name of a unique
            index.
    """

    kind: ClassVar[str] = "replica identity"
    is_own_object: ClassVar[bool] = False

    mode: str = "full"

    def create_statements(self) -> Iterable[str]:
        """Yield the switch."""
        plain = self.mode in {"default", "full", "nothing"}
        mode = self.mode if plain else f"using index {sql.quote(self.mode)}"
        yield f"alter table {self.literal_table} replica identity {mode}"

    def drop_statements(self) -> Iterable[str]:
        """Yield the return to PostgreSQL's default."""
        yield f"alter table {self.literal_table} replica identity default"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the replica identity of the tables in ``schemas``."""
        return [cls(**row) for row in catalog.rows(connection, _QUERY, schemas)]


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        case c.relreplident
            when 'd' then 'default'
            when 'f' then 'full'
            when 'n' then 'nothing'
            else (
                select i.relname
                from pg_catalog.pg_index as x
                join pg_catalog.pg_class as i on i.oid = x.indexrelid
                where x.indrelid = c.oid and x.indisreplident
            )
        end as mode
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and n.nspname = any (%(schemas)s)
        and {catalog.not_of_an_extension("pg_class", "c")}
"""
