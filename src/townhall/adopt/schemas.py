"""The schemas that are there already, and that revisions grant the use of."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from townhall.adopt.findings import Finding, Weight, listed
from townhall.adopt.identities import identity_of
from townhall.check.snapshot import Key, Object, Snapshot
from townhall.pg import PUBLIC, sql

_MOST = 5


def findings_on_schemas(
    declared: Snapshot, actual: Snapshot, made: Collection[Key]
) -> Iterable[Finding]:
    """Yield the findings on schemas whose objects come within reach of roles.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        made: What the database's own revisions made.
    """
    for key, item in declared.items():
        if item.kind != "schema access" or key not in actual or key in made:
            continue
        existing = _users(actual[key])
        added = sorted(_users(item) - existing)
        if added and PUBLIC not in existing:
            name = sql.quote(item.names[0])
            reached = listed(_reached(actual, item.names[0], added), _MOST)
            yield Finding(
                Weight.CHANGE,
                "usage of a schema",
                f"schema {name}",
                None,
                name,
                f"is here, and its usage is declared for {listed(added, _MOST)}",
                f"it is granted, with which they reach {reached or 'nothing that is there now'};"
                " a downgrade takes it back",
            )


def _users(access: Object) -> set[str]:
    return {
        role
        for role, privileges in access.facts["grants"].items()
        if any(each.name == "usage" for each in privileges)
    }


def _reached(actual: Snapshot, schema: str, roles: Collection[str]) -> list[str]:
    """Return what some roles have privileges on in a schema."""
    return sorted(
        identity_of(item).removeprefix("table access ")
        for item in actual.values()
        if item.names[0] == schema
        and item.kind not in {"schema", "schema access", "default privileges"}
        and item.facts.get("grants", {}).keys() & {PUBLIC, *roles}
    )
