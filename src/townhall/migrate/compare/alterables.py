"""Types and sequences: what declares them, how they differ, and which of them are still used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, text

from townhall.migrate.compare.exact_privileges import created_exactly
from townhall.migrate.guard.rows import set_rows_aside
from townhall.migrate.operations.alterations import AlterEntityOp
from townhall.migrate.operations.decisions import Answer, UndecidedOp
from townhall.migrate.savepoints import attempt, rolled_back, run_script
from townhall.pg import AlterableEntity, Domain, Entity, EnumType, catalog, ddl, sql
from townhall.pg.state import Key, State


class Around(Protocol):
    """Runs a change of an entity between the drops and creations of what depends on it."""

    def __call__(
        self, entity: Entity, change: Callable[[], None], *, cascades: bool = True
    ) -> None:
        """Run it.

        Args:
            entity: What is changed.
            change: Changes it.
            cascades: Whether that drops what depends on it.
        """


class Outcome(NamedTuple):
    """What became of types and sequences that exist in another state.

    Attributes:
        refused: Those that PostgreSQL can't alter and that columns have, which are left as they
            are.
        altered: Those that were altered since columns have them, and that would be created again
            otherwise: ``alter`` does not bring all of them back.
        recreated: The keys of those that were dropped, with the types that have them, and are
            created again if they are declared.
    """

    refused: dict[Key, AlterableEntity]
    altered: dict[Key, AlterableEntity]
    recreated: set[Key]


def create(
    connection: Connection, entities: Sequence[AlterableEntity], actual: State, around: Around
) -> Outcome:
    """Bring types and sequences to their declared state.

    Args:
        connection: A connection within a transaction that is going to be rolled back.
        entities: The declared ones.
        actual: The entities of the database.
        around: Changes a type without what depends on it, which is then created again.
    """
    existing = [each for each in entities if each.key in actual]
    outcome = Outcome({}, {}, set())
    for entity in _changed(connection, existing, actual):
        if entity.key in outcome.recreated:
            continue  # with a type that it has
        previous = _alterable(actual[entity.key])
        can_alter = entity.can_replace(previous)
        comes_back = can_alter and entity.comes_back(previous)
        holders = frozenset[Key]()
        if not comes_back:
            holders = catalog.read_holders(connection, entity.literal_name)
        if not comes_back and holders <= actual.keys():
            gone = [entity.key, *sorted(holders)]
            declared = [entity, *(each for each in existing if each.key in holders)]
            around(previous, partial(_recreate, connection, gone, declared, actual))
            outcome.recreated.update(gone)
        elif can_alter:
            _alter_in_place(connection, entity, previous, around)
            if not comes_back:
                outcome.altered[entity.key] = entity
        else:
            outcome.refused[entity.key] = entity
    if outcome.recreated:
        _render_checks_again(connection, existing, actual, outcome)
    new = created_exactly(
        connection, (each for each in entities if each.key not in actual), are_new=True
    )
    run_script(connection, (line for each in new for line in each.create_statements()))
    return outcome


def _alter_in_place(
    connection: Connection, declared: AlterableEntity, previous: AlterableEntity, around: Around
) -> None:
    alter = partial(_alter, connection, declared, previous)
    # Before 16 PostgreSQL refuses another type of an attribute while an expression has the
    # composite type, as a check or the default of an argument.
    if attempt(connection, alter) is not None:
        around(previous, alter, cascades=False)


def _render_checks_again(
    connection: Connection, entities: Sequence[AlterableEntity], actual: State, outcome: Outcome
) -> None:
    # PostgreSQL renders a check of a domain otherwise where a type that it has is another one.
    for entity in _changed(connection, entities, actual):
        if isinstance(entity, Domain) and entity.key in outcome.recreated:
            create_again(connection, [entity], actual)
        elif isinstance(entity, Domain) and entity.key not in outcome.refused:
            _alter(connection, entity, _alterable(actual[entity.key]))


def create_again(
    connection: Connection, entities: Iterable[AlterableEntity], actual: State
) -> None:
    """Create types as they are declared that were dropped, or what went of them since.

    Args:
        connection: A connection within a transaction that is going to be rolled back.
        entities: The declared ones.
        actual: The entities of the database.
    """
    kept = [each.with_unmanaged_grants_of(actual[each.key]) for each in entities]
    for exact in created_exactly(connection, kept, are_new=False):
        run_script(connection, exact.create_statements())
        if isinstance(exact, Domain):
            # Its default and checks go with functions that they call.
            bare = replace(exact, default=None, checks={}, check_comments={})
            run_script(connection, exact.alter_statements(bare))


def _changed(
    connection: Connection, entities: Sequence[AlterableEntity], actual: State
) -> Sequence[AlterableEntity]:
    declared = _rendered(connection, entities, actual)
    differing = [each for each in declared if each.state != actual[each.key].state]
    # What a domain calls as it was may be gone, so that it can't be created in that state.
    repeatable = [each for each in differing if _comes_again(connection, actual[each.key], actual)]
    # PostgreSQL may render its own rendering in another way, so both are rendered once more.
    again = _rendered(connection, repeatable, actual)
    previous = [_alterable(actual[each.key]) for each in repeatable]
    same = {
        one.key
        for one, other in zip(again, _rendered(connection, previous, actual), strict=True)
        if one.state == other.state
    }
    return [each for each in differing if each.key not in same]


def _comes_again(connection: Connection, entity: Entity, actual: State) -> bool:
    def render() -> None:
        _rendered(connection, [_alterable(entity)], actual)

    return attempt(connection, render) is None


def _rendered(
    connection: Connection, entities: Sequence[AlterableEntity], actual: State
) -> Sequence[AlterableEntity]:
    rendered: dict[Key, AlterableEntity] = {}
    # The schema of temporary objects has one type of a name.
    for schema in {each.schema: None for each in entities}:
        of_schema = [each for each in entities if each.schema == schema]
        rendered |= _rendered_of_schema(connection, of_schema, actual)
    return [rendered[each.key] for each in entities]


def _rendered_of_schema(
    connection: Connection, entities: Sequence[AlterableEntity], actual: State
) -> Mapping[Key, AlterableEntity]:
    with rolled_back(connection):
        temporary = [each.temporary() for each in entities]
        run_script(connection, (line for each in temporary for line in each.create_statements()))
        schema = str(connection.scalar(text("select pg_my_temp_schema()::regnamespace::text")))
        with catalog.empty_search_path(connection):
            read = {
                (each.kind, each.name): each
                for entity_class in {type(each): each for each in entities}.values()
                for each in entity_class.read(connection, [schema])
            }
    return {
        each.key: each.rendered(read[each.kind, each.name], _alterable(actual[each.key]))
        for each in entities
    }


def _alterable(entity: Entity) -> AlterableEntity:
    assert isinstance(entity, AlterableEntity)  # noqa: S101 - the key has the kind
    return entity


def _alter(connection: Connection, declared: AlterableEntity, previous: AlterableEntity) -> None:
    set_rows_aside(connection, [AlterEntityOp(declared, previous)], [declared.schema])
    run_script(connection, declared.alter_statements(previous))


def _recreate(
    connection: Connection,
    gone: Iterable[Key],
    declared: Sequence[AlterableEntity],
    actual: State,
) -> None:
    drops = (drop for key in gone for drop in actual[key].drop_statements())
    run_script(connection, (f"{drop} cascade" for drop in drops))
    entity, *holders = declared
    create_again(connection, [entity], actual)
    for each in holders:
        # What a check or a default calls may be created only later.
        attempt(connection, partial(create_again, connection, [each], actual))


def undecided(
    connection: Connection, entities: Iterable[AlterableEntity], actual: State
) -> Iterable[UndecidedOp]:
    """Yield a step that needs a hand for each type that PostgreSQL can't alter.

    Args:
        connection: A connection within a transaction.
        entities: The declared ones, which columns have.
        actual: The entities of the database.
    """
    for entity in entities:
        previous = _alterable(actual[entity.key])
        answers = [
            Answer("recreate it", [*_recreation(connection, entity, previous)]),
            Answer("declare it as it is, and generate the revision again"),
        ]
        if isinstance(entity, EnumType) and isinstance(previous, EnumType):
            answers[:0] = _renaming(entity, previous)
        yield UndecidedOp(entity.identity, entity.why_not_altered(previous), answers)


def _renaming(declared: EnumType, previous: EnumType) -> Iterable[Answer]:
    removed = [value for value in previous.values if value not in declared.values]
    added = [value for value in declared.values if value not in previous.values]
    statements = [
        f"alter type {declared.literal_name} rename value {sql.literal(old)} to {sql.literal(new)}"
        for old, new in zip(removed, added, strict=False)
    ]
    if statements:
        yield Answer("rename a value, which rows keep under its new name", statements)


def _recreation(
    connection: Connection, declared: AlterableEntity, previous: AlterableEntity
) -> Iterable[str]:
    former = sql.shortened(f"former_{declared.name}")
    yield from previous.rename_statements(former)
    kept = declared.with_unmanaged_grants_of(previous)
    for exact in created_exactly(connection, [kept], are_new=False):
        yield from exact.create_statements()
    with catalog.empty_search_path(connection):
        uses_by_type = catalog.read_columns_of_types(connection, [declared.schema])
    for use in uses_by_type.get((declared.schema, declared.name), ()):
        table = sql.qualified(use.schema, use.table)
        yield ddl.alter_type_through_text(table, use.column, use.type)
    yield from replace(previous, name=former).drop_statements()


def uses(connection: Connection, schemas: Sequence[str]) -> Mapping[Key, set[Key]]:
    """Return the keys of what depends on each type and sequence.

    Args:
        connection: A connection within a transaction.
        schemas: The schemas of the types and sequences.
    """
    keys: dict[Key, set[Key]] = defaultdict(set)
    with catalog.empty_search_path(connection):
        for key, user in catalog.read_uses(connection, schemas):
            keys[key].add(user)
    return keys


def used(users: Mapping[Key, Iterable[Key]], dropped: Iterable[Key]) -> set[Key]:
    """Return which of the dropped types and sequences something needs that stays, by key.

    Args:
        users: The keys of what depends on each.
        dropped: The keys of everything that is going to be dropped.
    """
    going = set(dropped)
    while True:
        staying = {key for key in going if any(user not in going for user in users.get(key, ()))}
        if not staying:
            return {*dropped} - going
        going -= staying
