"""What Alembic does not see of tables: checks, keys and indexes by what they mean.

When Alembic's own operations have been applied, a table should be what is declared. So the declared
tables are made once more as temporary tables, and what PostgreSQL says of the two is compared:
whatever differs still is what Alembic missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddConstraintOp,
    AlterColumnOp,
    CreateCheckConstraintOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    CreateUniqueConstraintOp,
    DropConstraintOp,
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
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex

from townhall.migrate.simulation import attempt, rolled_back, run_script
from townhall.migrate.statements import StatementsOp
from townhall.pg import sql
from townhall.pg.catalog import empty_search_path, rows

_TEMPORARY = "pg_temp"
_UNIQUE = "UNIQUE "
_KINDS = {
    "CHECK ": "check",
    "EXCLUDE ": "exclude",
    "FOREIGN KEY ": "foreign_key",
    "PRIMARY KEY ": "primary_key",
    _UNIQUE: "unique",
}
_dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call] # SQLAlchemy's

TableName = tuple[str, str]


class AddCheckOp(CreateCheckConstraintOp):
    """Add a check; Alembic's own does not say its name."""

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("add_check", "events", "ck_events_status_known")``."""
        return ("add_check", self.schema, self.table_name, self.constraint_name)


class AddDefinedOp(StatementsOp):
    """Add a constraint as PostgreSQL defines it, which says more than Alembic can."""

    def __init__(self, table: Table, name: str, definition: str) -> None:
        """Take the table, and the name and definition of the constraint."""
        self.table, self.constraint_name, self.definition = table, name, definition
        self.kind = next(kind for start, kind in _KINDS.items() if definition.startswith(start))

    @property
    def statements(self) -> Sequence[str]:
        """The addition."""
        name = sql.quote(self.constraint_name)
        return [f"{_alter(self.table)} add constraint {name}\n{self.definition}"]

    def reverse(self) -> DropDefinedOp:
        """Return the drop of the same constraint."""
        return DropDefinedOp(self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("add_primary_key", "public", "events", "pk_events")``."""
        return (f"add_{self.kind}", self.table.schema, self.table.name, self.constraint_name)


class DropDefinedOp(DropConstraintOp):
    """Drop a constraint that comes back as PostgreSQL had defined it."""

    def __init__(self, before: AddDefinedOp) -> None:
        """Take what brings it back."""
        super().__init__(before.constraint_name, before.table.name, schema=before.table.schema)
        self.before = before

    def reverse(self) -> AddDefinedOp:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # theirs are built differently
        """Return what brings it back."""
        return self.before

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("remove_check", "public", "events", "ck_events_status_known")``."""
        return (f"remove_{self.before.kind}", self.schema, self.table_name, self.constraint_name)


class RenameConstraintOp(StatementsOp):
    """Rename a constraint, which is the same otherwise."""

    def __init__(self, table: Table, old: str, new: str) -> None:
        """Take the table and both names."""
        self.table, self.old, self.new = table, old, new

    @property
    def statements(self) -> Sequence[str]:
        """The change of the name."""
        old, new = sql.quote(self.old), sql.quote(self.new)
        return [f"{_alter(self.table)} rename constraint {old} to {new}"]

    def reverse(self) -> RenameConstraintOp:
        """Return the way back."""
        return RenameConstraintOp(self.table, self.new, self.old)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("rename_constraint", "public", "events", "pk_old", "pk_events")``."""
        return ("rename_constraint", self.table.schema, self.table.name, self.old, self.new)


