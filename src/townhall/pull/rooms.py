"""Entities as the modules of a schema: a room for each subject."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from operator import itemgetter
from types import MappingProxyType

from townhall.migrate.write.python_source import render_entity
from townhall.pg import (
    CompositeType,
    DefaultPrivileges,
    Domain,
    Entity,
    EnumType,
    Extension,
    Function,
    MaterializedView,
    Policy,
    Procedure,
    PublicationTable,
    RangeType,
    ReplicaIdentity,
    Routine,
    SchemaAccess,
    StorageParameters,
    TableAccess,
    TableEntity,
    TableGrant,
    Trigger,
    View,
)
from townhall.pg import Sequence as NumberSequence
from townhall.pull.access_rules import FoundRule
from townhall.pull.literals import multiline

ROOMS: Mapping[str, tuple[str, tuple[type[Entity], ...]]] = {
    "extensions": ("Extensions", (Extension,)),
    "types": ("Types and sequences", (EnumType, Domain, CompositeType, RangeType, NumberSequence)),
    "functions": ("Functions", (Function, Procedure)),
    "access": (
        "Who may do what",
        (SchemaAccess, DefaultPrivileges, TableAccess, TableGrant, Policy),
    ),
    "triggers": ("Triggers", (Trigger,)),
    "views": ("Views", (View, MaterializedView)),
    "replication": ("Replication", (ReplicaIdentity, PublicationTable)),
    "storage": ("Storage parameters", (StorageParameters,)),
}
"""The modules of a schema: what each is about, and the entities that it has."""


def room_of(entity: Entity) -> str:
    """Return the module of an entity."""
    return next(name for name, (_, kinds) in ROOMS.items() if isinstance(entity, kinds))


def sorted_entities(entities: Iterable[Entity]) -> list[Entity]:
    """Return entities in the order of a module: by table, then by kind and name."""
    kinds = [kind for _, kinds in ROOMS.values() for kind in kinds]

    def place(entity: Entity) -> tuple[str, int, tuple[str, ...]]:
        return (
            _table_of(entity),
            next(n for n in count() if isinstance(entity, kinds[n])),
            entity.key,
        )

    return sorted(entities, key=place)


def render_entities(
    name: str,
    entities: Sequence[Entity],
    *,
    constants: Mapping[tuple[str, ...], str] = MappingProxyType({}),
    rules: Sequence[FoundRule] = (),
) -> str:
    """Return the tuple of declarations that a module has.

    Args:
        name: The constant of the tuple.
        entities: The entities, in their order.
        constants: The constants that entities have of their own, by key.
        rules: The access rules, each of which stands before the entities of its table.
    """
    before = "".join(
        f"{constants[each.key]} = {_rendered(each, '')}\n"
        for each in entities
        if each.key in constants
    )
    items = [
        (
            _table_of(each),
            f"    {constants[each.key]}" if each.key in constants else _rendered(each, "    "),
        )
        for each in entities
    ]
    rendered = [(each.table[1], textwrap.indent(each.source, "    ")) for each in rules]
    lines = "\n".join(f"{text}," for _, text in sorted([*rendered, *items], key=itemgetter(0)))
    kind = "Declaration" if rules else "pg.Entity"
    return f"{before}{name}: tuple[{kind}, ...] = (\n{lines}\n)\n"


def _table_of(entity: Entity) -> str:
    return entity.table if isinstance(entity, TableEntity) else ""


def _rendered(entity: Entity, indentation: str) -> str:
    body = multiline(entity.body) if isinstance(entity, Routine) and entity.verbatim else None
    if body is None or not isinstance(entity, Routine):
        return textwrap.indent(render_entity(entity), indentation)
    # It is written as it is, so that a reader sees it; the layout of a revision takes it apart.
    mark = "the body"
    shown = type(entity).found(**{**vars(entity), "body": mark})
    indented = textwrap.indent(render_entity(shown), indentation)
    inner = f"{indentation}    "
    return indented.replace(f'body=(\n{inner}    "{mark}"\n{inner})', f'body="{mark}"').replace(
        f'body="{mark}"', f"body={body}", 1
    )
