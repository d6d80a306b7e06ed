"""The policies of others on tables with declared names, and which rows they open to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from townhall.adopt.findings import Finding, Weight, drop_or_keep
from townhall.adopt.identities import identity
from townhall.check.snapshot import Key, Snapshot
from townhall.pg import PUBLIC, Policy, sql
from townhall.pg.catalog import TableName
from townhall.pg.policy import VERBS
from townhall.printing import abridged

_CONSTANTS = {"true": "every row", "false": "no row"}


def findings_on_policies(
    declared: Snapshot, actual: Snapshot, made: Iterable[Key], tables: Iterable[TableName]
) -> Iterator[Finding]:
    """Yield the findings on undeclared policies, and on others with the names of declared ones.

    Args:
        declared: What the revisions make.
        actual: What the database has.
        made: What the database's own revisions made.
        tables: The existing tables that have declared names.
    """
    own, of_tables = {*made}, {*tables}
    for key, item in sorted(actual.items()):
        policy = item.entity
        if not isinstance(policy, Policy) or item.on not in of_tables or key in own:
            continue
        declaration = declared.get(key)
        if declaration is None:
            yield _undeclared(policy)
        elif declaration.facts != item.facts:
            yield _finding(
                Weight.CHANGE,
                "policy of a declared name",
                policy,
                f"{effect(policy)}; a policy is declared with this name",
                "it is replaced by the declared one",
            )


def effect(policy: Policy) -> str:
    """Return which rows a policy opens to whom, or hides from whom.

    Args:
        policy: The policy.
    """
    roles = "every role" if PUBLIC in policy.roles else sql.roles(policy.roles)
    verbs = VERBS[policy.command]
    existing, new = policy.using, policy.check
    if not policy.permissive:
        conditions = [each for each in (existing, new) if each is not None]
        return f"lets {roles} {verbs} only rows where {' and '.join(map(abridged, conditions))}"
    if policy.command == "insert":
        return f"lets {roles} insert {_rows(new)}"
    if new is None or existing is None or new == existing:
        return f"lets {roles} {verbs} {_rows(existing)}"
    return f"lets {roles} {verbs} {_rows(existing)}, and make of them {_rows(new)}"


def opens_every_row(policy: Policy) -> bool:
    """Tell whether a policy opens all rows of its table to its roles, whatever the others say."""
    return policy.permissive and "true" in {policy.using, policy.check}


def _undeclared(policy: Policy) -> Finding:
    beside = "adds to" if policy.permissive else "narrows"
    kind = "permissive policy" if policy.permissive else "restrictive policy"
    if opens_every_row(policy):
        kind = "policy that opens every row"
    return _finding(
        Weight.DECIDE,
        kind,
        policy,
        f"{effect(policy)}; it {beside} what the declared policies give",
        "it is dropped or kept as decided",
    )


def _finding(weight: Weight, kind: str, policy: Policy, text: str, plan: str) -> Finding:
    name = identity(*policy.key)
    table = (policy.schema, policy.table)
    question = drop_or_keep(name) if weight is Weight.DECIDE else None
    return Finding(weight, kind, name, table, sql.quote(policy.name), text, plan, question)


def _rows(condition: str | None) -> str:
    words = (condition or "false").strip("()")
    return _CONSTANTS.get(words) or f"rows where {abridged(str(condition))}"
