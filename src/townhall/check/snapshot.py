"""Every object of a database, read from the catalogs.

Every role that may connect may read the catalogs; no table is read and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from townhall.migrate.compare.simulation import read_state
from townhall.pg import (
    API_ROLES,
    Entity,
    Function,
    MaterializedView,
    SchemaAccess,
    TableAccess,
    TableEntity,
    View,
)
from townhall.pg.catalog import (
    SIGNATURE,
    empty_search_path,
    entries,
    not_of_an_extension,
    rows,
    server_version,
)
from townhall.pg.entity import comparable
from townhall.pg.privileges import WITH_GRANT_OPTION, Grants, read_grants

Key = tuple[str, ...]
Relation = tuple[str, str]

RELATION_KINDS = ("table", "view", "materialized view")
GRANT_OPTION = "grant option for "
"""The prefix of a grant option, which a snapshot lists beside the privilege itself."""

_FIRST_WITH_MAINTAIN = 17
_ON_TABLES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")
_SIGNATURE_KINDS = ("function", "procedure", "aggregate", "window function")


@dataclass(frozen=True)
class Object:
    """An object of a database, or a part or a state of one.

    Attributes:
        kind: The kind of object, as PostgreSQL calls it: ``policy``, ``column``.
        names: The qualified name, beginning with the schema.
        facts: Its definition, fact by fact; ``grants`` holds each privilege by role.
        on: Schema and name of the relation it belongs to.
        entity: The same as an entity, if it is one.
        owner: The owner, where that is a role of the API or not the owner of most objects.
    """

    kind: str
    names: tuple[str, ...]
    facts: Mapping[str, Any]
    on: Relation | None = None
    entity: Entity | None = field(default=None, repr=False)
    owner: str | None = None

    @property
    def key(self) -> Key:
        """The kind and the qualified name, which identify the object."""
        return (self.kind, *self.names)

    @property
    def identity(self) -> str:
        """The object in words: ``policy public.events members can read``."""
        return f"{self.kind} {'.'.join(self.names[:2])} {' '.join(self.names[2:])}".strip()


Snapshot = Mapping[Key, Object]


def schemas_of(connection: Connection) -> list[str]:
    """Return the schemas of a database except those of PostgreSQL and of extensions."""
    return list(connection.execute(text(_SCHEMA_NAMES)).scalars())


def has_own_accounts(connection: Connection) -> bool:
    """Tell whether the schema ``auth`` was created by townhall's revisions, not by Supabase."""
    return bool(connection.scalar(text(_AUTH_IS_OURS)))


def read(connection: Connection, schemas: Sequence[str]) -> Snapshot:
    """Return every object in some schemas, and the schemas.

    Functions of event triggers are left out: they belong to the platform.

    Args:
        connection: A connection within a transaction; it is only read.
        schemas: Names of schemas.
    """
    version = server_version(connection)
    entities = [
        entity
        for entity in read_state(connection, schemas).values()
        if not (isinstance(entity, Function) and entity.returns == "event_trigger")
        and not isinstance(entity, SchemaAccess)  # _SCHEMAS reads the same privileges
    ]
    with empty_search_path(connection):
        objects = [
            *(_from_entity(entity, version) for entity in entities),
            *(
                Object(**_named(row), facts=row["facts"], on=_relation(row))
                for query in _QUERIES
                for row in rows(connection, query, schemas)
            ),
            *_read_granted(connection, schemas, version),
        ]
        owners = {tuple(row["names"]): row["owner"] for row in rows(connection, _OWNERS, schemas)}
    return {item.key: item for item in _with_owners(objects, owners)}


def _from_entity(entity: Entity, version: int) -> Object:
    facts = {
        each.name: comparable(getattr(entity, each.name))
        for each in fields(entity)
        if each.compare and each.name not in {"schema", "table", "name", "grants", "execute"}
    }
    if isinstance(entity, Function):
        facts["grants"] = _privileges(dict(map(_execution, entity.execute)), version)
    elif isinstance(entity, TableAccess | View | MaterializedView):
        facts["grants"] = _privileges(entity.grants, version)
    on = (entity.schema, entity.table) if isinstance(entity, TableEntity) else None
    return Object(entity.kind, entity.name_parts, facts, on, entity)


