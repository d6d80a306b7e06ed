"""Policies and privileges of a table as the access rule that says the same, where there is one.

A rule is made of what was found, expanded as an application's is, and taken only where all of its
expansion was found: row level security and privileges of the table, and the policies with their
names, roles and conditions. A table's other policies stay beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from townhall.pg import Entity, Function, Policy, TableAccess, sql
from townhall.pg.access import Access, Principal, entities_of
from townhall.pg.access.columns import is_writable
from townhall.pg.access.rules import SERVICE_POLICY, policy_name
from townhall.pg.catalog import TableName
from townhall.pg.policy import Command
from townhall.pg.privileges import Grants, Privilege, privileges_of
from townhall.pull.models import Mapped
from townhall.pull.names import constant_name
from townhall.pull.principals import Helper, Model, Principals, Written
from townhall.pull.renderings import Renderings
from townhall.roles import Roles

_PARAMETERS: Mapping[Command, str] = {
    "select": "read",
    "insert": "insert",
    "update": "update",
    "delete": "delete",
}
_WRITES = ("insert", "update", "delete")
_ORDER = ("read", "write", *_WRITES, "becomes")
_CALLERS = Principal("callers", "true")
_VERSION = 18
"""Which privileges ``all`` stands for does not matter: both sides say it."""


@dataclass(frozen=True)
class FoundRule:
    """An access rule that says what was found.

    Attributes:
        table: Schema and name of the table.
        source: The rule as Python source.
        helpers: The functions that it names.
        replaced: The keys of the entities that it stands for.
    """

    table: TableName
    source: str
    helpers: frozenset[Helper]
    replaced: frozenset[tuple[str, ...]]


def access_rules(
    entities: Iterable[Entity],
    tables: Mapping[TableName, Mapped],
    roles: Roles,
    renderings: Renderings,
) -> list[FoundRule]:
    """Return the rules that say what was found, for the tables that have one.

    Args:
        entities: What was found.
        tables: The tables, by schema and name.
        roles: The roles that requests act as.
        renderings: What PostgreSQL makes of conditions.
    """
    of_tables: dict[TableName, list[Entity]] = defaultdict(list)
    helpers: list[Helper] = []
    for each in entities:
        if isinstance(each, Policy | TableAccess):
            of_tables[each.schema, each.table].append(each)
        elif isinstance(each, Function) and each.returns_set and not each.arguments:
            taken = [helper.constant for helper in helpers]
            helpers.append(Helper(each, constant_name(each.name, taken)))
    renderings.add_functions(each.function for each in helpers)
    found = (
        _Table(tables[name], of_tables[name], roles).rule(helpers, renderings)
        for name in sorted(of_tables.keys() & tables.keys())
    )
    return [each for each in found if each is not None]


class _Table:
    """What was found of a table, and the rule that says it."""

    def __init__(self, mapped: Mapped, entities: Sequence[Entity], roles: Roles) -> None:
        self._mapped, self._roles = mapped, roles
        self._entities = {each.key: each for each in entities}
        self._policies = [each for each in entities if isinstance(each, Policy)]

    def rule(self, helpers: Sequence[Helper], renderings: Renderings) -> FoundRule | None:
        """Return the rule, or None where there is none that says what was found."""
        if not self._has_policies_of_a_rule:
            return None
        principals = Principals(self._model, self._policies, helpers, self._roles, renderings)
        written, columns = self._principals(principals), dict(self._columns())
        arguments: dict[str, Any] = {name: each.principal for name, each in written.items()}
        for name, named in columns.items():
            arguments[name] = tuple(self._model.attributes[each] for each in named)
        try:
            rule = Access(self._model.mapped, **arguments)
            expanded = entities_of([rule], self._roles)
        except ValueError:  # what was found can't be said in a rule
            return None
        if not all(self._is_found(each, principals) for each in expanded):
            return None
        return FoundRule(
            self._model.name,
            _source(self._model, written, columns),
            frozenset(helper for each in written.values() for helper in each.helpers),
            frozenset(each.key for each in expanded),
        )

    @property
    def _has_policies_of_a_rule(self) -> bool:
        if self._roles.service is None:
            return bool(self._callers(self._roles.user))
        return any(each.name == SERVICE_POLICY for each in self._policies)

    @cached_property
    def _model(self) -> Model:
        return Model(self._mapped)

    def _principals(self, principals: Principals) -> dict[str, Written]:
        others = self._callers(self._roles.anonymous, is_anonymous=True)
        found: dict[str, Written] = {}
        for command, (words, policy) in self._callers(self._roles.user).items():
            for name, condition in _conditions(policy):
                found[name] = principals.written(words, condition)
                if command in others:
                    other_words, other = others[command]
                    of_others = dict(_conditions(other)).get(name, condition)
                    found[name] = principals.including(found[name], other_words, of_others)
        writes = [found[name] for name in (*_WRITES, "becomes") if name in found]
        if found.keys() >= {*_WRITES} and len({each.source for each in writes}) == 1:
            return {"write": writes[0], **{k: v for k, v in found.items() if k not in _WRITES}}
        return found

    def _callers(
        self, role: str | None, *, is_anonymous: bool = False
    ) -> dict[Command, tuple[str, Policy]]:
        """Return the callers in words and their policy for each command."""
        found: dict[Command, tuple[str, Policy]] = {}
        for policy in self._policies:
            ending = policy_name(_CALLERS, policy.command, anonymous=is_anonymous)
            words = policy.name.removesuffix(ending.removeprefix(_CALLERS.name))
            is_named = words not in {"", policy.name}
            if is_named and policy.permissive and policy.roles == (role,):
                found[policy.command] = (words, policy)
        return found

    def _columns(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the columns that a caller may insert and update, unless they are the usual ones."""
        columns = self._model.table.columns
        held = privileges_of(self._grants.get(str(self._roles.user), ()), _VERSION)
        of_command = {
            command: tuple(
                column.name
                for column in columns
                if Privilege(command, sql.quote(column.name)) in held
            )
            for command in ("insert", "update")
        }
        usual = tuple(each.name for each in columns if is_writable(each))
        if of_command["insert"] and of_command["insert"] != usual:
            yield "insert_columns", of_command["insert"]
            usual = of_command["insert"]
        usual = tuple(each for each in usual if not columns[each].primary_key)
        if of_command["update"] and of_command["update"] != usual:
            fixed = tuple(each for each in usual if each not in of_command["update"])
            is_less = len(fixed) < len(of_command["update"]) and {*of_command["update"]} < {*usual}
            yield ("fixed", fixed) if is_less else ("update_columns", of_command["update"])

    @property
    def _grants(self) -> Grants:
        access = [each for each in self._entities.values() if isinstance(each, TableAccess)]
        return access[0].grants if access else {}

    def _is_found(self, expanded: Entity, principals: Principals) -> bool:
        found = self._entities.get(expanded.key)
        if isinstance(expanded, TableAccess) and isinstance(found, TableAccess):
            same = (expanded.row_security, expanded.forced) == (found.row_security, found.forced)
            return same and _privileges(expanded) == _privileges(found)
        if isinstance(expanded, Policy) and isinstance(found, Policy):
            return _plain(expanded) == _plain(found) and all(
                declared == actual
                or (declared is not None and actual and principals.is_rendered(declared, actual))
                for declared, actual in zip(_texts(expanded), _texts(found), strict=True)
            )
        return False


def _conditions(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield the conditions of a policy by the parameter of a rule that they are for."""
    using, check = policy.using, policy.check
    if policy.incomplete:
        return
    if policy.command == "insert":
        yield "insert", str(check)
    elif policy.command in _PARAMETERS:
        yield _PARAMETERS[policy.command], str(using)
        if check not in {None, using}:
            yield "becomes", str(check)


def _privileges(access: TableAccess) -> Mapping[str, frozenset[Privilege]]:
    return {role: privileges_of(held, _VERSION) for role, held in access.grants.items()}


def _plain(policy: Policy) -> tuple[object, ...]:
    return (policy.command, {*policy.roles}, policy.permissive, policy.comment)


def _texts(policy: Policy) -> tuple[str | None, str | None]:
    return (policy.using, policy.check)


def _source(
    model: Model, written: Mapping[str, Written], columns: Mapping[str, Sequence[str]]
) -> str:
    lines = [model.class_name]
    lines += [f"{name}={written[name].source}" for name in _ORDER if name in written]
    for name, named in columns.items():
        attributes = "".join(f"{model.sources[each]}, " for each in named)
        lines.append(f"{name}=({attributes})")
    return "Access(\n" + "".join(f"    {line},\n" for line in lines) + ")"
