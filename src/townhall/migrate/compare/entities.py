"""What differs between what is declared and what a database has, in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from alembic.operations import MigrateOperation
from sqlalchemy import Connection, Table

from townhall.migrate.compare.scope import entities_of_others
from townhall.migrate.compare.simulation import Failure, Key, State, read_state, run_in_any_order
from townhall.migrate.compare.tables import TableDifference, differences
from townhall.migrate.savepoints import attempt, rolled_back, run_script
from townhall.pg import CreateEntityOp, DropEntityOp, Entity, Function, ReplaceEntityOp, View

EntityOp = CreateEntityOp | ReplaceEntityOp | DropEntityOp
Step = Entity | MigrateOperation


@dataclass(frozen=True)
class Declared:
    """What should be in a database.

    Attributes:
        tables: The tables.
        entities: The entities beside them.
        schemas: The schemas in which nothing else should be.
        api_roles: The roles whose privileges are exact.
    """

    tables: Sequence[Table]
    entities: Sequence[Entity]
    schemas: Sequence[str]
    api_roles: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What is declared beside what the catalog said before and after creating it.

    Attributes:
        done: The operations on tables and the declared entities, in an order that works.
        failures: Those of them that PostgreSQL refused.
        keys: The key in the database of each declared key.
        before: The entities that were in the database.
        after: The entities that would be in it.
        of_others: The keys of those that stay where nobody declared them.
        tables: The tables that would still differ.
    """

    done: Sequence[Step]
    failures: Sequence[Failure[Step]]
    keys: dict[Key, Key]
    before: State
    after: State
    of_others: Collection[Key]
    tables: Sequence[TableDifference]

    def entity_operations(self) -> list[EntityOp]:
        """Return what creates and replaces the declared entities, in an order that works."""
        return [
            operation
            for step in self.done
            if isinstance(step, Entity)
            for operation in self._operations(step)
        ]

    def _operations(self, entity: Entity) -> Iterable[EntityOp]:
        key = self.keys[entity.key]
        before, after = self.before.get(key), self.after[key]
        if before is None:
            yield CreateEntityOp(entity)
        elif before.state != after.state:
            # What has no way back is made anew, around which its dependants can be, both ways.
            if after.can_replace(before) and before.can_replace(after):
                yield ReplaceEntityOp(entity, before)
            else:
                yield DropEntityOp(before)
                yield CreateEntityOp(entity.with_unmanaged_grants_of(before))

    @property
    def is_of_something_new(self) -> bool:
        """Whether nothing was there that could stand in the way."""
        return not self.tables and not any(each.is_own_object for each in self.before.values())

    def operations(self) -> list[MigrateOperation]:
        """Return the operations on tables and those on entities, in an order that works."""
        return [
            operation
            for step in self.done
            for operation in (self._operations(step) if isinstance(step, Entity) else (step,))
        ]

    def drops(self, dropped_tables: Iterable[tuple[str, str]]) -> list[DropEntityOp]:
        """Return what drops the entities that nobody declared.

        Row level security, privileges and replica identity are states of a table and not objects:
        where nothing is declared they stay as they are, until the table itself goes.

        Args:
            dropped_tables: Schema and name of the tables that are about to be dropped.
        """
        refused = {
            failure.step.key for failure in self.failures if isinstance(failure.step, Entity)
        }
        known = {*self.keys.values(), *refused, *self.of_others}
        going = set(dropped_tables)
        return [
            DropEntityOp(entity)
            for key, entity in sorted(self.before.items())
            if key not in known and (entity.is_own_object or entity.name_parts in going)
        ]


