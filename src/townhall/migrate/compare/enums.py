"""Which enum types of columns differ, of which Alembic makes some and compares none.

Alembic makes one along with a table, not with a column, and drops none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation
from alembic.operations.ops import AlterColumnOp, DropColumnOp, DropTableOp
from alembic.util import CommandError
from sqlalchemy import ARRAY, Connection, Enum, Table, TypeDecorator
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from townhall.migrate.compare.scope import PLATFORM_SCHEMAS
from townhall.migrate.operations.enums import AddValuesOp, CreateEnumOp, DropEnumOp, EnumType
from townhall.pg import catalog

_dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's

EnumName = tuple[str, str]


def native_enum(type_: TypeEngine[Any]) -> Enum | None:
    """Return the enum of PostgreSQL's that a type is, or is an array of.

    Args:
        type_: The type of a column.
    """
    if isinstance(type_, TypeDecorator):
        return native_enum(type_.load_dialect_impl(_dialect))
    if isinstance(type_, ARRAY):
        return native_enum(type_.item_type)
    return type_ if isinstance(type_, Enum) and type_.native_enum else None


def with_enums(
    connection: Connection,
    operations: Sequence[MigrateOperation],
    tables: Iterable[Table],
    schemas: Sequence[str],
) -> list[MigrateOperation]:
    """Return operations with what their enums need, before and after them.

    Args:
        connection: A connection to the database.
        operations: What was found necessary of tables.
        tables: The declared tables.
        schemas: The schemas that are compared.

    Raises:
        CommandError: The values of an enum can't be made the declared ones.
    """
    declared = _declared(tables)
    found = _found(connection, {*schemas, *(schema for schema, _ in declared)})
    made = [_made(enum, found.get(name)) for name, enum in sorted(declared.items())]
    unused = [
        DropEnumOp(each.enum)
        for name, each in sorted(found.items())
        if name not in declared and each.goes_with(operations)
    ]
    return [*(each for each in made if each is not None), *operations, *unused]


@dataclass(frozen=True)
class _Found:
    # An enum of the database, its columns, and whether something else than a table needs it.
    enum: EnumType
    columns: Sequence[Sequence[str]]
    is_held: bool

    def goes_with(self, operations: Sequence[MigrateOperation]) -> bool:
        going = {place for operation in operations for place in _left(operation)}
        places = [{(schema, table), (schema, table, name)} for schema, table, name in self.columns]
        return bool(places) and not self.is_held and all(going & each for each in places)


def _found(connection: Connection, schemas: Iterable[str]) -> Mapping[EnumName, _Found]:
    return {
        (row["schema"], row["name"]): _Found(
            EnumType(row["schema"], row["name"], tuple(row["values"])),
            row["columns"],
            is_held=row["is_held"],
        )
        for row in catalog.rows(connection, _QUERY, sorted(schemas))
    }


def _left(operation: MigrateOperation) -> Iterable[tuple[str, ...]]:
    if isinstance(operation, DropTableOp):
        yield (operation.schema or "public", operation.table_name)
    elif isinstance(operation, DropColumnOp) or (
        isinstance(operation, AlterColumnOp) and operation.modify_type is not None
    ):
        yield (operation.schema or "public", operation.table_name, operation.column_name)


def _declared(tables: Iterable[Table]) -> Mapping[EnumName, EnumType]:
    types = [native_enum(column.type) for table in tables for column in table.columns]
    enums = [
        EnumType(each.schema or "public", str(each.name), tuple(each.enums))
        for each in types
        if each is not None and each.schema not in PLATFORM_SCHEMAS
    ]
    return {(each.schema, each.name): each for each in enums}


def _made(declared: EnumType, found: _Found | None) -> CreateEnumOp | AddValuesOp | None:
    if found is None:
        return CreateEnumOp(declared)
    if found.enum == declared:
        return None
    kept = [value for value in declared.values if value in found.enum.values]
    if kept != list(found.enum.values):
        raise CommandError(
            f"the enum {declared.literal_name} has the values {', '.join(found.enum.values)}, and"
            f" declared are {', '.join(declared.values)}. PostgreSQL takes no value from an enum"
            " and moves none. Rename one in a revision of your own (alter type … rename value …"
            " to …), or make the type anew there: rename it, create it, change its columns to it"
            " (alter table … alter column … type … using …) and drop the renamed one."
        )
    return AddValuesOp(found.enum, declared)


_QUERY = f"""
    select
        n.nspname as schema,
        t.typname as name,
        array(
            select e.enumlabel::text
            from pg_catalog.pg_enum as e
            where e.enumtypid = t.oid
            order by e.enumsortorder
        ) as values,
        coalesce((
            select jsonb_agg(jsonb_build_array(s.nspname, c.relname, a.attname))
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_class as c on c.oid = a.attrelid
            join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
            where a.atttypid in (t.oid, t.typarray)
                and not a.attisdropped and c.relkind in ('r', 'p') and not c.relispartition
        ), '[]') as columns,
        exists (
            select
            from pg_catalog.pg_depend as d
            where d.refclassid = 'pg_catalog.pg_type'::regclass
                and d.refobjid in (t.oid, t.typarray)
                and d.deptype = 'n'
                and d.classid in (
                    'pg_catalog.pg_proc'::regclass,
                    'pg_catalog.pg_rewrite'::regclass,
                    'pg_catalog.pg_type'::regclass
                )
        ) as is_held
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where t.typtype = 'e'
        and n.nspname = any (%(schemas)s)
        and {catalog.not_of_an_extension("pg_type", "t")}
"""
