"""Running the operations on tables and creating what is declared, in an order that is found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import cast

from alembic.operations import MigrateOperation
from alembic.operations.ops import DropTableOp
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from townhall.migrate.compare import alterables
from townhall.migrate.compare.dependants import (
    Dependants,
    addition,
    changed_column,
    holding_keys,
    parts_with,
    replaced,
    target_of,
    target_of_entity,
)
from townhall.migrate.compare.freed_types import frees_type
from townhall.migrate.compare.overloads import arrangements, is_ambiguous
from townhall.migrate.compare.simulation import Failure, run_in_any_order
from townhall.migrate.compare.view_cycles import reading_themselves
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.bodies import CHECKED, are_checked
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.operations.table_names import table_of
from townhall.migrate.savepoints import SYNTAX_ERROR, attempt, rolled_back, run_script, sqlstate
from townhall.pg import AlterableEntity, CompositeType, Domain, Entity, Routine, View, sql
from townhall.pg.adapted import AdaptedFunction
from townhall.pg.catalog import Part, Target, empty_search_path, read_dependants
from townhall.pg.state import Key, State

Step = Entity | MigrateOperation

_VIEWS = ("view", "materialized view")
_PART = 50
"""How many entities are created at a time where the server has too few locks for all."""
_ON_TABLES = ("policy", "trigger")
"""The kinds of entities that can block the change of a column."""


class Creation:
    """Brings a database to what is declared, within a transaction that is rolled back.

    Attributes:
        dependants: What was dropped around changes.
        recreated: The keys of the types that were dropped and created again.
    """

    def __init__(
        self,
        connection: Connection,
        actual: State,
        invoke: Callable[[MigrateOperation], None],
        dependants: Callable[[], Dependants],
    ) -> None:
        """Take what the comparison knows.

        Args:
            connection: A connection within a transaction.
            actual: The entities of the database that may be changed.
            invoke: Runs an operation.
            dependants: Makes what notes down which objects are dropped around changes.
        """
        self._connection, self._actual, self._invoke = connection, actual, invoke
        self._dependants_of = dependants
        self.dependants = dependants()
        self._overloads: dict[tuple[str, str], list[Routine]] = {}
        self._unaltered: dict[Key, AlterableEntity] = {}
        self._altered: dict[Key, AlterableEntity] = {}
        self.recreated: set[Key] = set()
        self._declared: Collection[Key] = ()
        self._placeholders: Sequence[View] | None = None
        self._left_alone: Sequence[Entity] = ()
        self._gone: Sequence[Part] = ()

    @property
    def unaltered(self) -> Sequence[AlterableEntity]:
        """The declared types that were left as they are, since they can't be altered."""
        return [*self._unaltered.values()]

    @property
    def may_recreate(self) -> bool:
        """Whether a type was not created again since a column had it."""
        return bool(self._unaltered or self._altered)

    def run(
        self, steps: Sequence[Step], left_alone: Iterable[Entity], as_declared: Collection[Key] = ()
    ) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
        """Run steps, and return them in an order in which they run, and those that were refused.

        Args:
            steps: The operations on tables, and the declared entities.
            left_alone: The entities of others, which may be in the way.
            as_declared: The keys of entities that need not be created again, if all others can be.
        """
        every = [step for step in steps if isinstance(step, Entity)]
        self._declared = {step.key for step in every}
        alterable = [step for step in every if isinstance(step, AlterableEntity)]
        extensions = [step for step in every if step.precedes_tables and step not in alterable]
        entities = [step for step in every if not step.precedes_tables]
        operations = [step for step in steps if not isinstance(step, Entity | DropTableOp)]
        drops = [step for step in steps if isinstance(step, DropTableOp)]
        functions = [entity for entity in entities if isinstance(entity, Routine)]
        first: list[Step] = [*extensions, *alterable]
        if any(map(self._may_change, alterable)):
            # A column that goes does not hold its type, which what is new then has as declared.
            freeing = [step for step in operations if frees_type(step, alterable)]
            operations = [step for step in operations if step not in freeing]
            first = [*extensions, *drops, *freeing, *alterable]
            drops = []
        in_order: list[Step] = [*first, *operations, *entities, *drops]
        self._find_overloads(functions)
        self._drop_views(filter(_is_recreated, self._actual.values()))
        # Nearly always the declared entities can be created in their order, in one round trip.
        needed = in_order
        if as_declared:
            needed = [
                each
                for each in in_order
                if not isinstance(each, Entity) or each.key not in as_declared
            ]
        at_once = partial(self._run_at_once, needed)
        if not self._overloads and attempt(self._connection, at_once) is None:
            return in_order, []
        self._forget_types()
        kept = self._independent_of(needed, as_declared)
        # A view can't be replaced by one that lacks a column, and views, policies and triggers on a
        # table can block the change of a column.
        kinds = {*_VIEWS, *_ON_TABLES}
        dropped = [
            each for each in self._actual.values() if each.kind in kinds and each.key not in kept
        ]
        self._drop_views(dropped)
        self._left_alone = [
            each
            for each in left_alone
            if attempt(self._connection, partial(self._drop, [each])) is None
        ]
        others = [entity for entity in entities if not isinstance(entity, Routine)]
        ordered: list[Step] = [*first, *operations, *functions, *others, *drops]
        left, changed = _divided(ordered, kept)
        done, failures = self._run_in_arrangements(changed)
        return [*left, *done], failures

    def run_again(
        self, failures: Iterable[Failure[Step]]
    ) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
        """Run steps again that were refused, and return those that run now, and the others.

        Args:
            failures: The steps that were refused.
        """
        return self._run_in_any_order([failure.step for failure in failures])

    def regenerate(
        self, done: Iterable[Step], columns: Collection[tuple[Table, str]]
    ) -> Sequence[Failure[Step]]:
        """Add columns that are generated otherwise as they are declared, and their types before.

        Args:
            done: The steps that ran, whose entities are created again where they went.
            columns: The columns, which are dropped.

        Returns:
            What is refused after that.
        """
        drops = (
            f"alter table {qualified_name(table)} drop column {sql.quote(name)} cascade"
            for table, name in columns
        )
        run_script(self._connection, drops)
        types = [*self._unaltered.values(), *self._altered.values()]
        self._unaltered, self._altered = {}, {}
        self._create_alterables(types)
        additions = [addition(*each)[1] for each in columns]
        set_rows_aside(self._connection, additions, ())
        entities = [each for each in done if isinstance(each, Entity) and not each.precedes_tables]
        steps: list[Step] = [*additions, *entities]
        return run_in_any_order(self._connection, steps, self._run_one)[1]

    def restore_left_alone(self) -> None:
        """Create what others have and was in the way again, where that is possible."""
        for each in self._left_alone:
            attempt(
                self._connection, partial(run_script, self._connection, each.create_statements())
            )

    def _may_change(self, declared: AlterableEntity) -> bool:
        actual = self._actual.get(declared.key)
        return actual is not None and declared.state != actual.state

    def _independent_of(self, steps: Iterable[Step], as_declared: Collection[Key]) -> set[Key]:
        """Return the keys of those entities that depend on nothing that steps change or drop."""
        if not as_declared:
            return set()
        changed = [
            target
            for step in steps
            if (target := _target_of(step)) is not None
            and (not isinstance(step, Entity) or self._actual.get(step.key, step) != step)
        ]
        return {*as_declared} - read_dependants(self._connection, changed).entities

    def _run_in_arrangements(
        self, steps: Sequence[Step]
    ) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
        # A call that fits two declared functions was written when there was one of them.
        arranged = [*arrangements(steps, lambda step: step if isinstance(step, Routine) else None)]
        if not arranged:
            return self._run_in_any_order(steps)
        overloads = {**self._overloads}
        for first, later in [(steps, list[Step]()), *arranged]:
            savepoint = self._connection.begin_nested()
            self._overloads = {**overloads}
            self._forget_types()
            self.dependants = self._dependants_of()
            self.dependants.are_gone(self._gone)
            self._drop_cascade(step for step in later if isinstance(step, Routine))
            done, failures = self._run_in_any_order(first)
            if later:
                more, failures = self._run_in_any_order(
                    [*(failure.step for failure in failures), *later]
                )
                done = [*done, *more]
            if not is_ambiguous(failures):
                savepoint.commit()
                return done, failures
            savepoint.rollback()
        self._overloads = overloads
        return self._run_in_any_order(steps)

    def _forget_types(self) -> None:
        self._unaltered, self._altered, self.recreated = {}, {}, set()

    def unchanged(self, entities: Iterable[Entity], read: Callable[[], State]) -> set[Key]:
        """Return the keys of entities that exist as they are declared.

        They are created in parts, for a server that has too few locks for all of them at once.

        Args:
            entities: Declared entities.
            read: Reads the entities of the database.
        """
        existing = [
            each
            for each in entities
            if not isinstance(each, AlterableEntity)
            and (actual := self._actual.get(each.key)) is not None
            and not _is_recreated(actual)
        ]
        unchanged: set[Key] = set()
        for start in range(0, len(existing), _PART):
            part = existing[start : start + _PART]
            with rolled_back(self._connection):
                if attempt(self._connection, partial(self._run_at_once, part)) is None:
                    created = read()
                    unchanged |= {
                        each.key for each in part if created.get(each.key) == self._actual[each.key]
                    }
        return unchanged

    def _run_at_once(self, steps: Sequence[Step]) -> None:
        # Consecutive entities are created in one round trip.
        for kind, group in groupby(steps, _kind_of_step):
            if kind is AlterableEntity:
                self._create_alterables(cast("list[AlterableEntity]", [*group]))
            elif kind is Entity:
                entities = cast("Iterable[Entity]", group)
                run_script(
                    self._connection, (line for each in entities for line in self._statements(each))
                )
            else:
                for step in group:
                    self._run_one(step)
        if self.recreated:
            # What has such a type may call functions that were created after it.
            types = [each for each in steps if isinstance(each, AlterableEntity)]
            self._create_again(each for each in types if each.key in self.recreated)

    def _run_in_any_order(
        self, steps: Sequence[Step]
    ) -> tuple[Sequence[Step], Sequence[Failure[Step]]]:
        done, failures = run_in_any_order(self._connection, steps, self._run_one)
        if self.dependants.were_dropped:
            # What was created before may have been dropped around a later change.
            created = [step for step in done if self._may_be_gone(step)]
            again, refused = run_in_any_order(self._connection, created, self._run_one)
            failures = [*failures, *refused]
            done = [*(step for step in done if not self._may_be_gone(step)), *again]
        wrong = [*self._wrong_bodies(done)]
        wrong_ones = [failure.step for failure in wrong]
        return [each for each in done if each not in wrong_ones], [*failures, *wrong]

    def _may_be_gone(self, step: Step) -> bool:
        # Types and sequences that exist have been changed, and by then PostgreSQL may refuse that.
        # Of a domain its default and checks may be gone, which call functions.
        if isinstance(step, AlterableEntity) and step.key in self._actual:
            return isinstance(step, Domain) or step.key in self.recreated
        return isinstance(step, Entity)

    def _run_one(self, step: Step) -> None:
        if isinstance(step, Routine):
            self._create_routine(step)
        elif isinstance(step, AlterableEntity):
            self._create_alterables([step])
        elif isinstance(step, AdaptedFunction):
            self._create_adapted(step)
        elif isinstance(step, Entity):
            self._create_entity(step)
        elif isinstance(step, DropTableOp):
            self._drop_table(step)
        else:
            self._run_operation(step)

    def _create_alterables(self, entities: Sequence[AlterableEntity]) -> None:
        self._create_again(each for each in entities if each.key in self.recreated)
        others = [each for each in entities if each.key not in self.recreated]
        outcome = alterables.create(self._connection, others, self._actual, self._change_around)
        self._unaltered |= outcome.refused
        self._altered |= outcome.altered
        self.recreated |= outcome.recreated

    def _create_again(self, types: Iterable[AlterableEntity]) -> None:
        alterables.create_again(self._connection, types, self._actual)

    def _change_around(
        self, entity: Entity, change: Callable[[], None], *, cascades: bool = True
    ) -> None:
        target = target_of_entity(entity)
        targets = [] if target is None else [target._replace(is_recreated=cascades)]
        self.dependants.dropped_around(targets, change, cascades=cascades)

    def _run_operation(self, operation: MigrateOperation) -> None:
        run = partial(self._invoke, operation)
        target = changed_column(operation)
        if target is None:
            run()
        elif (error := attempt(self._connection, run)) is not None:
            self._run_around([holding_keys(target, error)], operation, run)

    def _run_around(
        self, targets: Sequence[Target], operation: MigrateOperation, run: Callable[[], None]
    ) -> None:
        try:
            self.dependants.dropped_around(targets, run)
        except DBAPIError:
            self.dependants.was_refused(operation)
            raise

    def _drop_table(self, drop: DropTableOp) -> None:
        # What depends on the table is not declared, or was refused; the order in which all of that
        # is dropped is found later.
        name = sql.qualified(*table_of(drop))
        run_script(self._connection, [f"drop table {name} cascade"])

    def _create_entity(self, entity: Entity) -> None:
        actual = self._actual.get(entity.key)
        if actual is not None:
            entity = entity.with_unmanaged_grants_of(actual).in_place_of(actual)
        run_script(self._connection, entity.create_without_data_statements())

    def _create_adapted(self, function: AdaptedFunction) -> None:
        create = partial(self._create_entity, function)
        error = attempt(self._connection, create)
        if error is None:
            return
        drop = partial(self._drop_cascade, [function])
        if attempt(self._connection, drop) is not None:
            raise error  # there is nothing that was in the way
        create()

    def _create_routine(self, routine: Routine) -> None:
        name = (routine.schema, routine.name)
        dropped = [routine, *self._overloads.get(name, ())]
        create = partial(self._create_entity, routine)

        def drop_and_create() -> None:
            self._drop_cascade(dropped)
            create()

        # A function with another result type can't be replaced.
        if len(dropped) > 1 or attempt(self._connection, create) is not None:
            self.dependants.dropped_around(replaced(dropped), drop_and_create)
            self._overloads.pop(name, None)

    def _find_overloads(self, declared: Sequence[Routine]) -> None:
        # While an undeclared overload exists, a call that fits it and a declared one is ambiguous.
        names = {(each.schema, each.name) for each in declared}
        declared_keys = {each.key for each in declared}
        overloads = [
            each
            for key, each in self._actual.items()
            if isinstance(each, Routine)
            and (each.schema, each.name) in names
            and key not in declared_keys
        ]
        if overloads:
            keys = {*Routine.keys_in_database(self._connection, declared).values()}
            for each in overloads:
                if each.key not in keys:
                    self._overloads.setdefault((each.schema, each.name), []).append(each)

    def _drop_views(self, entities: Iterable[Entity]) -> None:
        dropped = [*entities]
        gone = parts_with(self._connection, dropped)
        if dropped and self._placeholders is None:
            self._placeholders = self._find_placeholders()
        self._gone = [*self._gone, *gone]
        self.dependants.are_gone(gone)
        self._drop(dropped)
        self._create_placeholders()
        if types := [*_types_of_rows(self._actual.values(), dropped)]:
            self._read_again(types)

    def _find_placeholders(self) -> list[View]:
        # A declared view that reads itself can only replace one that is there.
        views = {
            each.literal_name: each for each in self._actual.values() if isinstance(each, View)
        }
        names = reading_themselves(self._connection, [*views])
        return [views[each].placeholder() for each in names if views[each].key in self._declared]

    def _create_placeholders(self) -> None:
        is_missing = text("select to_regclass(:name) is null")
        for each in self._placeholders or ():
            if self._connection.scalar(is_missing, {"name": each.literal_name}):
                create = partial(run_script, self._connection, [*each.create_statements()])
                attempt(self._connection, create)

    def _read_again(self, types: Sequence[AlterableEntity]) -> None:
        schemas = sorted({each.schema for each in types})
        with empty_search_path(self._connection):
            read = {
                each.key: each
                for entity_class in {type(each) for each in types}
                for each in entity_class.read(self._connection, schemas)
            }
        keys = {each.key for each in types}
        self._actual = {
            key: read.get(key, each)
            for key, each in self._actual.items()
            if key in read or key not in keys
        }

    def _drop(self, entities: Iterable[Entity]) -> None:
        run_script(
            self._connection,
            (
                f"{statement}{' cascade' if entity.kind in _VIEWS else ''}"
                for entity in entities
                for statement in entity.drop_statements()
            ),
        )

    def _drop_cascade(self, entities: Iterable[Entity]) -> None:
        drops = (drop for each in entities for drop in each.drop_statements())
        run_script(self._connection, (f"{drop} cascade" for drop in drops))

    def _statements(self, entity: Entity) -> Iterable[str]:
        actual = self._actual.get(entity.key)
        if actual is None:
            return entity.create_without_data_statements()
        if entity.can_replace(actual) and not _is_recreated(actual):
            return entity.in_place_of(actual).replace_statements()
        return entity.with_unmanaged_grants_of(actual).create_without_data_statements()

    def _wrong_bodies(self, done: Iterable[Step]) -> Iterable[Failure[Step]]:
        if are_checked(self._connection):
            return
        run_script(self._connection, [CHECKED])
        for step in done:
            # One that is kept as it was found may not run: what it calls is gone, or is found on
            # the search path of a session. alembic-utils has no word for that.
            is_own = isinstance(step, Routine) and not step.verbatim
            if isinstance(step, Entity) and (is_own or isinstance(step, AdaptedFunction)):
                create = partial(run_script, self._connection, [*step.replace_statements()])
                error = attempt(self._connection, create)
                if error is not None and (is_own or sqlstate(error) == SYNTAX_ERROR):
                    yield Failure(step, error, is_of_body=True)


