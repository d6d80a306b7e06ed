"""The rules of the engine: what it refuses of tables, and of what stands on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from townhall.check.dangers.expressions import names
from townhall.check.distribution.layout import Layout, full_name
from townhall.check.distribution.report import STRIPPED, Obstacle
from townhall.pg import Entity, Function, MaterializedView, Policy, Trigger

_SUBQUERY = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | (?P<select>\bselect\b)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SETS = ("SET NULL", "SET DEFAULT")


def obstacles(layout: Layout, entities: Sequence[Entity]) -> tuple[Obstacle, ...]:
    """Return what the engine refuses, table by table.

    Args:
        layout: The tables, and how they are distributed.
        entities: The declared entities.
    """
    bodies = {each.literal_name: each.body for each in entities if isinstance(each, Function)}
    converted = layout.converted()
    found: list[Obstacle] = []
    for name, table in sorted(layout.tables.items()):
        key = layout.key_of(table)
        if key is not None:
            found += (*_of_key(key), *_of_unique(table, key))
        for constraint in _foreign_keys(table):
            found += _of_foreign_key(layout, table, constraint)
        of_table = [each for each in entities if _table_of(each) == name]
        if not layout.is_local(table):
            found += _of_triggers(of_table, key, bodies)
        if not layout.is_local(table) or name in converted:
            found += _of_policies(of_table, is_converted=layout.is_local(table))
    return (*found, *_of_views(layout, entities))


def _of_key(key: Column[object]) -> Iterator[Obstacle]:
    column = f"column {full_name(key.table)}.{key.name}"
    if key.computed is not None:
        yield Obstacle(
            "key", column, "a generated column can't be a key", "distribute by another column"
        )
    if key.nullable:
        yield Obstacle(
            "key",
            column,
            "a row without a key can't be inserted",
            "make it not null, and keep rows without one in another table",
        )


def _of_unique(table: Table, key: Column[object]) -> Iterator[Obstacle]:
    change = f"add {key.name} to its columns"
    reason = f"what is unique over all machines has the key {key.name} among its columns"
    keys = [table.primary_key] if table.primary_key.columns else []
    unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    for constraint in (*keys, *sorted(unique, key=_by_columns)):
        if key.name not in constraint.columns:
            is_primary = constraint is table.primary_key
            kind = "primary key" if is_primary else "unique constraint"
            yield Obstacle("unique", _named(kind, table, constraint.name), reason, change)
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        if index.unique and not _has(index, key):
            yield Obstacle("unique", _named("unique index", table, index.name), reason, change)
    for each in table.constraints:
        if isinstance(each, ExcludeConstraint) and not _excludes_within(each, key):
            yield Obstacle(
                "unique",
                _named("exclusion constraint", table, each.name),
                reason,
                f"add {key.name} with =",
            )


def _by_columns(constraint: UniqueConstraint) -> list[str]:
    return [each.name for each in constraint.columns]


def _has(index: Index, key: Column[object]) -> bool:
    return any(isinstance(each, Column) and each.name == key.name for each in index.expressions)


def _excludes_within(constraint: ExcludeConstraint, key: Column[object]) -> bool:
    return any(
        name == key.name and operator == "="
        for _, name, operator in constraint._render_exprs  # noqa: SLF001  nothing public tells
    )


def _foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    return sorted(table.foreign_key_constraints, key=lambda each: [*each.column_keys])


def _of_foreign_key(
    layout: Layout, table: Table, constraint: ForeignKeyConstraint
) -> Iterator[Obstacle]:
    name = _named("foreign key", table, constraint.name or ", ".join(constraint.column_keys))
    referred = constraint.referred_table
    key, other = layout.key_of(table), layout.key_of(referred)
    reason = change = None
    if key is not None and other is not None:
        pairs = {(each.parent.name, each.column.name) for each in constraint.elements}
        if (key.name, other.name) not in pairs:
            reason = f"it crosses machines: its pairs lack the keys {key.name}, {other.name}"
            change = "add the keys of both tables to it, or give it up"
    elif key is not None and layout.is_local(referred):
        reason = f"it refers to {full_name(referred)}, which is on one machine"
        change = f"make {full_name(referred)} a reference table, or give it up"
    elif other is not None:
        whose = "a reference table" if layout.is_reference(table) else "a table on one machine"
        reason = f"{whose} can't refer to a distributed one, {full_name(referred)}"
        change = f"distribute {full_name(table)} too, or give it up"
    if reason is None and key is not None:
        reason = _changes_key(constraint, key)
        change = "let it do nothing to the key, and change the rows by a function"
    if reason is not None and change is not None:
        yield Obstacle("foreign key", name, reason, change)


def _changes_key(constraint: ForeignKeyConstraint, key: Column[object]) -> str | None:
    """Return how a foreign key would change the key of a row, if it would."""
    if key.name not in constraint.column_keys:
        return None
    on_delete, on_update = (constraint.ondelete or "").upper(), (constraint.onupdate or "").upper()
    action, _, columns = on_delete.partition("(")
    is_of_key = not columns or key.name.upper() in re.findall(r"[^\s,()\"]+", columns)
    if action.strip() in _SETS and is_of_key:
        return f"on delete {action.strip().lower()} would change the key {key.name}"
    if on_update.startswith((*_SETS, "CASCADE")):
        return f"on update {on_update.lower()} would change the key {key.name}"
    return None


def _of_triggers(
    entities: Iterable[Entity], key: Column[object] | None, bodies: dict[str, str]
) -> Iterator[Obstacle]:
    for trigger in entities:
        if not isinstance(trigger, Trigger):
            continue
        name = f"trigger {trigger.schema}.{trigger.table} {trigger.name}"
        body = bodies.get(str(trigger.function), "")
        if key is not None and _fills(trigger, key.name, body):
            yield Obstacle(
                "key",
                name,
                f"it fills {key.name}, by which the row was sent to a machine before it runs",
                f"let the insert supply {key.name}, and the trigger compare it",
            )
        if trigger.old_table or trigger.new_table:
            reason = "triggers with transition tables crash its machines where they write a table"
        else:
            reason = "tables with triggers are not distributed"
        yield Obstacle("trigger", name, reason, "do its work in a function that writes the rows")


def _fills(trigger: Trigger, key: str, body: str) -> bool:
    if trigger.timing != "before" or trigger.level != "row" or "insert" not in trigger.events:
        return False
    column = rf'new\s*\.\s*"?{re.escape(key)}\b'
    written = rf"(?:;|\bbegin|\bthen|\belse|\bloop)\s*{column}\"?\s*:?="
    selected = rf"\binto\s+(?:strict\s+)?(?:[\w.\"]+\s*,\s*)*{column}"
    code = re.sub(r"--[^\n]*|/\*.*?\*/", " ", body, flags=re.DOTALL)
    return re.search(f"{written}|{selected}", code, re.IGNORECASE) is not None


def _of_policies(entities: Iterable[Entity], *, is_converted: bool) -> Iterator[Obstacle]:
    why = " of a table that foreign keys connect with a reference table" if is_converted else ""
    for policy in entities:
        if isinstance(policy, Policy) and any(
            _has_subquery(text) for text in (policy.using, policy.check) if text
        ):
            yield Obstacle(
                "policy",
                f"policy {policy.schema}.{policy.table} {policy.name}",
                f"a condition{why} can't have a subquery",
                "call a function in its place, which takes longer for each row",
            )


def _has_subquery(condition: str) -> bool:
    return any(found["select"] for found in _SUBQUERY.finditer(condition))


def _of_views(layout: Layout, entities: Iterable[Entity]) -> Iterator[Obstacle]:
    managed = {*layout.keys, *layout.converted()}
    named = {layout.tables[name].name for name in managed}
    for view in entities:
        if isinstance(view, MaterializedView) and (read := named & names(view.definition)):
            yield Obstacle(
                STRIPPED,
                f"{STRIPPED} {view.schema}.{view.name}",
                "it loses its indexes, privileges and comment, without an error, when Citus creates"
                f" {', '.join(sorted(read))} again, as undistribute_table() does",
                "create these again: townhall check tells how",
            )


def _table_of(entity: Entity) -> str | None:
    return f"{entity.schema}.{entity.table}" if isinstance(entity, Policy | Trigger) else None


def _named(kind: str, table: Table, name: object) -> str:
    return f"{kind} {full_name(table)}" + (f" {name}" if name else "")
