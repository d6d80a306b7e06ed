"""What differs in text alone, because PostgreSQL's rendering of it is not the same the second time.

``varchar in ('a', 'b')`` is rendered in one way, and what was rendered in another. Both sides are
created and read again until they stay as they are; only what differs then is a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, replace

from sqlalchemy import Connection

from townhall.migrate.compare.table_states import SERIAL, TableState, read_tables
from townhall.migrate.savepoints import attempt, rolled_back, run_script
from townhall.pg import Entity, MaterializedView, sql
from townhall.pg.catalog import TEMPORARY
from townhall.pg.owned import OwnedEntity
from townhall.pg.state import Key, State, read_state

_ROUNDS = 4
RENDERED_KINDS = frozenset(
    {
        *("policy", "trigger", "view", "materialized view"),
        *("function", "procedure", "publication table"),
    }
)
"""The kinds with conditions, queries and defaults; domains are compared where types are."""

_RENDERED_BY_NAME = frozenset({"arguments", "indexes", "column_defaults"})
_RENDERED_CONSTRAINTS = ("CHECK ", "EXCLUDE ")
_TABLE = "townhall_fixed_point"
_ACTUAL, _DECLARED = "actual", "declared"

_OF_COLUMNS = ("default", "computed")
_KINDS = ("constraints", "indexes", *_OF_COLUMNS)

Part = tuple[str, str, int]
"""A part of a table: its kind, one of the two sides, and a number."""


def table_at_fixed_point(
    connection: Connection, name: tuple[str, str], actual: TableState, declared: TableState
) -> TableState:
    """Return the actual state of a table, with the declared text of what is the same.

    Args:
        connection: A connection within a transaction that is going to be rolled back.
        name: Schema and name of the table.
        actual: The state of the table in the database.
        declared: The declared state.
    """
    texts: dict[Part, str] = {}
    names: list[tuple[str, str]] = []
    for kind in _KINDS:
        former, target = _texts(actual, kind), _texts(declared, kind)
        for part in sorted(former.keys() & target.keys()):
            both = (former[part], target[part])
            if kind in _OF_COLUMNS and not _have_same_type(part, actual, declared):
                continue
            if both[0] != both[1] and all(_is_rendered(kind, each) for each in both):
                number = len(names)
                names.append((kind, part))
                texts[kind, _ACTUAL, number], texts[kind, _DECLARED, number] = both
    types = {
        number: actual.described[part].type
        for number, (kind, part) in enumerate(names)
        if kind in _OF_COLUMNS
    }
    same = _same(connection, name, texts, types) if texts else set()
    return _with(actual, declared, {names[number] for number in same})


def _have_same_type(column: str, *states: TableState) -> bool:
    return len({state.columns[column]["type"] for state in states}) == 1


def _texts(state: TableState, kind: str) -> Mapping[str, str]:
    if kind in _OF_COLUMNS:
        return {name: each[kind] for name, each in state.columns.items() if each[kind]}
    texts: Mapping[str, str] = getattr(state, kind)
    return texts


def _is_rendered(kind: str, definition: str) -> bool:
    if kind == "indexes":
        return "INVALID" not in definition.partition(" USING ")[0]
    if kind == "constraints":
        return definition.startswith(_RENDERED_CONSTRAINTS)
    return definition != SERIAL


def _with(
    actual: TableState, declared: TableState, same: AbstractSet[tuple[str, str]]
) -> TableState:
    def merged(kind: str) -> Mapping[str, str]:
        target = _texts(declared, kind)
        return {**_texts(actual, kind), **{name: target[name] for of, name in same if of == kind}}

    columns = {name: dict(each) for name, each in actual.columns.items()}
    for kind, name in same:
        if kind in _OF_COLUMNS:
            columns[name][kind] = declared.columns[name][kind]
    return replace(
        actual, constraints=merged("constraints"), indexes=merged("indexes"), columns=columns
    )


def _same(
    connection: Connection,
    name: tuple[str, str],
    texts: Mapping[Part, str],
    types: Mapping[int, str],
) -> set[int]:
    for _ in range(_ROUNDS):
        rendered = _rendered(connection, name, texts, types)
        if rendered == texts:
            break
        texts = rendered
    pairs = {(kind, number) for kind, _, number in texts}
    return {
        number
        for kind, number in pairs
        if texts.get((kind, _ACTUAL, number)) == texts.get((kind, _DECLARED, number))
        and (kind, _ACTUAL, number) in texts
    }


def _rendered(
    connection: Connection,
    name: tuple[str, str],
    texts: Mapping[Part, str],
    types: Mapping[int, str],
) -> dict[Part, str]:
    table = f"{TEMPORARY}.{_TABLE}"
    with rolled_back(connection):
        run_script(connection, [f"create table {table} (like {sql.qualified(*name)})"])
        for part, definition in texts.items():
            statement = _creation(table, part, definition, types.get(part[-1]))
            attempt(connection, lambda one=statement: run_script(connection, [one]))  # type: ignore[misc] # bound now
        state = read_tables(connection, [TEMPORARY])[TEMPORARY, _TABLE]
    return {
        part: by_kind[_label(part)]
        for part in texts
        if _label(part) in (by_kind := _texts(state, part[0]))
    }


def _label(part: Part) -> str:
    return f"{part[1]}_{part[2]}"


def _creation(table: str, part: Part, definition: str, type_: str | None) -> str:
    kind, label = part[0], _label(part)
    if kind == "constraints":
        return f"alter table {table} add constraint {label} {definition}"
    if kind == "default":
        return f"alter table {table} add column {label} {type_} default {definition}"
    if kind == "computed":
        expression, _, storage = definition.rpartition(" ")
        generated = f"generated always as ({expression}) {storage}"
        return f"alter table {table} add column {label} {type_} {generated}"
    unique = "unique " if definition.startswith("UNIQUE ") else ""
    return f"create {unique}index {label} on {table}{definition.removeprefix('UNIQUE ')}"


def entities_at_fixed_point(
    connection: Connection,
    actual: State,
    created: State,
    differing: Iterable[Key],
    schemas: Sequence[str],
) -> State:
    """Return the declared entities, with the actual one in place of each that is the same.

    Args:
        connection: A connection within a transaction that is going to be rolled back, in which the
            declared entities exist.
        actual: The actual entities.
        created: The declared ones, as PostgreSQL renders them.
        differing: The keys of those whose states differ.
        schemas: The schemas that are compared.
    """
    differing = [
        key
        for key in differing
        if key[0] in RENDERED_KINDS
        and key in actual
        and key in created
        and _differ_in_text(actual[key], created[key])
    ]
    sides = ({key: actual[key] for key in differing}, {key: created[key] for key in differing})
    same: set[Key] = set()
    for _ in range(_ROUNDS):
        remaining = [key for key in differing if key not in same]
        if not remaining:
            break
        rendered = tuple(
            _read_again(connection, [side[key] for key in remaining if key in side], schemas)
            for side in sides
        )
        same |= {
            key
            for key in remaining
            if key in rendered[0]
            and key in rendered[1]
            and rendered[0][key].state == rendered[1][key].state
        }
        if all(
            rendered[number].get(key, sides[number].get(key)) == sides[number].get(key)
            for number in (0, 1)
            for key in remaining
        ):
            break
        sides = rendered  # type: ignore[assignment] # two of them
    return {**created, **{key: actual[key] for key in same}}


def _differ_in_text(actual: Entity, created: Entity) -> bool:
    # What is created over an existing object keeps the comments and indexes that it has.
    former, target = vars(actual), vars(created)
    return all(
        former[each.name] == target[each.name]
        or each.name in created.sql_fields
        or (each.name in _RENDERED_BY_NAME and _same_names(former[each.name], target[each.name]))
        for each in fields(created)
        if each.compare
    )


def _same_names(actual: object, created: object) -> bool:
    # The arguments of a trigger are texts without names, which PostgreSQL keeps as they are.
    return (
        isinstance(actual, Mapping)
        and isinstance(created, Mapping)
        and actual.keys() == created.keys()
    )


def _read_again(
    connection: Connection, entities: Sequence[Entity], schemas: Sequence[str]
) -> State:
    replaced = [each for each in entities if not isinstance(each, MaterializedView)]
    state = _created_and_read(connection, replaced, schemas)
    for each in entities:
        if isinstance(each, MaterializedView):
            state |= _created_and_read(connection, [each], schemas)
    return state


def _created_and_read(
    connection: Connection, entities: Sequence[Entity], schemas: Sequence[str]
) -> State:
    def create(entity: Entity) -> Callable[[], None]:
        # Whether the current role may make another one the owner is no matter here.
        mine = replace(entity, owner=None) if isinstance(entity, OwnedEntity) else entity
        return lambda: run_script(
            connection, [*_set_aside(mine), *mine.create_without_data_statements()]
        )

    kinds = list({type(each): None for each in entities})
    if not kinds:
        return {}
    with rolled_back(connection):
        made = [each.key for each in entities if attempt(connection, create(each)) is None]
        state = read_state(connection, schemas, kinds)
    return {key: state[key] for key in made if key in state}


def _set_aside(entity: Entity) -> Iterable[str]:
    # Created over an existing one, a materialized view and its indexes would stay as they are.
    if isinstance(entity, MaterializedView):
        for number, index in enumerate(entity.indexes):
            name = sql.qualified(entity.schema, index)
            yield f"alter index if exists {name} rename to {_TABLE}_{number}"
        yield f"alter materialized view if exists {entity.literal_name} rename to {_TABLE}"
