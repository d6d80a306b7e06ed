"""What revisions create, as their files say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from alembic.operations import Operations
from alembic.script import Script
from sqlalchemy import Table

from townhall.migrate.created_parts import CreatedPart, collect_created_parts, parts_of_table
from townhall.migrate.guard.table_statements import StatedTable, stated_table
from townhall.migrate.revision_source import Call, read_source
from townhall.pg import Entity, sql
from townhall.pg.catalog import PLATFORM_SCHEMAS, TableName
from townhall.pg.operations import CREATED_ENTITIES
from townhall.pg.script_context import script_context

_BESIDE = {
    "Function": "function",
    "Procedure": "function",
    "View": "view",
    "MaterializedView": "view",
    "EnumType": "type",
    "Enum": "type",
    "Domain": "type",
    "CompositeType": "type",
    "RangeType": "type",
    "Sequence": "sequence",
}
_PARTS = {"Policy": "policy", "Trigger": "trigger"}
_PARTS_OF_ALEMBIC_UTILS = {"PGPolicy": "policy", "PGTrigger": "trigger"}
_PLACE_OF_TABLE = {
    "create_index": 1,
    "create_check_constraint": 1,
    "create_exclude_constraint": 1,
    "create_foreign_key": 1,
    "create_primary_key": 1,
    "create_unique_constraint": 1,
    "add_constraint": 0,
    "add_constraint_at_once": 0,
    "add_unique": 0,
}
"""What adds a part to a table, by the place of the table's name among the first two arguments."""

_DROPS = {"drop_constraint", "drop_index", "drop_index_at_once"}


@dataclass(frozen=True)
class PendingTable:
    """A table that a pending revision creates, unless it exists.

    Attributes:
        table: Its schema and name.
        revision: The revision.
        names: The names under which pending revisions know it: one may rename it.
        stated: What the statement says of it that creates it; None where no statement does.
    """

    table: TableName
    revision: Script
    names: frozenset[str]
    stated: StatedTable | None = None


Named = tuple[str, str, str, str]
"""The kind, the schema and the name of an object, and for one on a table its own name."""


class Created(NamedTuple):
    """What a revision creates.

    Attributes:
        tables: The tables, with the columns and constraints that it writes.
        entities: The other objects.
        parts: The constraints and indexes of these tables and of others.
    """

    tables: Sequence[Table]
    entities: Sequence[Entity]
    parts: Sequence[CreatedPart]


def creations_of(revisions: Sequence[Script]) -> list[PendingTable]:
    """Return the tables that revisions create, as their files say it by name.

    A later revision may create one again, which it has dropped.

    Args:
        revisions: The revisions, in their order.
    """
    calls = [(revision, call) for revision in revisions for call in _calls(revision)]
    renames = [names for _, call in calls if (names := _renamed(call))]
    first: dict[TableName, tuple[Script, StatedTable | None]] = {}
    for revision, call in calls:
        if call.name == "create_table" and call.texts:
            first.setdefault((call.text("schema", "public"), call.texts[0]), (revision, None))
        elif call.name == "execute" and call.texts and (stated := stated_table(call.texts[0])):
            first.setdefault(stated.name, (revision, stated))
    return [
        PendingTable(table, revision, _aliases(table[1], renames), stated)
        for table, (revision, stated) in first.items()
    ]


def objects_of(revision: Script) -> list[Named]:
    """Return kind, schema and name of what a revision creates beside tables, as its file says it.

    A trigger or a policy on a table of the platform, which revisions do not create, has its own
    name at the end.

    Args:
        revision: The revision.
    """
    return _objects(_calls(revision))


def objects_to_restore(revision: Script) -> list[Named]:
    """Return those of them that the downgrade of the revision does not create itself.

    One that a revision drops and creates again around a change is dropped by the downgrade, too,
    and created again behind the change back.

    Args:
        revision: The revision, whose file names them.
    """
    restored = _objects(read_source(Path(revision.path)).downgrade)
    return [each for each in objects_of(revision) if each not in restored]


def objects_dropped_by(revision: Script) -> list[Named]:
    """Return kind, schema and name of what a revision drops beside tables.

    Args:
        revision: The revision, whose file names them.
    """
    return _objects(_calls(revision), drops=True)


