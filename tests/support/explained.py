"""The indexes, tables and buffers that the plan of a statement uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.dialects.postgresql.base import PGDialect

from townhall.pg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Executable


class Plan(NamedTuple):
    """What a plan uses.

    Attributes:
        indexes: The indexes that it uses.
        scanned: The tables that it reads by a sequential scan.
        buffers: The buffers that it read where it ran, or else 0.
    """

    indexes: set[str]
    scanned: set[str]
    buffers: int


def plan_of(connection: Connection, statement: Executable | str, *, run: bool = False) -> Plan:
    """Return the plan of a statement for the role that the connection acts as.

    Args:
        connection: A connection, which may act as a persona.
        statement: A statement, or its text.
        run: Whether to run it; what it does stays.
    """
    options = "analyze, buffers, format json" if run else "format json"
    written = statement if isinstance(statement, str) else _text(statement)
    found = connection.execute(sql.statement(f"explain ({options}) {written}"))
    nodes = list(_nodes(found.scalar_one()[0]["Plan"]))
    return Plan(
        indexes={node["Index Name"] for node in nodes if "Index Name" in node},
        scanned={node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"},
        buffers=sum(nodes[0].get(f"Shared {kind} Blocks", 0) for kind in ("Hit", "Read")),
    )


def _text(statement: Executable) -> str:
    compiled: Any = statement.compile(  # type: ignore[attr-defined] # of every executable
        dialect=PGDialect(paramstyle="named"),  # type: ignore[no-untyped-call] # SQLAlchemy's
        compile_kwargs={"literal_binds": True},
    )
    return str(compiled)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
