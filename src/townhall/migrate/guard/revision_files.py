"""What revisions create, as their files say it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Table

from townhall.pg import Entity
from townhall.pg.catalog import PLATFORM_SCHEMAS, TableName
from townhall.pg.operations import CREATED_ENTITIES

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


@dataclass(frozen=True)
class PendingTable:
    """A table that a pending revision creates, unless it exists.

    Attributes:
        table: Its schema and name.
        revision: The revision.
        names: The names under which pending revisions know it: one may rename it.
    """

    table: TableName
    revision: Script
    names: frozenset[str]


Named = tuple[str, str, str, str]
"""The kind, the schema and the name of an object, and for one on a table its own name."""


class Created(NamedTuple):
    """What a revision creates.

    Attributes:
        tables: The tables, with the columns and constraints that it writes.
        entities: The other objects.
    """

    tables: Sequence[Table]
    entities: Sequence[Entity]


def creations_of(revisions: Sequence[Script]) -> list[PendingTable]:
    """Return the tables that revisions create, as their files say it by name.

    Args:
        revisions: The revisions, in their order.
    """
    calls = [(revision, call) for revision in revisions for call in _calls(revision)]
    renames = [names for _, call in calls if (names := _renamed(call))]
    return [
        PendingTable(table, revision, _aliases(table[1], renames))
        for revision, call in calls
        if (table := _created(call))
    ]


def objects_of(revision: Script) -> list[Named]:
    """Return kind, schema and name of what a revision declares beside tables, as its file says it.

    A trigger or a policy on a table of the platform, which revisions do not create, has its own
    name at the end.

    Args:
        revision: The revision.
    """
    calls = list(_calls(revision))
    # What a revision drops by name before it creates it again is not to be put back by that drop.
    dropped = {_object(_dropped_class(call), _given(call)) for call in calls}
    found = (_object(_name(call), _given(call)) for call in calls)
    return list(dict.fromkeys(each for each in found if each and each not in dropped))


def indexes_of(revision: Script) -> list[Named]:
    """Return the kind, the schema, the name and the table of the indexes that a revision creates.

    Args:
        revision: The revision, whose file names them.
    """
    return [
        ("index", _given(call).get("schema", "public"), texts[0], texts[1])
        for call in _calls(revision)
        if _name(call) == "create_index" and len(texts := _texts(call)) > 1
    ]


def parts_of(revision: Script) -> list[tuple[str, str, str, str]]:
    """Return kind, schema, table and name of a revision's policies and triggers.

    Args:
        revision: The revision, whose file names them.
    """
    return [
        (_PARTS[_name(call)], given.get("schema", "public"), given["table"], given["name"])
        for call in _calls(revision)
        if _name(call) in _PARTS and {"table", "name"} <= {*(given := _given(call))}
    ]


def created_by(revision: Script) -> Created:
    """Return what a revision creates, as it writes it.

    Its ``upgrade`` runs as for a script that is thrown away. Nothing is returned where it can't be
    written as a script.

    Args:
        revision: The revision.
    """
    tables: list[Table] = []
    entities: list[Entity] = []
    options = {
        "as_sql": True,
        "literal_binds": True,
        "output_buffer": StringIO(),
        CREATED_ENTITIES: entities,
    }
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    vars(context.impl)["create_table"] = lambda table, **_: tables.append(table)
    try:
        with Operations.context(context):
            revision.module.upgrade()
    except Exception:  # noqa: BLE001 - what an application's revision needs is not known
        return Created((), ())
    return Created(tables, entities)


def _calls(revision: Script) -> Iterator[ast.Call]:
    path = Path(revision.path)
    if path.suffix != ".py":
        return
    for definition in ast.parse(path.read_bytes()).body:
        if isinstance(definition, ast.FunctionDef) and definition.name == "downgrade":
            continue
        yield from (node for node in ast.walk(definition) if isinstance(node, ast.Call))


def _created(call: ast.Call) -> TableName | None:
    match _name(call), _texts(call):
        case "create_table", [name, *_]:
            schemas = [each.value for each in call.keywords if each.arg == "schema"]
            schema = schemas[0].value if schemas and isinstance(schemas[0], ast.Constant) else None
            return (schema if isinstance(schema, str) else "public", name)
    return None


def _object(class_name: str, given: dict[str, str]) -> Named | None:
    schema = given.get("schema", "public")
    if class_name == "SchemaAccess" and "schema" in given:
        return "schema", schema, schema, ""
    if class_name in _BESIDE and "name" in given:
        return _BESIDE[class_name], schema, given["name"], ""
    if class_name in _PARTS and schema in PLATFORM_SCHEMAS and {"table", "name"} <= {*given}:
        return _PARTS[class_name], schema, given["table"], given["name"]
    return None


def _dropped_class(call: ast.Call) -> str:
    """Return the class of what a call such as ``pg.Policy.named(…)`` names; else nothing."""
    match call.func:
        case ast.Attribute(attr="named", value=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name
    return ""


def _given(call: ast.Call) -> dict[str, str]:
    return {
        each.arg: each.value.value
        for each in call.keywords
        if each.arg is not None
        and isinstance(each.value, ast.Constant)
        and isinstance(each.value.value, str)
    }


def _renamed(call: ast.Call) -> tuple[str, str] | None:
    match _name(call), _texts(call):
        case "rename_table", [old, new, *_]:
            return old, new
    return None


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _texts(call: ast.Call) -> list[str]:
    texts: list[str] = []
    for argument in call.args:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            break
        texts.append(argument.value)
    return texts


def _aliases(name: str, renames: Iterable[tuple[str, str]]) -> frozenset[str]:
    names = {name}
    for pair in renames:
        if names & {*pair}:
            names.update(pair)
    return frozenset(names)
