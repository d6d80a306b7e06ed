"""What access rules are expanded to, for the roles of an application."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from townhall.input_error import InputError
from townhall.pg import sql
from townhall.pg.access.helpers import Membership
from townhall.pg.access.principals import Principal
from townhall.pg.access.rules import SERVICE_POLICY, Access, policy_name
from townhall.pg.entity import Entity
from townhall.pg.policy import Command, Policy
from townhall.pg.privileges import PUBLIC, Grants
from townhall.pg.table_access import TableAccess
from townhall.roles import SUPABASE, Roles

Declaration = Access | Membership | Entity
"""What :func:`entities_of` expands."""

_SQL_FIELDS = ("body", "definition", "using", "check")
_LEAVES_A_ROW = ("insert", "update")


def entities_of(declarations: Iterable[Declaration], roles: Roles = SUPABASE) -> tuple[Entity, ...]:
    """Return what access rules and helper functions are expanded to.

    ``:caller`` in conditions, bodies of functions and definitions of views becomes a subselect of
    the caller's id, which PostgreSQL evaluates once per statement. In strings, names in quotes and
    comments it stays.

    Args:
        declarations: Rules, what :func:`membership` returned, and entities that say ``:caller``;
            other entities are returned as they are.
        roles: The roles of the application.

    Raises:
        InputError: Something is declared twice, such as two rules for one table, or a rule is for
            a role that is absent.
    """
    entities = [
        _with_caller(entity, roles)
        for declaration in declarations
        for entity in _expanded(declaration, roles)
    ]
    counts = Counter(entity.key for entity in entities)
    for entity in entities:
        if counts[entity.key] > 1:
            raise InputError(
                f"{entity.identity} is declared {counts[entity.key]} times; declare it once,"
                " and all access to a table in one rule"
            )
    return tuple(entities)


def grants_of(rule: Access, roles: Roles = SUPABASE) -> Grants:
    """Return the privileges of each role on the table of a rule.

    Args:
        rule: The rule.
        roles: The roles of the application.
    """
    grants = {
        audience.role: tuple(_privileges(rule, audience.principals))
        for audience in _audiences(rule, roles)
    }
    return grants if roles.service is None else {**grants, roles.service: ("all",)}


class _Audience(NamedTuple):
    """The clients that act as one role, and what they may do."""

    role: str
    principals: Mapping[Command, Principal]
    is_anonymous: bool = False


def _audiences(rule: Access, roles: Roles) -> Iterator[_Audience]:
    """Yield the roles of clients for which a rule says something."""
    anonymous: dict[Command, Principal] = {
        command: principal.anonymous
        for command, principal in rule.commands.items()
        if principal.anonymous is not None
    }
    if roles.user is not None and rule.commands:
        yield _Audience(roles.user, rule.commands)
    elif any(command not in anonymous for command in rule.commands):
        raise InputError(_absent(rule, "users who are signed in", "user"))
    if roles.anonymous is not None and anonymous:
        yield _Audience(roles.anonymous, anonymous, is_anonymous=True)
    elif anonymous:
        raise InputError(_absent(rule, "anonymous callers", "anonymous"))


def _absent(rule: Access, callers: str, role: str) -> str:
    return (
        f"the access rule of {rule.model.__name__} is for {callers}, and the application has no"
        f" role for them; set Roles({role}=…) or leave them out of the rule"
    )


def _privileges(rule: Access, commands: Iterable[Command]) -> Iterator[str]:
    columns = {"insert": rule.insertable, "update": rule.updatable}
    for command in commands:
        if command in columns:
            yield f"{command} ({sql.quote_all(columns[command])})"
        else:
            yield command


def _expanded(declaration: Declaration, roles: Roles) -> Iterable[Entity]:
    if isinstance(declaration, Access):
        return _entities(declaration, roles)
    return declaration.entities(roles) if isinstance(declaration, Membership) else (declaration,)


def _entities(rule: Access, roles: Roles) -> Iterator[Entity]:
    yield TableAccess(
        schema=rule.schema,
        table=rule.table.name,
        grants=grants_of(rule, roles),
        api_roles=roles.names,
    )
    _check_policies(rule, roles)
    yield from rule.policies or _policies(rule, roles)
    if roles.service is not None:
        yield Policy(
            schema=rule.schema,
            table=rule.table.name,
            name=SERVICE_POLICY,
            command="all",
            roles=(roles.service,),
            using="true",
            check="true",
        )


def _check_policies(rule: Access, roles: Roles) -> None:
    """Refuse policies for roles without a grant, and a grant that reaches no row."""
    granted = {each.role: each.principals.keys() for each in _audiences(rule, roles)}
    words = f"the access rule of {rule.model.__name__}: policies has"
    for policy in rule.policies:
        for role in {*policy.roles} - {PUBLIC, roles.service}:
            if role not in granted or policy.command not in {"all", *granted[role]}:
                raise InputError(
                    f"{words} '{policy.name}' for {role}, which the rule grants no"
                    f" {policy.command}; say in the rule who may, or name another role"
                )
    for role, commands in granted.items() if rule.policies else ():
        permitted = {
            policy.command
            for policy in rule.policies
            if policy.permissive and not {role, PUBLIC}.isdisjoint(policy.roles)
        }
        for command in commands:
            if permitted.isdisjoint({command, "all"}):
                raise InputError(
                    f"{words} no permissive policy for {command} and {role}, which would reach no"
                    " row; add one"
                )


def _policies(rule: Access, roles: Roles) -> Iterator[Policy]:
    for role, principals, is_anonymous in _audiences(rule, roles):
        for command, principal in principals.items():
            updated = rule.becomes if command == "update" else None
            if updated is not None and is_anonymous:
                updated = updated.anonymous
            yield Policy(
                schema=rule.schema,
                table=rule.table.name,
                name=policy_name(principal, command, anonymous=is_anonymous),
                command=command,
                roles=(role,),
                using=None if command == "insert" else principal.found,
                check=(updated or principal).written if command in _LEAVES_A_ROW else None,
            )


def _with_caller(entity: Entity, roles: Roles) -> Entity:
    texts = {name: getattr(entity, name, None) for name in _SQL_FIELDS}
    caller = f"(select {roles.caller})"
    resolved = {
        name: sql.substituted(text, "caller", caller)
        for name, text in texts.items()
        if text is not None
    }
    changed = {name: text for name, text in resolved.items() if text != texts[name]}
    return replace(entity, **changed) if changed else entity