class AlterIdentityOp(StatementsOp):
    """Let a column count by itself, in another way, or no longer."""

    def __init__(
        self, table: Table, column: str, before: Sequence[str], after: Sequence[str]
    ) -> None:
        """Take the column, and the clauses of its identity: none where it does not count."""
        self.table, self.column, self.before, self.after = table, column, before, after

    @property
    def statements(self) -> Sequence[str]:
        """The change of the column, whose next number stays what it is."""
        return [f"{_alter(self.table)} alter column {sql.quote(self.column)}\n{self._change()}"]

    def _change(self) -> str:
        if not self.after:
            return "drop identity"
        if self.before:
            return " ".join(f"set {clause}" for clause in self.after)
        kind, *options = self.after
        return f"add {kind} as identity ({' '.join(options)})"

    def reverse(self) -> AlterIdentityOp:
        """Return the way back."""
        return AlterIdentityOp(self.table, self.column, self.after, self.before)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what it is: ``("alter_identity", "public", "events", "number")``."""
        return ("alter_identity", self.table.schema, self.table.name, self.column)


def _alter(table: Table) -> str:
    return f"alter table {_name(table)}"


def _name(table: Table) -> str:
    return f"{sql.quote(table.schema or 'public')}.{sql.quote(table.name)}"


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
class TableState:
    """A table as the catalog tells it.

    Attributes:
        columns: What each column is: type, collation, default and so on, by name.
        constraints: The definitions, by name, of checks, exclusions, unique constraints, the
            primary key and those foreign keys that are not valid.
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
        raise CommandError(
            f"the column {_name(self.table)}.{name} is {was}, and is declared to be {will}."
            " PostgreSQL changes that in no version but by dropping the column: write a revision"
            " that drops it and adds it again, with its indexes, constraints and grants."
            + (
                f" One that computes no more keeps its values: {_alter(self.table)} alter column"
                f" {sql.quote(name)} drop expression."
                if declared is None
                else ""
            )
        )

    def _constraints(self) -> Iterable[MigrateOperation]:
        found, wanted = dict(self.found.constraints), self.declared.constraints
        declared = _by_name(self.table.constraints, self.found)
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
        _make_twins(connection, tables.values())
        twins = connection.scalar(text("select pg_my_temp_schema()::regnamespace::text"))
        read = read_tables(connection, [schema, str(twins)])
    for name, table in tables.items():
        found = read.get((schema, name))
        declared = _with_keys(read[str(twins), name], table, found)
        if found is not None and found != declared:
            yield TableDifference(table, reflected(connection, table), found, declared)


def reflected(connection: Connection, table: Table) -> Table:
    """Return a table as the database has it."""
    return Table(table.name, MetaData(), schema=table.schema, autoload_with=connection)


def _make_twins(connection: Connection, tables: Iterable[Table]) -> None:
    dialect = _dialect_of(connection)
    twins = [_Twin(table, dialect) for table in tables]

    def make(*, stored: bool) -> Callable[[], None]:
        lines = (line for twin in twins for line in twin.statements(stored=stored))
        return lambda: run_script(connection, lines)

    if attempt(connection, make(stored=False)) and attempt(connection, make(stored=True)):
        for twin in twins:
            twin.make(connection)


def _dialect_of(connection: Connection) -> PGDialect:
    # What a computed column is depends on the server, where SQLAlchemy knows that.
    dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call] # SQLAlchemy's
    option = "supports_virtual_generated_columns"
    setattr(dialect, option, getattr(connection.dialect, option, False))
    return dialect


@dataclass(frozen=True)
class _Twin:
    # A temporary table with the columns, checks and indexes of a declared one. A partitioned table
    # has no storage and is made in half the time, but its unique indexes would have to contain the
    # key of the partitions, so that none is made; a column of few types can't be that key, and few
    # versions can exclude rows of one.
    table: Table
    dialect: PGDialect

    def make(self, connection: Connection) -> None:
        try:
            run_script(connection, self.statements(stored=True))
        except DBAPIError as error:
            what = f"PostgreSQL refuses the table {_name(self.table)}"
            raise CommandError(f"{what}: {error.orig}") from error

    def statements(self, *, stored: bool) -> Iterable[str]:
        compiler = self.dialect.ddl_compiler(self.dialect, None)  # type: ignore[arg-type] # nothing to compile
        quote = _dialect.identifier_preparer.quote
        name = f"{_TEMPORARY}.{quote(self.table.name)}"
        specify = cast("Callable[[Column[Any]], str]", compiler.get_column_specification)
        parts = [specify(column) for column in self.table.columns]
        parts += [compiler.process(each) for each in _checks_and_exclusions(self.table)]
        key = quote(next(iter(self.table.primary_key or self.table.columns)).name)
        excludes = any(isinstance(each, ExcludeConstraint) for each in self.table.constraints)
        partitions = "" if stored or excludes else f" partition by list ({key})"
        yield f"create table {name} ({', '.join(parts)}){partitions}"
        for index in _sorted_indexes(self.table):
            yield (
                compiler.process(CreateIndex(index))
                .replace(_on(self.table), f" ON {name} ", 1)
                .replace("CREATE UNIQUE ", "CREATE ", 1)
            )


def _checks_and_exclusions(table: Table) -> list[Constraint]:
    kinds = (CheckConstraint, ExcludeConstraint)
    return [each for each in table.constraints if isinstance(each, kinds)]


def _sorted_indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _on(table: Table) -> str:
    return f" ON {_dialect.identifier_preparer.format_table(table)} "


