"""Policies, triggers, functions and views of others, which are dropped where that was decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from townhall.adopt.identities import identity, identity_of
from townhall.adopt.states import States
from townhall.adopt.step import Step
from townhall.adopt.triggers import Triggers
from townhall.check.snapshot import Key, Object, Snapshot
from townhall.migrate.contexts import VERSION_TABLE
from townhall.migrate.guard.revision_files import Named
from townhall.migrate.origins import Origins
from townhall.pg import Policy, Routine, Trigger, sql
from townhall.pg.catalog import TableName
from townhall.pg.catalog.dependants import Target, read_dependants

_SHARED = frozenset({"default privileges", "extension", "schema"})
_NAMED = ("materialized view", "view", "function", "procedure")
_AFTER = ("policy", *_NAMED)


class Replaced(NamedTuple):
    """What goes when what takes its place is made.

    Attributes:
        step: The step that drops it.
        by: What takes its place, by kind, schema and names: one of these.
    """

    step: Step
    by: Sequence[Named]


def replaced(states: States, drops: Collection[str], triggers: Triggers) -> Iterable[Replaced]:
    """Yield triggers that go, and views and functions that go and have the names of declared ones.

    Args:
        states: What is declared, and what the database has.
        drops: The identities of what goes.
        triggers: The triggers of the database beside the declared ones.
    """
    in_way = in_the_way(states.at_head, states.actual, states.made, drops)
    for kind in _AFTER:
        for item, step in _drops(in_way, drops, kind):
            yield Replaced(step, [as_remembered(item)])
    for item, step in _drops(states.actual, drops, "trigger"):
        assert isinstance(item.entity, Trigger)  # noqa: S101 - of its kind
        yield Replaced(step, triggers.counterparts(item.entity))


def drops_after(declared: Snapshot, actual: Snapshot, drops: Collection[str]) -> Iterable[Step]:
    """Yield what drops the rest, which clients need until the upgrade has made its own.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        drops: The identities of what goes.
    """
    rest = {key: item for key, item in actual.items() if not _is_declared(declared, item)}
    for kind in _AFTER:
        for _, step in _drops(rest, drops, kind):
            yield step


def named_at_head(actual: Snapshot, renames: Mapping[TableName, TableName]) -> Snapshot:
    """Return what a database has with the policies on the tables as the upgrade names them.

    Args:
        actual: What the database has before the upgrade.
        renames: The names at head of tables that revisions rename, by the former ones.
    """

    def named(item: Object) -> Object:
        if not isinstance(item.entity, Policy):
            return item
        former = (item.entity.schema, item.entity.table)
        schema, table = renames.get(former, former)
        entity = replace(item.entity, schema=schema, table=table)
        return replace(item, names=(schema, table, entity.name), on=(schema, table), entity=entity)

    return {each.key: each for each in map(named, actual.values())}


def in_the_way(
    declared: Snapshot, actual: Snapshot, made: Collection[Key], drops: Collection[str]
) -> Snapshot:
    """Return the views and functions that go, and have the names of declared ones.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        made: What the database's own revisions made.
        drops: The identities of what goes.
    """
    return {
        key: item
        for key, item in actual.items()
        if key not in made and identity_of(item) in drops and _is_declared(declared, item)
    }


def owners(states: States) -> Iterable[tuple[str, str]]:
    """Yield the views and functions of declared names that revisions replace, with their owners.

    Args:
        states: What is declared, and what the database has.
    """
    for key, item in states.actual.items():
        if key not in states.made and item.owner and _is_declared(states.at_head, item):
            yield identity_of(item), item.owner


def _is_declared(declared: Snapshot, item: Object) -> bool:
    # A view and a materialized view have their names in common, and so have routines.
    return item.kind in _NAMED and any((kind, *item.names) in declared for kind in _NAMED)


def as_remembered(item: Object) -> Named:
    """Return kind, schema and name of a view or a function, as the memory has them."""
    if isinstance(item.entity, Routine):
        return "function", item.entity.schema, item.entity.name, ""
    return "view", item.names[0], item.names[1], ""


def users_of(connection: Connection, item: Object) -> list[str]:
    """Return what uses a view or a function, and would have to go with it.

    Args:
        connection: A connection to the database, in a transaction.
        item: The view or the function.
    """
    target = (
        Target(function=item.entity.literal_signature)
        if isinstance(item.entity, Routine)
        else Target(relation=sql.qualified(*item.names[:2]))
    )
    found = read_dependants(connection, [target])
    # What is on a view goes with it.
    entities = (
        identity(*key) for key in sorted(found.entities) if key[1:3] != tuple(item.names[:2])
    )
    own = f" on {sql.qualified(*item.names[:2])}"
    parts = (each.identity for each in found.parts if not each.identity.endswith(own))
    return [*entities, *parts]


def _drops(actual: Snapshot, drops: Collection[str], kind: str) -> Iterable[tuple[Object, Step]]:
    for _, item in sorted(actual.items()):
        name = identity_of(item)
        if item.kind == kind and item.entity is not None and name in drops:
            yield item, Step(f"drop {name}", tuple(item.entity.drop_statements()))


def others(declared: Snapshot, actual: Snapshot, drops: Collection[str]) -> frozenset[Key]:
    """Return what a database has beside tables of declared names, and keeps.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        drops: The identities of what goes.
    """
    return frozenset(
        key
        for key, item in actual.items()
        if key not in declared and _is_independent(item) and identity_of(item) not in drops
    )


def _is_independent(item: Object) -> bool:
    is_shared = item.entity is not None and item.entity.is_shared
    is_access = item.kind.endswith("access")
    is_own = item.names[-1] in {Origins.TABLE, VERSION_TABLE} or not item.is_managed
    return item.on is None and not (is_shared or is_access or is_own) and item.kind not in _SHARED