def _execution(grantee: str) -> tuple[str, tuple[str, ...]]:
    role, option, _ = grantee.partition(WITH_GRANT_OPTION)
    return role, (f"execute{option}",)


def _named(row: RowMapping) -> dict[str, Any]:
    return {"kind": row["kind"], "names": tuple(row["names"])}


def _relation(row: RowMapping) -> Relation | None:
    return None if row["kind"] in {"table", "type"} else (row["names"][0], row["names"][1])


def _privileges(grants: Grants, version: int) -> dict[str, frozenset[str]]:
    everything = {*_ON_TABLES, *(("maintain",) if version >= _FIRST_WITH_MAINTAIN else ())}
    return {
        role: frozenset(
            part
            for privilege in privileges
            for part in (everything if privilege == "all" else _parts(privilege))
        )
        for role, privileges in grants.items()
    }


def _parts(privilege: str) -> Iterable[str]:
    plain, option, _ = privilege.partition(WITH_GRANT_OPTION)
    name, _, columns = plain.rstrip(")").partition(" (")
    for part in [f"{name} ({column})" for column in columns.split(", ")] if columns else [name]:
        yield part
        if option:
            yield f"{GRANT_OPTION}{part}"


def _read_granted(connection: Connection, schemas: Sequence[str], version: int) -> Iterable[Object]:
    for query in (_SCHEMAS, _PROCEDURES):
        for row in rows(connection, query, schemas):
            grants = _privileges(read_grants([row["entries"]], version), version)
            yield Object(**_named(row), facts={**row["facts"], "grants": grants})


def _with_owners(objects: Iterable[Object], owners: Mapping[Key, str]) -> Iterable[Object]:
    # One role owns nearly every object, and its name differs from database to database. Only other
    # owners are facts.
    counted = Counter(owners.values())
    usual = max(counted, key=counted.__getitem__, default=None)
    for item in objects:
        owner = owners.get(item.names)
        stands_out = owner in API_ROLES or (owner != usual and item.kind != "schema")
        unusual = owner if stands_out else None
        if item.kind in {"schema", *RELATION_KINDS, *_SIGNATURE_KINDS}:
            yield replace(item, facts={**item.facts, "owner": unusual}, owner=unusual)
        else:
            yield replace(item, owner=unusual)


_SCHEMA_NAMES = f"""
    select n.nspname
    from pg_catalog.pg_namespace as n
    where n.nspname !~ '^pg_'
        and n.nspname <> 'information_schema'
        and {not_of_an_extension("pg_namespace", "n")}
    order by 1
"""

_AUTH_IS_OURS = """
    select pg_catalog.obj_description(n.oid, 'pg_namespace') like 'townhall:%'
    from pg_catalog.pg_namespace as n
    where n.nspname = 'auth'
"""

_TABLES = f"""
    select
        'table' as kind,
        array[n.nspname, c.relname]::text[] as names,
        jsonb_build_object(
            'persistence', case c.relpersistence when 'u' then 'unlogged' else 'logged' end,
            'row_security', c.relrowsecurity,
            'comment', pg_catalog.obj_description(c.oid, 'pg_class')
        ) as facts
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
"""

_COLUMNS = f"""
    select
        'column' as kind,
        array[n.nspname, c.relname, a.attname]::text[] as names,
        jsonb_build_object(
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'nullable', not a.attnotnull,
            'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
            'generated', nullif(a.attgenerated::text, ''),
            'identity', nullif(a.attidentity::text, ''),
            'collation', nullif(a.attcollation, t.typcollation)::regcollation::text,
            'comment', pg_catalog.col_description(c.oid, a.attnum)
        ) as facts
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relkind in ('r', 'p', 'f')
        and a.attnum > 0
        and not a.attisdropped
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
"""

