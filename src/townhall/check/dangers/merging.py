"""One permissive policy in the place of several for one role and command."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from townhall.check.dangers.policies import COMMANDS, Rule
from townhall.check.dangers.rules import Callers
from townhall.pg import PUBLIC, sql


def overlaps(rules: Sequence[Rule], callers: Callers) -> Iterator[tuple[str, list[Rule]]]:
    """Yield each command with the permissive policies that meet another one for the same role.

    Args:
        rules: The policies of a table.
        callers: The roles that requests act as.
    """
    for command in COMMANDS:
        groups = _groups([each for each in rules if each.is_for(command)], callers)
        yield from ((command, group) for group in groups)


def merged(rules: Sequence[Rule], callers: Callers) -> list[Rule]:
    """Return policies that give the same access, with one for each role and command.

    Args:
        rules: The policies of a table.
        callers: The roles that requests act as.
    """
    found = list(overlaps(rules, callers))
    names = {each.name for each in rules}
    taken: dict[str, set[str]] = {}
    made: list[Rule] = []
    for group, commands in _by_group(found):
        for each in group:
            taken.setdefault(each.name, set()).update(commands)
        whole = commands == list(COMMANDS) and all(each.command == "all" for each in group)
        for command in ["all"] if whole else commands:
            made.append(_one_of(group, command, names))
            names.add(made[-1].name)
    kept = [each for each in rules if each.name not in taken]
    for each in rules:
        if each.command == "all" and each.name in taken:
            for command in COMMANDS:
                if command not in taken[each.name]:
                    kept.append(each.only_for(command, _free_name(each.name, command, names)))
                    names.add(kept[-1].name)
    return [*kept, *made]


def _groups(rules: Sequence[Rule], callers: Callers) -> list[list[Rule]]:
    groups: list[list[Rule]] = []
    for rule in rules:
        if not rule.is_permissive or not set(rule.roles) - callers.bypassing:
            continue
        met = [group for group in groups if any(_meet(rule, each, callers) for each in group)]
        joined = [each for group in met for each in group]
        groups = [group for group in groups if group not in met]
        groups.append(sorted([*joined, rule], key=lambda each: each.name))
    return [group for group in groups if len(group) > 1]


def _meet(rule: Rule, other: Rule, callers: Callers) -> bool:
    roles = [set(each.roles) - callers.bypassing for each in (rule, other)]
    # A caller may be a member of the role that a policy names.
    acting = [each.union(callers.among(each)) for each in roles]
    return any(PUBLIC in each for each in roles) or not acting[0].isdisjoint(acting[1])


def _by_group(found: Sequence[tuple[str, list[Rule]]]) -> list[tuple[list[Rule], list[str]]]:
    grouped: list[tuple[list[Rule], list[str]]] = []
    for command, group in found:
        for known, commands in grouped:
            if known == group:
                commands.append(command)
                break
        else:
            grouped.append((group, [command]))
    return grouped


def _one_of(group: Sequence[Rule], command: str, names: Collection[str]) -> Rule:
    roles: tuple[str, ...] = tuple(sorted({role for each in group for role in each.roles}))
    if PUBLIC in roles:
        roles = (PUBLIC,)
    using = [_for_roles(each, each.using or "false", roles) for each in group]
    check = [_for_roles(each, each.condition_to_write("insert"), roles) for each in group]
    has_check = command == "insert" or (
        command in {"update", "all"} and any(each.check is not None for each in group)
    )
    return Rule(
        _free_name(" or ".join(each.name for each in group), command, names),
        command,
        roles,
        None if command == "insert" else _either(using),
        _either(check) if has_check else None,
    )


def _for_roles(rule: Rule, condition: str, roles: Collection[str]) -> str:
    # A policy holds for the members of its roles too.
    if set(rule.roles) == set(roles):
        return condition
    is_one = " or ".join(
        f"pg_catalog.pg_has_role({sql.literal(role)}, 'usage')" for role in rule.roles
    )
    return f"(select {is_one}) and ({condition})"


def _either(conditions: Sequence[str]) -> str:
    unique = list(dict.fromkeys(conditions))
    return unique[0] if len(unique) == 1 else " or ".join(f"({each})" for each in unique)


def _free_name(name: str, command: str, names: Collection[str]) -> str:
    addition = "" if command == "all" else f" ({command})"
    for number in range(1, len(names) + 2):
        ending = addition if number == 1 else f"{addition} {number}"
        free = sql.shortened(name, 63 - len(ending)) + ending
        if free not in names:
            return free
    raise AssertionError(name)