def compare(
    connection: Connection,
    declared: Declared,
    on_tables: Sequence[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
) -> Comparison:
    """Compare what is declared with a database, and leave it as it was.

    Args:
        connection: A connection within a transaction, as a role that owns the objects.
        declared: What should be there.
        on_tables: The operations on tables that Alembic found necessary.
        invoke: Runs one of them.
    """
    with rolled_back(connection):
        before = {
            key: entity.with_api_roles(declared.api_roles)
            for key, entity in read_state(connection, declared.schemas).items()
        }
        of_others = entities_of_others(connection, declared.schemas)
        ours = {key: entity for key, entity in before.items() if key not in of_others}
        done, failures = _create(connection, [*on_tables, *declared.entities], ours, invoke)
        after = read_state(connection, declared.schemas)
        keys = _keys_in_database(connection, done, after)
        remaining = differences(connection, declared.tables) if not failures else []
    return Comparison(done, failures, keys, before, after, of_others, remaining)


_VIEWS = ("view", "materialized view")
_ON_TABLES = ("policy", "trigger")


def _create(
    connection: Connection,
    steps: Sequence[Step],
    before: State,
    invoke: Callable[[MigrateOperation], None],
) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
    entities = [step for step in steps if isinstance(step, Entity)]
    operations = [step for step in steps if not isinstance(step, Entity)]

    def run(step: Step) -> None:
        if isinstance(step, Entity):
            _create_entity(connection, step, before)
        else:
            invoke(step)

    def run_at_once() -> None:
        for operation in operations:
            invoke(operation)
        run_script(connection, (sql for each in entities for sql in _statements(each, before)))

    _drop(connection, filter(_makes_way, before.values()))
    # Nearly always what is declared can be created as it stands, in one round trip.
    if attempt(connection, run_at_once) is None:
        return steps, []
    # A view can't be replaced by one without a column, and what hangs on a table may stand in the
    # way of a column's change.
    _drop(connection, (each for each in before.values() if each.kind in {*_VIEWS, *_ON_TABLES}))
    functions = [entity for entity in entities if isinstance(entity, Function)]
    others = [entity for entity in entities if not isinstance(entity, Function)]
    for overload in _overloads(connection, functions, before):
        attempt(connection, lambda overload=overload: _drop(connection, [overload]))  # type: ignore[misc] # bound now
    return run_in_any_order(connection, [*operations, *functions, *others], run)


def _makes_way(entity: Entity) -> bool:
    # A materialized view can't be replaced, and a view that is keeps the comments on its columns.
    return entity.kind == "materialized view" or (
        isinstance(entity, View) and bool(entity.column_comments)
    )


def _overloads(
    connection: Connection, declared: Sequence[Function], before: State
) -> Iterable[Function]:
    # A call that fits one that is declared and one that is to go is ambiguous while both are there.
    names = {(each.schema, each.name) for each in declared}
    spelled = {each.key for each in declared}
    found = [
        each
        for key, each in before.items()
        if isinstance(each, Function) and (each.schema, each.name) in names and key not in spelled
    ]
    known = Function.keys_in_database(connection, declared).values() if found else ()
    return [each for each in found if each.key not in known]


def _drop(connection: Connection, entities: Iterable[Entity]) -> None:
    run_script(
        connection,
        (
            f"{statement}{' cascade' if entity.kind in _VIEWS else ''}"
            for entity in entities
            for statement in entity.drop_statements()
        ),
    )


def _statements(entity: Entity, before: State) -> Iterable[str]:
    found = before.get(entity.key)
    if found is None:
        return entity.create_without_data_statements()
    if entity.can_replace(found) and not _makes_way(found):
        return entity.replace_statements()
    return entity.with_unmanaged_grants_of(found).create_without_data_statements()


def _create_entity(connection: Connection, entity: Entity, before: State) -> None:
    found = before.get(entity.key)
    kept = entity if found is None else entity.with_unmanaged_grants_of(found)

    def create() -> None:
        run_script(connection, kept.create_without_data_statements())

    if entity.kind == "function" and attempt(connection, create) is not None:
        # One with another result can't be replaced. It was not dropped before, because tables
        # may need it.
        run_script(connection, (f"{sql} cascade" for sql in entity.drop_statements()))
    create()


def _keys_in_database(connection: Connection, done: Sequence[Step], after: State) -> dict[Key, Key]:
    keys = {step.key: step.key for step in done if isinstance(step, Entity)}
    # Nearly always PostgreSQL spells a key as it is declared.
    by_class: dict[type[Entity], list[Entity]] = defaultdict(list)
    for step in done:
        if isinstance(step, Entity) and step.key not in after:
            by_class[type(step)].append(step)
    for entity_class, entities in by_class.items():
        keys |= entity_class.keys_in_database(connection, entities)
    return keys
