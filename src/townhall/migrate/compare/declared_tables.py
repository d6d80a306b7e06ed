"""Declared tables as PostgreSQL describes them: they are created as temporary tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Connection,
    Constraint,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDDLCompiler, PGDialect
from sqlalchemy.exc import CompileError, DBAPIError
from sqlalchemy.schema import CreateIndex

from townhall.migrate.compare.comments import declared_comments
from townhall.migrate.compare.constraints import (
    by_name,
    clauses_of_check,
    foreign_keys,
    is_same_key,
    key_definition,
)
from townhall.migrate.compare.copies import options_of
from townhall.migrate.compare.numbers import specification_without_sequence, with_numbers
from townhall.migrate.compare.table_states import SERIAL, TableState
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.savepoints import attempt, run_script
from townhall.pg.catalog import TEMPORARY
from townhall.pg.dialect import named_dialect

_UNIQUE = "UNIQUE "
_NOT_VALID = " NOT VALID"
_dialect = named_dialect()
_compiler = PGDDLCompiler(_dialect, None)  # type: ignore[arg-type] # nothing to compile


def create_temporary(connection: Connection, tables: Iterable[Table]) -> dict[str, DBAPIError]:
    """Create declared tables as temporary tables of the same names.

    Args:
        connection: A connection within a transaction that is going to be rolled back.
        tables: The declared tables.

    Returns:
        PostgreSQL's errors on those that it refuses, by the table's name.

    Raises:
        CompileError: A text has what SQLAlchemy takes for a parameter, and no value for it.
    """
    # One for all tables: it makes another one for expressions.
    compiler = PGDDLCompiler(_dialect_of(connection), None)  # type: ignore[arg-type] # nothing to compile
    temporary = [_TemporaryTable(table, compiler) for table in tables]

    def create(*, stored: bool) -> Callable[[], None]:
        lines = (line for table in temporary for line in table.statements(stored=stored))
        return lambda: run_script(connection, lines)

    if attempt(connection, create(stored=False)) and attempt(connection, create(stored=True)):
        errors = {
            each.table.name: attempt(connection, each.create(connection)) for each in temporary
        }
        return {name: error for name, error in errors.items() if error is not None}
    return {}


def _dialect_of(connection: Connection) -> PGDialect:
    # Whether a generated column is virtual by default depends on the server.
    dialect = named_dialect()
    option = "supports_virtual_generated_columns"
    setattr(dialect, option, getattr(connection.dialect, option, False))
    dialect.statement_compiler = _ExpressionCompiler
    return dialect


class _ExpressionCompiler(PGCompiler):
    # SQLAlchemy writes null in place of a parameter without a value.
    def visit_bindparam(
        self,
        bindparam: BindParameter[Any],
        *args: Any,  # noqa: ANN401 - SQLAlchemy's
        **options: Any,  # noqa: ANN401 - SQLAlchemy's
    ) -> str:
        if bindparam.required:
            raise CompileError(
                f"SQLAlchemy takes :{bindparam.key} in a text for a parameter, which has no value:"
                f" write \\:{bindparam.key} in a raw string, or give bindparams() its value"
            )
        rendered: str = super().visit_bindparam(bindparam, *args, **options)  # type: ignore[no-untyped-call] # SQLAlchemy's
        return rendered


@dataclass(frozen=True)
class _TemporaryTable:
    # It has the columns, checks, exclusions and indexes of a declared table. A partitioned table
    # has no storage and is created in half the time. Its unique indexes would have to contain the
    # partition key, so indexes are created without "unique". A few types can't be a partition key,
    # and older versions have no exclusions on partitioned tables: then it is stored.
    table: Table
    compiler: PGDDLCompiler

    def create(self, connection: Connection) -> Callable[[], None]:
        return lambda: run_script(connection, self.statements(stored=True))

    def statements(self, *, stored: bool) -> Iterable[str]:
        try:
            yield from self._statements(stored=stored)
        except CompileError as error:
            raise CompileError(f"table {qualified_name(self.table)}: {error}") from error

    def _statements(self, *, stored: bool) -> Iterable[str]:
        compiler = self.compiler
        quote = _dialect.identifier_preparer.quote
        name = f"{TEMPORARY}.{quote(self.table.name)}"
        parts = [specification_without_sequence(compiler, each) for each in self.table.columns]
        parts += [compiler.process(each) for each in _checks_and_exclusions(self.table)]
        keys = [quote(each.name) for each in self.table.primary_key or self.table.columns]
        excludes = any(isinstance(each, ExcludeConstraint) for each in self.table.constraints)
        is_stored = stored or excludes or not keys
        partitions = "" if is_stored else f" partition by list ({keys[0]})"
        yield f"create table {name} ({', '.join(parts)}){partitions}"
        for index in _sorted_indexes(self.table):
            yield (
                compiler.process(CreateIndex(index))
                .replace(_on(self.table), f" ON {name} ", 1)
                .replace("CREATE UNIQUE ", "CREATE ", 1)
                .replace("CREATE INDEX CONCURRENTLY ", "CREATE INDEX ", 1)
            )


def _checks_and_exclusions(table: Table) -> list[Constraint]:
    kinds = (CheckConstraint, ExcludeConstraint)
    return [each for each in table.constraints if isinstance(each, kinds)]


def _sorted_indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _on(table: Table) -> str:
    return f" ON {_dialect.identifier_preparer.format_table(table)} "


def with_keys(temporary: TableState, table: Table, actual: TableState | None) -> TableState:
    """Return the declared state of a table: that of its temporary table, with its keys.

    Args:
        temporary: The state of the temporary table, which has no keys.
        table: The declared table.
        actual: The state of the table in the database, if it exists.
    """
    constraints = by_name(table.constraints, actual)
    former = {} if actual is None else actual.constraints
    keys = {
        name: _key(each, former.get(name))
        for name, each in constraints.items()
        if isinstance(each, PrimaryKeyConstraint | UniqueConstraint) and len(each.columns)
    }
    written = {
        name: f"{definition}{clauses_of_check(constraints[name])}"
        if name in constraints
        else definition
        for name, definition in temporary.constraints.items()
    }
    not_valid = {
        name: definition
        for name, each in constraints.items()
        if _may_be_not_valid(each)
        and (definition := _not_valid(former.get(name), written.get(name)))
    }
    columns = {column.name: column for column in table.columns}
    unique = {str(index.name) for index in table.indexes if index.unique}
    indexes = {
        name: f"{_UNIQUE}{text}" if name in unique else text
        for name, text in temporary.indexes.items()
    }
    return replace(
        temporary,
        columns={
            name: _owned(name, with_numbers(_compiler, columns[name], each), actual)
            for name, each in temporary.columns.items()
        },
        # What the table inherits need not be declared.
        constraints={
            **({} if actual is None else actual.inherited),
            **written,
            **keys,
            **not_valid,
        },
        foreign_keys={} if actual is None else foreign_keys(table, actual.foreign_keys),
        indexes=indexes,
        comments=declared_comments(table, actual),
    )


def _key(key: PrimaryKeyConstraint | UniqueConstraint, actual: str | None) -> str:
    definition = key_definition(key)
    return definition if actual is None or not is_same_key(definition, actual) else actual


def _may_be_not_valid(constraint: Constraint) -> bool:
    return isinstance(constraint, CheckConstraint | ForeignKeyConstraint) and bool(
        options_of(constraint).get("not_valid")
    )


def _not_valid(actual: str | None, declared: str | None) -> str | None:
    # PostgreSQL takes a constraint of a new table for valid, which is more than is declared. A
    # foreign key is compared by Alembic, which does not look at this.
    if declared is None:
        return actual
    return declared if actual == declared else f"{declared}{_NOT_VALID}"


def _owned(name: str, declared: Mapping[str, Any], actual: TableState | None) -> Mapping[str, Any]:
    # A column may own a declared sequence, and be a serial one thereby.
    column = actual.described.get(name) if actual is not None else None
    if column is None or not column.sequence or column.default != declared["default"]:
        return declared
    options = actual.columns[name]["sequence"] if actual is not None else []
    return {**declared, "default": SERIAL, "sequence": options}
