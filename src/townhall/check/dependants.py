"""What depends on an object that a repair drops or alters, and belongs to others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, text

from townhall.check.findings import Finding
from townhall.check.repair import alters_type, takes_away
from townhall.check.snapshot import RELATION_KINDS, Object, Snapshot, in_words
from townhall.pg import DataType, Routine, sql
from townhall.pg.catalog import SIGNATURE, Target, read_dependants
from townhall.roles import LONGEST_NAME

_NAMED = 5  # how many are named
_BARE = re.compile(r"[^\W\dA-Z](?:[^\WA-Z]|\$)*")  # what a name without quotes can be


def target_of(item: Object) -> Target | None:
    """Return an object on which others can depend as what is going to be dropped, or None.

    Args:
        item: The object, as it is or as it is declared.
    """
    if isinstance(item.entity, Routine):
        return Target(function=item.entity.literal_signature)
    if isinstance(item.entity, DataType):
        return Target(type=item.entity.literal_name)
    if item.kind in {"column", "constraint"}:
        table = Target(relation=sql.qualified(*item.names[:2]))
        name = item.names[-1]
        is_column = item.kind == "column"
        return table._replace(column=name) if is_column else table._replace(constraint=name)
    if item.kind in {"index", "sequence", *RELATION_KINDS}:
        return Target(relation=sql.qualified(item.names[0], item.names[-1]))
    return None


def naming_dependants(
    connection: Connection, findings: Iterable[Finding], declared: Snapshot, actual: Snapshot
) -> list[Finding]:
    """Return findings of which those need a decision that others are in the way of.

    The repair drops what they use, or changes the type of a column that they read.

    Args:
        connection: The checked database; it is only read.
        findings: The differences.
        declared: What the revisions make.
        actual: What the database has.
    """
    objects = {item.identity: item for item in actual.values()}
    ours = {name for item in declared.values() for name in _names(item)}
    named = []
    for finding in findings:
        item = objects.get(finding.object)
        is_refused = takes_away(finding.repair) or alters_type(finding.repair)
        users = _users(connection, item, ours) if item is not None and is_refused else []
        named.append(_with_users(finding, users))
    return named


def _users(connection: Connection, item: Object, ours: set[str]) -> list[str]:
    target = target_of(item)
    if target is None:
        return []
    found = read_dependants(connection, [target])
    entities = {in_words(*key) for key in found.entities}
    parts = {part.identity for part in found.parts}
    return sorted({*entities, *parts, *_functions(connection, item)} - ours)


def _functions(connection: Connection, item: Object) -> Iterable[str]:
    # What a body in a string names is in no catalog.
    if isinstance(item.entity, Routine):
        name, itself = item.entity.name, item.entity.literal_signature
    elif isinstance(item.entity, DataType) or item.kind in {"sequence", *RELATION_KINDS}:
        name, itself = item.names[-1], None
    else:
        return []
    values = {**_patterns(name), "itself": itself}
    found = connection.execute(text(_BODIES), values)
    return [f"{row.kind} {row.schema}.{row.signature}" for row in found]


def _patterns(name: str) -> dict[str, str | None]:
    """Return patterns of a name: in quotes or alone in a string, and in lower case without them."""
    forms = {name, name.replace('"', '""'), name.replace("'", "''")}
    quoted = f"""["']({"|".join(map(_escaped, forms))})"""
    bare = rf"""(?<![\w$"]){_escaped(name)}"""
    # PostgreSQL cuts a longer name to whole characters, which have up to four bytes.
    if len(name.encode()) <= LONGEST_NAME - 4:
        quoted += """["']"""
        bare += r"(?![\w$])"
    return {"quoted": quoted, "bare": bare if _BARE.fullmatch(name) else None}


def _escaped(name: str) -> str:
    return re.sub(r"(\W)", r"\\\1", name)


def _names(item: Object) -> Iterable[str]:
    yield item.identity
    if item.kind in {"column", "constraint", "index"}:  # as a Part of the catalog has it
        of_table = f"{sql.quote(item.names[-1])} on {sql.qualified(*item.names[:2])}"
        yield f"{item.kind} {of_table}"
        yield f"default of {of_table}"


def _with_users(finding: Finding, users: Sequence[str]) -> Finding:
    if not users:
        return finding
    listed = ", ".join(users[:_NAMED])
    if len(users) > _NAMED:
        listed += f" and {len(users) - _NAMED} more"
    words = f"{listed} {'uses' if len(users) == 1 else 'use'} it"
    decision = words if finding.decision is None else f"{finding.decision}; {words}"
    return replace(finding, decision=decision)


_BODIES = f"""
    select
        case p.prokind when 'p' then 'procedure' else 'function' end as kind,
        n.nspname as schema,
        {SIGNATURE} as signature
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where l.lanname in ('plpgsql', 'sql')
        and n.nspname not in ('pg_catalog', 'information_schema')
        and (p.prosrc ~ :quoted or pg_catalog.lower(p.prosrc collate "C") ~ :bare)
        and p.oid is distinct from pg_catalog.to_regprocedure(:itself)
    order by 2, 3
"""
