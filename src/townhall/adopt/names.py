"""The names that are declared for one thing, and that another thing has in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from townhall.adopt.comparison import relations_of, tables_of
from townhall.adopt.findings import Finding, Weight, drop_or_stop, listed
from townhall.adopt.identities import ROUTINES, identity_of
from townhall.adopt.words import with_article
from townhall.check.snapshot import TYPE_KINDS, Key, Object, Snapshot
from townhall.pg import Routine, sql
from townhall.pg.catalog import TableName

_RELATIONS = ("view", "materialized view", "sequence", "composite type")
_VIEWS = ("view", "materialized view")
_MOST = 5
_RESULTS = ("returns", "arguments")
"""What ``create or replace function`` can't change."""
_VALUES = ("values", "base", "checks")
"""What the values of a type are."""


def findings_on_names(
    declared: Snapshot,
    actual: Snapshot,
    made: Iterable[Key],
    former: Iterable[TableName],
    users: Callable[[Object], list[str]],
) -> Iterator[Finding]:
    """Yield the findings on declared names of functions, views, types and indexes.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        made: What the database's own revisions made.
        former: Tables that a revision gives another name.
        users: Returns what uses a view or a function.
    """
    own, relations = {*made}, relations_of(actual)
    types = {
        (item.names[0], item.names[1]): item for item in actual.values() if item.kind in TYPE_KINDS
    }
    for key, item in sorted(declared.items()):
        if key in own:
            continue
        if item.kind in ROUTINES:
            yield from _routine(item, actual, users)
        elif item.kind in _RELATIONS and item.names not in {*former}:
            yield from _relation(item, actual, relations, users)
        elif item.kind in TYPE_KINDS:
            yield from _type(item, types)
        elif item.kind == "table":
            found = types.get((item.names[0], item.names[1]))
            if found is not None and found.kind != "composite type":
                yield _other(found, "a table")
    yield from _indexes(declared, actual, relations)


def _routine(
    declared: Object, actual: Snapshot, users: Callable[[Object], list[str]]
) -> Iterator[Finding]:
    for kind in ROUTINES:
        existing = actual.get((kind, *declared.names))
        if existing is None:
            continue
        if kind != declared.kind:
            yield _replaced(existing, with_article(declared.kind), users)
        elif any(declared.facts.get(each) != existing.facts.get(each) for each in _RESULTS):
            result = f"one with another result ({declared.facts.get('returns')})"
            yield _replaced(existing, result, users)
        elif isinstance(existing.entity, Routine) and _does_otherwise(declared, existing):
            yield _finding(
                existing,
                Weight.CHANGE,
                "function of a declared name",
                "is declared with another body",
                "it is replaced by the declared one, for all that call it",
            )


def _does_otherwise(declared: Object, actual: Object) -> bool:
    return any(declared.facts.get(each) != actual.facts.get(each) for each in ("body", "security"))


def _relation(
    declared: Object,
    actual: Snapshot,
    relations: Mapping[TableName, str],
    users: Callable[[Object], list[str]],
) -> Iterator[Finding]:
    name = (declared.names[0], declared.names[1])
    kind = relations.get(name)
    if kind is None:
        return
    existing = actual.get((kind, *name), Object(kind, name, {}))
    if kind in _VIEWS and kind != declared.kind:
        yield _replaced(existing, with_article(declared.kind), users)
    elif kind != declared.kind:
        yield _other(existing, with_article(declared.kind))
    elif kind in _VIEWS and not _can_stay(declared, existing):
        is_same = declared.facts.get("definition") == existing.facts.get("definition")
        other = "with other comments, defaults or indexes" if is_same else "with another query"
        yield _replaced(existing, f"{with_article(kind)} {other}", users)
    elif declared.facts.get("definition") == existing.facts.get("definition"):
        return
    elif kind == "view":
        yield _finding(
            existing,
            Weight.CHANGE,
            "view of a declared name",
            "is declared with another query",
            "it is replaced by the declared one, for all that read it",
        )
    else:
        yield _other(existing, f"{with_article(kind)} with another definition")


def _can_stay(declared: Object, existing: Object) -> bool:
    # It keeps the comments and defaults of columns, and the indexes of a materialized view.
    before = existing.entity
    return (
        declared.entity is not None and before is not None and declared.entity.can_replace(before)
    )


def _type(declared: Object, types: Mapping[TableName, Object]) -> Iterator[Finding]:
    existing = types.get((declared.names[0], declared.names[1]))
    if existing is None or declared.kind == "composite type":
        return
    if existing.kind != declared.kind:
        yield _other(existing, with_article(declared.kind))
    elif any(declared.facts.get(each) != existing.facts.get(each) for each in _VALUES):
        yield _other(existing, f"{with_article(declared.kind)} with other values")


def _indexes(
    declared: Snapshot, actual: Snapshot, relations: Mapping[TableName, str]
) -> Iterator[Finding]:
    places = {
        (table.schema, name): (table.schema, table.name)
        for table in tables_of(actual).values()
        for name in (*table.indexes, *table.constraints)
    }
    for table in tables_of(declared).values():
        for name in table.indexes:
            kind = relations.get((table.schema, name))
            place = places.get((table.schema, name))
            if kind is not None and place != (table.schema, table.name):
                yield _other(
                    Object(kind, (table.schema, name), {}),
                    f"an index of {sql.qualified(table.schema, table.name)}",
                )


def _replaced(existing: Object, declared: str, users: Callable[[Object], list[str]]) -> Finding:
    used_by = users(existing)
    if used_by:
        finding = _other(existing, declared)
        return replace(
            finding,
            plan=f"rename it, or drop what uses it: {listed(used_by, _MOST)}",
        )
    identity = identity_of(existing)
    finding = _finding(
        existing,
        Weight.DECIDE,
        "name of something else",
        f"is here, and {declared} is declared with this name",
        "it is dropped as decided, and a downgrade puts it back; or rename it",
    )
    return replace(finding, object=identity, question=drop_or_stop(identity))


def _other(existing: Object, declared: str) -> Finding:
    return _finding(
        existing,
        Weight.STOP,
        "name of something else",
        f"is here, and {declared} is declared with this name",
        "rename or drop it",
    )


def _finding(existing: Object, weight: Weight, kind: str, text: str, plan: str) -> Finding:
    identity = identity_of(existing)
    name = identity.removeprefix(f"{existing.kind} ")
    return Finding(weight, kind, identity, None, name, text, plan)
