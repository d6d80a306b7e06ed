"""Entities as the modules of a schema: a room for each subject."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

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
        table = entity.table if isinstance(entity, TableEntity) else ""
        return (table, next(n for n in count() if isinstance(entity, kinds[n])), entity.key)

    return sorted(entities, key=place)


def render_entities(name: str, entities: Sequence[Entity]) -> str:
    """Return the tuple of entities that a module has.

    Args:
        name: The constant of the tuple.
        entities: The entities.
    """
    items = "\n".join(f"{_rendered(each)}," for each in entities)
    return f"{name}: tuple[pg.Entity, ...] = (\n{items}\n)\n"


def _rendered(entity: Entity) -> str:
    body = multiline(entity.body) if isinstance(entity, Routine) and entity.verbatim else None
    if body is None or not isinstance(entity, Routine):
        return textwrap.indent(render_entity(entity), "    ")
    # It is written as it is, so that a reader sees it; the layout of a revision takes it apart.
    mark = "the body"
    shown = type(entity).found(**{**vars(entity), "body": mark})
    indented = textwrap.indent(render_entity(shown), "    ")
    return indented.replace(f'body=(\n            "{mark}"\n        )', f'body="{mark}"').replace(
        f'body="{mark}"', f"body={body}", 1
    )
