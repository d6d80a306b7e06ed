"""The rows that are in the way of a declared constraint, counted, the first ones by their key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from townhall.adopt.definitions import (
    Exclusion,
    ForeignKey,
    Key,
    condition_of,
    exclusion_of,
    expressions_of,
    foreign_key_of,
    key_of,
    without_overlaps_of,
)
from townhall.adopt.differences import (
    AcceptsNull,
    Difference,
    MissingColumn,
    MissingConstraint,
    MissingIndex,
    NotValidated,
    OtherConstraint,
    OtherIndex,
    OtherType,
)
from townhall.adopt.findings import listed
from townhall.migrate.savepoints import DEADLOCK, LOCK_NOT_AVAILABLE, NO_LOCKS, sqlstate
from townhall.pg import sql
from townhall.pg.catalog import (
    Column,
    Constraint,
    Index,
    Table,
    TableName,
    empty_search_path,
    server_version,
)

_NAME = "townhall_name"
"""The column that names a row by its key, beside the declared columns."""
_SHOWN = 3
_LONGEST = 100
"""How many characters of a value in a key are shown."""
_SINGULAR = {"break it": "breaks it", "have it": "has it", "do not convert": "does not convert"}
_SETTINGS = {"row_security": "off", "statement_timeout": "0"}
"""Row level security would hide rows, and is an error where it applies; a scan may take long."""
_READERS = """
    select pg_catalog.quote_ident(r.rolname)
    from pg_catalog.pg_roles as r
    where (r.rolbypassrls or r.rolsuper)
        and r.rolcanlogin
        and pg_catalog.has_table_privilege(r.oid, :table, 'select')
    order by r.rolsuper, r.rolname
    limit 3
