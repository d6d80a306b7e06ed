"""Operations on tables in use as calls of ``townhall.migrate.safety``."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddConstraintOp,
    AlterColumnOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    DropConstraintOp,
    DropIndexOp,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy.schema import CreateIndex

from townhall.migrate.operations.constraints import AddDefinedOp
from townhall.migrate.operations.definitions import BringBackOp, DropDefinedIndexOp
from townhall.migrate.operations.live import RewrittenOp, SafeOp
from townhall.migrate.write.python_source import quoted, render_execution, render_sql
from townhall.migrate.write.table_parts import (
    DIALECT,
    add_included,
    definition_of,
    drop_of_constraint,
    place_of,
    schema_argument,
    settings_of,
)
from townhall.pg.catalog import TableName
from townhall.pg.sql import IDENTIFIER, unquote

_KEY = re.compile(
    r"(?P<kind>UNIQUE|PRIMARY KEY)(?P<nulls> NULLS NOT DISTINCT)? ?(?P<columns>\([^()]*\))"
    r"(?P<include> INCLUDE \([^()]*\))?(?P<deferrable>(?: DEFERRABLE)?(?: INITIALLY \w+)?)",
    re.IGNORECASE,
)
_INDEX = re.compile(
    rf"CREATE (?P<unique>UNIQUE )?INDEX if not exists (?P<name>{IDENTIFIER}) ON (?P<only>ONLY )?"
    rf"(?P<schema>{IDENTIFIER})\.(?P<table>{IDENTIFIER}) (?P<definition>.*)",
    re.DOTALL,
)


class Change(NamedTuple):
    """A change of a table in use.

    Attributes:
        name: What it changes: a kind, the schema, the table and a name.
        removes: Whether it takes that away.
        operation: The operation to write.
    """

    name: tuple[str, ...]
    removes: bool
    operation: MigrateOperation


def change_of(
    context: MigrationContext,
    operation: MigrateOperation,
    whole: Collection[TableName],
    partitioned: Collection[TableName],
) -> Change | None:
    """Return what an operation changes of a table in use, or None if it needs no such care.

    Args:
        context: The context of the run.
        operation: The operation.
        whole: Tables that are created or dropped, which are not in use.
        partitioned: Partitioned tables.
    """
    place = place_of(operation)
    if place is None:
        return None
    if place in whole:
        return _change_of_key_to_table_in_use(context, operation, place, whole)
    if isinstance(operation, CreateIndexOp):
        return _create_index(context, operation, place)
    if isinstance(operation, BringBackOp):
        return _bring_back_index(operation, place)
    if isinstance(operation, AlterColumnOp):
        return _alter_nullability(operation, place)
    return _change_of_constraint(context, operation, place, partitioned)


def _change_of_constraint(
    context: MigrationContext,
    operation: MigrateOperation,
    place: TableName,
    partitioned: Collection[TableName],
) -> Change | None:
    if isinstance(operation, AddConstraintOp | AddDefinedOp):
        return _add_constraint(context, operation, place, is_partitioned=place in partitioned)
    return _remove(operation, place)


def _change_of_key_to_table_in_use(
    context: MigrationContext,
    operation: MigrateOperation,
    place: TableName,
    whole: Collection[TableName],
) -> Change | None:
    # The key that it refers to may be made, and dropped, in a revision of its own.
    if isinstance(operation, DropConstraintOp):
        # In a second run the table is gone.
        name = str(operation.constraint_name)
        drop = RewrittenOp(operation, [drop_of_constraint(place, name)])
        return Change(("constraint", *place, name), True, drop)  # noqa: FBT003 - named there
    if not isinstance(operation, CreateForeignKeyOp):
        return None
    referred = (operation.kw.get("referent_schema") or "public", operation.referent_table)
    if referred in whole:
        return None
    return _add_constraint(context, operation, place, is_partitioned=False)


def _remove(operation: MigrateOperation, place: TableName) -> Change | None:
    if isinstance(operation, DropIndexOp):
        name = str(operation.index_name)
        call = f"safety.drop_index({quoted(name)}{schema_argument(place)})"
        return Change(("index", *place, name), True, SafeOp(operation, call))  # noqa: FBT003 - named there
    if isinstance(operation, DropConstraintOp):
        name = str(operation.constraint_name)
        return Change(("constraint", *place, name), True, operation)  # noqa: FBT003 - named there
    return None


def _create_index(context: MigrationContext, operation: CreateIndexOp, place: TableName) -> Change:
    index = operation.to_index(context)
    assert index.table is not None  # noqa: S101 - Alembic makes one for it
    add_included(index.table, index)
    statement = str(CreateIndex(index).compile(dialect=DIALECT))
    table = DIALECT.identifier_preparer.format_table(index.table)
    definition = statement.partition(f" ON {table} ")[2]
    call = _call_of_index(str(index.name), place, definition, is_unique=bool(index.unique))
    return Change(("index", *place, str(index.name)), False, SafeOp(operation, call))  # noqa: FBT003 - named there


def _bring_back_index(operation: BringBackOp, place: TableName) -> Change | None:
    drop = operation.drop
    if not isinstance(drop, DropDefinedIndexOp) or not drop.is_whole:
        return None
    found = list(map(_INDEX.fullmatch, operation.statements))
    of_table = next(each for each in found if each and _table_of_index(each) == place)
    call = _call_of_found(of_table)
    if of_table is found[0]:
        safe = SafeOp(operation, call, operation.statements[1:])
    else:
        # The last call is for partitions that have come since then.
        steps = map(_step_of_index, operation.statements, found)
        safe = SafeOp(operation, call, before=[*steps])
    return Change(("index", *place, str(drop.index_name)), False, safe)  # noqa: FBT003 - named there


def _step_of_index(statement: str, found: re.Match[str] | None) -> str:
    if found is None or found["only"]:
        return render_execution(statement)
    return _call_of_found(found)


def _call_of_found(found: re.Match[str]) -> str:
    name, definition = unquote(found["name"]), found["definition"]
    return _call_of_index(name, _table_of_index(found), definition, is_unique=bool(found["unique"]))


def _table_of_index(found: re.Match[str]) -> TableName:
    return unquote(found["schema"]), unquote(found["table"])


def _call_of_index(name: str, place: TableName, definition: str, *, is_unique: bool) -> str:
    unique = ", unique=True" if is_unique else ""
    arguments = f"{quoted(name)}, {quoted(place[1])}, {render_sql(definition, 40)}"
    return f"safety.create_index({arguments}{unique}{schema_argument(place)})"


def _alter_nullability(operation: AlterColumnOp, place: TableName) -> Change | None:
    others = (operation.modify_type, operation.modify_name)
    unchanged = operation.modify_server_default is False and operation.modify_comment is False
    if (
        operation.modify_nullable is None
        or not unchanged
        or any(each is not None for each in others)
    ):
        return None
    name = ("nullability", *place, operation.column_name)
    if operation.modify_nullable:
        return Change(name, True, operation)  # noqa: FBT003 - named there
    return Change(name, False, set_not_null(operation, place))  # noqa: FBT003 - named there


def set_not_null(operation: AlterColumnOp, place: TableName) -> SafeOp:
    """Return an operation that sets a column not null, for a table in use.

    Args:
        operation: The operation.
        place: Schema and name of the table.
    """
    names = f"{quoted(place[1])}, {quoted(operation.column_name)}"
    return SafeOp(operation, f"safety.set_not_null({names}{schema_argument(place)})")


def _add_constraint(
    context: MigrationContext,
    operation: AddConstraintOp | AddDefinedOp,
    place: TableName,
    *,
    is_partitioned: bool,
) -> Change | None:
    name, definition = definition_of(context, operation)
    if name is None or "NOT VALID" in definition.upper() or definition.startswith("EXCLUDE"):
        return None
    table, target, last = quoted(place[1]), quoted(name), schema_argument(place)
    if is_partitioned and not definition.startswith("CHECK"):
        last += ", partitioned=True"
    if key := _KEY.fullmatch(definition):
        columns = f"{key['columns']}{key['include'] or ''}{key['nulls'] or ''}"
        is_primary = key["kind"].upper() == "PRIMARY KEY"
        options = ", primary_key=True" if is_primary else ""
        if key["deferrable"]:
            options += f", deferrable={quoted(key['deferrable'].strip().lower())}"
        call = f"safety.add_unique({table}, {target}, {quoted(columns)}{options}{last})"
    elif definition.startswith(("CHECK", "FOREIGN KEY")):
        sql = render_sql(definition, 40)
        call = f"safety.add_constraint({table}, {target}, {sql}{last})"
    else:
        return None
    safe = SafeOp(operation, call, settings_of(operation))
    return Change(("constraint", *place, name), False, safe)  # noqa: FBT003 - named there
