"""Setting the rows of tables aside, so that no comparison and no trial reads or writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import cast

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    AddConstraintOp,
    AlterColumnOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    DropTableOp,
)
from sqlalchemy import Connection, Table, text

from townhall.migrate.operations.alterations import AlterEntityOp
from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.definitions import BringBackOp
from townhall.migrate.operations.parts import CreatePartOp
from townhall.migrate.operations.table_names import OnTable, name_of, table_of
from townhall.migrate.savepoints import run_script
from townhall.pg import MaterializedView, ReplaceEntityOp, sql
from townhall.pg.catalog import TableName


def set_rows_aside(
    connection: Connection, operations: Sequence[MigrateOperation], schemas: Sequence[str]
) -> None:
    """Empty the tables whose rows operations would read or write, until a savepoint is rolled back.

    PostgreSQL gives an emptied table a new file and leaves the former one as it is, which takes a
    millisecond for any number of rows. The transaction can't be committed any more. Tables that
    refer to an emptied one, or to a table that inherits from it, are emptied with it, because
    PostgreSQL asks for that.

    Args:
        connection: A connection within a savepoint that is going to be rolled back.
        operations: The operations.
        schemas: The schemas that are compared; their tables are emptied if it is not known what an
            operation does, because it is not one of Alembic's or of this package.
    """
    if not operations:
        return
    tables = {name for operation in operations for name in _tables_read_by(operation)}
    types = {name for operation in operations for name in _types_read_by(operation)}
    views: list[MaterializedView] = []
    are_all_known = True
    for operation in operations:
        are_all_known &= _is_known(operation)
        if isinstance(operation, ReplaceEntityOp) and isinstance(
            operation.target, MaterializedView
        ):
            views.append(operation.target)
    statements = [
        *_empty(connection, tables, types, () if are_all_known else schemas),
        *(f"refresh materialized view {view.literal_name} with no data" for view in views),
    ]
    _run(connection, statements)


def set_tables_aside(connection: Connection, tables: Iterable[TableName]) -> None:
    """Empty tables as :func:`set_rows_aside` does.

    Args:
        connection: A connection within a savepoint that is going to be rolled back.
        tables: The tables; those of other roles are left as they are.
    """
    _run(connection, [*_empty(connection, {sql.qualified(*name) for name in tables})])


def _run(connection: Connection, statements: Sequence[str]) -> None:
    if statements:
        run_script(connection, [*_FORBID_COMMIT, *statements])


def _tables_read_by(operation: MigrateOperation) -> Iterable[str]:
    if isinstance(operation, CreatePartOp):
        return filter(None, [operation.part.table_read])
    return (sql.qualified(*name) for name in _names_of_tables_read_by(operation))


def _names_of_tables_read_by(operation: MigrateOperation) -> Collection[TableName]:
    if isinstance(operation, ChangeColumnOp):
        return [table_of(operation)] if operation.changes_type else []
    if isinstance(operation, AlterColumnOp):
        reads = operation.modify_type is not None or operation.modify_nullable is False
        return [table_of(operation)] if reads else []
    if isinstance(operation, CreateForeignKeyOp):
        referenced = operation.kw.get("referent_schema") or "public", operation.referent_table
        return [table_of(operation), referenced]
    if isinstance(operation, BringBackOp):
        return [] if isinstance(operation.drop, DropTableOp) else [table_of(operation.drop)]
    if isinstance(operation, AddColumnOp | AddConstraintOp | CreateIndexOp):
        return [table_of(cast("OnTable", operation))]
    # An operation of this package on a table holds the table itself.
    table = getattr(operation, "table", None)
    return [name_of(table)] if isinstance(table, Table) else []


def _types_read_by(operation: MigrateOperation) -> Iterable[str]:
    if isinstance(operation, CreatePartOp):
        return filter(None, [operation.part.domain_read])
    if isinstance(operation, AlterEntityOp) and operation.target.reads_rows(operation.previous):
        return [operation.target.literal_name]
    return []


def _is_known(operation: MigrateOperation) -> bool:
    module = type(operation).__module__
    is_sql = type(operation).__name__ in {"ExecuteSQLOp", "BulkInsertOp"}
    return module.startswith(("alembic.", "townhall.")) and not is_sql


def _empty(
    connection: Connection,
    tables: Collection[str],
    types: Collection[str] = (),
    schemas: Sequence[str] = (),
) -> Iterable[str]:
    if not (tables or types or schemas):
        return
    given = {"tables": sorted(tables), "types": sorted(types), "schemas": list(schemas)}
    found = connection.execute(text(_TO_EMPTY), given).all()
    triggers = [
        (row.table, sql.quote(name), how) for row in found for name, how in row.triggers.items()
    ]
    for table, trigger, _ in triggers:
        yield f"alter table {table} disable trigger {trigger}"
    if found:
        yield f"truncate {', '.join(row.table for row in found)}"
    for table, trigger, how in triggers:
        yield f"alter table {table} enable{how} trigger {trigger}"


_TO_EMPTY = """
    with recursive types (oid) as (
        select pg_catalog.to_regtype(name)::oid from unnest(cast(:types as text[])) as name
        union
        select t.oid
        from types
        join pg_catalog.pg_type as t on types.oid in (t.typbasetype, t.typelem)
    ),
    named (oid) as (
        select c.oid
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
            and not c.relispartition
            and pg_catalog.pg_has_role(c.relowner, 'usage')  -- others are not changed
            and (
                n.nspname = any (:schemas)
                or c.oid = any (
                    select pg_catalog.to_regclass(name) from unnest(cast(:tables as text[])) as name
                )
                or exists (
                    select
                    from types
                    join pg_catalog.pg_attribute as a on a.atttypid = types.oid
                    where a.attrelid = c.oid and not a.attisdropped
                )
            )
        union
        select o.oid
        from named
        cross join lateral (
            select k.conrelid
            from pg_catalog.pg_constraint as k
            where k.confrelid = named.oid and k.contype = 'f'
            union all
            select i.inhrelid
            from pg_catalog.pg_inherits as i
            join pg_catalog.pg_class as c on c.oid = i.inhrelid
            where i.inhparent = named.oid
                and c.relkind in ('r', 'p')
                and pg_catalog.pg_has_role(c.relowner, 'usage')
        ) as o (oid)
    )
    select
        pg_catalog.format('%I.%I', n.nspname, c.relname) as table,
        coalesce(
            (
                select jsonb_object_agg(t.tgname, case t.tgenabled
                    when 'A' then ' always' when 'R' then ' replica' else ''
                end)
                from pg_catalog.pg_trigger as t
                where t.tgrelid = c.oid
                    and not t.tgisinternal
                    and t.tgenabled <> 'D'
                    and t.tgtype & 32 <> 0
            ),
            '{}'
        ) as triggers
    from named
    join pg_catalog.pg_class as c using (oid)
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    order by n.nspname, c.relname
"""
"""
Tables by name, type or schema, those that inherit from them or refer to them, and their triggers on
truncate.
"""

_FORBID_COMMIT = (
    """do $do$
begin
    if to_regclass('pg_temp.townhall_trial') is not null then
        return;  -- set aside before in the same transaction
    end if;
    create or replace function pg_temp.townhall_refuse_commit() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'the trial of a revision must not be committed';
end
$$;
    create temporary table townhall_trial (id integer);
    create constraint trigger townhall_trial after insert on pg_temp.townhall_trial
    deferrable initially deferred
    for each row execute function pg_temp.townhall_refuse_commit();
    alter table pg_temp.townhall_trial enable always trigger townhall_trial;
    insert into pg_temp.townhall_trial values (1);
end
$do$""",
)
"""A deferred trigger refuses its row when the transaction is committed."""
