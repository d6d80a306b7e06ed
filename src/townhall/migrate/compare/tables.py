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
    Column,
    Connection,
    Constraint,
    DefaultClause,
    ForeignKeyConstraint,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from townhall.migrate.compare.constraints import by_name
from townhall.migrate.compare.decisions import Refusal
from townhall.migrate.compare.declared_tables import create_temporary, with_keys
from townhall.migrate.compare.table_states import Part, TableState, read_tables
from townhall.migrate.operations.comments import CommentOp, Kind
from townhall.migrate.operations.constraints import (
    AddCheckOp,
    AddDefinedOp,
    DropDefinedOp,
    RenameConstraintOp,
)
from townhall.migrate.operations.decisions import Answer, UndecidedOp
from townhall.migrate.operations.identities import AlterIdentityOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.savepoints import rolled_back
from townhall.pg import sql

_WRITTEN_IN_FULL: Mapping[type[Constraint], type[AddConstraintOp]] = {
    CheckConstraint: AddCheckOp,
    ForeignKeyConstraint: CreateForeignKeyOp,
    UniqueConstraint: CreateUniqueConstraintOp,
}
"""The operations of Alembic that write all of a declared constraint, by its class."""


def _is_written_in_full(constraint: Constraint | None) -> bool:
    options = constraint.dialect_kwargs if isinstance(constraint, CheckConstraint) else {}
    return type(constraint) in _WRITTEN_IN_FULL and not any(options.values())


def _add(constraint: Constraint) -> AddConstraintOp:
    return _WRITTEN_IN_FULL[type(constraint)].from_constraint(constraint)


@dataclass(frozen=True)
class TableDifference:
    """A table whose actual state is not the declared one.

    Attributes:
        table: The declared table.
        reflected: The table as SQLAlchemy reflects it, for the downgrade.
        actual: The state of the table in the database.
        declared: The state of the temporary table that was created as declared.
    """

    table: Table
    reflected: Table
    actual: TableState
    declared: TableState

    def operations(self) -> Iterable[MigrateOperation]:
        """Yield what brings the table to the declared state."""
        yield from self._columns()
        yield from self._constraints()
        yield from self._indexes()
        yield from self._comments()

    def _columns(self) -> Iterable[MigrateOperation]:
        for name, declared in sorted(self.declared.columns.items()):
            actual = self.actual.columns.get(name)
            if actual is None or actual == declared:
                continue
            if _differ(actual, declared, "computed"):
                yield self._generation(name, actual["computed"], declared["computed"])
                continue
            changes = [
                *self._altered(name, actual, declared),
                *self._identity(name, actual["identity"], declared["identity"]),
            ]
            # An identity column must be not null before, and can't have a default.
            yield from changes if declared["identity"] else reversed(changes)

    def _altered(
        self, name: str, actual: Mapping[str, Any], declared: Mapping[str, Any]
    ) -> Iterable[MigrateOperation]:
        if not _differ(actual, declared, "type", "collation", "null", "default"):
            return
        column, existing = self.table.columns[name], self.reflected.columns[name]
        yield AlterColumnOp(
            self.table.name,
            name,
            schema=self.table.schema,
            existing_type=existing.type,
            existing_nullable=existing.nullable,
            existing_server_default=_default(existing),
            existing_comment=existing.comment,
            modify_type=column.type if _differ(actual, declared, "type", "collation") else None,
            modify_nullable=column.nullable if _differ(actual, declared, "null") else None,
            modify_server_default=(
                _default(column) if _differ(actual, declared, "default") else False
            ),
        )

    def _identity(
        self, name: str, actual: Sequence[str], declared: Sequence[str]
    ) -> Iterable[MigrateOperation]:
        if actual != declared:
            yield AlterIdentityOp(self.table, name, actual, declared)

    def _generation(self, name: str, actual: str | None, declared: str | None) -> UndecidedOp:
        table, column = qualified_name(self.table), sql.quote(name)
        answers = [
            Answer(
                "drop the column and add it again, and after it what goes with it: its indexes,"
                " constraints, privileges, and the views that read it",
                [f"alter table {table} drop column {column}"],
            )
        ]
        if declared is None:
            answers.insert(
                0,
                Answer(
                    "make it an ordinary column that keeps its values",
                    [f"alter table {table} alter column {column} drop expression"],
                ),
            )
        return UndecidedOp(
            f"alter_column {table} {name}",
            f"the column is {_generated(actual)}; declared: {_generated(declared)}."
            " PostgreSQL can't alter that",
            answers,
        )

    def _constraints(self) -> Iterable[MigrateOperation]:
        actual, declared = dict(self.actual.constraints), self.declared.constraints
        constraints = by_name(self.table.constraints, self.actual)
        for actual_name, declared_name in self._renamed():
            yield RenameConstraintOp(self.table, actual_name, declared_name)
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

    def _renamed(self) -> Iterable[tuple[str, str]]:
        actual, declared = self.actual.constraints, self.declared.constraints
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
            yield CreateIndexOp.from_index(declared[name])

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


def differences(
    connection: Connection, tables: Sequence[Table]
) -> tuple[list[TableDifference], list[Refusal]]:
    """Return the tables whose actual state is not the declared one, and those that are refused.

    Args:
        connection: A connection within a transaction that is going to be rolled back; the declared
            tables are created in it as temporary tables.
        tables: Declared tables that exist in the database.
    """
    by_schema: dict[str, dict[str, Table]] = {}
    for table in tables:
        by_schema.setdefault(table.schema or "public", {})[table.name] = table
    found: list[TableDifference] = []
    refusals: list[Refusal] = []
    for schema, named in sorted(by_schema.items()):
        found += _differences_in(connection, schema, named, refusals)
    return found, refusals


def _differences_in(
    connection: Connection,
    schema: str,
    tables: Mapping[str, Table],
    refusals: list[Refusal],
) -> Iterable[TableDifference]:
    with rolled_back(connection):
        refused = create_temporary(connection, tables.values())
        temporary = str(connection.scalar(text("select pg_my_temp_schema()::regnamespace::text")))
        states = read_tables(connection, [schema, temporary])
    for name, table in tables.items():
        if name in refused:
            refusals.append(Refusal(f"table {qualified_name(table)}", refused[name]))
            continue
        actual = states.get((schema, name))
        declared = with_keys(states[temporary, name], table, actual)
        if actual is not None and actual != declared:
            yield TableDifference(table, reflected(connection, table), actual, declared)


def reflected(connection: Connection, table: Table) -> Table:
    """Return a table of the database as SQLAlchemy reflects it."""
    return Table(table.name, MetaData(), schema=table.schema, autoload_with=connection)


def _differ(actual: Mapping[str, Any], declared: Mapping[str, Any], *names: str) -> bool:
    return any(actual[name] != declared[name] for name in names)


def _generated(expression: str | None) -> str:
    return "an ordinary column" if expression is None else f"generated as {expression}"


def _default(column: Column[Any]) -> DefaultClause | None:
    # FetchedValue only says that the database computes the value.
    return column.server_default if isinstance(column.server_default, DefaultClause) else None
