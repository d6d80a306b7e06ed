"""How tables differ where Alembic sees no difference: checks, keys and indexes by what they mean.

When Alembic's own operations have been applied, a table should be what is declared. So the declared
tables are made once more as temporary tables, and what PostgreSQL says of the two is compared:
whatever differs still is what Alembic missed.
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
from alembic.util import CommandError
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
from townhall.migrate.compare.declared_tables import make_twins, with_keys
from townhall.migrate.compare.table_states import TableState, read_tables
from townhall.migrate.operations.constraints import (
    AddCheckOp,
    AddDefinedOp,
    DropDefinedOp,
    RenameConstraintOp,
)
from townhall.migrate.operations.identities import AlterIdentityOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.savepoints import rolled_back
from townhall.pg import sql

_READABLE: Mapping[type[Constraint], type[AddConstraintOp]] = {
    CheckConstraint: AddCheckOp,
    ForeignKeyConstraint: CreateForeignKeyOp,
    UniqueConstraint: CreateUniqueConstraintOp,
}
"""The operations for constraints whose declaration they write in full."""


def _is_readable(constraint: Constraint | None) -> bool:
    options = constraint.dialect_kwargs if isinstance(constraint, CheckConstraint) else {}
    return type(constraint) in _READABLE and not any(options.values())


def _add(constraint: Constraint) -> AddConstraintOp:
    return _READABLE[type(constraint)].from_constraint(constraint)


@dataclass(frozen=True)
class TableDifference:
    """A table that is not what is declared.

    Attributes:
        table: The declared table.
        reflected: The table as the database has it, for the way back.
        found: What the database has.
        declared: What it would have.
    """

    table: Table
    reflected: Table
    found: TableState
    declared: TableState

    def operations(self) -> Iterable[MigrateOperation]:
        """Yield what makes the table as declared."""
        yield from self._columns()
        yield from self._constraints()
        yield from self._indexes()

    def _columns(self) -> Iterable[MigrateOperation]:
        for name, declared in sorted(self.declared.columns.items()):
            found = self.found.columns.get(name)
            if found is None or found == declared:
                continue
            if _differ(found, declared, "computed"):
                self._refuse_computed(name, found["computed"], declared["computed"])
            changes = [
                *self._altered(name, found, declared),
                *self._counted(name, found["identity"], declared["identity"]),
            ]
            # A column that counts by itself is not null and has no other default.
            yield from changes if declared["identity"] else reversed(changes)

    def _altered(
        self, name: str, found: Mapping[str, Any], declared: Mapping[str, Any]
    ) -> Iterable[MigrateOperation]:
        if not _differ(found, declared, "type", "collation", "null", "default"):
            return
        column, before = self.table.columns[name], self.reflected.columns[name]
        yield AlterColumnOp(
            self.table.name,
            name,
            schema=self.table.schema,
            existing_type=before.type,
            existing_nullable=before.nullable,
            existing_server_default=_default(before),
            existing_comment=before.comment,
            modify_type=column.type if _differ(found, declared, "type", "collation") else None,
            modify_nullable=column.nullable if _differ(found, declared, "null") else None,
            modify_server_default=(
                _default(column) if _differ(found, declared, "default") else False
            ),
        )

    def _counted(
        self, name: str, found: Sequence[str], declared: Sequence[str]
    ) -> Iterable[MigrateOperation]:
        if found != declared:
            yield AlterIdentityOp(self.table, name, found, declared)

    def _refuse_computed(self, name: str, found: str | None, declared: str | None) -> None:
        was = "not computed" if found is None else f"computed as {found}"
        will = "not" if declared is None else f"as {declared}"
        table = qualified_name(self.table)
        raise CommandError(
            f"the column {table}.{name} is {was}, and is declared to be {will}."
            " PostgreSQL changes that in no version but by dropping the column: write a revision"
            " that drops it and adds it again, with its indexes, constraints and grants."
            + (
                f" One that computes no more keeps its values: alter table {table} alter column"
                f" {sql.quote(name)} drop expression."
                if declared is None
                else ""
            )
        )

    def _constraints(self) -> Iterable[MigrateOperation]:
        found, wanted = dict(self.found.constraints), self.declared.constraints
        declared = by_name(self.table.constraints, self.found)
        for old, new in self._renamed():
            yield RenameConstraintOp(self.table, old, new)
            found[new] = found.pop(old)
        for name in sorted({*found, *wanted}):
            if found.get(name) == wanted.get(name):
                continue
            if name in found:
                yield DropDefinedOp(AddDefinedOp(self.table, name, found[name]))
            if _is_readable(declared.get(name)):
                yield _add(declared[name])
            elif name in wanted:
                yield AddDefinedOp(self.table, name, wanted[name])

    def _renamed(self) -> Iterable[tuple[str, str]]:
        found, wanted = self.found.constraints, self.declared.constraints
        new_names = {wanted[name]: name for name in sorted({*wanted} - {*found})}
        for old in sorted({*found} - {*wanted}):
            if found[old] in new_names:
                yield old, new_names.pop(found[old])

    def _indexes(self) -> Iterable[MigrateOperation]:
        declared = {str(index.name): index for index in self.table.indexes}
        before = {str(index.name): index for index in self.reflected.indexes}
        for name, wanted in sorted(self.declared.indexes.items()):
            if self.found.indexes.get(name) == wanted:
                continue
            if name in before:
                yield DropIndexOp.from_index(before[name])
            yield CreateIndexOp.from_index(declared[name])


def differences(connection: Connection, tables: Sequence[Table]) -> list[TableDifference]:
    """Return the tables that are not what is declared.

    Args:
        connection: A connection within a transaction that is going to be rolled back; twins of
            the declared tables are made in it as temporary ones.
        tables: Declared tables that exist in the database.
    """
    by_schema: dict[str, dict[str, Table]] = {}
    for table in tables:
        by_schema.setdefault(table.schema or "public", {})[table.name] = table
    return [
        difference
        for schema, named in sorted(by_schema.items())
        for difference in _differences_in(connection, schema, named)
    ]


def _differences_in(
    connection: Connection, schema: str, tables: Mapping[str, Table]
) -> Iterable[TableDifference]:
    with rolled_back(connection):
        make_twins(connection, tables.values())
        twins = connection.scalar(text("select pg_my_temp_schema()::regnamespace::text"))
        read = read_tables(connection, [schema, str(twins)])
    for name, table in tables.items():
        found = read.get((schema, name))
        declared = with_keys(read[str(twins), name], table, found)
        if found is not None and found != declared:
            yield TableDifference(table, reflected(connection, table), found, declared)


def reflected(connection: Connection, table: Table) -> Table:
    """Return a table as the database has it."""
    return Table(table.name, MetaData(), schema=table.schema, autoload_with=connection)


def _differ(found: Mapping[str, Any], declared: Mapping[str, Any], *what: str) -> bool:
    return any(found[each] != declared[each] for each in what)


def _default(column: Column[Any]) -> DefaultClause | None:
    # One that only says "the database fills it" is none.
    return column.server_default if isinstance(column.server_default, DefaultClause) else None