_CONSTRAINTS = f"""
    select
        'constraint' as kind,
        array[n.nspname, c.relname, o.conname]::text[] as names,
        jsonb_build_object(
            'definition', pg_catalog.pg_get_constraintdef(o.oid),
            'enforced', not exists (
                select
                from pg_catalog.pg_trigger as t
                where t.tgconstraint = o.oid and t.tgenabled in ('D', 'R')
            ),
            'comment', pg_catalog.obj_description(o.oid, 'pg_constraint')
        ) as facts
    from pg_catalog.pg_constraint as o
    join pg_catalog.pg_class as c on c.oid = o.conrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where o.contype in ('c', 'f', 'p', 'u', 'x')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
"""

_INDEXES = f"""
    select
        'index' as kind,
        array[n.nspname, c.relname, i.relname]::text[] as names,
        jsonb_build_object(
            'definition', pg_catalog.pg_get_indexdef(i.oid),
            'valid', x.indisvalid,
            'comment', pg_catalog.obj_description(i.oid, 'pg_class')
        ) as facts
    from pg_catalog.pg_index as x
    join pg_catalog.pg_class as i on i.oid = x.indexrelid
    join pg_catalog.pg_class as c on c.oid = x.indrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
        and not exists (
            select
            from pg_catalog.pg_constraint as o
            where o.conindid = i.oid and o.conrelid = c.oid
        )
"""

_RULES = f"""
    select
        'rule' as kind,
        array[n.nspname, c.relname, r.rulename]::text[] as names,
        jsonb_build_object('definition', pg_catalog.pg_get_ruledef(r.oid)) as facts
    from pg_catalog.pg_rewrite as r
    join pg_catalog.pg_class as c on c.oid = r.ev_class
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where r.rulename <> '_RETURN'
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
"""

_TYPES = f"""
    select
        'type' as kind,
        array[n.nspname, t.typname]::text[] as names,
        jsonb_build_object(
            'values', (
                select jsonb_agg(e.enumlabel order by e.enumsortorder)
                from pg_catalog.pg_enum as e
                where e.enumtypid = t.oid
            ),
            'base', nullif(pg_catalog.format_type(t.typbasetype, t.typtypmod), '-'),
            'nullable', not t.typnotnull,
            'default', t.typdefault,
            'checks', (
                select jsonb_object_agg(o.conname, pg_catalog.pg_get_constraintdef(o.oid))
                from pg_catalog.pg_constraint as o
                where o.contypid = t.oid and o.contype = 'c'
            ),
            'comment', pg_catalog.obj_description(t.oid, 'pg_type')
        ) as facts
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where t.typtype in ('d', 'e')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_type", "t")}
"""

_QUERIES = (_TABLES, _COLUMNS, _CONSTRAINTS, _INDEXES, _RULES, _TYPES)

_SCHEMAS = f"""
    select
        'schema' as kind,
        array[n.nspname]::text[] as names,
        jsonb_build_object(
            'comment',
            nullif(
                pg_catalog.obj_description(n.oid, 'pg_namespace'),
                'standard public schema'
            )
        ) as facts,
        {entries("n.nspacl", "n.nspowner", "n")} as entries
    from pg_catalog.pg_namespace as n
    where n.nspname = any (%(schemas)s)
"""

_PROCEDURES = f"""
    select
        case p.prokind
            when 'p' then 'procedure' when 'a' then 'aggregate' else 'window function'
        end as kind,
        array[n.nspname, {SIGNATURE}]::text[] as names,
        jsonb_build_object(
            'definition',
            case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) end,
            'comment', pg_catalog.obj_description(p.oid, 'pg_proc')
        ) as facts,
        {entries("p.proacl", "p.proowner", "f")} as entries
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where p.prokind <> 'f'
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_proc", "p")}
"""

_OWNERS = f"""
    select
        array[n.nspname]::text[] as names,
        pg_catalog.pg_get_userbyid(n.nspowner) as owner
    from pg_catalog.pg_namespace as n
    where n.nspname = any (%(schemas)s)
    union all
    select
        array[n.nspname, c.relname]::text[],
        pg_catalog.pg_get_userbyid(c.relowner)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm') and n.nspname = any (%(schemas)s)
    union all
    select
        array[n.nspname, {SIGNATURE}]::text[],
        pg_catalog.pg_get_userbyid(p.proowner)
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = any (%(schemas)s)
"""
