"""Declared tables in a form that Alembic writes into a revision in full.

Of a new table Alembic does not write checks that belong to a column, the names that the naming
convention gives to checks of types, and foreign keys of a cycle of tables. Of a new column it does
not write the checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    CreateTableCommentOp,
    CreateTableOp,
    CreateUniqueConstraintOp,
    DropIndexOp,
    DropTableCommentOp,
)
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Constraint,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler
from sqlalchemy.schema import Sequence as NumberSequence
from sqlalchemy.schema import conv
from sqlalchemy.types import Boolean, Enum, TypeDecorator, TypeEngine

from townhall.migrate.compare.constraints import (
    by_name,
    foreign_key_operation,
    key_definition,
    without_foreign_keys,
)
from townhall.migrate.compare.copies import copied, named_type
from townhall.migrate.compare.serials import serial_type
from townhall.migrate.operations.comments import TableCommentOp
from townhall.migrate.operations.constraints import AddDefinedOp
from townhall.pg import sql
from townhall.pg.dialect import named_dialect

BUILDING = "postgresql_concurrently"
"""The option of how an index is built, which the form of the revision decides."""

_dialect = named_dialect()
_compiler = PGDDLCompiler(_dialect, None)  # type: ignore[arg-type] # nothing to compile


def normalized(table: Table) -> Table:
    """Return a table whose checks all belong to the table, and which creates no enum type.

    The columns of its primary key are not null, as PostgreSQL has them.

    A table that is already so is returned unchanged.

    Args:
        table: A declared table.
    """
    others = _checks_of_columns_and_types(table)
    if not others and not any(
        _has_named_type(each) or _has_sequence(each) or _is_nullable_key(each)
        for each in table.columns
    ):
        return table
    copy = copied(table, MetaData(naming_convention=table.metadata.naming_convention))
    copy.constraints.difference_update({each for each in copy.constraints if _is_of_type(each)})
    for column in copy.columns:
        column.constraints.clear()
        if isinstance(column.type, Boolean | Enum):
            column.type.create_constraint = False
        if _has_named_type(column):
            column.type = _without_creation(column.type)
        if _is_nullable_key(column):
            column.nullable = False
        if _has_sequence(column):
            # Alembic writes no sequence, without which a key would be serial.
            column.autoincrement = False
    for check in others:
        if check._should_create_for_compiler(_compiler):  # noqa: SLF001 - PostgreSQL has booleans, which need no check
            copy.append_constraint(_as_table_check(check))
    return copy


def normalized_operations(
    operations: Sequence[MigrateOperation], tables: Sequence[Table]
) -> Iterable[MigrateOperation]:
    """Yield operations that create tables and columns as they are written into a revision.

    A changed index is left to the comparison of tables: Alembic compares the text of expressions,
    which PostgreSQL normalizes.

    Args:
        operations: The operations of Alembic's comparison.
        tables: The declared tables, in their normalized form.
    """
    declared = {(table.schema, table.name): table for table in tables}
    foreign_keys: list[MigrateOperation] = []
    changed = _indexes(operations, DropIndexOp) & _indexes(operations, CreateIndexOp)
    for operation in operations:
        if isinstance(operation, CreateIndexOp | DropIndexOp) and _index_name(operation) in changed:
            continue
        if isinstance(operation, AlterColumnOp) and _is_never_null(operation, declared):
            continue
        if isinstance(operation, AlterColumnOp):
            # Alembic itself warns that it makes sense for MySQL alone.
            operation.kw.pop("autoincrement", None)
        if isinstance(operation, CreateIndexOp):
            operation.kw.pop(BUILDING, None)
        if isinstance(operation, CreateTableOp | AddColumnOp):
            table = declared.get((operation.schema, operation.table_name))
            if table is not None:
                foreign_keys += _normalize(operation, table)
        elif isinstance(operation, CreateUniqueConstraintOp | CreateForeignKeyOp):
            _name_constraint(operation)
        yield _written_in_full(operation, declared)
    yield from foreign_keys


def _name_constraint(operation: CreateUniqueConstraintOp | CreateForeignKeyOp) -> None:
    # Without a name the downgrade could not drop it.
    if operation.constraint_name is not None:
        return
    if isinstance(operation, CreateForeignKeyOp):
        name = sql.generated_name(operation.source_table, operation.local_cols, "fkey")
    else:
        name = sql.generated_name(operation.table_name, operation.columns, "key")
    operation.constraint_name = conv(name)


def _written_in_full(
    operation: MigrateOperation, declared: Mapping[tuple[str | None, str], Table]
) -> MigrateOperation:
    if isinstance(operation, CreateUniqueConstraintOp) and _includes(operation):
        return _as_defined(operation, declared[operation.schema, operation.table_name])
    if isinstance(operation, CreateTableCommentOp | DropTableCommentOp) and (
        TableCommentOp.is_needed(operation)
    ):
        return TableCommentOp(operation)
    return operation


def _includes(operation: CreateUniqueConstraintOp) -> bool:
    # Alembic's operation has no table with the columns that the index merely includes.
    return bool(operation.kw.get("postgresql_include"))


def _as_defined(operation: CreateUniqueConstraintOp, table: Table) -> AddDefinedOp:
    (key,) = (
        each
        for name, each in by_name(table.constraints, None).items()
        if name == operation.constraint_name
    )
    assert isinstance(key, UniqueConstraint)  # noqa: S101 - the operation was made of it
    return AddDefinedOp(table, str(operation.constraint_name), key_definition(key))


def _is_never_null(
    operation: AlterColumnOp, declared: Mapping[tuple[str | None, str], Table]
) -> bool:
    # SQLAlchemy takes a column of a domain that refuses NULL for one that refuses NULL itself.
    domain = operation.existing_type
    of_domain = isinstance(domain, postgresql.DOMAIN) and domain.not_null
    table = declared.get((operation.schema, operation.table_name))
    of_key = table is not None and operation.column_name in {
        each.name for each in table.primary_key
    }
    if (of_domain or of_key) and operation.modify_nullable:
        operation.modify_nullable = None
        return not operation.has_changes()
    return False


def _index_name(operation: CreateIndexOp | DropIndexOp) -> tuple[str | None, str | None]:
    return (operation.schema, operation.index_name)


def _indexes(
    operations: Sequence[MigrateOperation], kind: type[CreateIndexOp | DropIndexOp]
) -> set[tuple[str | None, str | None]]:
    return {_index_name(operation) for operation in operations if isinstance(operation, kind)}


def _normalize(
    operation: CreateTableOp | AddColumnOp, table: Table
) -> Iterable[CreateForeignKeyOp]:
    if isinstance(operation, AddColumnOp):
        column = table.columns[operation.column.key]
        operation.column = _without_index(column)
        operation.column.type = serial_type(column) or column.type
        return []
    # Those of a cycle are added when all tables exist.
    foreign_keys = [each for each in table.foreign_key_constraints if each.use_alter]
    constraints = map(_without_options, table.constraints)
    operation.columns = without_foreign_keys([*table.columns, *constraints], foreign_keys)
    return list(map(foreign_key_operation, foreign_keys))


def _without_index(column: Column[Any]) -> Column[Any]:
    # Its index and unique constraint are operations of their own.
    copy = column._copy()  # noqa: SLF001 - as Alembic does
    copy.index = copy.unique = None
    return copy


def _checks_of_columns_and_types(table: Table) -> list[CheckConstraint]:
    of_columns = [each for column in table.columns for each in column.constraints]
    of_types = sorted(filter(_is_of_type, table.constraints), key=lambda each: str(each.name))
    return [each for each in [*of_columns, *of_types] if isinstance(each, CheckConstraint)]


def _has_named_type(column: Column[Any]) -> bool:
    return named_type(column.type) is not None


def _has_sequence(column: Column[Any]) -> bool:
    return isinstance(column.default, NumberSequence) and not column.default.optional


def _is_nullable_key(column: Column[Any]) -> bool:
    # As ``Mapped[int | None]`` declares one.
    return column.primary_key and bool(column.nullable)


def _without_creation(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(type_, TypeDecorator):
        return _without_creation(type_.load_dialect_impl(_dialect))
    if isinstance(type_, ARRAY):
        return postgresql.ARRAY(_without_creation(type_.item_type), dimensions=type_.dimensions)
    if isinstance(type_, postgresql.DOMAIN):
        return postgresql.DOMAIN(
            str(type_.name), type_.data_type, schema=type_.schema, create_type=False
        )
    assert isinstance(type_, Enum)  # noqa: S101 - _has_named_type said so
    return postgresql.ENUM(*type_.enums, name=type_.name, schema=type_.schema, create_type=False)


def _is_of_type(constraint: Constraint) -> bool:
    return constraint._type_bound  # noqa: SLF001 - there is no public way


def _without_options(constraint: Constraint) -> Constraint:
    # Alembic writes a primary key without its options; the comparison finds and adds them.
    if not isinstance(constraint, PrimaryKeyConstraint):
        return constraint
    return PrimaryKeyConstraint(*constraint.columns.keys(), name=_name(constraint))


def _as_table_check(check: CheckConstraint) -> CheckConstraint:
    condition = _compiler.sql_compiler.process(
        check.sqltext, include_table=False, literal_binds=True
    )
    return CheckConstraint(
        sql.statement(condition), name=_name(check), info=check.info, **check.dialect_kwargs
    )


def _name(constraint: Constraint) -> str | None:
    return constraint.name if isinstance(constraint.name, str) else None