def _with_keys(twin: TableState, table: Table, found: TableState | None) -> TableState:
    keys = {
        name: _key_definition(each)
        for name, each in _by_name(table.constraints, found).items()
        if isinstance(each, PrimaryKeyConstraint | UniqueConstraint) and len(each.columns)
    }
    unique = {str(index.name) for index in table.indexes if index.unique}
    indexes = {
        name: f"{_UNIQUE}{text}" if name in unique else text for name, text in twin.indexes.items()
    }
    return TableState(twin.columns, {**twin.constraints, **keys}, indexes)


def _key_definition(key: PrimaryKeyConstraint | UniqueConstraint) -> str:
    quote = _dialect.identifier_preparer.quote
    options = key.dialect_options["postgresql"]
    columns = ", ".join(quote(column.name) for column in key.columns)
    included = ", ".join(map(quote, options.get("include") or ()))
    parts = [
        "PRIMARY KEY" if isinstance(key, PrimaryKeyConstraint) else "UNIQUE",
        "NULLS NOT DISTINCT" if options.get("nulls_not_distinct") else "",
        f"({columns})",
        f"INCLUDE ({included})" if included else "",
        "DEFERRABLE" if key.deferrable else "",
        "INITIALLY DEFERRED" if (key.initially or "").upper() == "DEFERRED" else "",
    ]
    return " ".join(part for part in parts if part)


def read_tables(connection: Connection, schemas: Sequence[str]) -> dict[TableName, TableState]:
    """Return the tables in some schemas as the catalog tells them.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
    """
    with empty_search_path(connection):
        return {
            (row["schema"], row["table"]): TableState(
                columns=row["columns"], constraints=row["constraints"], indexes=row["indexes"]
            )
            for row in rows(connection, _QUERY, schemas)
        }


def _differ(found: Mapping[str, Any], declared: Mapping[str, Any], *what: str) -> bool:
    return any(found[each] != declared[each] for each in what)


def _default(column: Column[Any]) -> DefaultClause | None:
    # One that only says "the database fills it" is none.
    return column.server_default if isinstance(column.server_default, DefaultClause) else None


def _by_name(constraints: Iterable[Constraint], found: TableState | None) -> dict[str, Constraint]:
    # As the database has them: a name of more than 63 bytes is shortened, and a key without one was
    # named by PostgreSQL.
    preparer = _dialect.identifier_preparer
    return {
        (preparer.format_constraint(each) or "").strip('"')
        if each.name
        else _given_name(each, found): each
        for each in constraints
    }


def _given_name(constraint: Constraint, found: TableState | None) -> str:
    if found is not None and isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
        definition = _key_definition(constraint)
        for name, other in found.constraints.items():
            if other == definition:
                return name
    if isinstance(constraint, PrimaryKeyConstraint):
        return f"{constraint.table.name}_pkey"
    columns = getattr(constraint, "columns", ())
    return "_".join([str(constraint.table.name), *(column.name for column in columns), "key"])


_QUERY = """
    select
        n.nspname as schema,
        c.relname as table,
        coalesce((
            select jsonb_object_agg(a.attname, jsonb_build_object(
                'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'null', not a.attnotnull,
                -- A sequence has its table's name in its own.
                'default', case when a.attgenerated = '' then regexp_replace(
                    pg_catalog.pg_get_expr(d.adbin, d.adrelid), '^nextval.*', 'nextval()'
                ) end,
                'computed', case when a.attgenerated <> '' then
                    pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                    || case a.attgenerated when 's' then ' stored' else ' virtual' end
                end,
                'identity', case when a.attidentity = '' then '[]'::jsonb else (
                    select jsonb_build_array(
                        case a.attidentity
                            when 'a' then 'generated always' else 'generated by default'
                        end,
                        'start with ' || s.seqstart,
                        'increment by ' || s.seqincrement,
                        'minvalue ' || s.seqmin,
                        'maxvalue ' || s.seqmax,
                        'cache ' || s.seqcache,
                        case when s.seqcycle then 'cycle' else 'no cycle' end
                    )
                    from pg_catalog.pg_depend as i
                    join pg_catalog.pg_sequence as s on s.seqrelid = i.objid
                    where i.refclassid = 'pg_catalog.pg_class'::regclass
                        and i.refobjid = c.oid and i.refobjsubid = a.attnum and i.deptype = 'i'
                        and i.classid = 'pg_catalog.pg_class'::regclass
                ) end,
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
            -- Alembic compares foreign keys, but not whether they were ever validated.
            where o.conrelid = c.oid
                and (o.contype in ('c', 'p', 'u', 'x') or o.contype = 'f' and not o.convalidated)
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
    where c.relkind in ('r', 'p') and n.nspname = any (%(schemas)s)
"""
