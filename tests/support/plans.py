"""How PostgreSQL reads what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection


class Scan(NamedTuple):
    """A step of a plan that reads a table, or an index for one.

    Attributes:
        node: What the step is, in PostgreSQL's words: ``Bitmap Heap Scan``.
        relation: The table, where the step reads it.
        index_name: The index, where the step reads one.
        rows: How many rows came out of it, in all its runs, where the statement was run.
    """

    node: str
    relation: str | None
    index_name: str | None
    rows: float | None


def scans(connection: Connection, query: str, *, run: bool = False) -> list[Scan]:
    """Return how a query is read by whoever the connection acts as.

    Args:
        connection: The connection.
        query: A query without parameters.
        run: Whether to run it, which tells the rows.
    """
    options = "analyze, format json" if run else "format json"
    (found,) = connection.scalar(text(f"explain ({options}) {query}"))
    return list(_scans(found["Plan"]))


def _scans(plan: Mapping[str, Any]) -> Iterator[Scan]:
    relation, index = plan.get("Relation Name"), plan.get("Index Name")
    if relation or index:
        rows = plan["Actual Rows"] * plan["Actual Loops"] if "Actual Rows" in plan else None
        yield Scan(plan["Node Type"], relation, index, rows)
    for part in plan.get("Plans", ()):
        yield from _scans(part)
