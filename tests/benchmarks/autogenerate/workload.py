"""The made-up schema that every tool compares: ten entities to a table."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Numeric, Table, Text, Uuid

ENTITIES_PER_TABLE = 10
ROLE = "authenticated"

STAMP = "begin new.changed_at := now(); return new; end"
_OWN = "owner_id = (select current_setting('app.user')::uuid)"
POLICIES = {
    "select": (_OWN, None),
    "insert": (None, f"{_OWN} and amount >= 0"),
    "update": (_OWN, "amount >= 0"),
    "delete": (f"{_OWN} and amount = 0", None),
}
"""The conditions of each table's policies, ``using`` and ``with check``, by command."""


@dataclass(frozen=True)
class Workload:
    """A schema of some size.

    Each table has two functions, two views, four policies, a trigger, and privileges with row level
    security.

    Attributes:
        entities: How many entities there are on its tables.
    """

    entities: int

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return [f"invoices_{each:03}" for each in range(self.entities // ENTITIES_PER_TABLE)]

    def metadata(self) -> MetaData:
        """Return the tables, each of which refers to the one before it."""
        metadata = MetaData()
        before: str | None = None
        for name in self.tables:
            Table(
                name,
                metadata,
                Column("id", Uuid, primary_key=True),
                Column("owner_id", Uuid, nullable=False),
                Column("previous_id", Uuid, *([ForeignKey(f"{before}.id")] if before else [])),
                Column("title", Text, nullable=False),
                Column("amount", Numeric(12, 2), nullable=False),
                Column("changed_at", DateTime(timezone=True)),
            )
            before = name
        return metadata


COLUMNS = ["amount", "changed_at", "id", "owner_id", "previous_id", "title"]
"""The columns of every table."""


def total_of(table: str) -> str:
    """Return the body of the function that adds up what an owner has in a table."""
    return f"select sum(i.amount) from public.{table} as i where i.owner_id = owner"


def views(table: str) -> dict[str, str]:
    """Return the queries of a table's views, by name."""
    return {
        f"large_{table}": (
            f"select i.id, i.title, i.amount from public.{table} as i"
            " where i.amount > 1000 and i.title is not null"
        ),
        f"sums_{table}": (
            "select i.owner_id, count(*) as number, sum(i.amount) as total"
            f" from public.{table} as i group by i.owner_id"
        ),
    }
