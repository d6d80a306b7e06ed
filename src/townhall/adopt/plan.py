"""The steps of an adoption, in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import Connection, text

from townhall.adopt import (
    column_steps,
    comment_steps,
    constraint_steps,
    conversion_steps,
    generation_steps,
    number_steps,
    rebinding,
    row_identity,
)
from townhall.adopt.comparison import compare, tables_of
from townhall.adopt.created_tables import CreatedTable
from townhall.adopt.definitions import foreign_key_of, index_meaning, key_of, subject
from townhall.adopt.differences import (
    AcceptsNull,
    Difference,
    DomainCheck,
    DomainDefault,
    IndexForConstraint,
    MissingColumn,
    MissingConstraint,
    MissingIndex,
    NotValidated,
    OtherConstraint,
    OtherDefault,
    OtherGeneration,
    OtherIndex,
    OtherName,
    OtherNumbers,
    OtherType,
    RefusesNull,
    UndeclaredConstraint,
    UndeclaredIndex,
    UnfilledColumn,
)
from townhall.adopt.recreation import Recreation
from townhall.adopt.references import references_to, replaced_key, tables_with_mark
from townhall.adopt.step import Rename, Step
from townhall.check.snapshot import Object, Snapshot
from townhall.pg import sql
from townhall.pg.catalog import Column, Constraint, Index, Table, TableName

Kind = TypeVar("Kind", bound=Difference)
Part = TypeVar("Part", Constraint, Index)


@dataclass(frozen=True)
class Choices:
    """What was decided.

    Attributes:
        fills: The values of columns in existing rows that have none, by the column in SQL.
        conversions: The values of columns in another type, by the column in SQL.
        drops: The identities of what goes.
    """

    fills: Mapping[str, str]
    conversions: Mapping[str, str]
    drops: Collection[str]


def before_upgrade(
    creations: Iterable[CreatedTable], declared: Snapshot, actual: Snapshot
) -> Snapshot:
    """Return the tables as they have to be before the upgrade.

    Args:
        creations: The tables that pending revisions create.
        declared: What the revisions make at head.
        actual: What the database has.
    """
    at_head, existing = tables_of(declared), tables_of(actual)
    wanted = []
    for creation in creations:
        created = creation.table
        name, last = (created.schema, created.name), creation.name
        if name in existing:
            head = at_head.get(last or name)
            wanted.append(_with_later_parts(created, head, existing[name]))
        elif last is not None and last in existing:
            wanted.append(at_head[last])
    return {
        ("table", each.schema, each.name): Object(
            "table", (each.schema, each.name), {}, record=each
        )
        for each in wanted
    }


def _with_later_parts(created: Table, head: Table | None, actual: Table) -> Table:
    # What the table has already is brought to its last state; what it lacks, later revisions add.
    if head is None:
        return created
    columns = {name: each for name, each in head.columns.items() if name in actual.columns}
    constraints = _later(head.constraints, created.constraints, actual.constraints, subject)
    indexes = _later(head.indexes, created.indexes, actual.indexes, index_meaning)
    return replace(
        created,
        columns={**columns, **created.columns},
        constraints={**constraints, **created.constraints},
        indexes={**indexes, **created.indexes},
    )


def _later(
    head: Mapping[str, Part],
    created: Mapping[str, Part],
    actual: Mapping[str, Part],
    about: Callable[[Part], object],
) -> dict[str, Part]:
    later = {about(each) for each in actual.values()} - {about(each) for each in created.values()}
    return {name: each for name, each in head.items() if about(each) in later}


class Plan:
    """The steps that bring existing tables to a declared state."""

    def __init__(
        self, connection: Connection, choices: Choices, actual: Snapshot, declared: Snapshot
    ) -> None:
        """Take what the steps depend on.

        Args:
            connection: A connection to the database, which is only read.
            choices: What was decided.
            actual: What the database has.
            declared: The tables of the state that the steps lead to.
        """
        self._connection = connection
        self._choices = choices
        self._recreation = Recreation(connection, actual, choices.drops)
        self._differences = compare(declared, actual)
        wanted, existing = tables_of(declared), tables_of(actual)
        self._pairs = [
            (table, existing[name]) for name, table in wanted.items() if name in existing
        ]
        self._primary_keys = {name: _primary_key_of(table) for name, table in wanted.items()}
        self._keys: dict[str, set[frozenset[str]]] = {}
        for table in (*existing.values(), *wanted.values()):
            keys = self._keys.setdefault(sql.qualified(table.schema, table.name), set())
            keys.update(_keys_of(table))

    def steps_before(self) -> list[Step]:
        """Return the steps to a state before the upgrade.

        Foreign keys that go stay for now: rows of clients may not be filled yet, and what
        refers to a row that they delete has to go with it. A column whose values are decided
        accepts NULL for now: a trigger that the upgrade makes may fill it in rows of clients.
        """
        return self._steps(self._waits)

    def steps(self) -> list[Step]:
        """Return the steps to the declared state, in their order."""
        at_head = {(each.schema, each.name): each for each, _ in self._pairs}
        return [*self._steps(lambda _: False), *self._drop_references(self._differences, at_head)]

    def _steps(self, waits: Callable[[AcceptsNull], bool]) -> list[Step]:
        phases = (
            self._identify_rows,
            self._keep_of_domains,
            self._set_defaults,
            self._convert,
            self._add_columns,
            self._rename,
            lambda differences: self._refuse_null(differences, waits),
            self._number,
            self._add_keys,
            self._add_constraints,
            self._build_indexes,
            self._drop,
            self._validate_referring,
        )
        return [
            *(step for phase in phases for step in phase(self._differences)),
            *(step for pair in self._pairs for step in comment_steps.comment(*pair)),
        ]

    def steps_after(self, at_head: Mapping[TableName, Table]) -> list[Step]:
        """Return the steps that are left for the time after the upgrade, as far as is known before.

        The declared state is the one before the upgrade.

        Args:
            at_head: The tables as they are declared at head, by their names before the upgrade.
        """
        differences = self._differences
        missing = _of(differences, MissingColumn)
        columns = [
            *(
                (each.table, each.declared)
                for each in _of(differences, AcceptsNull)
                if self._waits(each)
                or self._is_filled_later(differences, each.table, each.declared)
            ),
            *(
                (each.table, each.column)
                for each in missing
                if each.needs_fill or self._is_filled_later(differences, each.table, each.column)
            ),
        ]
        return [
            *(step for each in columns for step in self._fill(at_head, *each)),
            *self._references(at_head, _of(differences, MissingConstraint)),
            *self._drop_references(differences, at_head),
        ]

    def _fill(
        self, at_head: Mapping[TableName, Table], before: TableName, column: Column
    ) -> Iterator[Step]:
        table = at_head.get(before)
        declared = table.columns.get(column.name) if table is not None else None
        if table is None or declared is None or declared.is_nullable:
            return
        name = (table.schema, table.name)
        key = sql.qualified(*name, column.name)
        if (value := self._choices.fills.get(key, declared.default)) is not None:
            yield from column_steps.fill_null(name, {column.name: value})
        yield from column_steps.refuse_null(name, [column.name])

    def _references(
        self, at_head: Mapping[TableName, Table], missing: Iterable[MissingConstraint]
    ) -> Iterator[Step]:
        for each in missing:
            key, table = foreign_key_of(each.constraint), at_head.get(each.table)
            if key is None or table is None or self._is_possible(each.constraint):
                continue
            for constraint in table.constraints.values():
                declared = foreign_key_of(constraint)
                if declared is not None and {*declared.columns} == {*key.columns}:
                    name = (table.schema, table.name)
                    yield from constraint_steps.add_reference(name, constraint)

    def _add_columns(self, differences: Sequence[Difference]) -> Iterator[Step]:
        for each in _of(differences, MissingColumn):
            fill = self._choices.fills.get(each.column_name)
            if each.needs_fill and self._is_filled_later(differences, each.table, each.column):
                yield from column_steps.add_empty(each.table, each.column)
            else:
                yield from column_steps.add(each.table, each.column, fill)

    def _identify_rows(self, differences: Sequence[Difference]) -> Iterator[Step]:
        yield from row_identity.identify(self._connection, differences, self._choices.drops)

    def _keep_of_domains(self, differences: Sequence[Difference]) -> Iterator[Step]:
        for default in _of(differences, DomainDefault):
            yield from column_steps.keep_default_of_domain(default.table, default.actual)
        for check in _of(differences, DomainCheck):
            yield from constraint_steps.keep_of_domain(check.table, check.constraint)

    def _convert(self, differences: Sequence[Difference]) -> Iterator[Step]:
        yield from conversion_steps.convert(
            self._recreation,
            _of(differences, OtherType),
            self._choices.conversions,
            {*map(generation_steps.part_of, _of(differences, OtherGeneration))},
        )

    def _set_defaults(self, differences: Sequence[Difference]) -> Iterator[Step]:
        # A conversion sets the default itself, since one of another type is refused.
        converted = {each.column_name for each in _of(differences, OtherType)}
        others = [
            each for each in _of(differences, OtherDefault) if each.column_name not in converted
        ]
        for table, defaults in _by_table(others):
            yield from column_steps.set_defaults(table, [each.declared for each in defaults])
        for each in _of(differences, RefusesNull):
            yield from column_steps.accept_null(each.table, each.declared.name)
        for other in _of(differences, OtherGeneration):
            yield from generation_steps.stop_generating(
                self._recreation, other, is_converted=other.column_name in converted
            )

    def _number(self, differences: Sequence[Difference]) -> Iterator[Step]:
        # An identity column refuses NULL, and both have a type of numbers.
        for each in _of(differences, OtherGeneration):
            if each.declared.identity:
                yield from number_steps.identify(each.table, each.declared, each.actual)
            elif each.declared.sequence is not None:
                yield from number_steps.number(each.table, each.declared, each.actual)
        for other in _of(differences, OtherNumbers):
            yield from number_steps.number(other.table, other.declared, other.actual)

    def _refuse_null(
        self, differences: Sequence[Difference], waits: Callable[[AcceptsNull], bool]
    ) -> Iterator[Step]:
        nullable = [
            each
            for each in _of(differences, AcceptsNull)
            if not self._is_filled_later(differences, each.table, each.declared)
        ]
        for table, columns in _by_table(nullable):
            values = {
                each.declared.name: value
                for each in columns
                if (value := self._choices.fills.get(each.column_name, each.declared.default))
            }
            yield from column_steps.fill_null(table, values)
            yield from column_steps.refuse_null(
                table, [each.declared.name for each in columns if not waits(each)]
            )

    def _waits(self, difference: AcceptsNull) -> bool:
        # An interrupted adoption may have added it. A primary key needs it at once.
        return (
            MissingColumn(difference.table, difference.declared).needs_fill
            and difference.column_name in self._choices.fills
            and difference.declared.name not in self._primary_keys[difference.table]
        )

    def _rename(self, differences: Sequence[Difference]) -> Iterator[Step]:
        for table, names in _by_table(_of(differences, OtherName)):
            renames = [
                Rename(table, each.kind, each.actual.name, each.declared.name) for each in names
            ]
            yield from constraint_steps.rename(table, renames)
        for other in _of(differences, NotValidated):
            yield from constraint_steps.validate(other.table, other.declared.name)

    def _add_keys(self, differences: Sequence[Difference]) -> Iterator[Step]:
        for each in _of(differences, IndexForConstraint):
            yield from constraint_steps.from_index(each.table, each.declared, each.actual)
        yield from self._constraints(differences, _is_key)

    def _add_constraints(self, differences: Sequence[Difference]) -> Iterator[Step]:
        yield from self._constraints(
            differences, lambda each: not _is_key(each) and self._is_possible(each)
        )

    def _constraints(
        self, differences: Sequence[Difference], are_taken: Callable[[Constraint], bool]
    ) -> Iterator[Step]:
        for other in _of(differences, OtherConstraint):
            if are_taken(other.declared):
                yield from constraint_steps.replace(
                    other.table,
                    other.declared,
                    other.actual,
                    is_referred=self._is_referred(other.table, other.actual),
                )
        for each in _of(differences, MissingConstraint):
            if are_taken(each.constraint):
                yield from constraint_steps.add(each.table, each.constraint)

    def _is_possible(self, constraint: Constraint) -> bool:
        # The table that a foreign key references may be created by the upgrade, or its key.
        key = foreign_key_of(constraint)
        if key is None:
            return True
        keys = self._keys.get(key.table)
        is_known = keys is None or key.has_period or frozenset(key.referenced) in keys
        return self._exists(key.table) and is_known

    def _exists(self, table: str) -> bool:
        exists = text("select pg_catalog.to_regclass(:name) is not null")
        return bool(self._connection.scalar(exists, {"name": table}))

    def _is_filled_later(
        self, differences: Sequence[Difference], table: TableName, column: Column
    ) -> bool:
        # Its values are keys of a table that the upgrade creates.
        return any(
            each.table == table
            and (key := foreign_key_of(each.constraint)) is not None
            and column.name in map(sql.unquote, key.columns)
            and not self._exists(key.table)
            for each in _of(differences, MissingConstraint)
        )

    def _build_indexes(self, differences: Sequence[Difference]) -> Iterator[Step]:
        for other in _of(differences, OtherIndex):
            yield from constraint_steps.replace_index(
                other.table,
                other.declared,
                other.actual,
                is_referred=self._is_referred(other.table, other.actual),
            )
        for each in _of(differences, MissingIndex):
            yield from constraint_steps.create_index(each.table, each.index)

    def _drop(self, differences: Sequence[Difference]) -> Iterator[Step]:
        for column in _of(differences, UnfilledColumn):
            if column.identity in self._choices.drops:
                yield from column_steps.drop(column.table, column.column.name)
            else:
                yield from column_steps.accept_null(column.table, column.column.name)
        for each in self._undeclared(differences):
            if each.constraint.referenced is None:
                yield from constraint_steps.drop_constraint(
                    each.table,
                    each.constraint,
                    is_referred=self._is_referred(each.table, each.constraint),
                )
        for other in _of(differences, UndeclaredIndex):
            if other.identity in self._choices.drops:
                yield from constraint_steps.drop_index(other.table, other.index.name)

    def _is_referred(self, table: TableName, key: Constraint | Index) -> bool:
        return bool(references_to(self._connection, table, key.name))

    def _validate_referring(self, differences: Sequence[Difference]) -> Iterator[Step]:
        replaced = {
            each.table
            for each in differences
            if (keys := replaced_key(each)) and self._is_referred(each.table, keys[0])
        }
        marked = tables_with_mark(self._connection)
        for table, _ in self._pairs:
            name = (table.schema, table.name)
            if name in replaced | marked:
                yield from rebinding.validate_referring(name)

    def _drop_references(
        self, differences: Sequence[Difference], at_head: Mapping[TableName, Table]
    ) -> Iterator[Step]:
        for each in self._undeclared(differences):
            table = at_head.get(each.table)
            if each.constraint.referenced is not None and table is not None:
                name = (table.schema, table.name)
                yield from constraint_steps.drop_constraint(name, each.constraint)

    def _undeclared(self, differences: Sequence[Difference]) -> Iterable[UndeclaredConstraint]:
        found = [
            *_of(differences, UndeclaredConstraint),
            *(
                UndeclaredConstraint(each.table, each.constraint)
                for each in _of(differences, DomainCheck)
            ),
        ]
        # An interrupted adoption may have made one of the table of the check of a domain.
        going = {
            each.identity: each
            for each in found
            if each.replaced_by is not None or each.identity in self._choices.drops
        }
        return going.values()


def _of(differences: Iterable[Difference], kind: type[Kind]) -> list[Kind]:
    return [each for each in differences if isinstance(each, kind)]


def _is_key(constraint: Constraint) -> bool:
    return constraint.kind in {"primary key", "unique"}


def _by_table(differences: Iterable[Kind]) -> Iterable[tuple[TableName, list[Kind]]]:
    by_table: dict[TableName, list[Kind]] = {}
    for each in differences:
        by_table.setdefault(each.table, []).append(each)
    return by_table.items()


def _keys_of(table: Table) -> Iterator[frozenset[str]]:
    parts: list[Constraint | Index] = [*table.constraints.values(), *table.indexes.values()]
    for part in parts:
        key = key_of(part)
        if key is not None and not key.rest:
            yield frozenset(key.columns)


def _primary_key_of(table: Table) -> frozenset[str]:
    keys = [key_of(each) for each in table.constraints.values() if each.kind == "primary key"]
    return frozenset(sql.unquote(name) for key in keys if key is not None for name in key.columns)
