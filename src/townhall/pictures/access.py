"""Who may read and write what, by role, table and command, with the condition in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from townhall.pg import PUBLIC, Entity, MaterializedView, Policy, TableAccess, View
from townhall.pg.access import Access
from townhall.pg.access.rules import SERVICE_POLICY
from townhall.pictures.choosing import shown_name

COMMANDS = ("select", "insert", "update", "delete")
"""The commands, in the order in which they are shown."""

EVERY_ROW = "every row"
"""The words for a role that reaches all rows."""

_AS_READER = "as its tables allow"
_OF_RULE = re.compile(r"(?P<words>.+) can (?:read|insert|update|delete)(?: without signing in)?")
_COMMAND = re.compile(r"\W")
_Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Reach:
    """What a role may do to a table.

    Attributes:
        role: The role.
        words: For each command that it may use, which rows it reaches, in words.
    """

    role: str
    words: Mapping[str, str] = field(default_factory=dict)

    def grouped(self) -> dict[str, list[str]]:
        """Return the commands by the rows that they reach."""
        found: dict[str, list[str]] = {}
        for command in COMMANDS:
            if command in self.words:
                found.setdefault(self.words[command], []).append(command)
        return found


@dataclass(frozen=True)
class Accessed:
    """A table or a view with what each role may do to it.

    Attributes:
        name: Its name, with the schema where that is not ``public``.
        kind: ``table``, ``view`` or ``materialized view``.
        reaches: What each role may do, in the order of the roles.
    """

    name: str
    kind: str
    reaches: tuple[Reach, ...]


def access_of(
    entities: Iterable[Entity], roles: Sequence[str], rules: Iterable[Access] = ()
) -> tuple[Accessed, ...]:
    """Return who may do what to the tables with declared access, and then to the views.

    A policy of an access rule says in its name whom it is for. In place of any other one there are
    the words of the rule with that policy, or the name of the policy.

    Args:
        entities: The declared entities.
        roles: The roles, in the order in which they are shown.
        rules: The access rules, where they are known.
    """
    entities = tuple(entities)
    policies: dict[str, list[Policy]] = {}
    for entity in entities:
        if isinstance(entity, Policy):
            policies.setdefault(shown_name(entity.schema, entity.table), []).append(entity)
    in_words: _Words = {
        policy.name: {str(command): each.name for command, each in rule.commands.items()}
        for rule in rules
        for policy in rule.policies
    }
    tables = (entity for entity in entities if isinstance(entity, TableAccess))
    views = (entity for entity in entities if isinstance(entity, View | MaterializedView))
    return (
        *(_table(each, policies, roles, in_words) for each in tables),
        *(_view(each, roles) for each in views),
    )


def _table(
    access: TableAccess,
    policies: Mapping[str, Sequence[Policy]],
    roles: Sequence[str],
    in_words: _Words,
) -> Accessed:
    name = shown_name(access.schema, access.table)
    own = policies.get(name, ()) if access.row_security else None
    reaches = (_of_table(role, access, own, in_words) for role in roles)
    return Accessed(name, "table", tuple(reaches))


def _view(view: View | MaterializedView, roles: Sequence[str]) -> Accessed:
    is_limited = isinstance(view, View) and view.security_invoker
    words = _AS_READER if is_limited else EVERY_ROW
    reaches = (
        Reach(role, dict.fromkeys(sorted(_granted(view.grants, role)), words)) for role in roles
    )
    return Accessed(shown_name(view.schema, view.name), view.kind, tuple(reaches))


def _granted(grants: Mapping[str, Iterable[str]], role: str) -> set[str]:
    """Return the commands that a role may use on the table or some of its columns."""
    privileges = (*grants.get(role, ()), *grants.get(PUBLIC, ()))
    named = {_COMMAND.split(privilege)[0] for privilege in privileges}
    return {*COMMANDS} if "all" in named else named & {*COMMANDS}


def _of_table(
    role: str, access: TableAccess, policies: Sequence[Policy] | None, in_words: _Words
) -> Reach:
    granted = _granted(access.grants, role)
    rows = {
        command: EVERY_ROW if policies is None else _rows(policies, role, command, in_words)
        for command in COMMANDS
        if command in granted
    }
    return Reach(role, {command: words for command, words in rows.items() if words})


def _rows(policies: Sequence[Policy], role: str, command: str, in_words: _Words) -> str:
    """Return which rows the policies let a role reach, in words; nothing where none does."""
    for_role = [
        policy
        for policy in policies
        if {role, PUBLIC} & {*policy.roles} and policy.command in {command, "all"}
    ]
    allowed, limits = (
        dict.fromkeys(
            _in_words(policy, command, in_words) for policy in for_role if policy.permissive is kind
        )
        for kind in (True, False)
    )
    if not allowed:
        return ""
    reached = EVERY_ROW if EVERY_ROW in allowed else " or ".join(allowed)
    return ", and only ".join([reached, *(words for words in limits if words not in allowed)])


def _in_words(policy: Policy, command: str, in_words: _Words) -> str:
    condition = policy.using if policy.using is not None else policy.check
    match = _OF_RULE.fullmatch(policy.name)
    if policy.name == SERVICE_POLICY or (condition == "true" and match is None):
        return EVERY_ROW
    return match["words"] if match else in_words.get(policy.name, {}).get(command, policy.name)
