"""Extended statistics, a kind of entity of the application's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity, comment_statement


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Statistics(Entity):
    """Statistics over several columns of a table, for the planner.

    Attributes:
        name: The name of the statistics.
        table: The table, in the same schema.
        columns: The columns.
        comment: What they are for.
    """

    kind: ClassVar[str] = "statistics"
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "name")

    name: str
    table: str
    columns: tuple[str, ...]
    comment: str | None = None

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema and name."""
        return (self.schema, self.name)

    @property
    def literal_name(self) -> str:
        """The statistics as a qualified identifier."""
        return sql.qualified(self.schema, self.name)

    def create_statements(self) -> Iterable[str]:
        """Yield the statistics and their comment, after the drop of others of that name."""
        yield from self.drop_statements()
        columns, table = sql.quote_all(self.columns), sql.qualified(self.schema, self.table)
        yield f"create statistics {self.literal_name} on {columns} from {table}"
        yield comment_statement("statistics", self.literal_name, self.comment)

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the statistics."""
        yield f"drop statistics if exists {self.literal_name}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the statistics in ``schemas``."""
        return [
            cls(**{**row, "columns": tuple(row["columns"])})
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_QUERY = f"""
    select
        n.nspname as schema,
        s.stxname as name,
        c.relname as table,
        array(
            select a.attname::text
            from unnest(s.stxkeys::smallint[]) with ordinality as k (attnum, position)
            join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum
            order by k.position
        ) as columns,
        {catalog.comment("pg_statistic_ext", "s")} as comment
    from pg_catalog.pg_statistic_ext as s
    join pg_catalog.pg_namespace as n on n.oid = s.stxnamespace
    join pg_catalog.pg_class as c on c.oid = s.stxrelid
    where n.nspname = any (%(schemas)s)
        and {catalog.not_of_an_extension("pg_statistic_ext", "s")}
"""

ENTITIES: tuple[Entity, ...] = (
    Statistics(name="city and postcode", table="addresses", columns=("city", "postcode")),
)
