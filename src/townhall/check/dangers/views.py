"""Dangers of views: those that read tables as their owner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from townhall.check.dangers.declarations import Declarations
from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.dangers.rules import Relation, Rules
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.pg import sql

_USERS = ("auth", "users")


def run_as_owner(rules: Rules, declared: Declarations) -> Iterable[Finding]:
    """Yield the views of exposed schemas that show their callers what policies hide from them.

    Args:
        rules: The rules of the database.
        declared: What is to be declared, which their repairs change.
    """
    for view in _readable(rules):
        if view.is_invoker:
            yield from _shown_to_readers(view, rules, declared)
            continue
        below = list(_tables(view, view, rules, set()))
        if any((table.schema, table.name) == _USERS for table, _ in below):
            yield _finding(Danger.USERS_SHOWN, view, None, rules, declared)
        elif hidden := [table for table, owner in below if _is_bypassed(table, owner, rules)]:
            names = ", ".join(dict.fromkeys(f"{each.schema}.{each.name}" for each in hidden))
            yield _finding(Danger.OWNERS_VIEW, view, f"over {names}", rules, declared)


def _shown_to_readers(view: Relation, rules: Rules, declared: Declarations) -> Iterable[Finding]:
    """Yield a view that runs as its reader where callers have a privilege on auth.users."""
    users = rules.by_name.get(_USERS)
    if users is None or users.oid not in view.reads or users.row_security:
        return
    holders = [each for each in users.grantees if rules.callers.among([each])]
    if not holders:
        return
    callers = [each for each in view.grantees if rules.callers.among([each])]
    yield found(
        Danger.USERS_SHOWN,
        in_words("view", view.schema, view.name),
        [f"revoke all on table {view.literal} from {sql.roles(callers)}"],
        _without_grants(view, callers, declared),
        detail=f"{', '.join(holders)} may read {users.literal}",
        decision=f"who may read {users.literal} at all: copy what others may see into a table of"
        " your own",
    )


def _without_grants(view: Relation, holders: Collection[str], declared: Declarations) -> str:
    grants = declared.grants(view.key).items()
    kept = {role: held for role, held in grants if role not in holders}
    return declared.changed(view.key, grants=kept)


def _readable(rules: Rules) -> Iterator[Relation]:
    """Yield the views that callers read: those they can name, and those that these read for them.

    A view that runs as its reader reads another one with the rights of the caller.
    """
    views = [each for each in rules.relations.values() if _may_be_read(each, rules)]
    waiting = [each for each in views if each.schema in rules.reachable]
    seen = {each.oid for each in waiting}
    while waiting:
        view = waiting.pop(0)
        yield view
        if view.is_invoker:
            below = [each for each in views if each.oid in view.reads and each.oid not in seen]
            seen |= {each.oid for each in below}
            waiting += below


def _may_be_read(view: Relation, rules: Rules) -> bool:
    if view.is_of_extension:
        return False
    if view.kind == "m":  # which nothing but the lack of a privilege closes
        return bool(rules.callers.among(view.grantees))
    return view.kind == "v" and rules.callers.may_have(view.grantees)


def _tables(
    view: Relation, owner: Relation, rules: Rules, seen: set[int]
) -> Iterator[tuple[Relation, Relation]]:
    # A table with the view as whose owner it is read: a view that runs as its reader is read as the
    # owner of the view around it.
    for oid in view.reads:
        relation = rules.relations.get(oid)
        if relation is None or oid in seen:
            continue
        seen.add(oid)
        if relation.kind in {"v", "m"}:
            reader = owner if relation.is_invoker else relation
            yield from _tables(relation, reader, rules, seen)
        else:
            yield relation, owner


def _is_bypassed(table: Relation, owner: Relation, rules: Rules) -> bool:
    is_limited = table.row_security or (table.is_table and table.schema in rules.exposed)
    # The policies do not apply to the members of the table's owner either.
    roles = rules.callers.memberships.get(owner.owner, frozenset()) | {owner.owner}
    is_owners = table.owner in roles and not table.is_forced
    return is_limited and (owner.is_owned_by_bypassing or is_owners)


def _finding(
    danger: Danger, view: Relation, detail: str | None, rules: Rules, declared: Declarations
) -> Finding:
    if view.kind == "m":
        holders = [each for each in view.grantees if rules.callers.among([each])]
        return found(
            danger,
            in_words("materialized view", view.schema, view.name),
            [f"revoke all on table {view.literal} from {sql.roles(holders)}"],
            _without_grants(view, holders, declared),
            detail=detail,
            decision="its callers can't read it then; give them a function or a view with policies",
        )
    return found(
        danger,
        in_words("view", view.schema, view.name),
        [f"alter view {view.literal} set (security_invoker = true)"],
        declared.changed(view.key, security_invoker=True),
        detail=detail,
        decision="its callers then need privileges on the tables it reads"
        + (
            "; none are given on auth.users: copy what others may see into a table of your own"
            if danger is Danger.USERS_SHOWN
            else ""
        ),
    )
