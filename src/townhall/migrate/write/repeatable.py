"""Operations that run over their own result, where Alembic's can't."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    AddConstraintOp,
    CreateForeignKeyOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    MigrationScript,
)
from alembic.runtime.migration import MigrationContext

from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.comments import CommentOp
from townhall.migrate.operations.constraints import AddDefinedOp, RenameConstraintOp
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.definitions import BringBackOp, DropDefinedColumnOp
from townhall.migrate.operations.identities import AlterIdentityOp
from townhall.migrate.operations.live import NotedOp, RewrittenOp, SafeOp
from townhall.migrate.operations.parts import CreatePartOp, DropPartOp, SetUpPartOp, dropped_column
from townhall.migrate.operations.schemas import DropSchemaOp
from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.migrate.operations.table_names import name_of, table_of
from townhall.migrate.write.python_source import quoted, render_sql
from townhall.migrate.write.revision import dropped_tables
from townhall.migrate.write.table_parts import (
    definition_of,
    drop_of_constraint,
    place_of,
    schema_argument,
    settings_of,
)
from townhall.pg import DropEntityOp, sql
from townhall.pg.catalog import Part, TableName
from townhall.pg.requirements import (
    Requirement,
    column_is_missing,
    constraint_exists,
    guarded,
    has_no_identity,
    relation_exists,
)

Operations = Sequence[MigrateOperation]


def make_repeatable(context: MigrationContext, script: MigrationScript) -> None:
    """Let the operations of a revision run over their own result.

    Args:
        context: The context of the run.
        script: The revision, which is changed.
    """
    for container in [*script.upgrade_ops_list, *script.downgrade_ops_list]:
        container.ops[:] = [*_repeatable(context, container.ops)]


def _repeatable(context: MigrationContext, operations: Operations) -> Iterable[MigrateOperation]:
    yield from _drops_of_created_parts(operations)
    yield from _drops_of_added_keys(operations)
    for number, operation in enumerate(operations, 1):
        later = operations[number:]
        if isinstance(operation, UndecidedOp):
            operation.steps = (*_repeatable(context, operation.steps),)
        if not _goes_with(operation, later):
            yield _repeatable_one(context, operation, later)


def _drops_of_created_parts(operations: Operations) -> Iterable[DropPartOp]:
    # A part that is created again is there the second time, and may hold what is dropped.
    dropped: set[str | None] = set()
    for operation in operations:
        if isinstance(operation, DropPartOp):
            dropped.add(operation.part.identity)
        elif isinstance(operation, DropColumnOp):
            dropped.add(dropped_column(operation))
        elif isinstance(operation, CreatePartOp) and operation.part.identity not in dropped:
            yield DropPartOp(operation.part)


def _drops_of_added_keys(operations: Operations) -> Iterable[DropPartOp]:
    # A new foreign key is there the second time, and holds the key that is dropped before it.
    dropped: set[tuple[TableName, str]] = set()
    changed: set[TableName] = set()
    created: set[str] = set()
    for operation in operations:
        if isinstance(operation, DropConstraintOp | DropIndexOp):
            changed.add(table_of(operation))
        if isinstance(operation, DropConstraintOp):
            dropped.add((table_of(operation), str(operation.constraint_name)))
        elif isinstance(operation, CreatePartOp):
            created.add(operation.part.identity)
        elif isinstance(operation, RenameConstraintOp):
            part = _constraint(name_of(operation.table), operation.old)
            if part.identity in created:
                yield DropPartOp(_constraint(name_of(operation.table), operation.new))
        elif isinstance(operation, CreateForeignKeyOp | AddDefinedOp) and _refers_to(
            operation, changed
        ):
            place = place_of(operation)
            name = str(operation.constraint_name)
            if place is not None and (place, name) not in dropped:
                yield DropPartOp(_constraint(place, name))


def _refers_to(operation: CreateForeignKeyOp | AddDefinedOp, tables: Iterable[TableName]) -> bool:
    if isinstance(operation, CreateForeignKeyOp):
        schema = operation.kw.get("referent_schema") or "public"
        return (schema, operation.referent_table) in tables
    names = (f" REFERENCES {sql.qualified(*each)}" for each in tables)
    return any(f"{name}{end}" in operation.definition for name in names for end in ("(", " ("))


def _constraint(place: TableName, name: str) -> Part:
    identity = f"constraint {sql.quote(name)} on table {sql.qualified(*place)}"
    return Part("foreign key", identity, drop_of_constraint(place, name), ())


def _repeatable_one(
    context: MigrationContext, operation: MigrateOperation, later: Operations
) -> MigrateOperation:
    if isinstance(operation, NotedOp):
        return NotedOp(_repeatable_one(context, operation.ops[0], later), operation.why)
    if isinstance(operation, CommentOp):
        return _comment(operation, later)
    if isinstance(operation, ChangeColumnOp):
        return _change_of_column(operation, later)
    place = place_of(operation)
    if place is None:
        return operation
    if place in dropped_tables(later) and (drop := _drop_before_table(operation, place)):
        return RewrittenOp(operation, [drop])
    call, settings = _call(context, operation, place)
    return SafeOp(operation, call, settings) if call else operation


def _drop_before_table(operation: MigrateOperation, place: TableName) -> str | None:
    # In a second run the table is gone.
    if isinstance(operation, DropConstraintOp):
        return _constraint(place, str(operation.constraint_name)).drop
    if isinstance(operation, DropColumnOp):
        table, column = sql.qualified(*place), sql.quote(operation.column_name)
        return f"alter table if exists {table} drop column if exists {column}"
    return None


def _call(
    context: MigrationContext, operation: MigrateOperation, place: TableName
) -> tuple[str, Sequence[str]]:
    schema, table = schema_argument(place), quoted(place[1])
    if isinstance(operation, RenameConstraintOp):
        names = f"{quoted(operation.old)}, {quoted(operation.new)}"
        return f"safety.rename_constraint({table}, {names}{schema})", ()
    if isinstance(operation, AddConstraintOp | AddDefinedOp):
        name, definition = definition_of(context, operation)
        if name is not None:
            arguments = f"{table}, {quoted(name)}, {render_sql(definition, 40)}{schema}"
            return f"safety.add_constraint_at_once({arguments})", settings_of(operation)
    return "", ()


def _goes_with(operation: MigrateOperation, later: Operations) -> bool:
    # A comment goes with what it is on, as privileges with their schema and keys with their table.
    if isinstance(operation, CommentOp) and operation.target is None:
        return _part(operation) in {*map(_dropped_part, later)}
    if isinstance(operation, DropEntityOp) and not operation.target.is_own_object:
        schemas = {each.name for each in later if isinstance(each, DropSchemaOp)}
        return operation.target.schema in schemas
    if isinstance(operation, CreatePartOp):
        on = tuple(f" {sql.qualified(*table)}" for table in dropped_tables(later))
        return operation.part.identity.endswith(on)
    if isinstance(operation, SetUpPartOp):
        return operation.part.identity in {*map(dropped_column, later)}
    if isinstance(operation, AddConstraintOp | AddDefinedOp):
        return place_of(operation) in dropped_tables(later)
    return False


_PlacedPart = tuple[TableName, str, str]


def _part(operation: CommentOp) -> _PlacedPart:
    return name_of(operation.on), operation.kind, operation.name


def _dropped_part(operation: MigrateOperation) -> _PlacedPart | None:
    if isinstance(operation, DropIndexOp):
        return table_of(operation), "index", str(operation.index_name)
    if isinstance(operation, DropConstraintOp):
        return table_of(operation), "constraint", str(operation.constraint_name)
    return None


def _comment(operation: CommentOp, later: Operations) -> MigrateOperation:
    # Its part may have another name after the later operations, or be gone with a column.
    if not any(place_of(each) == name_of(operation.on) for each in later):
        return operation
    table = qualified_name(operation.on)
    if operation.kind == "constraint":
        return _where(operation, constraint_exists(table, operation.name))
    schema, _ = name_of(operation.on)
    return _where(operation, relation_exists("index", sql.qualified(schema, operation.name)))


def _change_of_column(operation: ChangeColumnOp, later: Operations) -> MigrateOperation:
    # The type of a column from which another one is generated can't be altered.
    if operation.changes_type and (generated := _generated_later(operation, later)):
        return _where(operation, column_is_missing(qualified_name(operation.owner), generated))
    # The default of an identity column can't be dropped.
    is_dropped = operation.previous.default is not None and operation.target.default is None
    table, column = qualified_name(operation.owner), operation.column_name
    becomes_identity = any(
        isinstance(each, AlterIdentityOp)
        and each.target
        and (qualified_name(each.table), each.column) == (table, column)
        for each in later
    )
    if is_dropped and becomes_identity:
        return _where(operation, has_no_identity(table, column))
    return operation


def _generated_later(operation: ChangeColumnOp, later: Operations) -> str | None:
    for each in later:
        added = each.ops[0] if isinstance(each, NotedOp) else each
        if isinstance(added, AddColumnOp):
            name, is_generated = added.column.name, added.column.computed is not None
        elif isinstance(added, BringBackOp) and isinstance(added.drop, DropDefinedColumnOp):
            name, is_generated = added.drop.column_name, _GENERATED in added.statements[0]
        else:
            continue
        if is_generated and place_of(added) == table_of(operation):
            return name
    return None


_GENERATED = "generated always as ("


def _where(operation: StatementsOp, required: Requirement) -> RewrittenOp:
    return RewrittenOp(operation, [guarded(required, operation.statements)])
