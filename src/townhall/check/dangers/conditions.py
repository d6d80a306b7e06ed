"""Dangers of policies, with repairs that can be run one after the other.

A repair of a policy is written for what the repairs before it have made of the table's policies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from townhall.check.dangers.declarations import Declarations
from townhall.check.dangers.expressions import called_per_row, evaluated_once
from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.dangers.merging import merged, overlaps
from townhall.check.dangers.metadata import Metadata, trusting_the_service
from townhall.check.dangers.policies import (
    COMMANDS,
    WRITES,
    Rule,
    create,
    declaration,
    statements,
)
from townhall.check.dangers.rules import FoundFunction, FoundPolicy, Relation, Rules
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.pg import PUBLIC, sql
from townhall.printing import python_literal

_Table = tuple[str, str]
_COPY = "copy the values to app_metadata first, which only the service can write"
_WHO = "decide who may write which rows, and write a policy that says so"


class Conditions:
    """The policies of a database and what repairs make of them."""

    def __init__(self, rules: Rules, declared: Declarations) -> None:
        """Begin with the policies as they are.

        Args:
            rules: The rules of the database.
            declared: What is to be declared of functions and views, which repairs change.
        """
        self._rules, self._declared = rules, declared
        self._metadata = Metadata(rules)
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

    def _declaration(self, table: _Table, policy: FoundPolicy) -> str:
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
            self._declaration(table, policy)
            or f"# no pg.Policy named {python_literal(policy.name)}",
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
        is_direct, readers = self._metadata.is_read_by(policy), self._metadata.readers(policy)
        if not is_direct and not readers:
            return None
        repaired = [self._declared.trusting_the_service(each.key) for each in readers]
        repairs = [statement for each, _ in repaired for statement in each]
        python = [declared for _, declared in repaired]
        again = [each for each in readers if isinstance(each, Relation) and each.kind == "m"]
        if again:
            repairs = self._around(again, repairs)
        if is_direct:
            repairs += self._changed(
                table,
                policy,
                lambda rule: [_each_condition(rule, trusting_the_service)],
            )
            python.append(self._declaration(table, policy))
        through = ", ".join(
            f"{each.schema}.{each.signature if isinstance(each, FoundFunction) else each.name}"
            for each in readers
        )
        return _finding(
            Danger.USER_METADATA,
            policy,
            repairs,
            ", ".join(python),
            detail=f"through {through}" if readers else None,
            decision=_COPY,
        )

    def _around(self, views: Iterable[Relation], repairs: Iterable[str]) -> list[str]:
        # A materialized view is dropped and created again, which no policy on it survives.
        reads = {str(each.oid) for each in views}
        policies = [
            (sql.qualified(*table), rule)
            for table, found_policies in self._by_table.items()
            for policy in found_policies
            if any(each.partition(" ")[0] in reads for each in policy.columns)
            for rule in self._now[table]
            if rule.origin == policy.name
        ]
        return [
            *(f"drop policy {sql.quote(rule.name)} on {table}" for table, rule in policies),
            *repairs,
            *(create(table, rule) for table, rule in policies),
        ]

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
            self._declaration(table, policy),
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
            + f"  # in the place of {_in_words(each for each in before if each not in after)}",
            detail=detail,
        )


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
