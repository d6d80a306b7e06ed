"""The replica identity of a table: what logical replication sends of a row before a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import TableEntity

Mode = Literal["default", "full", "nothing", "index"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ReplicaIdentity(TableEntity):
    """The replica identity of a table, on which Supabase Realtime depends as well.

    Attributes:
        mode: What is sent of the row before an update or a delete: its primary key (``default``),
            all of it (``full``), ``nothing``, or the columns of an ``index``.
        index: With the mode ``index``, the name of a unique index.
    """

    kind: ClassVar[str] = "replica identity"
    is_own_object: ClassVar[bool] = False

    mode: Mode = "full"
    index: str | None = None

    def __post_init__(self) -> None:
        """Refuse an index without its mode, and the mode without an index.

        Raises:
            InputError: A value has another type than its field, or the two contradict each other.
        """
        super().__post_init__()
        if self.mode == "index" and self.index is None:
            self._refuse("mode is 'index' and none is named: add index='…'")
        if self.mode != "index" and self.index is not None:
            self._refuse(f"mode is {self.mode!r}: use mode='index', or leave the index out")

    def create_statements(self) -> Iterable[str]:
        """Yield the change of the replica identity."""
        mode = self.mode if self.index is None else f"using index {sql.quote(self.index)}"
        yield f"alter table {self.literal_table} replica identity {mode}"

    def drop_statements(self) -> Iterable[str]:
        """Yield the change to PostgreSQL's default."""
        yield f"alter table {self.literal_table} replica identity default"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the replica identity of the tables in ``schemas``."""
        return [cls.found(**row) for row in catalog.rows(connection, _QUERY, schemas)]


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        case c.relreplident
            when 'd' then 'default'
            when 'f' then 'full'
            -- Without the index, which was dropped, nothing is sent.
            when 'i' then case when i.relname is null then 'nothing' else 'index' end
            else 'nothing'
        end as mode,
        i.relname as index
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_index as x
        on x.indrelid = c.oid and x.indisreplident and c.relreplident = 'i'
    left join pg_catalog.pg_class as i on i.oid = x.indexrelid
    where c.relkind in ('r', 'p')
        and n.nspname = any (%(schemas)s)
        and {catalog.not_of_an_extension("pg_class", "c")}
"""
