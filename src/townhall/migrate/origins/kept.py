"""What an adoption has kept on purpose, which is no drift."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection

from alembic.operations import MigrateOperation
from alembic.operations.ops import DropColumnOp, DropConstraintOp, DropIndexOp, DropTableOp
from sqlalchemy import Connection, text

from townhall.migrate.operations.table_names import table_of
from townhall.migrate.origins.memory import Origins
from townhall.pg import sql
from townhall.pg.state import Key

_UNDECIDED = ("replica identity", "schema", "storage parameters")
_PARTS = ("column", "constraint", "index", "policy", "trigger")


def keep(origins: Origins, declared: Collection[Key], others: Collection[Key]) -> list[str]:
    """Return the statements that remember what is kept of a database, and nothing else.

    Args:
        origins: The memory.
        declared: The kind and the qualified name of every declared object. What tables that were
            found have beside it is kept.
        others: Those of the objects that are kept beside these tables.
    """
    parts, kept = (
        sql.literal(json.dumps(sorted(map(_row, keys)), ensure_ascii=False))
        for keys in ([key for key in declared if key[0] in _PARTS], others)
    )
    remembered = _KEEP_PARTS.format(memory=origins.table, declared=parts)
    if not others:
        return [origins.where_remembered(f"{remembered};")]
    create = "do $do$\nbegin\n    perform pg_temp.townhall_create_origins();\nend\n$do$"
    return [create, remembered, _KEEP_OTHERS.format(memory=origins.table, kept=kept)]


def _row(key: Key) -> list[str]:
    kind, schema, name, *part = key
    return [schema, name, kind, *(part or [""])]


def read_kept(connection: Connection, schema: str) -> frozenset[Key]:
    """Return the kind and the qualified name of each object that was kept and is still there.

    None are returned to a role that may not read the memory.

    Args:
        connection: A connection to the database.
        schema: The schema of helpers, in which the memory is.
    """
    table = sql.qualified(schema, Origins.TABLE)
    if not connection.scalar(text(_IS_READABLE), {"schema": schema, "name": Origins.TABLE}):
        return frozenset()
    rows = connection.execute(text(_KEPT.format(memory=table)))
    return frozenset(
        ("schema", row.object_name)
        if row.kind == "schema"
        else (row.kind, row.schema_name, row.object_name, *([row.part] if row.part else []))
        for row in rows
    )


def kept_in_words(kept: Collection[Key]) -> str:
    """Return how many objects of each kind were kept: ``2 policies, 1 trigger``.

    What is set for tables and schemas of others is kept without a decision, and not counted.
    """
    counted = Counter(key[0] for key in kept if key[0] not in _UNDECIDED)
    return ", ".join(
        f"{number} {kind if number == 1 else _plural(kind)}"
        for kind, number in sorted(counted.items())
    )


def _plural(kind: str) -> str:
    if kind.endswith("s"):
        return kind
    if kind.endswith("y"):
        return f"{kind[:-1]}ies"
    return f"{kind}es" if kind.endswith("x") else f"{kind}s"


def is_drop_of_kept(operation: MigrateOperation, kept: Collection[Key]) -> bool:
    """Tell whether an operation on tables would drop what was kept.

    Args:
        operation: An operation of Alembic's comparison.
        kept: What was kept.
    """
    match operation:
        case DropTableOp():
            return ("table", *table_of(operation)) in kept
        case DropColumnOp(column_name=name):
            return ("column", *table_of(operation), name) in kept
        case DropIndexOp(index_name=name) if operation.table_name is not None:
            return ("index", *table_of(operation), str(name)) in kept
        case DropConstraintOp(constraint_name=name):
            return ("constraint", *table_of(operation), str(name)) in kept
    return False


_IS_READABLE = """
    select pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_table_privilege(c.oid, 'select')
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = :schema and c.relname = :name
"""

# What is set for a table or a schema of others is theirs without a decision.
_KEPT = """
    select o.schema_name, o.object_name, o.part,
        case o.kind when 'foreign key' then 'constraint' else o.kind end as kind
    from {memory} as o
    join pg_catalog.pg_namespace as n on n.nspname = o.schema_name
    left join pg_catalog.pg_class as c
        on c.relnamespace = n.oid and c.relname = o.object_name
    where o.decision = 'keep'
        and case
            when o.kind = 'column' then exists (
                select
                from pg_catalog.pg_attribute as a
                where a.attrelid = c.oid and a.attname = o.part and not a.attisdropped
            )
            when o.kind in ('constraint', 'foreign key') then exists (
                select
                from pg_catalog.pg_constraint as k
                where k.conrelid = c.oid and k.conname = o.part
            )
            when o.kind = 'index' then exists (
                select
                from pg_catalog.pg_index as i
                join pg_catalog.pg_class as x on x.oid = i.indexrelid
                where i.indrelid = c.oid and x.relname = o.part
            )
            when o.kind = 'policy' then exists (
                select
                from pg_catalog.pg_policy as p
                where p.polrelid = c.oid and p.polname = o.part
            )
            when o.kind = 'trigger' then exists (
                select
                from pg_catalog.pg_trigger as g
                where g.tgrelid = c.oid and g.tgname = o.part
            )
            when o.kind in ('function', 'procedure') then exists (
                select
                from pg_catalog.pg_proc as f
                where f.pronamespace = n.oid
                    and pg_catalog.starts_with(o.object_name, f.proname || '(')
            )
            when o.kind in ('table', 'view', 'materialized view', 'sequence') then c.oid is not null
            else exists (
                select
                from pg_catalog.pg_type as t
                where t.typnamespace = n.oid and t.typname = o.object_name
            ) or o.kind not in ('composite type', 'domain', 'enum', 'range type')
        end
    union
    select o.schema_name, o.object_name, '', 'storage parameters'
    from {memory} as o
    where o.kind = 'storage parameter' and o.origin = 'found' and o.decision is null
    union
    select o.schema_name, o.object_name, '', o.kind
    from {memory} as o
    where o.kind = 'replica identity'
        and o.origin = 'found'
        and o.decision is null
        and o.seen not like '% replica identity default'
    union
    select 'schema', o.schema_name, '', 'schema'
    from {memory} as o
    where o.kind = 'usage'
"""

_KEEP_PARTS = """
update {memory} as o
set
    decision = case
        when o.seen is not null
            and o.kind in ('column', 'constraint', 'foreign key', 'index', 'policy', 'trigger')
            and (
                o.schema_name,
                o.object_name,
                case o.kind when 'foreign key' then 'constraint' else o.kind end,
                o.part
            ) not in (
                select e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3
                from pg_catalog.jsonb_array_elements({declared}::jsonb) as e
            )
            then 'keep'
    end
where o.origin = 'found' and (o.part <> '' or o.decision is not null)
"""

_KEEP_OTHERS = """
insert into {memory} (schema_name, object_name, kind, part, origin, decision)
select e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3, 'found', 'keep'
from pg_catalog.jsonb_array_elements({kept}::jsonb) as e
on conflict (schema_name, object_name, kind, part) do update
set decision = excluded.decision
"""
