"""How tables differ where Alembic's comparison finds no difference.

After Alembic's operations a table should be as declared. The declared tables are created as
temporary tables in the same transaction, and both are compared as PostgreSQL describes them: what
still differs was not found by Alembic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddConstraintOp,
    AlterColumnOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    CreateUniqueConstraintOp,
    DropIndexOp,
)
from sqlalchemy import (
    CheckConstraint,
    Connection,
    Constraint,
    ForeignKeyConstraint,
    Table,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError

from townhall.migrate.compare.columns import change_of_column
from townhall.migrate.compare.constraints import by_name, foreign_key_operation, has_clauses
from townhall.migrate.compare.decisions import Refusal, generation_by_hand
from townhall.migrate.compare.declared_tables import create_temporary, with_keys
from townhall.migrate.compare.filters import Filters
from townhall.migrate.compare.fixed_point import table_at_fixed_point
from townhall.migrate.compare.normalization import BUILDING
from townhall.migrate.compare.overloads import AMBIGUOUS_FUNCTION, arrangements
from townhall.migrate.compare.table_states import SERIAL, Part, TableState, read_tables
from townhall.migrate.operations.columns import AddSerialOp, AlterSerialOp
from townhall.migrate.operations.comments import CommentOp, Kind
from townhall.migrate.operations.constraints import (
    AddCheckOp,
    AddDefinedOp,
    DropDefinedOp,
    RenameConstraintOp,
)
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.identities import AlterIdentityOp, SerialForIdentityOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.operations.table_names import name_of
from townhall.migrate.savepoints import rolled_back, run_script, sqlstate
from townhall.pg import ColumnType, Routine, sql
from townhall.pg.catalog import TEMPORARY

_WRITTEN_IN_FULL: Mapping[type[Constraint], type[AddConstraintOp]] = {
    CheckConstraint: AddCheckOp,
    ForeignKeyConstraint: CreateForeignKeyOp,
    UniqueConstraint: CreateUniqueConstraintOp,
}
"""The operations of Alembic that write all of a declared constraint, by its class."""


def _is_written_in_full(constraint: Constraint | None) -> bool:
    if constraint is None or type(constraint) not in _WRITTEN_IN_FULL or has_clauses(constraint):
        return False
    options = constraint.dialect_kwargs
    if isinstance(constraint, CheckConstraint):
        return not any(options.values())
    return not options.get("postgresql_include")


def _add(constraint: Constraint) -> AddConstraintOp:
    if isinstance(constraint, ForeignKeyConstraint):
        return foreign_key_operation(constraint)
    return _WRITTEN_IN_FULL[type(constraint)].from_constraint(constraint)


@dataclass(frozen=True)
class TableDifference:
    """A table whose actual state is not the declared one.

    Attributes:
        table: The declared table.
        actual: The state of the table in the database.
        declared: The state of the temporary table that was created as declared.
    """

    table: Table
    actual: TableState
    declared: TableState

    def operations(self, connection: Connection) -> Iterable[MigrateOperation]:
        """Yield what brings the table to the declared state.

        Args:
            connection: A connection to the database.
        """
        yield from self._columns(connection)
        yield from self._constraints()
        yield from self._indexes()
        yield from self._comments()

    @property
    def regenerated(self) -> Sequence[str]:
        """The names of the columns that are dropped and added, to be generated otherwise."""
        return [
            name
            for name, declared in self.declared.columns.items()
            if (actual := self.actual.columns.get(name))
            and _differ(actual, declared, "computed")
            and None not in {actual["computed"], declared["computed"]}
        ]

    def _columns(self, connection: Connection) -> Iterable[MigrateOperation]:
        for name, declared in sorted(self.declared.columns.items()):
            actual = self.actual.columns.get(name)
            if actual is None or actual == declared:
                continue
            if _differ(actual, declared, "computed"):
                if name not in self.regenerated:
                    yield self._generation(name)
                continue
            changes = [
                *self._changed(connection, name),
                *self._nullability(name, actual, declared),
                *self._identity(connection, name, actual, declared),
            ]
            # An identity column must be not null before, and can't have a default.
            yield from changes if declared["identity"] else reversed(changes)

    def _changed(self, connection: Connection, name: str) -> Iterable[MigrateOperation]:
        actual, declared = self.actual.columns[name], self.declared.columns[name]
        previous, target = self.actual.described[name], self.declared.described[name]
        if actual["default"] != declared["default"] == SERIAL:
            if not actual["identity"]:
                yield AddSerialOp(
                    self.table,
                    name,
                    self._sequence_name(name),
                    previous.default,
                    role=self.actual.owner,
                    type_=target.type,
                )
            target = target._replace(default=previous.default)
        elif actual["default"] == declared["default"]:
            target = target._replace(default=previous.default)
        if target.default != previous.default or _differ(actual, declared, "type", "collation"):
            yield change_of_column(connection, self.table, previous, target)
        yield from self._sequence(name, actual, declared)

    def _sequence(
        self, name: str, actual: Mapping[str, Any], declared: Mapping[str, Any]
    ) -> Iterable[MigrateOperation]:
        # One that is new, or goes, is as its column needs it.
        if actual["default"] == declared["default"] == SERIAL and _differ(
            actual, declared, "sequence"
        ):
            sequence = self.actual.described[name].sequence or ""
            options = actual["sequence"], declared["sequence"]
            yield AlterSerialOp(self.table, name, sequence, *options)

    def _nullability(
        self, name: str, actual: Mapping[str, Any], declared: Mapping[str, Any]
    ) -> Iterable[MigrateOperation]:
        if _differ(actual, declared, "null"):
            yield AlterColumnOp(
                self.table.name,
                name,
                schema=self.table.schema,
                existing_type=ColumnType(self.actual.described[name].type),
                existing_nullable=self.actual.described[name].is_nullable,
                modify_nullable=self.declared.described[name].is_nullable,
            )

    def _identity(
        self,
        connection: Connection,
        name: str,
        actual: Mapping[str, Any],
        declared: Mapping[str, Any],
    ) -> Iterable[MigrateOperation]:
        previous, target = actual["identity"], declared["identity"]
        if previous and declared["default"] == SERIAL:
            yield SerialForIdentityOp(
                self.table,
                name,
                previous,
                sequence=self._sequence_name(name),
                type_=declared["type"],
                owner=self.actual.owner,
            )
        elif previous != target:
            is_serial = not previous and self._owns_sequence(connection, name)
            yield AlterIdentityOp(self.table, name, previous, target, is_serial=is_serial)

    def _owns_sequence(self, connection: Connection, column: str) -> bool:
        # Its default may be gone already, for the sake of another type.
        table = sql.qualified(self.table.schema or "public", self.table.name)
        sequence = func.pg_get_serial_sequence(table, column)
        return connection.scalar(select(sequence)) is not None

    def _sequence_name(self, column: str) -> str:
        sequence = sql.generated_name(self.table.name, [column], "seq")
        return sql.qualified(self.table.schema or "public", sequence)

    def _generation(self, name: str) -> UndecidedOp:
        actual, declared = self.actual.columns[name], self.declared.columns[name]
        reason = (
            f"the column is {_generated(actual['computed'])}; declared:"
            f" {_generated(declared['computed'])}. PostgreSQL can't alter that"
        )
        return generation_by_hand(self.table, name, reason)

    def _constraints(self) -> Iterable[MigrateOperation]:
        actual, declared = dict(self.actual.constraints), self.declared.constraints
        constraints = by_name(self.table.constraints, self.actual)
        for actual_name, declared_name in self._renamed():
            yield RenameConstraintOp(self.table, actual_name, declared_name)
            if actual_name in actual:
                actual[declared_name] = actual.pop(actual_name)
        for name in sorted({*actual, *declared}):
            if actual.get(name) == declared.get(name):
                continue
            if name in actual:
                yield DropDefinedOp(AddDefinedOp(self.table, name, actual[name]))
            if _is_written_in_full(constraints.get(name)):
                yield _add(constraints[name])
            elif name in declared:
                yield AddDefinedOp(self.table, name, declared[name])
        for name, definition in sorted(self.declared.foreign_keys.items()):
            former = self.actual.foreign_keys.get(name, definition)
            if former != definition:
                yield DropDefinedOp(AddDefinedOp(self.table, name, former))
                yield AddDefinedOp(self.table, name, definition)

    def _renamed(self) -> Iterable[tuple[str, str]]:
        actual = {**self.actual.constraints, **self.actual.foreign_keys}
        declared = {**self.declared.constraints, **self.declared.foreign_keys}
        missing = {declared[name]: name for name in sorted({*declared} - {*actual})}
        for name in sorted({*actual} - {*declared}):
            if actual[name] in missing:
                yield name, missing.pop(actual[name])

    def _indexes(self) -> Iterable[MigrateOperation]:
        declared = {str(index.name): index for index in self.table.indexes}
        for name, definition in sorted(self.declared.indexes.items()):
            if self.actual.indexes.get(name) == definition:
                continue
            if name in self.actual.indexes:
                yield DropIndexOp(name, self.table.name, schema=self.table.schema)
            creation = CreateIndexOp.from_index(declared[name])
            creation.kw.pop(BUILDING, None)
            yield creation

    def _comments(self) -> Iterable[MigrateOperation]:
        # What is dropped comes back with its comment.
        renamed: dict[Part, Part] = {
            ("constraint", old): ("constraint", new) for old, new in self._renamed()
        }
        actual = {
            renamed.get(part, part): text
            for part, text in self.actual.comments.items()
            if part in renamed or not self._is_dropped(*part)
        }
        for part in sorted({*actual, *self.declared.comments}):
            previous, target = actual.get(part), self.declared.comments.get(part)
            if previous != target:
                yield CommentOp(self.table, *part, previous, target)

    def _is_dropped(self, kind: Kind, name: str) -> bool:
        of_kind = (
            (state.constraints if kind == "constraint" else state.indexes)
            for state in (self.actual, self.declared)
        )
        before, after = (definitions.get(name) for definitions in of_kind)
        return before != after


_PART, _SMALL_PART = 100, 10
"""How many temporary tables exist at a time; the server has a limited number of locks."""


def differences(
    connection: Connection,
    tables: Sequence[Table],
    routines: Sequence[Routine],
    filters: Filters,
    *,
    spares_locks: bool = False,
) -> tuple[list[TableDifference], list[Refusal]]:
    """Return the tables whose actual state is not the declared one, and those that are refused.

    Args:
        connection: A connection within a transaction that is going to be rolled back; the declared
            tables are created in it as temporary tables.
        tables: Declared tables that exist in the database.
        routines: The declared functions and procedures.
        filters: What of the tables is left out.
        spares_locks: Whether fewer temporary tables exist at a time.
    """
    size = _SMALL_PART if spares_locks else _PART
    by_schema: dict[str, dict[str, Table]] = {}
    for table in tables:
        schema, name = name_of(table)
        by_schema.setdefault(schema, {})[name] = table
    found: list[TableDifference] = []
    refusals: list[Refusal] = []
    for schema, named in sorted(by_schema.items()):
        found += _differences_in(connection, schema, named, routines, filters, refusals, size)
    return found, refusals


def _differences_in(  # noqa: PLR0913, PLR0917 - each is another thing
    connection: Connection,
    schema: str,
    tables: Mapping[str, Table],
    routines: Sequence[Routine],
    filters: Filters,
    refusals: list[Refusal],
    size: int,
) -> Iterable[TableDifference]:
    actual_states: dict[str, TableState] = {}
    declared_states: dict[str, TableState] = {}
    refused: dict[str, DBAPIError] = {}
    every = [*tables.values()]
    for start in range(0, len(every), size):
        part = every[start : start + size]
        with rolled_back(connection):
            refused |= create_temporary(connection, part)
            found, others = _read(connection, [] if actual_states else [schema])
            declared_states |= found
            actual_states |= others
    ambiguous = [table for name, table in tables.items() if _is_ambiguous(refused.get(name))]
    declared_states |= _with_fewer_overloads(connection, ambiguous, routines)
    for name, table in tables.items():
        if name not in declared_states:
            refusals.append(Refusal(f"table {qualified_name(table)}", refused[name]))
            continue
        actual = actual_states.get(name)
        declared = with_keys(declared_states[name], table, actual)
        if actual is not None:
            declared = filters.declared_state(table, declared, actual)
        if actual is not None and actual != declared:
            actual = table_at_fixed_point(connection, (schema, name), actual, declared)
        if actual is not None and actual != declared:
            yield TableDifference(table, actual, declared)


def _read(
    connection: Connection, schemas: Sequence[str]
) -> tuple[dict[str, TableState], dict[str, TableState]]:
    # The temporary tables by name, and those of other schemas.
    found: dict[str, TableState] = {}
    others: dict[str, TableState] = {}
    for (schema, name), state in read_tables(connection, [*schemas, TEMPORARY]).items():
        (found if schema == TEMPORARY else others)[name] = state
    return found, others


def _is_ambiguous(error: DBAPIError | None) -> bool:
    return error is not None and sqlstate(error) == AMBIGUOUS_FUNCTION


def _with_fewer_overloads(
    connection: Connection, tables: Sequence[Table], routines: Sequence[Routine]
) -> dict[str, TableState]:
    # A call that fits two declared functions was written when there was one of them.
    found: dict[str, TableState] = {}
    for _, later in arrangements(routines, lambda routine: routine) if tables else ():
        missing = [each for each in tables if each.name not in found]
        with rolled_back(connection):
            drops = (drop for each in later for drop in each.drop_statements())
            run_script(connection, (f"{drop} cascade" for drop in drops))
            create_temporary(connection, missing)
            found |= _read(connection, [])[0]
    return found


def _differ(actual: Mapping[str, Any], declared: Mapping[str, Any], *names: str) -> bool:
    return any(actual[name] != declared[name] for name in names)


def _generated(expression: str | None) -> str:
    return "an ordinary column" if expression is None else f"generated as {expression}"
