"""The policies of a table, and the SQL that makes others of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from townhall.check.dangers.rules import FoundPolicy
from townhall.pg import Policy, sql

WRITES = ("insert", "update", "delete")
COMMANDS = ("select", *WRITES)


@dataclass(frozen=True)
class Rule:
    """A policy as a repair makes it.

    Attributes:
        name: Its name.
        command: Its command, ``all`` for all commands.
        roles: Its roles.
        using: The condition for existing rows.
        check: The condition for new rows; without it ``using`` holds for them.
        is_permissive: Whether it is permissive.
        origin: The name of the policy that it was made of; none where it was made of several.
    """

    name: str
    command: str
    roles: tuple[str, ...]
    using: str | None
    check: str | None
    is_permissive: bool = True
    origin: str | None = None

    @classmethod
    def of(cls, found: FoundPolicy) -> Rule:
        """Return a policy as it is.

        Args:
            found: The policy.
        """
        return cls(
            found.name,
            found.command,
            found.roles,
            found.using,
            found.check,
            found.is_permissive,
            found.name,
        )

    def is_for(self, command: str) -> bool:
        """Tell whether it applies to a command.

        Args:
            command: The command.
        """
        return self.command in {command, "all"}

    def condition_to_write(self, command: str) -> str:
        """Return the condition that a row to write has to fulfil.

        Args:
            command: ``insert``, ``update`` or ``delete``.
        """
        written = self.using if command == "delete" else self.check or self.using
        # PostgreSQL adds nothing for a policy without a condition.
        return written or ("false" if self.is_permissive else "true")

    def only_for(self, command: str, name: str) -> Rule:
        """Return what it is for one command, as a policy of its own.

        Args:
            command: The command.
            name: The name of the new policy.
        """
        using = None if command == "insert" else self.using
        check = {
            "insert": self.condition_to_write("insert"),
            "update": self.check,
        }.get(command)
        return replace(self, name=name, command=command, using=using, check=check)


def statements(table: str, before: Sequence[Rule], after: Sequence[Rule]) -> list[str]:
    """Return what makes other policies of those of a table.

    Args:
        table: The qualified table in SQL.
        before: Its policies.
        after: The policies that it is to have.
    """
    old, new = ({each.name: each for each in rules} for rules in (before, after))
    changes = [
        _alter(table, old[name], rule) if _can_alter(old[name], rule) else None
        for name, rule in new.items()
        if name in old
    ]
    replaced = [
        name for name, rule in old.items() if name not in new or not _can_alter(rule, new[name])
    ]
    made = [rule for name, rule in new.items() if name not in old or name in replaced]
    return [
        *(f"drop policy {sql.quote(name)} on {table}" for name in replaced),
        *(each for each in changes if each),
        *(create(table, rule) for rule in made),
    ]


def create(table: str, rule: Rule) -> str:
    """Return what creates a policy.

    Args:
        table: The qualified table in SQL.
        rule: The policy.
    """
    mode = "" if rule.is_permissive else " as restrictive"
    return (
        f"create policy {sql.quote(rule.name)} on {table}{mode} for {rule.command}"
        f" to {sql.roles(rule.roles)}{_conditions(rule)}"
    )


def declaration(schema: str, table: str, rule: Rule) -> str:
    """Return the Python expression that declares a policy.

    Args:
        schema: The schema of its table.
        table: The table.
        rule: The policy.
    """
    entity = Policy.found(
        schema=schema,
        table=table,
        name=rule.name,
        command=rule.command,
        roles=rule.roles,
        using=rule.using,
        check=rule.check,
        permissive=rule.is_permissive,
        incomplete=(rule.check if rule.command == "insert" else rule.using) is None,
    )
    return f"pg.{entity!r}"


def _can_alter(before: Rule, after: Rule) -> bool:
    return (
        (before.command, before.is_permissive) == (after.command, after.is_permissive)
        and (before.using is None) == (after.using is None)
        and (before.check is None or after.check is not None)
    )


def _alter(table: str, before: Rule, after: Rule) -> str | None:
    if before == after:
        return None
    roles = f" to {sql.roles(after.roles)}" if before.roles != after.roles else ""
    return f"alter policy {sql.quote(after.name)} on {table}{roles}{_conditions(after)}"


def _conditions(rule: Rule) -> str:
    using = f" using ({rule.using})" if rule.using is not None else ""
    check = f" with check ({rule.check})" if rule.check is not None else ""
    return using + check