def is_left_alone(entity: Entity) -> bool:
    """Tell whether an undeclared entity stays, unless what it depends on goes.

    Args:
        entity: An actual entity.
    """
    return entity.is_shared or entity.kind in _ON_TABLES


def _types_of_rows(
    entities: Iterable[Entity], views: Iterable[Entity]
) -> Iterable[AlterableEntity]:
    """Yield the types that go, or lose an attribute, with the rows of dropped views."""
    types = [each for each in entities if isinstance(each, CompositeType | Domain)]
    names = {sql.qualified(*each.name_parts) for each in views if each.kind in _VIEWS}
    while found := [each for each in types if not names.isdisjoint(_used_types(each))]:
        yield from found
        names |= {each.literal_name for each in found}
        types = [each for each in types if each not in found]


def _used_types(entity: CompositeType | Domain) -> Iterable[str]:
    used = entity.attributes.values() if isinstance(entity, CompositeType) else [entity.base]
    return (each.removesuffix("[]") for each in used)


def _target_of(step: Step) -> Target | None:
    return target_of_entity(step) if isinstance(step, Entity) else target_of(step)


def _divided(steps: Iterable[Step], kept: Collection[Key]) -> tuple[list[Step], list[Step]]:
    """Return the steps that are entities of some keys, and the others."""
    left: list[Step] = []
    others: list[Step] = []
    for step in steps:
        (left if isinstance(step, Entity) and step.key in kept else others).append(step)
    return left, others


def _kind_of_step(step: Step) -> type[Step]:
    if isinstance(step, AlterableEntity):
        return AlterableEntity
    return Entity if isinstance(step, Entity) else MigrateOperation


def _is_recreated(entity: Entity) -> bool:
    # A materialized view can't be replaced, and a replaced view keeps the comments and defaults of
    # its columns.
    return entity.kind == "materialized view" or (
        isinstance(entity, View) and bool(entity.column_comments or entity.column_defaults)
    )
