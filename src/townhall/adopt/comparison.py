"""The comparison of existing tables with the declared ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from townhall.adopt.conversions import Conversion, conversion
from townhall.adopt.definitions import (
    building_name,
    index_meaning,
    key_of,
    means_the_same,
    subject,
    validated,
)
from townhall.adopt.differences import (
    AcceptsNull,
    Difference,
    DomainCheck,
    DomainDefault,
    IndexForConstraint,
    MissingColumn,
    MissingConstraint,
    MissingIndex,
    NoTable,
    NotValidated,
    OtherConstraint,
    OtherDefault,
    OtherGeneration,
    OtherIndex,
    OtherName,
    OtherNumbers,
    OtherType,
    RefusesNull,
    TiedTable,
    UndeclaredConstraint,
    UndeclaredIndex,
    UnfilledColumn,
)
from townhall.adopt.domains import (
    Domains,
    base_of,
    checks_of,
    domains_of,
    has_checked_elements,
    with_default,
)
from townhall.check.snapshot import RELATION_KINDS, Snapshot
from townhall.pg import EnumType, sql
from townhall.pg.catalog import Column, Constraint, Index, Table, TableName

_Part = TypeVar("_Part", Constraint, Index)

_RANDOM_UUIDS = ("gen_random_uuid()", "extensions.uuid_generate_v4()", "public.uuid_generate_v4()")
_NOW = ("now()", "CURRENT_TIMESTAMP", "transaction_timestamp()")
_SAME_VALUES = (frozenset(_RANDOM_UUIDS), frozenset(_NOW))
"""Defaults that give the same values."""


def compare(declared: Snapshot, actual: Snapshot) -> list[Difference]:
    """Return how the existing tables with declared names differ, table by table.

    A table that does not exist is no difference. Nor is a column that is not declared and does not
    stand in the way: it stays.

    Args:
        declared: What the revisions make.
        actual: What the database has.
    """
    relations, types = relations_of(actual), Types.of(actual)
    existing = tables_of(actual)
    return [
        difference
        for name, table in sorted(tables_of(declared).items())
        for difference in _table(table, existing.get(name), relations.get(name), types)
    ]


def without_begun(
    differences: Iterable[Difference], at_head: Iterable[Difference], tables: Collection[TableName]
) -> list[Difference]:
    """Return differences without those that a part of the pending revisions has made.

    A revision that commits more than once and was interrupted leaves such a part. The next upgrade
    completes it.

    Args:
        differences: Those from what the database's own revisions make.
        at_head: Those from what all revisions make.
        tables: The tables that are compared in both.
    """
    remaining = {(type(each), each.identity) for each in at_head}
    return [
        each
        for each in differences
        if each.table not in tables or (type(each), each.identity) in remaining
    ]


def tables_of(snapshot: Snapshot) -> dict[TableName, Table]:
    """Return the tables of a database by schema and name."""
    return {
        (item.record.schema, item.record.name): item.record
        for item in snapshot.values()
        if isinstance(item.record, Table)
    }


def relations_of(actual: Snapshot) -> dict[TableName, str]:
    """Return the kind of each relation of a database by schema and name; indexes are among them."""
    # Tables, views, sequences, indexes and composite types have their names in common.
    kinds = {*RELATION_KINDS, "sequence", "composite type"}
    found = {
        (item.names[0], item.names[1]): item.kind for item in actual.values() if item.kind in kinds
    }
    for table in tables_of(actual).values():
        keys = [each for each in table.constraints.values() if _has_index(each)]
        for name in (*table.indexes, *(each.name for each in keys)):
            found[table.schema, name] = "index"
        found[table.schema, table.name] = _kind(table)
    return found


def _has_index(constraint: Constraint) -> bool:
    return constraint.kind in {"primary key", "unique", "exclude"}


def _kind(table: Table) -> str:
    is_ordinary = table.kind != "table" or table.persistence == "logged"
    return table.kind if is_ordinary else f"{table.persistence} table"


@dataclass(frozen=True)
class Types:
    """The types of a database's own.

    Attributes:
        enums: The enums, as SQL names them.
        domains: The domains, as SQL names them.
    """

    enums: frozenset[str]
    domains: Domains

    @classmethod
    def of(cls, actual: Snapshot) -> Types:
        """Return those of a database."""
        items = [item for item in actual.values() if isinstance(item.entity, EnumType)]
        return cls(frozenset(sql.qualified(*item.names) for item in items), domains_of(actual))

    def conversion(self, declared: Column, actual: Column) -> Conversion:
        """Return how the values of a column become values of the declared type."""
        names = {**dict.fromkeys(self.enums, "enum")}
        names |= {name: base_of(name, self.domains) for name in self.domains}
        names |= {name: names.get(base, base) for name, base in names.items()}
        found = conversion(declared, actual, names)
        if not has_checked_elements(actual.type, self.domains):
            return found
        remark = "nothing checks its elements afterwards as the domain does"
        return replace(found, is_safe=False, remark=remark)


def _table(
    declared: Table, actual: Table | None, kind: str | None, types: Types
) -> Iterator[Difference]:
    name = (declared.schema, declared.name)
    if kind not in {None, _kind(declared)}:
        yield NoTable(name, str(kind))
    if actual is not None and actual.kind == declared.kind:
        for tie in actual.ties:
            if tie not in declared.ties:
                yield TiedTable(name, tie)
        yield from _columns(name, declared, actual, types)
        yield from _Parts(name, declared, actual).differences()


def _columns(
    table: TableName, declared: Table, actual: Table, types: Types
) -> Iterator[Difference]:
    for name, column in declared.columns.items():
        if name in actual.columns:
            yield from _column(table, column, actual.columns[name], types)
        else:
            yield MissingColumn(table, column)
    for name, column in actual.columns.items():
        added = MissingColumn(table, column)
        if name not in declared.columns and added.needs_fill:
            yield UnfilledColumn(table, column)


def _column(
    table: TableName, declared: Column, actual: Column, types: Types
) -> Iterator[Difference]:
    if declared.type != actual.type:
        yield from _of_domain(table, declared, actual, types.domains)
        actual = with_default(actual, types.domains)
    both = (table, declared, actual)
    if (declared.type, declared.collation) != (actual.type, actual.collation):
        yield OtherType(*both, types.conversion(declared, actual))
    if actual.is_nullable and not declared.is_nullable:
        yield AcceptsNull(*both)
    if declared.is_nullable and not actual.is_nullable:
        yield RefusesNull(*both)
    if (declared.generated, declared.identity) != (actual.generated, actual.identity):
        yield OtherGeneration(*both)
    elif declared.sequence is not None:
        # The name of the sequence is theirs.
        if declared.sequence_options != actual.sequence_options:
            yield OtherNumbers(*both)
    elif declared.default != actual.default:
        yield OtherDefault(*both, _gives_the_same(declared.default, actual.default))


def _of_domain(
    table: TableName, declared: Column, actual: Column, domains: Domains
) -> Iterator[Difference]:
    own = with_default(actual, domains)
    if own != actual:
        yield DomainDefault(table, declared, own)
    for check in checks_of(table, actual, domains):
        is_implied = not declared.is_nullable and check.definition.endswith(" IS NOT NULL)")
        yield DomainCheck(table, check, is_implied)


def _gives_the_same(declared: str | None, actual: str | None) -> bool:
    if declared is None or actual is None:
        return False
    return means_the_same(declared, actual) or any(
        {declared, actual} <= alike for alike in _SAME_VALUES
    )


class _Parts:
    """The constraints and indexes of one table, each of which has one counterpart at most."""

    def __init__(self, table: TableName, declared: Table, actual: Table) -> None:
        self._table = table
        self._constraints = dict(declared.constraints)
        self._indexes = dict(declared.indexes)
        self._declared_indexes = tuple(declared.indexes.values())
        # What an interrupted adoption has not completed: a complete index can still become a key.
        self._unfinished = {*map(building_name, (*declared.constraints, *declared.indexes))}
        keys = {building_name(each.name) for each in declared.constraints.values()}
        self._actual_constraints = {
            name: each for name, each in actual.constraints.items() if name not in self._unfinished
        }
        self._actual_indexes = {
            name: each
            for name, each in actual.indexes.items()
            if name not in self._unfinished or name in keys
        }
        # They refuse no declared row.
        self._implied = {
            f"CHECK (({sql.quote(each.name)} IS NOT NULL)){suffix}"
            for each in declared.columns.values()
            if not each.is_nullable
            for suffix in ("", " NOT VALID")
        }

    def differences(self) -> Iterator[Difference]:
        """Yield the differences; what is equal is taken out first, then what is nearly so."""
        yield from self._equal_constraints()
        yield from self._equal_indexes()
        yield from self._constraints_about_the_same()
        yield from self._indexes_for_constraints()
        yield from self._indexes_about_the_same()
        for constraint in self._constraints.values():
            yield MissingConstraint(self._table, constraint)
        for constraint in self._actual_constraints.values():
            if constraint.definition in self._implied:
                continue  # also what an interrupted adoption proves NOT NULL with
            yield UndeclaredConstraint(self._table, constraint, self._index_of(constraint))
        for index in self._indexes.values():
            yield MissingIndex(self._table, index)
        for index in self._actual_indexes.values():
            if index.name not in self._unfinished:
                yield UndeclaredIndex(self._table, index)

    def _equal_constraints(self) -> Iterator[Difference]:
        def definition(constraint: Constraint) -> object:
            return validated(constraint.definition)

        for declared, actual in _pairs(self._constraints, self._actual_constraints, definition):
            if declared.name != actual.name:
                yield OtherName(self._table, declared, actual)
            if declared.is_validated and not actual.is_validated:
                yield NotValidated(self._table, declared, actual)

    def _equal_indexes(self) -> Iterator[Difference]:
        def definition(index: Index) -> object:
            return (index.is_unique, index.method_and_columns, index.is_valid)

        for declared, actual in _pairs(self._indexes, self._actual_indexes, definition):
            if declared.name != actual.name:
                yield OtherName(self._table, declared, actual)

    def _constraints_about_the_same(self) -> Iterator[Difference]:
        pairs = [
            *_pairs(self._constraints, self._actual_constraints, lambda each: each.name),
            *_pairs(self._constraints, self._actual_constraints, subject),
        ]
        for declared, actual in pairs:
            is_same = means_the_same(declared.definition, actual.definition)
            yield OtherConstraint(self._table, declared, actual, is_same)

    def _indexes_for_constraints(self) -> Iterator[Difference]:
        for name, constraint in list(self._constraints.items()):
            key = key_of(constraint)
            for index in list(self._actual_indexes.values()):
                # With a condition the index holds some rows only.
                if key is not None and index.is_valid and key_of(index) == key:
                    del self._constraints[name], self._actual_indexes[index.name]
                    yield IndexForConstraint(self._table, constraint, index)
                    break

    def _indexes_about_the_same(self) -> Iterator[Difference]:
        pairs = [
            *_pairs(self._indexes, self._actual_indexes, lambda each: each.name),
            *_pairs(self._indexes, self._actual_indexes, index_meaning),
        ]
        for declared, actual in pairs:
            yield OtherIndex(self._table, declared, actual)

    def _index_of(self, constraint: Constraint) -> Index | None:
        key = key_of(constraint)
        return next(
            (each for each in self._declared_indexes if key is not None and key_of(each) == key),
            None,
        )


def _pairs(
    declared: dict[str, _Part], actual: dict[str, _Part], of: Callable[[_Part], object]
) -> Iterable[tuple[_Part, _Part]]:
    """Take out of both what is alike, preferably under the same name, and return it in pairs."""
    pairs = []
    for by_name in (True, False):
        for name, part in list(declared.items()):
            alike = [
                each
                for each in actual.values()
                if of(each) == of(part) and (each.name == name or not by_name)
            ]
            if alike:
                pairs.append((part, alike[0]))
                del declared[name], actual[alike[0].name]
    return pairs
