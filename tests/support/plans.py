"""The plan that a statement was run by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ClauseElement, Connection

Node = dict[str, Any]


def explained(connection: Connection, statement: ClauseElement) -> Node:
    """Run a statement, and return the plan that it was run by, with its buffers.

    Args:
        connection: A connection, acting as a persona.
        statement: What to run.
    """
    compiled = statement.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    found = connection.exec_driver_sql(
        f"explain (analyze, buffers, timing off, format json) {compiled}", compiled.params
    ).scalar_one()
    plan: Node = found[0]["Plan"]
    return plan


def nodes(plan: Node) -> Iterator[Node]:
    """Yield a plan's nodes, from the top."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: Node, table: str) -> list[Node]:
    """Return the nodes that read a table."""
    return [node for node in nodes(plan) if node.get("Relation Name") == table]


def buffers(plan: Node) -> int:
    """Return how many buffers were read or hit."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
