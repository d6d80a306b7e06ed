"""Foreign keys of a cycle of tables, which are created after the tables and dropped before them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateForeignKeyOp, CreateTableOp, DropTableOp
from sqlalchemy import Connection, ForeignKeyConstraint, MetaData, Table, text

from townhall.migrate.operations.constraints import AddDefinedOp, DropDefinedOp
from townhall.pg import sql

TableName = tuple[str, str]
References = Mapping[TableName, set[TableName]]


def with_cycles_apart(
    connection: Connection, operations: Sequence[MigrateOperation]
) -> list[MigrateOperation]:
    """Return operations in which no tables that are created or dropped refer to each other.

    Args:
        connection: A connection to the database.
        operations: The operations on tables.
    """
    created = [each for each in operations if isinstance(each, CreateTableOp)]
    dropped = [each for each in operations if isinstance(each, DropTableOp)]
    return [*_drops(connection, dropped), *operations, *_additions(created)]


def _additions(creations: Iterable[CreateTableOp]) -> list[CreateForeignKeyOp]:
    keys = {
        _name(operation): [
            each for each in operation.columns if isinstance(each, ForeignKeyConstraint)
        ]
        for operation in creations
    }
    references = {name: set(map(_referred, each)) for name, each in keys.items()}
    additions: list[CreateForeignKeyOp] = []
    for operation in creations:
        name = _name(operation)
        apart = [key for key in keys[name] if _is_of_cycle(name, _referred(key), references)]
        operation.columns = [
            each for each in operation.columns if not any(each is key for key in apart)
        ]
        additions += map(_addition, apart)
    return additions


def _addition(key: ForeignKeyConstraint) -> CreateForeignKeyOp:
    addition: CreateForeignKeyOp = CreateForeignKeyOp.from_constraint(key)
    # Without a name the downgrade could not drop it: this is the one that PostgreSQL gives.
    addition.constraint_name = key.name or "_".join([key.table.name, *key.column_keys, "fkey"])
    return addition


def _drops(connection: Connection, drops: Sequence[DropTableOp]) -> Iterable[DropDefinedOp]:
    names = [sql.qualified(*_name(operation)) for operation in drops]
    found = (
        connection.execute(text(_FOREIGN_KEYS), {"names": names}).all() if len(drops) > 1 else ()
    )
    references: dict[TableName, set[TableName]] = defaultdict(set)
    for row in found:
        references[row.schema, row.table].add((row.referred_schema, row.referred))
    apart: dict[TableName, set[str]] = defaultdict(set)
    for row in found:
        name = (row.schema, row.table)
        if _is_of_cycle(name, (row.referred_schema, row.referred), references):
            apart[name].add(row.name)
            table = Table(row.table, MetaData(), schema=row.schema)
            yield DropDefinedOp(AddDefinedOp(table, row.name, row.definition))
    for operation in drops:
        _forget(operation, apart[_name(operation)])


def _forget(drop: DropTableOp, names: set[str]) -> None:
    # The reverse of the table's drop creates it without these keys.
    creation = drop._reverse  # noqa: SLF001 - there is no public way
    if names and creation is not None:
        creation.columns = [
            each
            for each in creation.columns
            if not (isinstance(each, ForeignKeyConstraint) and each.name in names)
        ]


def _is_of_cycle(table: TableName, referred: TableName, references: References) -> bool:
    # A table can refer to itself.
    reached: set[TableName] = set()
    pending = {referred} - {table}
    while pending:
        reached |= pending
        pending = {each for name in pending for each in references.get(name, ())} - reached
    return table in reached


def _name(operation: CreateTableOp | DropTableOp) -> TableName:
    return (operation.schema or "public", operation.table_name)


def _referred(key: ForeignKeyConstraint) -> TableName:
    *schema, table, _ = key.elements[0].target_fullname.split(".")
    return (schema[0] if schema else "public", table)


_FOREIGN_KEYS = """
    select
        n.nspname as schema,
        c.relname as table,
        k.conname as name,
        rn.nspname as referred_schema,
        r.relname as referred,
        pg_catalog.pg_get_constraintdef(k.oid) as definition
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as c on c.oid = k.conrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_class as r on r.oid = k.confrelid
    join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
    where k.contype = 'f'
        and k.conparentid = 0
        and k.conrelid = any (cast(:names as regclass[]))
        and k.confrelid = any (cast(:names as regclass[]))
    order by 1, 2, 3
"""
