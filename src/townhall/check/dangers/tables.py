"""Dangers of tables: row level security that is off, and foreign keys without an index."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace
from itertools import chain, count

from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.dangers.rules import ForeignKey, Relation, Rules
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.pg import sql
from townhall.printing import python_literal


def without_row_security(rules: Rules) -> Iterable[Finding]:
    """Yield the tables whose row level security is off, or that can have none.

    Args:
        rules: The rules of the database.
    """
    for table in rules.relations.values():
        is_reachable = table.schema in rules.reachable and _may_be_accessed(table, rules)
        if table.is_open_table and (table.schema, table.name) in rules.has_policies:
            yield _off(Danger.UNUSED_POLICIES, table, rules)
        elif table.is_open_table and is_reachable:
            yield _off(Danger.NO_ROW_SECURITY, table, rules)
        elif table.kind == "f" and not table.is_of_extension and is_reachable:
            yield from _foreign(table, rules)


def _may_be_accessed(table: Relation, rules: Rules) -> bool:
    # A part of another table is accessed through that one, unless a caller has a privilege on it.
    is_for_all = not rules.callers.names and not table.is_child
    return is_for_all or bool(_callers(table, rules))


def _callers(table: Relation, rules: Rules) -> list[str]:
    # Where the callers are known, one of them may own the table.
    owners = [table.owner] if rules.callers.names else []
    return rules.callers.among([*table.grantees, *owners])


def _off(danger: Danger, table: Relation, rules: Rules) -> Finding:
    callers = _callers(table, rules)
    access = rules.open_tables[table.schema, table.name]
    return found(
        danger,
        in_words("table", table.schema, table.name),
        [f"alter table {table.literal} enable row level security"],
        f"pg.{replace(access, row_security=True)!r}",
        detail=f"{', '.join(callers)} may access it" if callers else "no caller may access it yet",
        decision=None
        if danger is Danger.UNUSED_POLICIES
        else "without a policy requests then see none of its rows; write an access rule or policies"
        " with it",
    )


def _foreign(table: Relation, rules: Rules) -> Iterable[Finding]:
    holders = [each for each in table.grantees if rules.callers.among([each])]
    if holders:
        revoke = f"revoke all on table {table.literal} from {sql.roles(holders)}"
        yield found(
            Danger.NO_ROW_SECURITY,
            in_words("foreign table", table.schema, table.name),
            [revoke],
            f"op.execute({python_literal(revoke)})",
            detail=f"{', '.join(holders)} may access it, and a foreign table can have none",
            decision="its callers can't use it then; give them a function or a table of your own",
        )


def without_index(rules: Rules) -> Iterable[Finding]:
    """Yield the foreign keys that no index covers.

    Args:
        rules: The rules of the database.
    """
    told = set()
    taken = set(rules.names)
    for key in rules.foreign_keys:
        # One index serves all keys of the same columns.
        on = (key.schema, key.table, frozenset(key.columns))
        if on in told or any(_is_whole(key, predicate) for predicate in key.predicates):
            continue
        told.add(on)
        name = _free_name(key, taken)
        taken.add((key.schema, name))
        table = sql.qualified(key.schema, key.table)
        columns = ", ".join(map(python_literal, key.columns))
        yield found(
            Danger.NO_INDEX,
            in_words("constraint", key.schema, key.table, key.name),
            [f"create index {sql.quote(name)} on {table} ({sql.quote_all(key.columns)})"],
            f"sa.Index({python_literal(name)}, {columns})",
            detail=f"on {', '.join(key.columns)}",
        )


def _free_name(key: ForeignKey, taken: Container[tuple[str, str]]) -> str:
    suffixes = chain(["idx"], (f"idx{number}" for number in count(1)))
    names = (sql.generated_name(key.table, key.columns, suffix) for suffix in suffixes)
    return next(each for each in names if (key.schema, each) not in taken)


def _is_whole(key: ForeignKey, predicate: str) -> bool:
    # A row whose column is null references nothing.
    plain = predicate.replace("(", "").replace(")", "")
    wanted = {f"{sql.quote(column)} IS NOT NULL" for column in key.columns}
    return set(plain.split(" AND ")) <= wanted
