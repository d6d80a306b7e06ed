"""What the columns and the rows of a query come from, through whatever is in between.

A column may come through an alias in a query in parentheses, a join, ``lateral``, a query of
``with`` or of ``union``. PostgreSQL has resolved the names of a view in the tree that it stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from townhall.check.dangers.node_trees import Node


class _Kind(StrEnum):
    """What a table of a query is, as PostgreSQL numbers it; the others are functions or values."""

    RELATION = "0"
    SUBQUERY = "1"
    JOIN = "2"
    WITH = "6"
    GROUP = "9"


_EXISTS = "0"
"""The kind of a query in an expression of which only the rows count."""

_TYPE_OF_VALUE = ("vartype", "funcresulttype", "consttype", "resulttype", "paramtype")


@dataclass(frozen=True)
class Sources:
    """What a value comes from.

    Attributes:
        columns: Columns of relations, each by the number of its relation and its own; 0 for a
            whole row.
        functions: Functions, by number.
        texts: Constants, as PostgreSQL stores them, and names of fields and of functions' columns.
        relations: Relations whose rows are read.
    """

    columns: frozenset[tuple[int, int]] = frozenset()
    functions: frozenset[int] = frozenset()
    texts: frozenset[bytes] = frozenset()
    relations: frozenset[int] = frozenset()

    def __or__(self, other: Sources) -> Sources:
        """Return what either value comes from."""
        return Sources(
            self.columns | other.columns,
            self.functions | other.functions,
            self.texts | other.texts,
            self.relations | other.relations,
        )


@dataclass
class Lineage:
    """A query of which it is looked up what its values come from.

    Attributes:
        query: The query as PostgreSQL stores it.
        fields: The names of the fields that are looked for, by the number of their type and their
            own.
    """

    query: Node
    fields: Mapping[tuple[int, int], str] = field(default_factory=dict)
    _known: dict[tuple[int, int], Sources] = field(default_factory=dict)

    def of_column(self, number: int) -> Sources:
        """Return what a column comes from.

        Args:
            number: The number of the column, from 1.
        """
        return self._column(self.query, number, ())

    def of_rows(self) -> Sources:
        """Return what decides which rows there are."""
        return self._rows(self.query, ())

    def _column(self, query: Node, number: int, outer: Sequence[Node]) -> Sources:
        key = (id(query), number)
        if key not in self._known:
            self._known[key] = Sources()  # for a query of "with" that reads itself
            self._known[key] = self._column_found(query, number, (*outer, query))
        return self._known[key]

    def _column_found(self, query: Node, number: int, queries: Sequence[Node]) -> Sources:
        if query["setOperations"] is not None:
            parts = [each for each in query.nodes("rtable") if each["subquery"] is not None]
            return _union(self._column(each["subquery"], number, queries) for each in parts)
        return _union(
            self._of(each["expr"], queries)
            for each in query.nodes("targetList")
            if each["resjunk"] == "false" and number in {0, each.number("resno")}
        )

    def _rows(self, query: Node, outer: Sequence[Node]) -> Sources:
        key = (id(query), -1)
        if key not in self._known:
            self._known[key] = Sources()
            queries = (*outer, query)
            tables = query.nodes("rtable")
            read = [each for each in tables if each["rtekind"] == _Kind.RELATION]
            inner = [each for table in tables for each in table.nodes("subquery")]
            inner += [each["ctequery"] for each in query.nodes("cteList")]
            self._known[key] = _union(
                [
                    Sources(relations=frozenset(each.number("relid") for each in read)),
                    self._of([query["jointree"], query["havingQual"]], queries),
                    *(self._of([each["functions"], each["tablefunc"]], queries) for each in tables),
                    *(self._rows(each, queries) for each in inner),
                ]
            )
        return self._known[key]

    def _of(self, value: Any, queries: Sequence[Node]) -> Sources:  # noqa: ANN401 - of any kind
        if isinstance(value, list):
            return _union(self._of(each, queries) for each in value)
        return self._of_node(value, queries) if isinstance(value, Node) else Sources()

    def _of_node(self, value: Node, queries: Sequence[Node]) -> Sources:
        match value.kind:
            case "VAR":
                return self._variable(value, queries[: len(queries) - value.number("varlevelsup")])
            case "QUERY":
                return self._column(value, 0, queries) | self._rows(value, queries)
            case "CONST":
                constant = value["constvalue"]
                return Sources(texts=frozenset([constant] if isinstance(constant, bytes) else []))
            case "SUBLINK" if value["subLinkType"] == _EXISTS and _has_rows_alone(value):
                return self._rows(value["subselect"], queries)
        called = [value[each] for each in ("funcid", "opfuncid") if value[each] is not None]
        return _union(
            [
                Sources(functions=frozenset(map(int, called))),
                self._field(value),
                *(self._of(each, queries) for each in value.fields.values()),
            ]
        )

    def _field(self, value: Node) -> Sources:
        if value.kind != "FIELDSELECT":
            return Sources()
        row = _row_of(value)
        types = [int(row[each]) for each in _TYPE_OF_VALUE if row[each] is not None]
        names = [self.fields.get((each, value.number("fieldnum"))) for each in types]
        return Sources(texts=frozenset(each.encode() for each in names if each is not None))

    def _variable(self, variable: Node, queries: Sequence[Node]) -> Sources:
        query, number = queries[-1], variable.number("varattno")
        table = query.nodes("rtable")[variable.number("varno") - 1]
        match table["rtekind"]:
            case _Kind.RELATION:
                return Sources(columns=frozenset([(table.number("relid"), number)]))
            case _Kind.SUBQUERY:
                return self._column(table["subquery"], number, queries)
            case _Kind.JOIN:
                return self._one_of(table["joinaliasvars"], number, queries)
            case _Kind.GROUP:
                return self._one_of(table["groupexprs"], number, queries)
            case _Kind.WITH:
                level = len(queries) - table.number("ctelevelsup")
                (found,) = (
                    each
                    for each in queries[level - 1].nodes("cteList")
                    if each["ctename"] == table["ctename"]
                )
                return self._column(found["ctequery"], number, queries[:level])
        names = table["eref"]["colnames"] or []
        read = names[number - 1 : number] if number else names
        made_by = [table["functions"], table["tablefunc"], table["values_lists"]]
        named = Sources(texts=frozenset(each.strip('"').encode() for each in read))
        return named | self._of(made_by, queries)

    def _one_of(self, values: list[Any], number: int, queries: Sequence[Node]) -> Sources:
        return self._of(values[number - 1] if number else values, queries)


def _row_of(selected: Node) -> Node:
    row: Node = selected["arg"]
    while row.kind == "SUBLINK":
        row = row["subselect"].nodes("targetList")[0]["expr"]
    return row


def _has_rows_alone(exists: Node) -> bool:
    # Functions in the list give rows, and columns decide which ones two queries have in common.
    query = exists["subselect"]
    return query["setOperations"] is None and query["hasTargetSRFs"] != "true"


def _union(found: Iterable[Sources]) -> Sources:
    every = [*found]
    return Sources(
        frozenset().union(*(each.columns for each in every)),
        frozenset().union(*(each.functions for each in every)),
        frozenset().union(*(each.texts for each in every)),
        frozenset().union(*(each.relations for each in every)),
    )
