"""Entities of each kind, and changes of one property of them at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Schema
from townhall import pg
from townhall.pg import Entity

PUBLICATION = "lab"
PLATFORM = "auth"
"""A schema of the platform, whose tables belong to others."""
FUNCTIONS = [
    pg.Function(schema=SCHEMA, name=name, language="plpgsql", body="begin return null; end")
    for name in ("one", "other")
]
"""What triggers call."""
STAYS = "stays"
"""A value of an enum, of which PostgreSQL removes none on the way back."""

_ENUM = pg.EnumType(schema=SCHEMA, name="e", values=("a", "b"))
_DOMAIN = pg.Domain(
    schema=SCHEMA, name="d", base="varchar", default="'a'", checks={"c": "value <> 'b'"}
)
_COMPOSITE = pg.CompositeType(schema=SCHEMA, name="k", attributes={"a": "integer", "b": "text"})
_RANGE = pg.RangeType(schema=SCHEMA, name="r", subtype="text")
_SEQUENCE = pg.Sequence(schema=SCHEMA, name="n")
_FUNCTION = pg.Function(
    schema=SCHEMA,
    name="f",
    arguments={"first": "varchar", "second": "text default 'a'"},
    returns="setof text",
    language="plpgsql",
    body="begin return next first || second; end",
)
_PROCEDURE = pg.Procedure(
    schema=SCHEMA,
    name="q",
    arguments={"first": "text default 'a'"},
    language="plpgsql",
    body="begin perform first; end",
)
_SCHEMA = pg.SchemaAccess(schema="place")
_TABLE = pg.TableAccess(schema=SCHEMA, table="things")
_POLICY = pg.Policy(
    schema=SCHEMA,
    table="things",
    name="p",
    command="update",
    roles=("public",),
    using="size in (1, 2)",
    check="size > 1",
)
_POLICY_OF_OTHERS = replace(_POLICY, schema=PLATFORM, name="o")
_TRIGGER = pg.Trigger(
    schema=SCHEMA,
    table="things",
    name="t",
    timing="after",
    events=("insert",),
    condition="new.size in (1, 2)",
    function=f"{SCHEMA}.one",
    arguments=("a",),
)
_TRIGGER_OF_OTHERS = replace(_TRIGGER, schema=PLATFORM, name="u")
_ON_STATEMENTS = replace(
    _TRIGGER, name="s", events=("update",), level="statement", condition=None, new_table="fresh"
)
_CONSTRAINT = replace(_TRIGGER, name="c", constraint=True, deferrable=True)
_VIEW = pg.View(
    schema=SCHEMA,
    name="v",
    definition=f"select id, size from {SCHEMA}.things where size in (1, 2)",
    column_defaults={"size": "1"},
)
_SNAPSHOT = pg.MaterializedView(
    schema=SCHEMA,
    name="m",
    definition=f"select id, size from {SCHEMA}.things where size in (1, 2)",
    indexes={"i": "(size) where size in (1, 2)"},
)
_IDENTITY = pg.ReplicaIdentity(schema=SCHEMA, table="things")
_STORAGE = pg.StorageParameters(schema=SCHEMA, table="things", parameters={"fillfactor": "70"})
_PUBLISHED = pg.PublicationTable(
    schema=SCHEMA, table="things", publication=PUBLICATION, where="id in (1, 2)"
)
_DEFAULTS = pg.DefaultPrivileges(schema="place", objects="tables", grants={"anon": ("select",)})
_DEFAULTS_OF_FUNCTIONS = replace(_DEFAULTS, objects="functions", grants={"anon": ("execute",)})
_EXTENSION = pg.Extension(schema=SCHEMA, name="vector")
_GRANT = pg.TableGrant(
    schema=PLATFORM, table="things", role="authenticated", privileges=("select (id)",)
)


class Change(NamedTuple):
    """A change of one property.

    Attributes:
        entity: The entity before.
        values: The value of the property after.
    """

    entity: Entity
    values: Mapping[str, Any]

    @property
    def changed(self) -> Entity:
        """The entity after."""
        return replace(self.entity, **self.values)


CHANGES: Sequence[Change] = [
    Change(_ENUM, {"values": ("a", STAYS, "b")}),
    Change(_ENUM, {"values": ("b", "a")}),
    Change(_ENUM, {"usage": ("anon",)}),
    Change(_ENUM, {"comment": "It lists."}),
    Change(_DOMAIN, {"base": "text"}),
    Change(_DOMAIN, {"collation": '"C"'}),
    Change(_DOMAIN, {"default": "'c'"}),
    Change(_DOMAIN, {"default": None}),
    Change(_DOMAIN, {"is_nullable": False}),
    Change(_DOMAIN, {"checks": {"c": "value <> 'd'"}}),
    Change(_DOMAIN, {"checks": {"other": "value <> 'b'"}}),
    Change(_DOMAIN, {"checks": {}}),
    Change(_DOMAIN, {"check_comments": {"c": "It limits."}}),
    Change(_DOMAIN, {"usage": ("anon",)}),
    Change(_DOMAIN, {"comment": "It limits."}),
    Change(_COMPOSITE, {"attributes": {"a": "integer", "b": "text", "c": "date"}}),
    Change(_COMPOSITE, {"attributes": {"a": "bigint", "b": "text"}}),
    Change(_COMPOSITE, {"attributes": {"a": "integer"}}),
    Change(_COMPOSITE, {"attributes": {"b": "text", "a": "integer"}}),
    Change(_COMPOSITE, {"attribute_comments": {"a": "It counts."}}),
    Change(_COMPOSITE, {"usage": ("anon",)}),
    Change(_COMPOSITE, {"comment": "It holds."}),
    Change(_RANGE, {"subtype": "date"}),
    Change(_RANGE, {"operator_class": "text_pattern_ops"}),
    Change(_RANGE, {"collation": '"C"'}),
    Change(_RANGE, {"subtype": "float8", "subtype_diff": "float8mi"}),
    Change(_RANGE, {"multirange": "ranges"}),
    Change(_RANGE, {"usage": ("anon",)}),
    Change(_RANGE, {"comment": "It spans."}),
    Change(_SEQUENCE, {"type": "integer"}),
    Change(_SEQUENCE, {"start": 7}),
    Change(_SEQUENCE, {"increment": 2}),
    Change(_SEQUENCE, {"increment": -1}),
    Change(_SEQUENCE, {"minimum": -5}),
    Change(_SEQUENCE, {"maximum": 500}),
    Change(_SEQUENCE, {"cache": 3}),
    Change(_SEQUENCE, {"cycle": True}),
    Change(_SEQUENCE, {"unlogged": True}),
    Change(_SEQUENCE, {"owned_by": ("things", "id")}),
    Change(_SEQUENCE, {"grants": {"anon": ("usage",)}}),
    Change(_SEQUENCE, {"comment": "It counts."}),
    Change(_FUNCTION, {"arguments": {"first": "varchar", "second": "text default 'b'"}}),
    Change(_FUNCTION, {"arguments": {"other": "varchar", "second": "text default 'a'"}}),
    Change(_FUNCTION, {"returns": "setof varchar"}),
    Change(_FUNCTION, {"language": "sql", "body": "select first || second"}),
    Change(_FUNCTION, {"body": "begin return next second || first; end"}),
    Change(_FUNCTION, {"body": "begin return next first || second; end", "verbatim": True}),
    Change(_FUNCTION, {"volatility": "stable"}),
    Change(_FUNCTION, {"security": "definer", "settings": {"search_path": pg.SAFE_SEARCH_PATH}}),
    Change(_FUNCTION, {"settings": {"work_mem": "8MB"}}),
    Change(_FUNCTION, {"is_strict": True}),
    Change(_FUNCTION, {"is_leakproof": True}),
    Change(_FUNCTION, {"parallel": "safe"}),
    Change(_FUNCTION, {"cost": 7}),
    Change(_FUNCTION, {"rows": 7}),
    Change(_FUNCTION, {"execute": ("anon",)}),
    Change(_FUNCTION, {"comment": "It joins."}),
    Change(_PROCEDURE, {"arguments": {"first": "text default 'b'"}}),
    Change(_PROCEDURE, {"arguments": {"other": "text default 'a'"}}),
    Change(_PROCEDURE, {"language": "sql", "body": "select first"}),
    Change(_PROCEDURE, {"body": "begin perform first || first; end"}),
    Change(_PROCEDURE, {"body": "begin perform first; end", "verbatim": True}),
    Change(_PROCEDURE, {"security": "definer", "settings": {"search_path": pg.SAFE_SEARCH_PATH}}),
    Change(_PROCEDURE, {"settings": {"work_mem": "8MB"}}),
    Change(_PROCEDURE, {"execute": ("anon",)}),
    Change(_PROCEDURE, {"comment": "It does."}),
    Change(_SCHEMA, {"usage": ("anon",)}),
    Change(_SCHEMA, {"create": ("anon",)}),
    Change(_SCHEMA, {"comment": "It orders."}),
    Change(_TABLE, {"row_security": False}),
    Change(_TABLE, {"forced": True}),
    Change(_TABLE, {"grants": {"anon": ("select",)}}),
    Change(_TABLE, {"grants": {"anon": ("select (size)", "delete with grant option")}}),
    Change(_POLICY, {"command": "all"}),
    Change(_POLICY, {"roles": ("anon", "authenticated")}),
    Change(_POLICY, {"using": "size in (1, 3)"}),
    Change(_POLICY, {"check": None}),
    Change(_POLICY, {"permissive": False}),
    Change(_POLICY, {"comment": "It lets."}),
    Change(_POLICY_OF_OTHERS, {"using": "size in (1, 3)"}),
    Change(_POLICY_OF_OTHERS, {"command": "all"}),
    Change(_POLICY_OF_OTHERS, {"comment": "It lets."}),
    Change(_TRIGGER, {"timing": "before"}),
    Change(_TRIGGER, {"events": ("insert", "update")}),
    Change(_TRIGGER, {"events": ("update",), "columns": ("size",)}),
    Change(_TRIGGER, {"condition": "new.size in (1, 3)"}),
    Change(_TRIGGER, {"function": f"{SCHEMA}.other"}),
    Change(_TRIGGER, {"arguments": ("b",)}),
    Change(_TRIGGER, {"arguments": ()}),
    Change(_TRIGGER, {"firing": "always"}),
    Change(_TRIGGER, {"comment": "It fires."}),
    Change(_TRIGGER, {"level": "statement", "condition": None}),
    Change(_TRIGGER, {"constraint": True}),
    Change(_ON_STATEMENTS, {"new_table": "Newer", "old_table": "Older"}),
    Change(_CONSTRAINT, {"deferrable": False}),
    Change(_CONSTRAINT, {"initially": "deferred"}),
    Change(_CONSTRAINT, {"referenced_table": f"{SCHEMA}.things"}),
    Change(_TRIGGER_OF_OTHERS, {"timing": "before"}),
    Change(_TRIGGER_OF_OTHERS, {"comment": "It fires."}),
    Change(_VIEW, {"definition": f"select id, size from {SCHEMA}.things where size in (1, 3)"}),
    Change(_VIEW, {"grants": {"anon": ("select",)}}),
    Change(_VIEW, {"comment": "It shows."}),
    Change(_VIEW, {"column_comments": {"size": "In centimetres."}}),
    Change(_VIEW, {"security_invoker": False}),
    Change(_VIEW, {"security_barrier": True}),
    Change(_VIEW, {"check_option": "local"}),
    Change(_VIEW, {"column_defaults": {"size": "2"}}),
    Change(_VIEW, {"column_defaults": {"id": "2"}}),
    Change(_SNAPSHOT, {"definition": f"select id, size from {SCHEMA}.things where size in (1, 3)"}),
    Change(_SNAPSHOT, {"grants": {"anon": ("select",)}}),
    Change(_SNAPSHOT, {"comment": "It showed."}),
    Change(_SNAPSHOT, {"column_comments": {"size": "In centimetres."}}),
    Change(_SNAPSHOT, {"indexes": {"i": "(size) where size in (1, 3)"}}),
    Change(_SNAPSHOT, {"indexes": {"j": "unique (id)"}}),
    Change(_SNAPSHOT, {"parameters": {"fillfactor": "70"}}),
    Change(_IDENTITY, {"mode": "default"}),
    Change(_IDENTITY, {"mode": "nothing"}),
    Change(_IDENTITY, {"mode": "index", "index": "things_pkey"}),
    Change(_STORAGE, {"parameters": {"fillfactor": "80", "toast.autovacuum_enabled": "off"}}),
    Change(_STORAGE, {"parameters": {}}),
    Change(_PUBLISHED, {"columns": ("id",)}),
    Change(_PUBLISHED, {"where": "id in (1, 3)"}),
    Change(_PUBLISHED, {"where": None}),
    Change(_DEFAULTS, {"grants": {"authenticated": ("all",)}}),
    Change(_DEFAULTS, {"grants": {}}),
    Change(_DEFAULTS_OF_FUNCTIONS, {"grants": {}}),
    Change(_EXTENSION, {"schema": "public"}),
    Change(_GRANT, {"privileges": ("select", "update (size)")}),
]


def numbered(entity: Entity, number: int) -> Entity:
    """Return an entity under a name of its own, or on a table or in a schema of its own."""
    values = vars(entity)
    names: dict[str, Any] = {}
    if isinstance(entity, pg.Extension):
        return entity
    if "name" in values:
        names["name"] = f"{values['name']}{number}"
    else:
        place = "table" if "table" in values else "schema"
        names[place] = f"{values[place]}{number}"
    if isinstance(entity, pg.MaterializedView):
        names["indexes"] = {f"{name}{number}": each for name, each in entity.indexes.items()}
    if isinstance(entity, pg.ReplicaIdentity) and entity.index is not None:
        names["index"] = entity.index.replace("things", names["table"])
    return replace(entity, **names)


def declared(kind: str, values: Literal["before", "after"] | None) -> Schema:
    """Declare the tables that the changes of a kind need, and its entities.

    Args:
        kind: A kind of entities.
        values: Which values the entities have; None for the tables alone.
    """
    given = {number: each for number, each in enumerate(CHANGES) if each.entity.kind == kind}
    old = [numbered(each.entity, number) for number, each in given.items()]
    new = [numbered(each.changed, number) for number, each in given.items()]
    entities = {"before": old, "after": new, None: []}[values]
    return Schema(tables(old), [*FUNCTIONS, *entities])


def tables(entities: Iterable[Entity]) -> sa.MetaData:
    """Declare the tables of entities."""
    metadata = sa.MetaData()
    names = {vars(each).get("table", "things") for each in entities if each.schema != PLATFORM}
    for name in sorted(names | {"things"}):
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("size", sa.Integer),
            schema=SCHEMA,
        )
    return metadata


def changed_properties(kind: type[Entity]) -> set[str]:
    """Return the properties of a kind that a change changes."""
    return {name for each in CHANGES if type(each.entity) is kind for name in each.values}
