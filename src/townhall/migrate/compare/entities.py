"""What differs between declared and actual entities, in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from alembic.operations import MigrateOperation
from alembic.operations.ops import AlterTableOp, DropConstraintOp, DropIndexOp, DropTableOp
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from townhall.migrate.compare import alterables
from townhall.migrate.compare.changes import EntityOp, adapted_operations, changes
from townhall.migrate.compare.creation import Creation, Step, is_left_alone
from townhall.migrate.compare.decisions import Refusal, not_created
from townhall.migrate.compare.dependants import Dependants, addition
from townhall.migrate.compare.filters import NO_FILTERS, Filters
from townhall.migrate.compare.fixed_point import entities_at_fixed_point
from townhall.migrate.compare.history import granted_by, made_by
from townhall.migrate.compare.simulation import Failure
from townhall.migrate.compare.tables import TableDifference, differences
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.expressions import DropExpressionOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.savepoints import NO_LOCKS, attempt, rolled_back, sqlstate
from townhall.pg import (
    ENTITY_CLASSES,
    AlterableEntity,
    CreateEntityOp,
    DropEntityOp,
    Entity,
    ReplaceEntityOp,
    Routine,
    TableAccess,
)
from townhall.pg import (
    Sequence as NumberSequence,
)
from townhall.pg.adapted import Adapted, AdaptedGrant
from townhall.pg.alembic_utils import PGGrantTable, is_used
from townhall.pg.catalog import (
    Part,
    Target,
    empty_search_path,
    read_dependants,
    undroppable_entities,
)
from townhall.pg.fields import default_api_roles
from townhall.pg.state import Key, State, read_state


@dataclass(frozen=True)
class Declared:
    """What is declared.

    Attributes:
        tables: The tables.
        entities: The entities.
        schemas: The schemas that are compared.
        api_roles: The roles whose privileges are exact.
        revisions: Returns the files of the application's revisions.
        kinds: The kinds of entities that are compared.
        kept: The keys of undeclared objects that stay.
        filters: What is left out.
    """

    tables: Sequence[Table]
    entities: Sequence[Entity]
    schemas: Sequence[str]
    api_roles: tuple[str, ...]
    revisions: Callable[[], Iterable[Path]] = tuple
    kinds: Sequence[type[Entity]] = ENTITY_CLASSES
    kept: frozenset[Key] = frozenset()
    filters: Filters = NO_FILTERS

    @cached_property
    def declared_kinds(self) -> list[type[Entity]]:
        """The kinds of the declared entities."""
        names = {
            each.reader.kind if isinstance(each, Adapted) else each.kind for each in self.entities
        }
        return [each for each in self.kinds if each.kind in names]

    @property
    def compared_kinds(self) -> list[type[Entity]]:
        """The kinds of the declared entities, and of objects that are dropped if undeclared."""
        declared = [*self.declared_kinds, *([TableAccess] if self._has_alembic_utils else [])]
        return [each for each in self.kinds if each.is_own_object or each in declared]

    def granted(self) -> list[PGGrantTable]:
        """Return the privileges that the revisions granted with alembic-utils."""
        return granted_by(self.revisions()) if self._has_alembic_utils else []

    @cached_property
    def _has_alembic_utils(self) -> bool:
        return is_used() or any(isinstance(each, Adapted) for each in self.entities)


@dataclass(frozen=True)
class Comparison:
    """The actual entities, and the declared ones as PostgreSQL renders them once created.

    Attributes:
        done: The operations on tables and the declared entities, in an order in which they run.
        refusals: Those of them that PostgreSQL refused, and the declared tables that it refused.
        undecided: The steps for types that can't be altered and were left as they are, and for
            entities whose statements did not create them.
        keys: The key in the database of each declared key.
        actual: The entities of the database.
        declared: The entities of the database after the declared ones were created in it.
        undroppable: The keys of those that stay although they are not declared.
        differing: The keys of the declared entities whose states differ.
        tables: The tables that still differ after the operations on tables.
        missing: The parts of tables that can't be created again as they are after a change of what
            they depend on.
        added: The operations that add columns as they are declared, by the identity of the part
            that is dropped before.
        regenerated: The columns among them that are generated otherwise than they were.
        kinds: The kinds of entities that were compared.
        revoked: The privileges that revisions granted with alembic-utils and that are not declared.
        recreated: The keys of the types that were dropped and created again.
    """

    done: Sequence[Step]
    refusals: Sequence[Refusal]
    undecided: Sequence[UndecidedOp]
    keys: dict[Key, Key]
    actual: State
    declared: State
    undroppable: Collection[Key]
    differing: Collection[Key]
    tables: Sequence[TableDifference]
    missing: Sequence[Part]
    added: Mapping[str, MigrateOperation]
    regenerated: Sequence[Target] = ()
    kinds: Sequence[type[Entity]] = ENTITY_CLASSES
    revoked: Sequence[AdaptedGrant] = ()
    recreated: Collection[Key] = ()

    def entity_operations(self) -> list[EntityOp]:
        """Return what creates and replaces entities, in an order in which that runs."""
        return [
            operation
            for step in self.done
            if isinstance(step, Entity)
            for operation in self._operations(step)
        ]

    def _operations(self, entity: Entity) -> Iterable[EntityOp]:
        key = self.keys[entity.key]
        actual, declared = self.actual.get(key), self.declared.get(key)
        if declared is None:
            # A state that is PostgreSQL's default is in no catalog.
            if actual is not None and not entity.is_own_object:
                yield ReplaceEntityOp(entity.in_place_of(actual), actual)
        elif isinstance(entity, Adapted):
            yield from adapted_operations(entity, actual, declared)
        elif actual is None:
            yield CreateEntityOp(entity)
        elif key in self.differing:
            is_recreated = key in self.recreated
            yield from changes(entity, actual, declared, is_recreated=is_recreated)

    def recreation(self, entity: Entity) -> Entity:
        """Return what creates a declared entity again after its object was dropped."""
        key = self.keys[entity.key]
        actual = self.actual.get(key)
        if actual is None:
            return entity
        if isinstance(entity, Adapted):
            return entity.merged(self.declared[key], actual)
        return entity.keeping(actual, self.declared[key])

    @property
    def only_creates(self) -> bool:
        """Whether no own entity exists and no table is altered, so that nothing is in the way."""
        return (
            not self.tables
            and not any(isinstance(step, _CHANGES_OF_TABLES) for step in self.done)
            and not any(each.is_own_object and not each.is_shared for each in self.actual.values())
        )

    @property
    def left_alone(self) -> set[Key]:
        """The keys of undeclared entities that stay, unless what they depend on is dropped."""
        kept = {key for key, each in self.actual.items() if is_left_alone(each)}
        return (kept & {*self.undroppable}) - {*self.keys.values()}

    def operations(self) -> list[MigrateOperation]:
        """Return the operations on tables and those on entities, in an order in which they run."""
        return [
            operation
            for step in self.done
            for operation in (self._operations(step) if isinstance(step, Entity) else (step,))
        ]

    def drops(self) -> list[DropEntityOp]:
        """Return what drops the entities that are not declared.

        Row level security, privileges and replica identity are states of a table and no objects:
        undeclared ones stay as they are, and go and come back with their table.
        """
        refused = {
            refusal.operation.target.key
            for refusal in self.refusals
            if isinstance(refusal.operation, CreateEntityOp | ReplaceEntityOp)
        }
        kept = {*self.keys.values(), *refused, *self.undroppable}
        dropped = [
            (key, entity)
            for key, entity in self.actual.items()
            if key not in kept and entity.is_own_object
        ]
        entities = [entity for _, entity in sorted(dropped, key=_dependants_first)]
        return [DropEntityOp(entity) for entity in (*self.revoked, *entities)]


_CHANGES_OF_TABLES = (
    AlterTableOp,
    ChangeColumnOp,
    DropConstraintOp,
    DropExpressionOp,
    DropIndexOp,
    DropTableOp,
)
"""What something that is left alone, such as a policy on the platform's tables, can block."""

