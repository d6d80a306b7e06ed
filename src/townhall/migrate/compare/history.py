"""Which entities the revisions of an application made, by the source of the revisions.

The database does not tell who made an object. A revision that is in the history and creates it with
:func:`townhall.pg.create_entity` does, and needs no mark in the database.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from townhall.migrate.revision_source import Call, read_calls
from townhall.pg import Entity
from townhall.pg.alembic_utils import PGGrantTable
from townhall.pg.fields import defaults_of
from townhall.pg.state import Key


def made_by(revisions: Iterable[Path], entities: Collection[Entity]) -> set[Key]:
    """Return the keys of those entities that a revision created, and none dropped afterwards.

    A revision that drops and creates one only changes it. What a downgrade does does not count.

    Args:
        revisions: The files of the revisions, in the order in which they run.
        entities: The entities that are looked for.
    """
    wanted = {(type(each).__name__, _name_of(each)): each.key for each in entities}
    kinds = {type(each).__name__: type(each) for each in entities}
    made: set[Key] = set()
    for path in _mentioning(revisions, entities):
        calls = read_calls(path, kinds)
        created, dropped = (
            {(each.name, _name_in(each, kinds[each.name])) for each in calls if each.drops is drops}
            for drops in (False, True)
        )
        made |= {wanted[each] for each in wanted.keys() & (created - dropped)}
        made -= {wanted[each] for each in wanted.keys() & (dropped - created)}
    return made


def _mentioning(revisions: Iterable[Path], entities: Collection[Entity]) -> Iterable[Path]:
    """Return the revisions that may say something of an entity; to parse one takes long."""
    names = list(map(_written_name, entities))
    if not all(map(_PLAIN.fullmatch, names)):  # which a text may write in another way
        return revisions
    words = [each.encode() for each in names]
    return (path for path in revisions if _has_any(path.read_bytes(), words))


def _has_any(text: bytes, words: Iterable[bytes]) -> bool:
    return any(each in text for each in words)


def _written_name(entity: Entity) -> str:
    """Return the last name that a revision has to write out, since it has no default."""
    defaults = defaults_of(type(entity))
    written = [name for name in entity.name_fields if name not in defaults]
    return str(getattr(entity, written[-1])) if written else ""


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


_PLAIN = re.compile(r"\w+", re.ASCII)

_Name = tuple[tuple[str, Any], ...]


def _name_of(entity: Entity) -> _Name:
    return tuple((name, getattr(entity, name)) for name in entity.name_fields)


def _name_in(call: Call, kind: type[Entity]) -> _Name | None:
    values: Mapping[str, Any] = {**defaults_of(kind), **call.given}
    if not values.keys() >= {*kind.name_fields}:
        return None
    return tuple((name, values[name]) for name in kind.name_fields)
