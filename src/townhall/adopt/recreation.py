"""What depends on columns that change, dropped before the change and created again after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.adopt.identities import identity_of
from townhall.check.snapshot import Key, Snapshot
from townhall.pg import Entity, MaterializedView, Policy, View, sql
from townhall.pg.catalog import Dependants, Target, read_dependants

GENERATED = "generated column"
"""The kind of a part that is dropped after the entities that use it, and created before them."""

_TYPE_ERRORS = (
    "datatype_mismatch or undefined_function or cannot_coerce or invalid_text_representation"
)


@dataclass(frozen=True)
class Recreation:
    """What is known to drop and create again what depends on columns.

    Attributes:
        connection: A connection to the database, which is only read.
        actual: What the database has.
        drops: The identities of what goes: it is created again for now, where the new types allow.
    """

    connection: Connection
    actual: Snapshot
    drops: Collection[str]

    def dependants(self, columns: Iterable[Target]) -> Dependants:
        """Return what depends on columns."""
        return read_dependants(self.connection, columns)

    def around(self, found: Dependants, change: Sequence[str]) -> tuple[str, ...]:
        """Return the statements of a change, between those that drop and create what is found.

        Args:
            found: What depends on the columns that change.
            change: The statements that change them.

        Raises:
            CommandError: Something depends on a column that can't be created again.
        """
        entities = _in_order(self.connection, _entities(found.entities, self.actual))
        gone = {key for key in found.entities if identity_of(self.actual[key]) in self.drops}
        columns = [each for each in found.parts if each.kind == GENERATED]
        parts = [each for each in found.parts if each.kind != GENERATED]
        return (
            *(each.drop for each in parts),
            *(statement for each in reversed(entities) for statement in each.drop_statements()),
            *(each.drop for each in columns),
            *change,
            *(statement for each in reversed(columns) for statement in each.create),
            *(
                statement
                for each in entities
                for statement in (_creation_if_possible if each.key in gone else _creation)(each)
            ),
            *(statement for each in reversed(parts) for statement in each.create),
        )


def _creation(entity: Entity) -> Iterable[str]:
    return entity.create_statements()


def _creation_if_possible(entity: Entity) -> Iterable[str]:
    """Yield what creates what goes later, until what takes its place is there.

    What narrows access lets no row through meanwhile where the new type does not allow it.
    """
    created, closed = (
        sql.indented("\n".join(f"{each};" for each in statements), " " * 4)
        for statements in (entity.create_statements(), _closing(entity))
    )
    otherwise = f"\n{sql.indented(closed)}" if closed else " null;"
    yield sql.do(f"\nbegin\n{created}\nexception\n    when {_TYPE_ERRORS} then{otherwise}\nend\n")


def _closing(entity: Entity) -> Iterable[str]:
    if not isinstance(entity, Policy) or entity.permissive:
        return ()
    using, check = (None if each is None else "false" for each in (entity.using, entity.check))
    return replace(entity, using=using, check=check).create_statements()


def _entities(keys: Iterable[Key], actual: Snapshot) -> list[Entity]:
    entities = []
    for key in sorted(keys):
        item = actual.get(key)
        if item is None or item.entity is None:
            raise CommandError(
                f"{' '.join(key)} depends on a column that changes, and can't be created"
                " again from here: drop it, adopt, and create it again"
            )
        entities.append(item.entity)
    return entities


def _in_order(connection: Connection, entities: list[Entity]) -> list[Entity]:
    # Each is followed by what depends on it.
    below = {
        each.key: read_dependants(connection, [Target(relation=each.literal_name)]).entities
        for each in entities
        if isinstance(each, View | MaterializedView)
    }
    return sorted(
        entities, key=lambda each: (sum(each.key in keys for keys in below.values()), each.key)
    )