_DEPENDANTS_FIRST = ("policy", "trigger", "view", "materialized view", "procedure", "function")
"""The order in which to try to drop entities; the downgrade creates them in the opposite one."""


def _dependants_first(item: tuple[Key, Entity]) -> tuple[int, Key]:
    key, entity = item
    kinds = _DEPENDANTS_FIRST
    return (kinds.index(entity.kind) if entity.kind in kinds else len(kinds), key)


def compare(
    connection: Connection,
    declared: Declared,
    on_tables: Sequence[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
) -> Comparison:
    """Compare what is declared with a database, which is left as it was.

    Args:
        connection: A connection within a transaction, as a role that owns the objects.
        declared: What is declared.
        on_tables: The operations on tables of Alembic's comparison.
        invoke: Runs one of them.
    """
    try:
        return _compare(connection, declared, on_tables, invoke, spares_locks=False)
    except DBAPIError as error:
        if sqlstate(error) != NO_LOCKS:
            raise
    return _compare(connection, declared, on_tables, invoke, spares_locks=True)


def _compare(
    connection: Connection,
    declared: Declared,
    on_tables: Sequence[MigrateOperation],
    invoke: Callable[[MigrateOperation], None],
    *,
    spares_locks: bool,
) -> Comparison:
    with rolled_back(connection):
        set_rows_aside(connection, on_tables, declared.schemas)
        with empty_search_path(connection):
            actual = _read(connection, declared, declared.compared_kinds)
            never_dropped = undroppable_entities(connection, declared.schemas)
        undroppable = {
            *never_dropped,
            *_of_others(actual, declared),
            *(declared.kept & actual.keys()),
            *_left_out(actual, declared),
        }
        changeable = {key: entity for key, entity in actual.items() if key not in undroppable}
        left_alone = [
            each for key in undroppable if (each := actual.get(key)) and is_left_alone(each)
        ]
        creation = Creation(
            connection,
            changeable,
            invoke,
            partial(Dependants, connection, changeable, declared.tables, invoke),
        )
        read = partial(_read, connection, declared, declared.declared_kinds)
        unchanged = creation.unchanged(declared.entities, read) if spares_locks else ()
        done, failures = creation.run([*on_tables, *declared.entities], left_alone, unchanged)
        missing = creation.dependants.missing()
        if failures and creation.dependants.added:
            # They may read a column that could be added only after another one.
            later, failures = creation.run_again(failures)
            done = [*done, *later]
        routines = [step for step in done if isinstance(step, Routine)]
        tables, refused = differences(
            connection,
            declared.tables,
            routines,
            declared.filters,
            spares_locks=spares_locks,
        )
        operations = _operations(connection, tables)
        regenerated = [(each.table, name) for each in tables for name in each.regenerated]
        if regenerated and creation.may_recreate:
            # A column that is generated otherwise does not hold its type.
            failures = [*failures, *creation.regenerate(done, regenerated)]
        created = read()
        keys = _keys_in_database(connection, done, created)
        differing = [key for key in keys.values() if actual.get(key) != created.get(key)]
        created = entities_at_fixed_point(connection, actual, created, differing, declared.schemas)
        undroppable |= _of_refused_routines(connection, failures)
        kept = {*keys.values(), *undroppable}
        changes_default = any(isinstance(each, ChangeColumnOp) for each in [*done, *operations])
        if changes_default or any(
            isinstance(actual[key], AlterableEntity) for key in actual.keys() - kept
        ):
            # A default that goes does not hold its sequence.
            _change(connection, operations, declared.schemas, invoke)
            if changes_default:
                actual |= _without_default(connection, declared, {*actual, *kept})
            creation.restore_left_alone()
            undroppable |= _used(connection, declared, actual, kept)
        undecided = [
            *alterables.undecided(connection, creation.unaltered, actual),
            *map(not_created, _missing(done, keys, created)),
        ]
    return Comparison(
        done,
        [*(_refusal(each, actual) for each in failures), *refused],
        undecided,
        keys,
        actual,
        created,
        undroppable,
        {*differing},
        tables,
        missing,
        creation.dependants.added | dict(addition(*each) for each in regenerated),
        [_recreated(*each) for each in regenerated],
        declared.kinds,
        _revoked(declared, actual),
        creation.recreated,
    )


def _recreated(table: Table, column: str) -> Target:
    return Target(relation=qualified_name(table), column=column, is_recreated=True)


def _revoked(declared: Declared, actual: State) -> list[AdaptedGrant]:
    # Nothing in the database tells a privilege of alembic-utils from others.
    grants = [AdaptedGrant(schema=each.schema, target=each) for each in declared.granted()]
    keys = {each.key for each in declared.entities} if grants else set[Key]()
    return [
        each
        for each in grants
        if each.key not in keys
        and (table := TableAccess(schema=each.schema, table=each.target.table).key) not in keys
        and each.found_in(actual.get(table))
    ]


def _refusal(failure: Failure[Step], actual: State) -> Refusal:
    step = failure.step
    if not isinstance(step, Entity):
        return Refusal.of(step, failure.error)
    previous = actual.get(step.key)
    operation = ReplaceEntityOp(step, previous) if previous else CreateEntityOp(step)
    return Refusal.of(operation, failure.error, is_of_body=failure.is_of_body)


def _of_refused_routines(connection: Connection, failures: Iterable[Failure[Step]]) -> set[Key]:
    # They stay as they are, though PostgreSQL may spell the types of their arguments otherwise.
    routines = [each.step for each in failures if isinstance(each.step, Routine)]
    return {*Routine.keys_in_database(connection, routines).values()} if routines else set()


def _read(connection: Connection, declared: Declared, kinds: Sequence[type[Entity]]) -> State:
    names = {each.kind for each in declared.declared_kinds}
    state = read_state(connection, declared.schemas, kinds, names)
    if all(default_api_roles(each) in (None, declared.api_roles) for each in kinds):
        return state
    return {key: entity.with_api_roles(declared.api_roles) for key, entity in state.items()}


def _operations(
    connection: Connection, tables: Iterable[TableDifference]
) -> list[MigrateOperation]:
    return [
        operation
        for table in tables
        for operation in table.operations(connection)
        if not isinstance(operation, UndecidedOp)
    ]


def _change(
    connection: Connection,
    operations: Sequence[MigrateOperation],
    schemas: Sequence[str],
    invoke: Callable[[MigrateOperation], None],
) -> None:
    set_rows_aside(connection, operations, schemas)
    for operation in operations:
        attempt(connection, partial(invoke, operation))


def _without_default(connection: Connection, declared: Declared, known: Collection[Key]) -> State:
    # The sequences of columns that are serial no more.
    sequences = read_state(connection, declared.schemas, [NumberSequence])
    return {
        key: entity.with_api_roles(declared.api_roles)
        for key, entity in sequences.items()
        if key not in known
    }


def _used(
    connection: Connection, declared: Declared, actual: State, kept: Collection[Key]
) -> set[Key]:
    # Types and sequences that are not declared, on which something depends that stays.
    dropped = {key for key in actual if key not in kept}
    routines = [
        Target(function=each.literal_signature)
        for key in dropped
        if isinstance(each := actual[key], Routine)
    ]
    # What is left alone on the platform's tables goes with the functions that it calls.
    going = read_dependants(connection, routines).entities & actual.keys()
    users = alterables.uses(connection, declared.schemas)
    return alterables.used(users, {*dropped, *going}) & dropped


def _missing(done: Iterable[Step], keys: dict[Key, Key], created: State) -> list[Entity]:
    # The declared entities that PostgreSQL did not refuse and that are not there.
    if created.keys() >= {*keys.values()}:
        return []
    return [
        step
        for step in done
        if isinstance(step, Entity)
        and keys[step.key] not in created
        # The sequence of a serial column is read with the column.
        and step.is_own_object
        and not isinstance(step, NumberSequence)
    ]


def _of_others(actual: State, declared: Declared) -> set[Key]:
    shared = [each for each in actual.values() if each.is_shared]
    names = {each.key for each in declared.entities} if shared else set()
    undeclared = [each for each in shared if each.key not in names]
    droppable = [each for each in undeclared if each.is_own_object and any(each.drop_statements())]
    # Most databases have none, and no revision is read then.
    made = made_by(declared.revisions(), droppable) if droppable else set()
    return {each.key for each in undeclared} - made


def _left_out(actual: State, declared: Declared) -> set[Key]:
    take = declared.filters.take_entity
    if declared.filters == NO_FILTERS:
        return set()
    return {key for key, entity in actual.items() if not take(entity, is_actual=True)}


def _keys_in_database(
    connection: Connection, done: Sequence[Step], created: State
) -> dict[Key, Key]:
    keys: dict[Key, Key] = {}
    # Nearly always PostgreSQL spells a key as it is declared.
    by_class: dict[type[Entity], list[Entity]] = defaultdict(list)
    for step in done:
        if isinstance(step, Entity):
            key = step.key
            keys[key] = key
            if key not in created:
                by_class[type(step)].append(step)
    for entity_class, entities in by_class.items():
        keys |= entity_class.keys_in_database(connection, entities)
    return keys | {key: key for key in keys.values()}
