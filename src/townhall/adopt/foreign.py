"""Policies, triggers, functions and views of others, which are dropped where that was decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from townhall.adopt.step import Step
from townhall.check.snapshot import Key, Object, Snapshot
from townhall.migrate.origins import Origins
from townhall.pg import Routine, sql

_SHARED = frozenset({"default privileges", "extension", "schema"})
_BEFORE = ("trigger",)
_AFTER = ("policy", "materialized view", "view", "function", "procedure")


def identity_of(item: Object) -> str:
    """Return an object as decisions name it: ``policy public.profiles "can read"``."""
    if isinstance(item.entity, Routine):
        return f"{item.kind} {item.entity.literal_signature}"
    name = f" {sql.quote(item.names[2])}" if len(item.names) > 2 else ""  # noqa: PLR2004 - schema and relation
    return f"{item.kind} {sql.qualified(*item.names[:2])}{name}"


def drops_before(actual: Snapshot, drops: Collection[str]) -> Iterable[Step]:
    """Yield what drops the triggers that would do the same as those of the upgrade.

    Args:
        actual: What the database has.
        drops: The identities of what goes.
    """
    yield from _drops(actual, drops, _BEFORE)


def drops_after(actual: Snapshot, drops: Collection[str]) -> Iterable[Step]:
    """Yield what drops the rest, which clients need until the upgrade has made its own.

    Args:
        actual: What the database has.
        drops: The identities of what goes.
    """
    yield from _drops(actual, drops, _AFTER)


def _drops(actual: Snapshot, drops: Collection[str], kinds: tuple[str, ...]) -> Iterable[Step]:
    for kind in kinds:
        for _, item in sorted(actual.items()):
            identity = identity_of(item)
            if item.kind == kind and item.entity is not None and identity in drops:
                yield Step(f"drop {identity}", tuple(item.entity.drop_statements()))


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
    is_own = Origins.TABLE in item.names or not item.is_managed
    return item.on is None and not (is_shared or is_access or is_own) and item.kind not in _SHARED