def indexes_of(revision: Script) -> list[Named]:
    """Return the kind, the schema, the name and the table of the indexes that a revision creates.

    Args:
        revision: The revision, whose file names them.
    """
    return [
        ("index", call.text("schema", "public"), call.texts[0], call.texts[1])
        for call in _calls(revision)
        if call.name == "create_index" and len(call.texts) > 1
    ]


def parts_added_by(revision: Script) -> list[tuple[TableName, str]]:
    """Return the tables that a revision adds constraints and indexes to, and the names of these.

    Those that it writes into the creation of a table are not among them.

    Args:
        revision: The revision, whose file names them.
    """
    return [
        ((call.text("schema", "public"), call.texts[table]), call.texts[1 - table])
        for call in _calls(revision)
        if (table := _PLACE_OF_TABLE.get(call.name)) is not None and len(call.texts) > 1
    ]


def parts_dropped_by(revision: Script) -> set[str]:
    """Return the names of the constraints and indexes that a revision drops.

    Args:
        revision: The revision, whose file names them.
    """
    return {name for call in _calls(revision) if call.name in _DROPS for name in call.texts}


def parts_of(revision: Script) -> list[tuple[str, str, str, str]]:
    """Return kind, schema, table and name of a revision's policies and triggers.

    Args:
        revision: The revision, whose file names them.
    """
    return [part for call in _calls(revision) if not call.drops and all(part := _part(call))]


def created_by(revision: Script) -> Created:
    """Return what a revision creates, as it writes it.

    Its ``upgrade`` runs as for a script that is thrown away. Nothing is returned where it can't be
    written as a script.

    Args:
        revision: The revision.
    """
    tables: list[Table] = []
    entities: list[Entity] = []
    context = script_context(StringIO(), {CREATED_ENTITIES: entities})
    parts = collect_created_parts(context)

    def take(table: Table, **_: Any) -> None:  # noqa: ANN401 - Alembic's
        tables.append(table)
        parts.extend(parts_of_table(table))

    vars(context.impl)["create_table"] = take
    try:
        with Operations.context(context):
            revision.module.upgrade()
    except Exception:  # noqa: BLE001 - what an application's revision needs is not known
        return Created((), (), ())
    return Created(tables, entities, parts)


def _calls(revision: Script) -> Sequence[Call]:
    return read_source(Path(revision.path)).upgrade


def _object(call: Call) -> Named | None:
    schema, name, table = call.text("schema", "public"), call.text("name"), call.text("table")
    if call.name == "SchemaAccess":
        return "schema", schema, schema, ""
    if call.name == "TableGrant" and table:
        return "table grant", schema, table, call.text("role")
    if call.name == "DefaultPrivileges":
        place = "" if call.given.get("everywhere") else schema
        return "default privileges", place, call.text("objects"), call.text("owner")
    if call.name in _BESIDE and name:
        return _BESIDE[call.name], schema, name, ""
    if call.name in _PARTS and schema in PLATFORM_SCHEMAS and table and name:
        return _PARTS[call.name], schema, table, name
    return None


def _part(call: Call) -> tuple[str, str, str, str]:
    schema = call.text("schema", "public")
    if kind := _PARTS_OF_ALEMBIC_UTILS.get(call.name):
        table = call.text("on_entity").removeprefix(f"{schema}.")
        return kind, schema, sql.unquote(table), sql.unquote(call.text("signature"))
    return _PARTS.get(call.name, ""), schema, call.text("table"), call.text("name")


def _objects(calls: Iterable[Call], *, drops: bool = False) -> list[Named]:
    found = (_object(each) for each in calls if each.drops is drops)
    return list(dict.fromkeys(each for each in found if each))


def _renamed(call: Call) -> tuple[str, str] | None:
    match call.name, call.texts:
        case "rename_table", [old, new, *_]:
            return old, new
    return None


def _aliases(name: str, renames: Iterable[tuple[str, str]]) -> frozenset[str]:
    names = {name}
    for pair in renames:
        if names & {*pair}:
            names.update(pair)
    return frozenset(names)
