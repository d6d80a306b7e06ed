"""What Alembic does not see of tables: checks, keys and indexes by what they mean.

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
    CreateCheckConstraintOp,
    CreateIndexOp,
    DropConstraintOp,
    DropIndexOp,
)
from sqlalchemy import Connection, Constraint, Table, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from townhall.migrate.simulation import run_script
from townhall.pg.catalog import empty_search_path, rows

_TEMPORARY = "pg_temp"
_dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call] # SQLAlchemy's

TableName = tuple[str, str]


@dataclass(frozen=True)
class TableState:
    """A table as the catalog tells it.

    Attributes:
        columns: What each column is: type, collation, default and so on, by name.
        constraints: The definitions of checks, unique constraints and the primary key, by name.
        indexes: The definitions of the other indexes, by name.
    """

    columns: Mapping[str, Mapping[str, Any]]
    constraints: Mapping[str, str]
    indexes: Mapping[str, str]


@dataclass(frozen=True)
class TableDifference:
    """A table that is not what is declared.

    Attributes:
        table: The declared table.
        found: What the database has.
        declared: What it would have.
    """

    table: Table
    found: TableState
    declared: TableState

    def operations(self, reflected: Table) -> Iterable[MigrateOperation]:
        """Yield what makes the table as declared.

        Args:
            reflected: The table as the database has it, for the way back.
        """
        yield from self._columns(reflected)
        yield from self._constraints(reflected)
        yield from self._indexes(reflected)

    def _columns(self, reflected: Table) -> Iterable[MigrateOperation]:
        for name, declared in sorted(self.declared.columns.items()):
            found = self.found.columns.get(name)
            if found is None or found == declared or _is_from_sequence(found, declared):
                continue
            column, before = self.table.columns[name], reflected.columns[name]
            yield AlterColumnOp(
                self.table.name,
                name,
                schema=self.table.schema,
                existing_type=before.type,
                existing_nullable=before.nullable,
                existing_server_default=before.server_default,
                existing_comment=before.comment,
                modify_type=column.type if found["type"] != declared["type"] else None,
                modify_nullable=column.nullable if found["null"] != declared["null"] else None,
                modify_server_default=(
                    column.server_default if found["default"] != declared["default"] else False
                ),
            )

    def _constraints(self, reflected: Table) -> Iterable[MigrateOperation]:
        declared = _by_name(self.table.constraints)
        for name in sorted({*self.found.constraints, *self.declared.constraints}):
            found, wanted = self.found.constraints.get(name), self.declared.constraints.get(name)
            if found == wanted:
                continue
            if found is not None:
                yield self._drop_constraint(name, found, reflected)
            if wanted is not None:
                yield AddConstraintOp.from_constraint(declared[name])

    def _drop_constraint(self, name: str, found: str, reflected: Table) -> DropConstraintOp:
        if found.startswith("CHECK "):
            reverse: AddConstraintOp = CreateCheckConstraintOp(
                name, self.table.name, _condition(found), schema=self.table.schema
            )
            kind = "check"
        else:
            reverse = AddConstraintOp.from_constraint(_by_name(reflected.constraints)[name])
            kind = "primary" if found.startswith("PRIMARY ") else "unique"
        return DropConstraintOp(
            name, self.table.name, type_=kind, schema=self.table.schema, _reverse=reverse
        )

    def _indexes(self, reflected: Table) -> Iterable[MigrateOperation]:
        declared = {str(index.name): index for index in self.table.indexes}
        before = {str(index.name): index for index in reflected.indexes}
        for name, wanted in sorted(self.declared.indexes.items()):
            if self.found.indexes.get(name) == wanted:
                continue
            if name in before:
                yield DropIndexOp.from_index(before[name])
            yield CreateIndexOp.from_index(declared[name])


def differences(connection: Connection, tables: Sequence[Table]) -> list[TableDifference]:
    """Return the tables that are not what is declared.

    Args:
        connection: A connection within a transaction that is going to be rolled back; the
            declared tables are made in it as temporary ones.
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
    run_script(connection, (sql for table in tables.values() for sql in _temporary(table)))
    found = _read(connection, schema, list(tables))
    temporary = connection.scalar(text("select pg_my_temp_schema()::regnamespace::text"))
    declared = _read(connection, str(temporary), list(tables))
    run_script(
        connection,
        (f"drop table {_TEMPORARY}.{_dialect.identifier_preparer.quote(name)}" for name in tables),
    )
    for name, table in tables.items():
        if name in found and found[name] != declared[name]:
            yield TableDifference(table, found[name], declared[name])


def _temporary(table: Table) -> Iterable[str]:
    translate = dict.fromkeys((None, table.schema), _TEMPORARY)
    elements: list[DDLElement] = [CreateTable(table, include_foreign_key_constraints=[])]
    elements += map(CreateIndex, sorted(table.indexes, key=lambda index: str(index.name)))
    for element in elements:
        yield str(
            element.compile(
                dialect=_dialect, schema_translate_map=translate, render_schema_translate=True
            )
        )


def _read(connection: Connection, schema: str, tables: Sequence[str]) -> dict[str, TableState]:
    with empty_search_path(connection):
        return {
            row["table"]: TableState(
                columns=row["columns"], constraints=row["constraints"], indexes=row["indexes"]
            )
            for row in rows(connection, _QUERY, [schema])
            if row["table"] in tables
        }


def _is_from_sequence(found: Mapping[str, Any], declared: Mapping[str, Any]) -> bool:
    # The sequence of a temporary table has another name.
    return all("nextval(" in (each["default"] or "") for each in (found, declared))


def _condition(definition: str) -> str:
    return definition.removeprefix("CHECK ").removesuffix(" NOT VALID").removeprefix("(")[:-1]


def _by_name(constraints: Iterable[Constraint]) -> dict[str, Constraint]:
    # As the database has them: names of more than 63 bytes are shortened.
    preparer = _dialect.identifier_preparer
    names = ((preparer.format_constraint(each), each) for each in constraints)
    return {name.strip('"'): each for name, each in names if name is not None}


_QUERY = """
    select
        c.relname as table,
        coalesce((
            select jsonb_object_agg(a.attname, jsonb_build_object(
                'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'null', not a.attnotnull,
                'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
                'generated', a.attgenerated,
                'identity', a.attidentity,
                'collation', nullif(a.attcollation, t.typcollation)::regcollation::text
            ))
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_type as t on t.oid = a.atttypid
            left join pg_catalog.pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ), '{}') as columns,
        coalesce((
            select jsonb_object_agg(o.conname, pg_catalog.pg_get_constraintdef(o.oid))
            from pg_catalog.pg_constraint as o
            where o.conrelid = c.oid and o.contype in ('c', 'p', 'u')
        ), '{}') as constraints,
        coalesce((
            select jsonb_object_agg(
                i.relname,
                case when x.indisunique then 'UNIQUE ' else '' end
                    || case when x.indisvalid then '' else 'INVALID ' end
                    || substring(pg_catalog.pg_get_indexdef(i.oid) from ' USING .*$')
            )
            from pg_catalog.pg_index as x
            join pg_catalog.pg_class as i on i.oid = x.indexrelid
            where x.indrelid = c.oid
                and not exists (
                    select from pg_catalog.pg_constraint as o
                    where o.conindid = i.oid and o.conrelid = c.oid
                )
        ), '{}') as indexes
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = any (:schemas)
"""
