"""The membership of a table in a publication."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import TableEntity
from townhall.pg.requirements import Requirement


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PublicationTable(TableEntity):
    """A table in a publication, whose changes are sent to subscribers.

    The publication itself belongs to the platform, such as ``supabase_realtime``, or to who runs
    the replication: it is neither created nor dropped. Where it is missing, the membership is left
    out.

    Attributes:
        publication: The name of the publication.
        columns: The columns that are sent; none for all.
        where: The condition of the rows that are sent, in SQL; None for all.
    """

    kind: ClassVar[str] = "publication table"
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "table", "publication")
    sql_fields: ClassVar[tuple[str, ...]] = ("where",)

    publication: str
    columns: tuple[str, ...] = ()
    where: str | None = None

    def __post_init__(self) -> None:
        """Refuse a name that PostgreSQL would refuse or cut.

        Raises:
            InputError: A value has another type than its field, or a name is none.
        """
        super().__post_init__()
        for name in (self.publication, *self.columns):
            if not sql.is_name(name):
                self._refuse(f"{name!r} is no name: write one of 1 to 63 bytes")
        if self.where == "":
            self._refuse("the condition is empty: write it, or leave it out")

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema, table and publication."""
        return (self.schema, self.table, self.publication)

    @property
    def requirement(self) -> Requirement | None:
        """The publication."""
        name = sql.literal(self.publication)
        return Requirement(
            f"publication {sql.quote(self.publication)}",
            f"exists (select from pg_catalog.pg_publication where pubname = {name})",
        )

    def create_statements(self) -> Iterable[str]:
        """Yield the membership, after the end of an existing one."""
        yield from self.drop_statements()
        columns = f" ({sql.quote_all(self.columns)})" if self.columns else ""
        where = "" if self.where is None else f" where {sql.parenthesized(self.where)}"
        yield (
            f"alter publication {sql.quote(self.publication)}"
            f" add table only {self.literal_table}{columns}{where}"
        )

    def drop_statements(self) -> Iterable[str]:
        """Yield the end of the membership, if there is one."""
        body = f"""
begin
    if exists (
        select
        from pg_catalog.pg_publication_rel as m
        join pg_catalog.pg_publication as p on p.oid = m.prpubid
        where p.pubname = {sql.literal(self.publication)}
            and m.prrelid = pg_catalog.to_regclass({sql.literal(self.literal_table)})
    ) then
        alter publication {sql.quote(self.publication)} drop table only {self.literal_table};
    end if;
end
"""
        yield f"do {sql.dollar_quoted(body)}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the memberships of tables in ``schemas``.

        A publication for all tables, or for all of a schema, has no members of its own.
        """
        return [
            cls.found(**{**row, "columns": tuple(row["columns"])})
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


_QUERY = """
    select
        n.nspname as schema,
        c.relname as table,
        p.pubname as publication,
        array(
            select a.attname::text
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid and a.attnum = any (m.prattrs::smallint[])
            order by a.attnum
        ) as columns,
        pg_catalog.pg_get_expr(m.prqual, m.prrelid) as where
    from pg_catalog.pg_publication_rel as m
    join pg_catalog.pg_publication as p on p.oid = m.prpubid
    join pg_catalog.pg_class as c on c.oid = m.prrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
"""
