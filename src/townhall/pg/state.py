"""The entities of a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from townhall.pg import ENTITY_CLASSES, Entity
from townhall.pg.catalog import PLATFORM_SCHEMAS, absent_kinds, empty_search_path

Key = tuple[str, ...]
State = dict[Key, Entity]


def read_state(
    connection: Connection,
    schemas: Sequence[str],
    kinds: Sequence[type[Entity]] = ENTITY_CLASSES,
    declared: Collection[str] = (),
) -> State:
    """Return every entity in some schemas as the catalogs describe it, each kind read once.

    Kinds that can be declared for tables of the platform are read in its schemas as well. Of the
    less common kinds those of which there is no object are not read, unless they are declared.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas.
        kinds: The kinds of entities; with those of an application, if it has some.
        declared: The names of the kinds of what is declared.
    """
    if not kinds:
        return {}
    with empty_search_path(connection):
        absent = absent_kinds(connection, schemas, {each.kind for each in kinds} - {*declared})
        entities = [
            entity
            for entity_class in kinds
            if entity_class.kind not in absent
            for entity in entity_class.read(connection, _read_in(entity_class, schemas))
        ]
    return {entity.key: entity for entity in entities}


def _read_in(entity_class: type[Entity], schemas: Sequence[str]) -> list[str]:
    platform = PLATFORM_SCHEMAS if entity_class.is_for_platform else frozenset[str]()
    return sorted({*schemas, *platform})
