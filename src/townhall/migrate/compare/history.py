"""Which entities the revisions of an application made, by the source of the revisions.

The database does not tell who made an object. A revision that is in the history and creates it with
:func:`townhall.pg.create_entity` does, and needs no mark in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from townhall.migrate.revision_source import Call, read_calls
from townhall.pg import Entity
from townhall.pg.alembic_utils import PGGrantTable
from townhall.pg.fields import defaults_of
from townhall.pg.state import Key


def made_by(revisions: Iterable[Path], entities: Iterable[Entity]) -> set[Key]:
    """Return the keys of those entities that a revision created, and none dropped afterwards.

    A revision that drops and creates one only changes it. What a downgrade does does not count.

    Args:
        revisions: The files of the revisions, in the order in which they run.
        entities: The entities that are looked for.
    """
    wanted = {(type(each).__name__, _name_of(each)): each.key for each in entities}
    kinds = {type(each).__name__: type(each) for each in entities}
    made: set[Key] = set()
    for path in revisions:
        calls = read_calls(path, kinds)
        created, dropped = (
            {(each.name, _name_in(each, kinds[each.name])) for each in calls if each.drops is drops}
            for drops in (False, True)
        )
        made |= {wanted[each] for each in wanted.keys() & (created - dropped)}
        made -= {wanted[each] for each in wanted.keys() & (dropped - created)}
    return made


def granted_by(revisions: Iterable[Path]) -> list[PGGrantTable]:
    """Return the grants of alembic-utils that revisions made, and none took back afterwards.

    Args:
        revisions: The files of the revisions, in the order in which they run.
    """
    granted: dict[str, PGGrantTable] = {}
    for path in revisions:
        for call in read_calls(path, [PGGrantTable.__name__]):
            grant = PGGrantTable(**call.given)
            if call.drops:
                granted.pop(grant.identity, None)
            else:
                granted[grant.identity] = grant
    return [*granted.values()]


_Name = tuple[tuple[str, Any], ...]


def _name_of(entity: Entity) -> _Name:
    return tuple((name, getattr(entity, name)) for name in entity.name_fields)


def _name_in(call: Call, kind: type[Entity]) -> _Name | None:
    values: Mapping[str, Any] = {**defaults_of(kind), **call.given}
    if not values.keys() >= {*kind.name_fields}:
        return None
    return tuple((name, values[name]) for name in kind.name_fields)
