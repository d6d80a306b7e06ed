"""Dangers of policies, with repairs that can be run one after the other.

A repair of a policy is written for what the repairs before it have made of the table's policies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from townhall.check.dangers.catalog import FoundFunction, FoundPolicy, Relation, Rules
from townhall.check.dangers.expressions import (
    called_per_row,
    columns_of_view,
    evaluated_once,
    names,
    texts,
)
from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.dangers.merging import merged, overlaps
from townhall.check.dangers.policies import COMMANDS, WRITES, Rule, declaration, statements
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.pg import PUBLIC, sql
from townhall.pg.layout import without_comments
from townhall.printing import python_literal

_Table = tuple[str, str]
_METADATA = {"user_metadata": "app_metadata", "raw_user_meta_data": "raw_app_meta_data"}
_COPY = "copy the values to app_metadata first, which only the service can write"
_WHO = "decide who may write which rows, and write a policy that says so"


class Conditions:
    """The policies of a database and what repairs make of them."""

    def __init__(self, rules: Rules) -> None:
        """Begin with the policies as they are.

        Args:
            rules: The rules of the database.
        """
        self._rules = rules
        self._by_table: dict[_Table, list[FoundPolicy]] = {}
        for policy in rules.policies:
            self._by_table.setdefault((policy.schema, policy.table), []).append(policy)
        self._now: dict[_Table, list[Rule]] = {
            table: [Rule.of(each) for each in policies]
            for table, policies in self._by_table.items()
        }

    def findings(self) -> Iterator[Finding]:
        """Yield the dangers of each kind in turn, the worst first."""
        yield from self._each(self._writable_by_all)
        yield from self._each(self._user_metadata)
        yield from self._each(self._per_row)
        for table in self._by_table:
            yield from self._several(table)

    def _each(self, look: Callable[[_Table, FoundPolicy], Finding | None]) -> Iterator[Finding]:
        for table, policies in self._by_table.items():
            for policy in policies:
                if (finding := look(table, policy)) is not None:
                    yield finding

    def _changed(
        self, table: _Table, policy: FoundPolicy, change: Callable[[Rule], Iterable[Rule]]
    ) -> list[str]:
        before = self._now[table]
        after = [
            new
            for rule in before
            for new in (change(rule) if rule.origin == policy.name else [rule])
        ]
        self._now[table] = after
        return statements(sql.qualified(*table), before, after)

    def _declared(self, table: _Table, policy: FoundPolicy) -> str:
        # What the repairs so far have made of it.
        made = [each for each in self._now[table] if each.origin == policy.name]
        return ", ".join(declaration(*table, each) for each in made)

    def _writable_by_all(self, table: _Table, policy: FoundPolicy) -> Finding | None:
        rule = Rule.of(policy)
        if not policy.is_permissive or not self._rules.callers.among(policy.roles):
            return None
        commands = [
            command
            for command in WRITES
            if rule.is_for(command)
            and self._is_open(table, rule, command)
            and not self._is_restricted(table, rule, command)
        ]
        if not commands:
            return None
        words = f"{', '.join(commands)} by {', '.join(policy.roles)}"
        return _finding(
            Danger.WRITABLE_BY_ALL,
            policy,
            self._changed(table, policy, lambda rule: self._closed(table, rule)),
            self._declared(table, policy)
            or f"no pg.Policy named {python_literal(policy.name)}, or with a condition on the row",
            detail=words,
            decision=_WHO,
        )

    def _is_true(self, table: _Table, condition: str | None) -> bool:
        return condition == "true" or (table, condition) in self._rules.always_true

    def _is_open(self, table: _Table, rule: Rule, command: str) -> bool:
        is_open = self._is_true(table, rule.condition_to_write(command))
        return is_open or (command == "update" and self._is_true(table, rule.using))

    def _closed(self, table: _Table, rule: Rule) -> list[Rule]:
        # What a policy for writing leaves where its true condition is no longer one.
        check = rule.check if rule.check is not None else rule.using
        if not self._is_true(table, rule.using) and rule.command in {"update", "all"}:
            return [replace(rule, check=rule.using)]
        if self._is_true(table, check) or rule.command in {"insert", "delete"}:
            return [replace(rule, command="select", check=None)] if rule.command == "all" else []
        if rule.command == "update":
            return [replace(rule, using=check)]
        writes = [replace(rule, using=check)] * len(WRITES)
        return [
            part.only_for(command, sql.shortened(rule.name, 54) + f" ({command})")
            for command, part in zip(
                COMMANDS, [replace(rule, using="true", check=None), *writes], strict=True
            )
        ]

    def _is_restricted(self, table: _Table, rule: Rule, command: str) -> bool:
        return any(
            not each.is_permissive
            and Rule.of(each).is_for(command)
            and not self._is_true(table, Rule.of(each).condition_to_write(command))
            and (PUBLIC in each.roles or set(rule.roles) <= set(each.roles))
            for each in self._by_table[table]
        )

    def _user_metadata(self, table: _Table, policy: FoundPolicy) -> Finding | None:
        called = [self._rules.functions[oid] for oid in policy.functions if oid in self._functions]
        conditions = [each for each in (policy.using, policy.check) if each]
        columns = [each.split(" ", 2) for each in policy.columns]
        is_direct = any(map(self._trusts_directly, conditions)) or any(
            name == "raw_user_meta_data" and self._rules.relations[int(oid)].is_table
            for oid, _, name in columns
            if int(oid) in self._rules.relations
        )
        views = [
            view
            for view, own in self._views.items()
            if any(int(oid) == view.oid and int(number) in own for oid, number, _ in columns)
        ]
        functions = list(dict.fromkeys(each for one in called for each in self._functions[one.oid]))
        if not is_direct and not functions and not views:
            return None
        repairs = [_replacing_view(each.definition or "") for each in views]
        repairs += [_trusting_the_service(each.definition or "") for each in functions]
        if is_direct:
            repairs += self._changed(
                table,
                policy,
                lambda rule: [_each_condition(rule, _trusting_the_service)],
            )
        readers = [
            *(f"{each.schema}.{each.name}" for each in views),
            *(f"{each.schema}.{each.signature}" for each in functions),
        ]
        through = ", ".join(readers)
        python = [self._declared(table, policy)] if is_direct else []
        python += [f"app_metadata in the place of user_metadata in {through}"] if readers else []
        return _finding(
            Danger.USER_METADATA,
            policy,
            repairs,
            ", and ".join(python),
            detail=f"through {through}" if readers else None,
            decision=_COPY,
        )

    def _trusts_directly(self, condition: str) -> bool:
        is_named = any(re.search(r"\buser_metadata\b", text) for text in texts(condition))
        return is_named and bool(names(condition) & self._readers_of_tokens)

    @cached_property
    def _views(self) -> Mapping[Relation, Collection[int]]:
        # The columns that hold the metadata of users, of each view that has one.
        found = {}
        for view in self._rules.relations.values():
            if view.definition is None:
                continue
            query = view.definition.partition(_QUERY)[2]
            found[view] = {
                number
                for number, column in enumerate(columns_of_view(query), 1)
                if "raw_user_meta_data" in names(column) or self._trusts_directly(column)
            }
        return found

    @cached_property
    def _readers_of_tokens(self) -> set[str]:
        # The functions that give the claims of a token, and those that call them.
        known = {"jwt", "current_setting"}
        for _ in range(_DEPTH):
            known |= {
                each.literal.rpartition(".")[2].strip('"')
                for each in self._rules.functions.values()
                if each.is_own and names(each.body) & known
            }
        return known

    @cached_property
    def _functions(self) -> Mapping[int, list[FoundFunction]]:
        # The functions that read the metadata of users, by each function that leads to them.
        own = [each for each in self._rules.functions.values() if each.is_own]
        bodies = {each.oid: without_comments(each.body) for each in own if each.body}
        reaching = {
            each.oid: [each]
            for each in own
            if each.definition is not None and _reads_metadata(bodies.get(each.oid, ""))
        }
        for _ in range(_DEPTH):
            by_name = {
                _last_name(self._rules.functions[oid]): readers for oid, readers in reaching.items()
            }
            if not by_name:
                break
            found_more = {
                each.oid: list(dict.fromkeys(r for name in called for r in by_name[name]))
                for each in own
                if each.oid not in reaching
                and (called := sorted(names(bodies.get(each.oid, "")) & by_name.keys()))
            }
            if not found_more:
                break
            reaching |= found_more
        return reaching

    def _per_row(self, table: _Table, policy: FoundPolicy) -> Finding | None:
        if set(policy.roles) <= self._rules.callers.bypassing:
            return None
        functions = self._once
        called = list(
            dict.fromkeys(
                call.name
                for condition in (policy.using, policy.check)
                if condition
                for call in called_per_row(condition, functions)
            )
        )
        if not called:
            return None
        repairs = self._changed(
            table,
            policy,
            lambda rule: [_each_condition(rule, lambda each: evaluated_once(each, functions))],
        )
        if not repairs:
            return None
        return _finding(
            Danger.PER_ROW,
            policy,
            repairs,
            self._declared(table, policy),
            detail=", ".join(f"{name}()" for name in called),
        )

    @cached_property
    def _once(self) -> Mapping[str, str]:
        return {
            "current_setting": "text",
            **{
                each.literal: each.returns
                for each in self._rules.functions.values()
                if each.is_stable and not each.is_set
            },
        }

    def _several(self, table: _Table) -> Iterator[Finding]:
        callers = self._rules.callers
        before = self._now[table]
        found_overlaps = list(overlaps([Rule.of(each) for each in self._by_table[table]], callers))
        if not found_overlaps or not any(overlaps(before, callers)):
            return
        after = merged(before, callers)
        self._now[table] = after
        detail = "; ".join(
            f"{command}: {', '.join(each.name for each in group)}"
            for command, group in found_overlaps
        )
        yield found(
            Danger.SEVERAL_PERMISSIVE,
            in_words("table", *table),
            statements(sql.qualified(*table), before, after),
            ", ".join(declaration(*table, each) for each in after if each not in before)
            + f" in the place of {_in_words(each for each in before if each not in after)}",
            detail=detail,
        )


_QUERY = " as\n"
"""What stands before the query in the definition of a view."""
_DEPTH = 5
"""How many functions may call each other on the way."""


def _finding(  # noqa: PLR0913 - each is a part of a finding
    danger: Danger,
    policy: FoundPolicy,
    repairs: Iterable[str],
    python: str,
    *,
    detail: str | None = None,
    decision: str | None = None,
) -> Finding:
    return found(
        danger,
        in_words("policy", policy.schema, policy.table, policy.name),
        repairs,
        python,
        detail=detail,
        decision=decision,
    )


def _in_words(rules: Iterable[Rule]) -> str:
    return ", ".join(python_literal(each.name) for each in rules)


def _each_condition(rule: Rule, change: Callable[[str], str]) -> Rule:
    return replace(
        rule,
        using=None if rule.using is None else change(rule.using),
        check=None if rule.check is None else change(rule.check),
    )


def _reads_metadata(body: str) -> bool:
    if "raw_user_meta_data" in body:
        return True
    return "user_metadata" in body and bool(re.search(r"jwt", body, re.IGNORECASE))


def _trusting_the_service(text: str) -> str:
    for untrusted, trusted in _METADATA.items():
        text = text.replace(untrusted, trusted)
    return text


def _replacing_view(definition: str) -> str:
    # Its columns keep their names.
    head, begin, query = definition.partition(_QUERY)
    return head + begin + _trusting_the_service(query)


def _last_name(function: FoundFunction) -> str:
    return next(iter(names(function.literal)))
