"""What differs between the declared entities and those of a database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from townhall.migrate.simulation import (
    Failure,
    Key,
    State,
    read_state,
    rolled_back,
    run_in_any_order,
    run_script,
)
from townhall.pg import CreateEntityOp, DropEntityOp, Entity, ReplaceEntityOp

EntityOp = CreateEntityOp | ReplaceEntityOp | DropEntityOp


@dataclass(frozen=True)
class Comparison:
    """The declared entities beside what the catalog said before and after creating them.

    Attributes:
        declared: The declared entities that could be created, in an order that works.
        keys: The key in the database of each declared key.
        before: What was in the database.
        after: What would be in it.
        failures: The declared entities that could not be created.
    """

    declared: Sequence[Entity]
    keys: dict[Key, Key]
    before: State
    after: State
    failures: Sequence[Failure[Entity]] = field(default=())

    def changes(self) -> list[EntityOp]:
        """Return what creates and replaces the declared entities, in an order that works."""
        return [change for entity in self.declared for change in self._change(entity)]

    def _change(self, entity: Entity) -> Iterable[EntityOp]:
        key = self.keys[entity.key]
        before, after = self.before.get(key), self.after[key]
        if before is None:
            yield CreateEntityOp(entity)
        elif before.state != after.state:
            if after.can_replace(before):
                yield ReplaceEntityOp(entity, before)
            else:
                yield DropEntityOp(before)
                yield CreateEntityOp(entity)

    def drops(self, dropped_tables: Iterable[tuple[str, str]]) -> list[DropEntityOp]:
        """Return what drops the entities that nobody declared.

        Row level security, privileges and replica identity are states of a table and not objects:
        where nothing is declared they stay as they are, until the table itself goes.

        Args:
            dropped_tables: Schema and name of the tables that are about to be dropped.
        """
        known = {*self.keys.values(), *(failure.step.key for failure in self.failures)}
        going = set(dropped_tables)
        return [
            DropEntityOp(entity)
            for key, entity in sorted(self.before.items())
            if key not in known and (entity.is_own_object or entity.name_parts in going)
        ]


def compare(
    connection: Connection,
    declared: Sequence[Entity],
    schemas: Sequence[str],
    prepare: Callable[[], None],
) -> Comparison:
    """Compare declared entities with a database, and leave it as it was.

    Args:
        connection: A connection within a transaction, as a role that owns the objects.
        declared: What should be there.
        schemas: The schemas to look into.
        prepare: Applies the changes to tables that come before the entities.
    """
    with rolled_back(connection):
        before = read_state(connection, schemas)
        _clear_the_way(connection, before)
        prepare()
        created, failures = run_in_any_order(
            connection, declared, lambda entity: run_script(connection, entity.create_statements())
        )
        keys = _keys_in_database(connection, created)
        after = read_state(connection, schemas)
    return Comparison(
        declared=[entity for entity in created if keys.get(entity.key) in after],
        keys=keys,
        before=before,
        after=after,
        failures=failures,
    )


def _clear_the_way(connection: Connection, before: State) -> None:
    # Views and what hangs on tables could stand in the way of a column's change, and a view can't
    # be replaced by one with other columns. Functions stay: tables may need them.
    run_script(
        connection,
        (
            f"{statement} cascade" if "view" in entity.kind else statement
            for entity in before.values()
            if entity.is_own_object and entity.kind != "function"
            for statement in entity.drop_statements()
        ),
    )


def _keys_in_database(connection: Connection, created: Sequence[Entity]) -> dict[Key, Key]:
    by_class: dict[type[Entity], list[Entity]] = defaultdict(list)
    for entity in created:
        by_class[type(entity)].append(entity)
    return {
        declared: found
        for entity_class, entities in by_class.items()
        for declared, found in entity_class.keys_in_database(connection, entities).items()
    }
