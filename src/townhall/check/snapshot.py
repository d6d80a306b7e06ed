"""Every object of a database, as the catalogs describe it.

Every role that may connect may read the catalogs; no table is read and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import Connection

from townhall.migrate.origins import Origins
from townhall.pg import (
    ENTITY_CLASSES,
    DataType,
    DefaultPrivileges,
    Entity,
    Extension,
    Function,
    MaterializedView,
    Routine,
    SchemaAccess,
    TableAccess,
    TableEntity,
    View,
    catalog,
)
from townhall.pg import (
    Sequence as NumberSequence,
)
from townhall.pg.fields import comparable
from townhall.pg.privileges import Grants, Privilege, privileges_of, read_grants, split_grantee
from townhall.pg.state import read_state

Key = tuple[str, ...]
Relation = tuple[str, str]
Record = catalog.Table | catalog.Column | catalog.Constraint | catalog.Index

RELATION_KINDS = ("table", "view", "materialized view")
TYPE_KINDS = ("composite type", "domain", "enum", "range type")

_OWNED_KINDS = {
    "schema",
    *RELATION_KINDS,
    *TYPE_KINDS,
    "sequence",
    "function",
    "procedure",
    "aggregate",
    "window function",
}
_WITH_GRANTS = (DataType, MaterializedView, SchemaAccess, NumberSequence, TableAccess, View)
_STANDARD_COMMENT = "standard public schema"
"""What PostgreSQL says of the schema public, and some servers don't."""
_NOT_FACTS = {"schema", "table", "name", "grants", "execute", "usage", "create"}


_UNMANAGED_KINDS = frozenset({"aggregate", "rule", "window function"})
"""The kinds that are compared only where a revision written by hand makes such an object."""


@dataclass(frozen=True)
class Object:
    """An object of a database, or a part or a state of one.

    Attributes:
        kind: The kind of object, as PostgreSQL calls it: ``policy``, ``column``.
        names: The qualified name, beginning with the schema.
        facts: Its definition, fact by fact; ``grants`` holds the privileges of each role.
        on: Schema and name of the relation it belongs to.
        entity: The same as an entity, if it is one.
        record: The same as the catalogs describe it, if it is a table or a part of one.
        uses: The columns of tables that have it, if it is a type.
        owner: The owner of a schema, relation or routine. The fact ``owner`` holds it where it is a
            role of the API, or not the owner of most objects.
    """

    kind: str
    names: tuple[str, ...]
    facts: Mapping[str, Any]
    on: Relation | None = None
    entity: Entity | None = field(default=None, repr=False)
    record: Record | None = field(default=None, repr=False)
    uses: Sequence[catalog.Use] = field(default=(), repr=False)
    owner: str | None = None

    @property
    def key(self) -> Key:
        """The kind and the qualified name, which identify the object."""
        return (self.kind, *self.names)

    @property
    def is_managed(self) -> bool:
        """Whether comparisons create, change and drop objects of its kind."""
        is_foreign = isinstance(self.record, catalog.Table) and self.record.kind == "foreign table"
        return self.kind not in _UNMANAGED_KINDS and not is_foreign

    @property
    def identity(self) -> str:
        """The object in words: ``policy public.events members can read``."""
        return in_words(*self.key)


Snapshot = Mapping[Key, Object]


def in_words(kind: str, *names: str) -> str:
    """Return an object in words: ``policy public.events members can read``.

    Args:
        kind: The kind of object.
        names: Its qualified name, beginning with the schema.
    """
    return f"{kind} {'.'.join(names[:2])} {' '.join(names[2:])}".strip()


def read(
    connection: Connection,
    schemas: Sequence[str],
    api_roles: Sequence[str],
    kinds: Sequence[type[Entity]] = ENTITY_CLASSES,
) -> Snapshot:
    """Return every object in some schemas, and the schemas.

    Functions of event triggers are left out: they belong to the platform.

    Args:
        connection: A connection within a transaction; it is only read.
        schemas: Names of schemas.
        api_roles: The roles that requests act as, which should own nothing.
        kinds: The kinds of entities; with those of an application, if it has some.
    """
    # Both databases are read in full: one may have what the other lacks.
    names = [each.kind for each in kinds]
    entities = [
        entity.with_api_roles(tuple(api_roles))
        for entity in read_state(connection, schemas, kinds, names).values()
        if not (isinstance(entity, Function) and entity.returns == "event_trigger")
    ]
    version = catalog.server_version(connection)
    with catalog.empty_search_path(connection):
        uses = catalog.read_columns_of_types(connection, schemas)
        objects = [
            *(_from_entity(entity, version, uses) for entity in entities),
            *_from_catalog(connection, schemas, version),
        ]
        owners = catalog.read_owners(connection, schemas)
    return {
        item.key: item
        for item in _with_owners(objects, owners, api_roles)
        if Origins.TABLE not in item.names[1:2]  # a record of this package's
    }