"""
_CHECKS_INPUT = 16
"""The first version of PostgreSQL that tells whether a text is a value of a type."""


@dataclass(frozen=True)
class Breach:
    """The rows of a table that are in the way of what is declared.

    Attributes:
        count: How many there are.
        key: The columns that name a row: ``id``.
        rows: The keys of the first ones, in their order.
        problem: Why they can't be counted, if they can't.
    """

    count: int
    key: str = ""
    rows: tuple[str, ...] = ()
    problem: str | None = None

    def sentence(self, predicate: str) -> str:
        """Return what these rows do: ``2 rows break it: id 1 and 2``.

        Args:
            predicate: What several rows do: ``break it``, ``have it``, ``do not convert``.
        """
        what = (
            f"1 row {_SINGULAR[predicate]}"
            if self.count == 1
            else f"{self.count:,} rows {predicate}"
        )
        more = [f"{self.count - len(self.rows):,} more"] if self.count > len(self.rows) else []
        return (
            f"{what}: {self.key} {listed([*self.rows, *more], _SHOWN + 1)}" if self.rows else what
        )


def count_breaches(
    connection: Connection,
    declared: Mapping[TableName, Table],
    actual: Mapping[TableName, Table],
    differences: Iterable[Difference],
) -> dict[Difference, Breach | None]:
    """Return the differences, each with the rows that are in its way; None where none can be.

    Each table is read once for its checks and columns together, and once for each key and foreign
    key. Nothing is written.

    Args:
        connection: A connection in a read-only transaction.
        declared: The declared tables.
        actual: The existing tables.
        differences: The differences between them.
    """
    breaches: dict[Difference, Breach | None] = dict.fromkeys(differences)
    for setting, value in _SETTINGS.items():
        connection.exec_driver_sql(f"select set_config('{setting}', '{value}', true)")
    # Functions and operators that others create in a schema of the path are not called.
    with empty_search_path(connection):
        for name in sorted({each.table for each in breaches} & actual.keys()):
            of_table = [each for each in breaches if each.table == name]
            counter = _Counter(connection, declared[name], actual[name], of_table)
            breaches.update(counter.breaches(of_table))
    return breaches


@dataclass(frozen=True)
class _Question:
    # Rows of ``source`` for which ``condition`` is true. Those of several questions about nothing
    # but the row itself are counted together; with a problem, they are not counted.
    source: str
    condition: str
    is_of_row: bool = False
    problem: str | None = None


_UNCOUNTED = _Question("", "", problem="townhall has no query for its definition")


class _Counter:
    """Counts rows of one table, as they would be with the declared columns."""

    def __init__(
        self,
        connection: Connection,
        declared: Table,
        actual: Table,
        differences: Sequence[Difference],
    ) -> None:
        self._connection = connection
        self._declared = declared
        self._checks_input = server_version(connection) >= _CHECKS_INPUT
        self._types = {
            each.actual.name: each for each in differences if isinstance(each, OtherType)
        }
        # Rows of a table without a key have their place as well: several may look the same.
        key = [each for each in _primary_key(declared) if each in actual.columns]
        self._key = _primary_key(actual) or (*key, "ctid")
        self._table = sql.qualified(actual.schema, actual.name)
        columns = [
            f"{self._value(column, actual)} as {sql.quote(column.name)}"
            for column in declared.columns.values()
        ]
        listed = ", ".join([f"{self._named()} as {_NAME}", *columns])
        self._rows = f"(select {listed} from only {self._table}) as townhall_rows"

    def _named(self) -> str:
        parts = [f"coalesce({sql.quote(each)}::text, 'NULL')" for each in self._key]
        return f"array[{', '.join(parts)}]"

    def _value(self, column: Column, actual: Table) -> str:
        name = sql.quote(column.name)
        if column.name not in actual.columns:
            is_constant = column.default is not None and "nextval(" not in column.default
            return f"({column.default if is_constant else 'null'})::{column.type}"
        if (other := self._types.get(column.name)) is None:
            return name
        if not other.conversion.expression:
            return f"null::{column.type}"  # there is no cast
        value = f"({other.conversion.expression})::{column.type}"
        if other.conversion.is_safe:
            return value
        if isinstance(self._select(f"select {value} from only {self._table} limit 0"), str):
            # There is no such cast. Without a value the other columns are counted all the same.
            value = f"null::{column.type}"
        if not self._checks_input:
            return value
        is_valid = f"pg_catalog.pg_input_is_valid({name}::text, {sql.literal(column.type)})"
        return f"case when {is_valid} then {value} end"

    def breaches(self, differences: Sequence[Difference]) -> Iterator[tuple[Difference, Breach]]:
        """Yield the differences that rows may be in the way of, with these rows."""
        questions = {
            each: question for each in differences if (question := self._question(each)) is not None
        }
        together = [each for each, question in questions.items() if question.is_of_row]
        counts = self._count_together([questions[each].condition for each in together])
        known = dict(zip(together, counts, strict=True)) if counts is not None else {}
        for difference, question in questions.items():
            yield difference, self._breach(question, known.get(difference))

    def _breach(self, question: _Question, count: int | None) -> Breach:
        if question.problem is not None:
            return Breach(0, problem=question.problem)
        where = f"from {question.source} where {question.condition}"
        if count is None:
            rows = self._select(f"select count(*) {where}")
            if isinstance(rows, str):
                return Breach(0, problem=rows)
            count = int(rows[0][0])
        if not count or question.condition == "true":
            return Breach(count)
        first = self._select(f"select {_NAME} {where} order by {_NAME} limit {_SHOWN}")
        names = (
            () if isinstance(first, str) else tuple(", ".join(map(_shown, row[0])) for row in first)
        )
        return Breach(count, ", ".join(map(sql.quote, self._key)), names)

    def _count_together(self, conditions: Sequence[str]) -> Sequence[int] | None:
        # In one scan of the table, or not at all: then each is counted by itself.
        if not conditions:
            return ()
        counts = ", ".join(f"count(*) filter (where {each})" for each in conditions)
        rows = self._select(f"select {counts} from {self._rows}")
        return None if isinstance(rows, str) else tuple(rows[0])

    def _select(self, query: str) -> Sequence[Row[Any]] | str:
        savepoint = self._connection.begin_nested()
        try:
            result = self._connection.exec_driver_sql(
                query, execution_options={"no_parameters": True}
            )
            rows = result.all()
        except DBAPIError as error:
            if sqlstate(error) in {LOCK_NOT_AVAILABLE, DEADLOCK, NO_LOCKS}:
                raise
            savepoint.rollback()
            return f"{str(error.orig).partition(chr(10))[0]}{self._readers(error)}"
        savepoint.commit()
        return rows

    def _readers(self, error: DBAPIError) -> str:
        """Return which roles may read all rows, where policies hide some from this one."""
        if "row-level security" not in str(error.orig):
            return ""
        names = list(self._connection.scalars(text(_READERS), {"table": self._table}))
        return f"; look as a role that may read all of them, such as {listed(names)}"

    def _question(self, difference: Difference) -> _Question | None:
        question = None
        match difference:
            case MissingColumn() if difference.needs_fill:
                question = _Question(self._rows, "true", is_of_row=True)
            case AcceptsNull(declared=column):
                condition = f"{sql.quote(column.name)} is null"
                question = _Question(self._rows, condition, is_of_row=True)
            case OtherType():
                question = self._unconvertible(difference)
            case OtherConstraint(means_the_same=True, actual=actual) if actual.is_validated:
                pass
            case (
                MissingConstraint(constraint=constraint)
                | NotValidated(declared=constraint)
                | OtherConstraint(declared=constraint)
            ):
                question = self._constraint(constraint)
            case MissingIndex(index=index) | OtherIndex(declared=index):
                question = self._index(index)
        return question

    def _unconvertible(self, difference: OtherType) -> _Question | None:
        if difference.conversion.is_safe or not self._checks_input:
            return None
        name, type_ = sql.quote(difference.actual.name), sql.literal(difference.declared.type)
        table = sql.qualified(*difference.table)
        source = f"(select {name}, {self._named()} as {_NAME} from only {table}) as townhall_rows"
        return _Question(
            source,
            f"not pg_catalog.pg_input_is_valid({name}::text, {type_}) and {name} is not null",
        )

    def _constraint(self, constraint: Constraint) -> _Question:
        if (condition := condition_of(constraint)) is not None:
            return _Question(self._rows, f"not {condition}", is_of_row=True)
        if (foreign_key := foreign_key_of(constraint)) is not None:
            name = sql.literal(foreign_key.table)
            exists = self._select(f"select pg_catalog.to_regclass({name}) is not null")
            # One that may not be read is there: then the count fails, and says why.
            if isinstance(exists, str) or exists[0][0]:
                found = _has_no_referenced(foreign_key)
            else:
                found = "true"  # what they refer to does not exist
            known = [f"{each} is not null" for each in foreign_key.columns]
            return _Question(self._rows, " and ".join([*known, found]))
        if (key := key_of(constraint)) is not None:
            return self._duplicates(key, ", ".join(key.columns), "true")
        if (exclusion := exclusion_of(constraint)) is not None:
            return self._excluded(exclusion)
        if (columns := without_overlaps_of(constraint)) is not None:
            *others, period = columns
            elements = (*((name, "=") for name in others), (period, "&&"))
            question = self._excluded(Exclusion(elements, "true"))
            # Nor may it be empty, which overlaps with nothing.
            is_empty = f"pg_catalog.isempty(townhall_rows.townhall_{len(others)})"
            return replace(question, condition=f"({is_empty} or {question.condition})")
        return _UNCOUNTED

    def _index(self, index: Index) -> _Question | None:
        if not index.is_unique:
            return None
        if (found := expressions_of(index)) is None:
            return _UNCOUNTED
        expressions, condition = found
        return self._duplicates(key_of(index), expressions, condition)

    def _duplicates(self, key: Key | None, expressions: str, condition: str) -> _Question:
        # NULL equals NULL only where that is said.
        nulls = key is not None and key.nulls
        known = "" if nulls else f" and ({expressions}) is not null"
        source = (
            f"(select {_NAME}, count(*) over (partition by {expressions}) as townhall_count"
            f" from {self._rows} where {condition}{known}) as townhall_rows"
        )
        return _Question(source, "townhall_count > 1")

    def _excluded(self, exclusion: Exclusion) -> _Question:
        if all(operator != "=" for _, operator in exclusion.elements):
            return _Question("", "", problem="each row would be compared with each other one")
        names = [f"townhall_{number}" for number, _ in enumerate(exclusion.elements)]
        values = ", ".join(
            f"{expression} as {name}"
            for name, (expression, _) in zip(names, exclusion.elements, strict=True)
        )
        rows = f"(select {_NAME}, {values} from {self._rows} where {exclusion.condition})"
        compared = " and ".join(
            f"r.{name} {operator} townhall_rows.{name}"
            for name, (_, operator) in zip(names, exclusion.elements, strict=True)
        )
        another = f"r.{_NAME} <> townhall_rows.{_NAME} and {compared}"
        return _Question(
            f"{rows} as townhall_rows", f"exists (select from {rows} as r where {another})"
        )


def _has_no_referenced(key: ForeignKey) -> str:
    """Return the condition that no row has what a row refers to, or not all rows its period."""
    equal = [
        f"r.{one} = townhall_rows.{other}"
        for one, other in zip(key.referenced, key.columns, strict=True)
    ]
    if not key.has_period:
        return f"not exists (select from {key.table} as r where {' and '.join(equal)})"
    covered = f"""(
        select pg_catalog.range_agg(r.{key.referenced[-1]})
        from {key.table} as r
        where {" and ".join(equal[:-1])}
    )"""
    return f"not coalesce({covered} @> townhall_rows.{key.columns[-1]}, false)"


def _primary_key(table: Table) -> tuple[str, ...]:
    keys = (key_of(each) for each in table.constraints.values() if each.kind == "primary key")
    return next((tuple(map(sql.unquote, key.columns)) for key in keys if key is not None), ())


def _shown(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
