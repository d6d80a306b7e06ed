"""Dangers of tables: row level security that is off, and foreign keys without an index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from townhall.check.dangers.catalog import ForeignKey, Relation, Rules
from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.pg import sql
from townhall.printing import python_literal


def without_row_security(rules: Rules) -> Iterable[Finding]:
    """Yield the tables whose row level security is off.

    Args:
        rules: The rules of the database.
    """
    for table in rules.relations.values():
        if not table.is_open_table:
            continue
        if (table.schema, table.name) in rules.has_policies:
            yield _off(Danger.UNUSED_POLICIES, table, rules)
        elif table.schema in rules.reachable and _may_be_accessed(table, rules):
            yield _off(Danger.NO_ROW_SECURITY, table, rules)


def _may_be_accessed(table: Relation, rules: Rules) -> bool:
    # A part of another table is accessed through that one, unless a caller has a privilege on it.
    if table.is_child:
        return bool(rules.callers.among(table.grantees))
    return rules.callers.may_have(table.grantees)


def _off(danger: Danger, table: Relation, rules: Rules) -> Finding:
    has_policies = danger is Danger.UNUSED_POLICIES
    callers = rules.callers.among(table.grantees)
    access = rules.open_tables[table.schema, table.name]
    return found(
        danger,
        in_words("table", table.schema, table.name),
        [f"alter table {table.literal} enable row level security"],
        f"pg.{replace(access, row_security=True)!r}"
        + ("" if has_policies else ", and an access rule or pg.Policy for each way to read it"),
        detail=f"{', '.join(callers)} may access it" if callers else "no caller may access it yet",
        decision=None
        if has_policies
        else "without a policy requests then see none of its rows; write the policies with it",
    )


def without_index(rules: Rules) -> Iterable[Finding]:
    """Yield the foreign keys that no index covers.

    Args:
        rules: The rules of the database.
    """
    told = set()
    for key in rules.foreign_keys:
        # One index serves all keys of the same columns.
        on = (key.schema, key.table, frozenset(key.columns))
        if on in told or any(_is_whole(key, predicate) for predicate in key.predicates):
            continue
        told.add(on)
        columns = ", ".join(key.columns)
        table = sql.qualified(key.schema, key.table)
        yield found(
            Danger.NO_INDEX,
            in_words("constraint", key.schema, key.table, key.name),
            [f"create index on {table} ({sql.quote_all(key.columns)})"],
            _index(key),
            detail=f"on {columns}",
        )


def _index(key: ForeignKey) -> str:
    if len(key.columns) == 1:
        return f"mapped_column(…, index=True) of {key.columns[0]}"
    names = ", ".join(map(python_literal, key.columns))
    return f"Index(None, {names}) of the table"


def _is_whole(key: ForeignKey, predicate: str) -> bool:
    # A row whose column is null references nothing.
    plain = predicate.replace("(", "").replace(")", "")
    wanted = {f"{sql.quote(column)} IS NOT NULL" for column in key.columns}
    return set(plain.split(" AND ")) <= wanted