def _from_entity(
    entity: Entity, version: int, uses: Mapping[Relation, Sequence[catalog.Use]]
) -> Object:
    facts: dict[str, Any] = {
        each.name: comparable(getattr(entity, each.name))
        for each in fields(entity)
        if each.compare and each.name not in _NOT_FACTS
    }
    if isinstance(entity, SchemaAccess):
        del facts["comment"]  # of the schema itself
    if isinstance(entity, Extension):
        facts = {"schema": entity.schema}  # which is no part of its name
    if isinstance(entity, DefaultPrivileges):
        facts = {"privileges": comparable(entity.grants)}
    if isinstance(entity, Routine):
        facts["grants"] = _grants(dict(map(_execution, entity.execute)), version)
    elif isinstance(entity, _WITH_GRANTS):
        facts["grants"] = _grants(entity.grants or {}, version)
    on = (entity.schema, entity.table) if isinstance(entity, TableEntity) else None
    found = Object(entity.kind, entity.name_parts, facts, on, entity)
    if isinstance(entity, DataType):
        return replace(found, uses=uses.get((entity.schema, entity.name), ()))
    return found


def _from_catalog(connection: Connection, schemas: Sequence[str], version: int) -> Iterable[Object]:
    for schema in catalog.read_schemas(connection, schemas):
        comment = schema.comment if schema.comment != _STANDARD_COMMENT else None
        yield Object("schema", (schema.name,), {"comment": comment})
    for table in catalog.read_tables(connection, schemas):
        yield from _from_table(table)
    for rule in catalog.read_rules(connection, schemas):
        on = (rule.schema, rule.relation)
        yield Object("rule", (*on, rule.name), {"definition": rule.definition}, on)
    for routine in catalog.read_routines(connection, schemas):
        facts = {
            "definition": routine.definition,
            "comment": routine.comment,
            "grants": _grants(read_grants([routine.entries], version), version),
        }
        yield Object(routine.kind, (routine.schema, routine.signature), facts)


def _from_table(table: catalog.Table) -> Iterable[Object]:
    on = (table.schema, table.name)
    yield Object("table", on, _facts("table", table), record=table)
    parts: Mapping[str, Iterable[catalog.Column | catalog.Constraint | catalog.Index]] = {
        "column": table.columns.values(),
        "constraint": table.constraints.values(),
        "index": table.indexes.values(),
    }
    for kind, named in parts.items():
        for part in named:
            yield Object(kind, (*on, part.name), _facts(kind, part), on, record=part)


def _facts(kind: str, described: object) -> dict[str, Any]:
    return {name: getattr(described, name) for name in _FACTS[kind]}


_FACTS = {
    "column": (
        "type",
        "collation",
        "is_nullable",
        "default",
        "generated",
        "identity",
        "sequence_options",
        "comment",
    ),
    "constraint": ("definition", "is_enforced", "comment"),
    "index": ("definition", "is_valid", "comment"),
    "table": ("persistence", "row_security", "comment"),
}
"""The facts of what the catalogs describe, by kind of object."""


def _execution(grantee: str) -> tuple[str, tuple[str, ...]]:
    role, option = split_grantee(grantee)
    return role, (f"execute{option}",)


def _grants(grants: Grants, version: int) -> dict[str, frozenset[Privilege]]:
    return {role: privileges_of(named, version) for role, named in grants.items()}


def _with_owners(
    objects: Iterable[Object], owners: Mapping[Key, str], api_roles: Sequence[str]
) -> Iterable[Object]:
    # One role owns nearly every object, and its name differs from database to database. Only other
    # owners are facts.
    counted = Counter(owner for owner in owners.values() if owner not in api_roles)
    usual = max(counted, key=counted.__getitem__, default=None)
    for item in objects:
        owner = owners.get(item.names)
        if item.kind in _OWNED_KINDS:
            is_unusual = owner in api_roles or (owner != usual and item.kind != "schema")
            facts = {**item.facts, "owner": owner if is_unusual else None}
            yield replace(item, facts=facts, owner=owner)
        else:
            yield replace(item, owner=owner)


def usual_owner(snapshot: Snapshot) -> str | None:
    """Return the role that owns most objects; None where roles of the API own everything.

    Args:
        snapshot: The objects of a database.
    """
    owners = Counter(
        item.owner
        for item in snapshot.values()
        if item.kind in _OWNED_KINDS and item.facts["owner"] is None
    )
    return max(owners, key=owners.__getitem__, default=None)
