"""The plans of statements: the indexes, tables and buffers that they use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ClauseElement, Connection

Node = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The plan of a statement.

    Attributes:
        root: Its top node, as ``explain`` describes it in JSON.
    """

    root: Node

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes, from the top."""
        return list(_nodes(self.root))

    @property
    def indexes(self) -> set[str]:
        """The indexes that it uses."""
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def sequentially_scanned(self) -> set[str]:
        """The tables that it reads by a sequential scan."""
        return {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"}

    @property
    def buffers(self) -> int:
        """The number of shared buffers that it read or hit, where it was run."""
        return int(self.root["Shared Hit Blocks"] + self.root["Shared Read Blocks"])

    @property
    def most_rows(self) -> int:
        """The number of rows of the node that read most, where it was run."""
        return max(map(_rows, self.nodes))

    def scans(self, table: str) -> list[Node]:
        """Return the nodes that read a table."""
        return [node for node in self.nodes if node.get("Relation Name") == table]

    def rows_read(self, table: str) -> int:
        """Return the number of rows that were read of a table, where it was run."""
        return sum(map(_rows, self.scans(table)))


def plan_of(connection: Connection, statement: ClauseElement | str, *, run: bool = False) -> Plan:
    """Return the plan of a statement for the role that the connection acts as.

    Args:
        connection: A connection, which may act as a persona.
        statement: A statement, or its text.
        run: Whether to run it, for the numbers of rows and buffers; what it does stays.
    """
    options = "analyze, buffers, timing off, format json" if run else "format json"
    parameters: Any = None
    if not isinstance(statement, str):
        compiled = statement.compile(
            dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
        )
        statement, parameters = str(compiled), compiled.params
    found = connection.exec_driver_sql(
        f"explain ({options}) {statement}",
        parameters,
        execution_options={"no_parameters": not parameters},
    )
    return Plan(found.scalar_one()[0]["Plan"])


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _rows(node: Node) -> int:
    """Return the number of rows that a node returned, or read and left out."""
    left_out = sum(rows for name, rows in node.items() if name.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + left_out) * node["Actual Loops"])
