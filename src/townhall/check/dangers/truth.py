"""The conditions of policies that are always true, however they are written.

PostgreSQL's own parse of a condition is read, and what each part of it can be is derived: true,
false, null or a value. What is built of constants, of built-in immutable functions and of operators
is computed by PostgreSQL. No function of the database is called: one that is called immutable may
do anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import permutations

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from townhall.check.dangers.constants import Constants
from townhall.check.dangers.node_trees import Node, nodes_in, parsed
from townhall.pg.catalog import rows
from townhall.pg.layout import without_comments

Outcomes = frozenset[str]
_TRUE, _FALSE, _NULL, _VALUE = (frozenset(each) for each in "tfnv")
_ANY = _TRUE | _FALSE | _NULL | _VALUE
_BOOLEAN = 16
_REFLEXIVE, _IRREFLEXIVE = {"=", "<=", ">="}, {"<>", "<", ">"}
_EXISTS, _SCALAR = "0", "4"
_CURRENT_SCHEMA = "14"
_SUBQUERY, _VALUES, _RESULT = "1", "5", "8"
_NEVER_NULL = {
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "clock_timestamp",
    "current_database",
    "gen_random_uuid",
    "random",
    "version",
}
_TESTS: Mapping[str, Outcomes] = {
    "0": _TRUE,  # is true
    "1": _FALSE | _NULL,
    "2": _FALSE,  # is false
    "3": _TRUE | _NULL,
    "4": _NULL,  # is unknown
    "5": _TRUE | _FALSE,
}
_TRUE_BODY = re.compile(
    r"\s*(begin\s+(atomic\s+)?)?(select|return)\s+\(*true(::boolean)?\)*(\s+as\s+\w+)?\s*;?"
    r"\s*(end\s*;?)?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Function:
    name: str
    is_volatile: bool
    is_built_in: bool
    is_foldable: bool
    body: str | None


@dataclass(frozen=True)
class _Condition:
    table: tuple[str, str]
    text: str
    tree: Node
    not_null: Collection[int]


def read_always_true(connection: Connection) -> frozenset[tuple[tuple[str, str], str]]:
    """Return the conditions of policies that are always true, each with schema and table.

    Args:
        connection: A connection within a transaction, with an empty search path.
    """
    conditions = [
        _Condition((row["schema"], row["table"]), row["text"], tree, row["not_null"])
        for row in rows(connection, _CONDITIONS, [])
        if (tree := _parsed(row["tree"])) is not None
    ]
    every = [node for each in conditions for node in nodes_in(each.tree)]
    functions = _functions(connection, every)
    operators = _operators(connection, every)
    constants = Constants(
        {oid: each.name for oid, each in functions.items() if each.is_foldable}, operators
    )
    expressions = dict.fromkeys(filter(None, map(constants.sql_of, every)))
    computed = _computed(connection, list(expressions))

    def compute(node: Node) -> Outcomes | None:
        expression = constants.sql_of(node)
        return None if expression is None else computed.get(expression)

    return frozenset(
        (each.table, each.text)
        for each in conditions
        if _Reader(each.not_null, functions, operators, compute).of(each.tree) == _TRUE
    )


class _Reader:
    """What the parts of one condition can be."""

    def __init__(
        self,
        not_null: Collection[int],
        functions: Mapping[int, _Function],
        operators: Mapping[int, str],
        compute: Callable[[Node], Outcomes | None],
    ) -> None:
        self._not_null, self._functions, self._operators = not_null, functions, operators
        self._compute = compute
        self._depth = 0

    def of(self, node: Node | None) -> Outcomes:
        if node is None:
            return _NULL
        if (computed := self._compute(node)) is not None:
            return computed
        read = getattr(self, f"_{node.kind.lower()}", None)
        return read(node) if read is not None else _ANY

    def _every(self, nodes: Iterable[Node]) -> list[Outcomes]:
        return [self.of(each) for each in nodes]

    def _const(self, node: Node) -> Outcomes:
        if node["constisnull"] == "true":
            return _NULL
        if node.number("consttype") != _BOOLEAN:
            return _VALUE
        return _TRUE if any(node["constvalue"]) else _FALSE

    def _var(self, node: Node) -> Outcomes:
        is_of_table = node.number("varlevelsup") == self._depth and node["varno"] == "1"
        is_never_null = is_of_table and node.number("varattno") in self._not_null
        return _typed(node, "vartype", is_null=not is_never_null)

    def _boolexpr(self, node: Node) -> Outcomes:
        args = node.nodes("args")
        found = self._every(args)
        match node["boolop"]:
            case "not":
                return _negated(found[0])
            case "or":
                return _TRUE if self._has_opposites(args) else reduce(_either, found)
            case _:
                return reduce(_both, found)

    def _has_opposites(self, args: Sequence[Node]) -> bool:
        return any(
            self._are_opposites(one, other) and self._is_same_each_time(one)
            for one, other in permutations(args, 2)
        )

    def _are_opposites(self, one: Node, other: Node) -> bool:
        test = {"NULLTEST": "nulltesttype", "BOOLEANTEST": "booltesttype"}.get(one.kind)
        if test is not None and one.kind == other.kind and one["argisrow"] != "true":
            # Each test is followed by its negation.
            return one["arg"] == other["arg"] and one.number(test) ^ 1 == other.number(test)
        is_negation = other["boolop"] == "not" and other.nodes("args") == [one]
        return is_negation and not self.of(one) & _NULL

    def _nulltest(self, node: Node) -> Outcomes:
        if node["argisrow"] == "true":
            return _TRUE | _FALSE
        is_null = self.of(node["arg"])
        found = (_TRUE if is_null & _NULL else frozenset()) | (
            _FALSE if is_null - _NULL else frozenset()
        )
        return found if node["nulltesttype"] == "0" else _negated(found)

    def _booleantest(self, node: Node) -> Outcomes:
        wanted, found = _TESTS[node["booltesttype"]], self.of(node["arg"])
        return (_TRUE if found & wanted else frozenset()) | (
            _FALSE if found - wanted else frozenset()
        )

    def _coalesceexpr(self, node: Node) -> Outcomes:
        found: Outcomes = frozenset()
        for each in self._every(node.nodes("args")):
            found |= each - _NULL
            if not each & _NULL:
                return found
        return found | _NULL

    def _caseexpr(self, node: Node) -> Outcomes:
        found: Outcomes = frozenset()
        for when in node.nodes("args"):
            holds = self.of(when["expr"])
            if holds & _TRUE:
                found |= self.of(when["result"])
            if holds == _TRUE:
                return found
        return found | self.of(node["defresult"])

    def _opexpr(self, node: Node) -> Outcomes:
        name = self._operators.get(node.number("opno"))
        args = node.nodes("args")
        nulls = _NULL if any(each & _NULL for each in self._every(args)) else frozenset()
        if name in _REFLEXIVE | _IRREFLEXIVE:
            if self._are_same(args):
                # What does not depend on the row is compared with itself for each caller.
                nulls = nulls if self._reads_a_row(args[0]) else frozenset()
                return nulls | (_TRUE if name in _REFLEXIVE else _FALSE)
            return nulls | _TRUE | _FALSE
        return _typed(node, "opresulttype", is_null=True)

    def _distinctexpr(self, node: Node) -> Outcomes:
        args = node.nodes("args")
        if node.number("opno") in self._operators and self._are_same(args):
            return _FALSE
        one, other = self._every(args)
        is_distinct = (one == _NULL and not other & _NULL) or (other == _NULL and not one & _NULL)
        return _TRUE if is_distinct else _TRUE | _FALSE

    def _nullifexpr(self, node: Node) -> Outcomes:
        args = node.nodes("args")
        if node.number("opno") in self._operators and self._are_same(args):
            return _NULL
        return self.of(args[0]) | _NULL

    def _funcexpr(self, node: Node) -> Outcomes:
        function = self._functions.get(node.number("funcid"))
        if function is None or node["funcretset"] == "true":
            return _ANY
        args = node.nodes("args")
        if function.body is not None and _TRUE_BODY.fullmatch(without_comments(function.body)):
            return _TRUE if not args else _ANY
        is_cast = node["funcformat"] in {"1", "2"}
        is_value = (not args and function.name in _NEVER_NULL) or (
            is_cast and not any(each & _NULL for each in self._every(args))
        )
        return _typed(node, "funcresulttype", is_null=not (function.is_built_in and is_value))

    def _scalararrayopexpr(self, node: Node) -> Outcomes:
        value, array = node.nodes("args")
        elements = array.nodes("elements") if array.kind == "ARRAYEXPR" else []
        name = self._operators.get(node.number("opno"))
        if node["useOr"] == "true" and name in _REFLEXIVE:
            is_value = not self.of(value) & _NULL or not self._reads_a_row(value)
            if is_value and any(self._are_same([value, each]) for each in elements):
                return _TRUE
        return _TRUE | _FALSE | _NULL

    def _relabeltype(self, node: Node) -> Outcomes:
        return self.of(node["arg"])

    def _coerceviaio(self, node: Node) -> Outcomes:
        return _typed(node, "resulttype", is_null=bool(self.of(node["arg"]) & _NULL))

    def _sqlvaluefunction(self, node: Node) -> Outcomes:
        return _VALUE | (_NULL if node["op"] == _CURRENT_SCHEMA else frozenset())

    def _arrayexpr(self, _: Node) -> Outcomes:
        return _VALUE

    def _sublink(self, node: Node) -> Outcomes:
        query = node["subselect"]
        self._depth += 1
        has_row = self._has_row(query)
        targets = query.nodes("targetList")
        found = self.of(targets[0]["expr"]) if targets else _NULL
        self._depth -= 1
        if node["subLinkType"] == _EXISTS:
            return _TRUE if has_row else _TRUE | _FALSE
        if node["subLinkType"] == _SCALAR and not query["setOperations"]:
            return found | (frozenset() if has_row else _NULL)
        return _ANY

    def _has_row(self, query: Node) -> bool:
        """Tell whether a query has a row whatever the tables have."""
        is_plain = not any(
            query[each]
            for each in ("limitOffset", "limitCount", "havingQual", "setOperations", "groupingSets")
        )
        if not is_plain or query["hasTargetSRFs"] == "true":
            return False
        if query["hasAggs"] == "true" and not query["groupClause"]:
            return True
        where = query["jointree"]["quals"]
        if where is not None and self.of(where) != _TRUE:
            return False
        tables = query.nodes("rtable")
        return all(
            source.kind == "RANGETBLREF" and self._is_of_rows(tables[source.number("rtindex") - 1])
            for source in query["jointree"].nodes("fromlist")
        )

    def _is_of_rows(self, table: Node) -> bool:
        if table["rtekind"] == _SUBQUERY:
            self._depth += 1
            has_row = self._has_row(table["subquery"])
            self._depth -= 1
            return has_row
        return table["rtekind"] in {_VALUES, _RESULT}

    def _are_same(self, args: Sequence[Node]) -> bool:
        return args[0] == args[-1] and self._is_same_each_time(args[0])

    def _is_same_each_time(self, node: Node) -> bool:
        called = {oid for each in nodes_in(node) for oid in _called(each)}
        return all(
            oid in self._functions and not self._functions[oid].is_volatile for oid in called
        )

    def _reads_a_row(self, node: Node) -> bool:
        return any(each.kind in {"VAR", "RTE"} for each in nodes_in(node))


def _typed(node: Node, field: str, *, is_null: bool) -> Outcomes:
    found = _TRUE | _FALSE if node.number(field) == _BOOLEAN else _VALUE
    return found | _NULL if is_null else found


def _negated(outcomes: Outcomes) -> Outcomes:
    return frozenset({"t": "f", "f": "t"}.get(each, each) for each in outcomes)


def _either(one: Outcomes, other: Outcomes) -> Outcomes:
    return frozenset(
        "t" if "t" in (a, b) else "f" if (a, b) == ("f", "f") else "n" for a in one for b in other
    )


def _both(one: Outcomes, other: Outcomes) -> Outcomes:
    return _negated(_either(_negated(one), _negated(other)))


def _called(node: Node) -> Iterator[int]:
    yield from (int(node[each]) for each in ("funcid", "opfuncid", "aggfnoid") if node[each])


def _parsed(text: str) -> Node | None:
    try:
        return parsed(text)
    except (ValueError, StopIteration):  # of a version of PostgreSQL that writes it differently
        return None


def _functions(connection: Connection, nodes: Iterable[Node]) -> Mapping[int, _Function]:
    called = sorted({oid for each in nodes for oid in _called(each)})
    found = connection.exec_driver_sql(_FUNCTIONS, {"oids": called}).mappings()
    return {row["oid"]: _Function(**{k: v for k, v in row.items() if k != "oid"}) for row in found}


def _operators(connection: Connection, nodes: Iterable[Node]) -> Mapping[int, str]:
    used = sorted({each.number("opno") for each in nodes if each["opno"]})
    found = connection.exec_driver_sql(_OPERATORS, {"oids": used}).mappings()
    return {row["oid"]: row["name"] for row in found}


def _computed(connection: Connection, expressions: Sequence[str]) -> Mapping[str, Outcomes]:
    """Return what PostgreSQL makes of expressions of constants, without those that it refuses."""
    if not expressions:
        return {}
    outcomes = ", ".join(map(_outcome, expressions))
    try:
        with connection.begin_nested():
            found = connection.exec_driver_sql(
                f"select array[{outcomes}]::text[]", execution_options={"no_parameters": True}
            ).scalar_one()
    except DBAPIError:
        if len(expressions) == 1:
            return {}
        half = len(expressions) // 2
        return {
            **_computed(connection, expressions[:half]),
            **_computed(connection, expressions[half:]),
        }
    return {each: frozenset(value) for each, value in zip(expressions, found, strict=True)}


def _outcome(expression: str) -> str:
    return (
        f"case when ({expression}) is null then 'n'"
        f" when pg_typeof({expression}) <> 'boolean'::regtype then 'v'"
        f" else left(({expression})::text, 1) end"
    )


_CONDITIONS = """
    select
        n.nspname as schema,
        c.relname as table,
        pg_get_expr(e.tree, c.oid) as text,
        e.tree::text as tree,
        array(
            select a.attnum::integer
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid
                and a.attnotnull
                and not exists (
                    select
                    from pg_catalog.pg_constraint as k
                    where k.conrelid = c.oid
                        and k.contype = 'n'
                        and not k.convalidated
                        and k.conkey = array[a.attnum]
                )
        ) as not_null
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    cross join lateral (values (p.polqual), (p.polwithcheck)) as e (tree)
    where p.polcmd <> 'r' and e.tree is not null
    order by n.nspname, c.relname, p.polname
"""

_FUNCTIONS = """
    select
        p.oid::bigint as oid,
        p.proname as name,
        p.provolatile = 'v' as is_volatile,
        b.is_built_in,
        b.is_built_in
        and p.provolatile = 'i'
        and (
            p.proname in ('length', 'lower', 'upper')
            or p.oid in (select o.oprcode from pg_catalog.pg_operator as o)
            or p.oid in (select k.castfunc from pg_catalog.pg_cast as k)
        ) as is_foldable,
        case
            when l.lanname in ('sql', 'plpgsql') and p.prorettype = 'boolean'::regtype
                then coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)
        end as body
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    cross join lateral (
        select n.nspname = 'pg_catalog' and l.lanname = 'internal' as is_built_in
    ) as b
    where p.oid = any (%(oids)s)
"""

_OPERATORS = """
    select o.oid::bigint as oid, o.oprname as name
    from pg_catalog.pg_operator as o
    join pg_catalog.pg_namespace as n on n.oid = o.oprnamespace
    where n.nspname = 'pg_catalog' and o.oid = any (%(oids)s)
"""
