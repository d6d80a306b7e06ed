"""Each property of an entity that has SQL in it is changed by itself, and changed back."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.migrate.compare.fixed_point import RENDERED_KINDS
from townhall.pg import Entity

TRIGGER = pg.Trigger(
    schema=SCHEMA,
    table="things",
    name="t",
    timing="after",
    events=("insert",),
    condition="new.size in (1, 2)",
    function=f"{SCHEMA}.one",
    arguments=("a",),
)
ON_STATEMENTS = replace(
    TRIGGER, name="s", events=("update",), level="statement", condition=None, new_table="fresh"
)
CONSTRAINT = replace(TRIGGER, name="c", constraint=True, deferrable=True)
POLICY = pg.Policy(
    schema=SCHEMA,
    table="things",
    name="p",
    command="update",
    roles=("public",),
    using="size in (1, 2)",
    check="size > 1",
)
FUNCTION = pg.Function(
    schema=SCHEMA,
    name="f",
    arguments={"first": "varchar", "second": "text default 'a'"},
    returns="setof text",
    language="plpgsql",
    body="begin return next first || second; end",
)
PROCEDURE = pg.Procedure(
    schema=SCHEMA,
    name="r",
    arguments={"first": "text default 'a'"},
    language="plpgsql",
    body="begin perform first; end",
)
VIEW = pg.View(
    schema=SCHEMA,
    name="v",
    definition=f"select id, size from {SCHEMA}.things where size in (1, 2)",
    column_defaults={"size": "1"},
)
SNAPSHOT = pg.MaterializedView(
    schema=SCHEMA,
    name="m",
    definition=f"select id, size from {SCHEMA}.things where size in (1, 2)",
    indexes={"i": "(size) where size in (1, 2)"},
)
PUBLISHED = pg.PublicationTable(
    schema=SCHEMA, table="things", publication="lab", where="id in (1, 2)"
)

CHANGES: list[tuple[Entity, dict[str, Any]]] = [
    (TRIGGER, {"timing": "before"}),
    (TRIGGER, {"events": ("insert", "update")}),
    (TRIGGER, {"events": ("update",), "columns": ("size",)}),
    (TRIGGER, {"condition": "new.size in (1, 3)"}),
    (TRIGGER, {"function": f"{SCHEMA}.other"}),
    (TRIGGER, {"arguments": ("b",)}),
    (TRIGGER, {"arguments": ()}),
    (TRIGGER, {"firing": "always"}),
    (TRIGGER, {"comment": "It fires."}),
    (TRIGGER, {"level": "statement", "condition": None}),
    (TRIGGER, {"constraint": True}),
    (ON_STATEMENTS, {"new_table": "Newer", "old_table": "Older"}),
    (CONSTRAINT, {"deferrable": False}),
    (CONSTRAINT, {"initially": "deferred"}),
    (CONSTRAINT, {"referenced_table": f"{SCHEMA}.things"}),
    (POLICY, {"command": "all"}),
    (POLICY, {"roles": ("anon", "authenticated")}),
    (POLICY, {"using": "size in (1, 3)"}),
    (POLICY, {"check": None}),
    (POLICY, {"permissive": False}),
    (POLICY, {"comment": "It lets."}),
    (FUNCTION, {"arguments": {"first": "varchar", "second": "text default 'b'"}}),
    (FUNCTION, {"arguments": {"other": "varchar", "second": "text default 'a'"}}),
    (FUNCTION, {"returns": "setof varchar"}),
    (FUNCTION, {"language": "sql", "body": "select first || second"}),
    (FUNCTION, {"body": "begin return next second || first; end"}),
    (FUNCTION, {"body": "begin return next first || second; end", "verbatim": True}),
    (FUNCTION, {"volatility": "stable"}),
    (FUNCTION, {"security": "definer", "settings": {"search_path": pg.SAFE_SEARCH_PATH}}),
    (FUNCTION, {"settings": {"work_mem": "8MB"}}),
    (FUNCTION, {"is_strict": True}),
    (FUNCTION, {"is_leakproof": True}),
    (FUNCTION, {"parallel": "safe"}),
    (FUNCTION, {"cost": 7}),
    (FUNCTION, {"rows": 7}),
    (FUNCTION, {"execute": ("anon",)}),
    (FUNCTION, {"comment": "It joins."}),
    (PROCEDURE, {"arguments": {"first": "text default 'b'"}}),
    (PROCEDURE, {"arguments": {"other": "text default 'a'"}}),
    (PROCEDURE, {"language": "sql", "body": "select first"}),
    (PROCEDURE, {"body": "begin perform first || first; end"}),
    (PROCEDURE, {"body": "begin perform first; end", "verbatim": True}),
    (PROCEDURE, {"security": "definer", "settings": {"search_path": pg.SAFE_SEARCH_PATH}}),
    (PROCEDURE, {"settings": {"work_mem": "8MB"}}),
    (PROCEDURE, {"execute": ("anon",)}),
    (PROCEDURE, {"comment": "It does."}),
    (VIEW, {"definition": f"select id, size from {SCHEMA}.things where size in (1, 3)"}),
    (VIEW, {"grants": {"anon": ("select",)}}),
    (VIEW, {"comment": "It shows."}),
    (VIEW, {"column_comments": {"size": "In centimetres."}}),
    (VIEW, {"security_invoker": False}),
    (VIEW, {"security_barrier": True}),
    (VIEW, {"check_option": "local"}),
    (VIEW, {"column_defaults": {"size": "2"}}),
    (VIEW, {"column_defaults": {"id": "2"}}),
    (SNAPSHOT, {"definition": f"select id, size from {SCHEMA}.things where size in (1, 3)"}),
    (SNAPSHOT, {"grants": {"anon": ("select",)}}),
    (SNAPSHOT, {"comment": "It showed."}),
    (SNAPSHOT, {"column_comments": {"size": "In centimetres."}}),
    (SNAPSHOT, {"indexes": {"i": "(size) where size in (1, 3)"}}),
    (SNAPSHOT, {"indexes": {"j": "unique (id)"}}),
    (SNAPSHOT, {"parameters": {"fillfactor": "70"}}),
    (PUBLISHED, {"columns": ("id",)}),
    (PUBLISHED, {"where": "id in (1, 3)"}),
    (PUBLISHED, {"where": None}),
]
NOT_COMPARED = {"name", "schema", "table", "publication", "owner"}


def things() -> sa.MetaData:
    """Return a table for each change of a membership in a publication, and one for the others."""
    metadata = sa.MetaData()
    memberships = [number for number, (entity, _) in enumerate(CHANGES) if entity is PUBLISHED]
    for name in ("things", *(f"things{number}" for number in memberships)):
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("size", sa.Integer),
            schema=SCHEMA,
        )
    return metadata


def numbered(entity: Entity, number: int) -> Entity:
    """Return the entity under a name of its own, or on a table of its own."""
    if isinstance(entity, pg.PublicationTable):
        return replace(entity, table=f"things{number}")
    names: dict[str, Any] = {"name": f"{vars(entity)['name']}{number}"}
    if isinstance(entity, pg.MaterializedView):
        names["indexes"] = {f"{name}{number}": each for name, each in entity.indexes.items()}
    return replace(entity, **names)


@pytest.mark.thorough
def test_each_property_is_changed_by_itself(lab: Lab) -> None:
    lab.connection.execute(sa.text("create publication lab"))
    stamps = [
        pg.Function(schema=SCHEMA, name=name, language="plpgsql", body="begin return null; end")
        for name in ("one", "other")
    ]
    metadata = things()
    old = [numbered(entity, number) for number, (entity, _) in enumerate(CHANGES)]
    new = [
        numbered(replace(entity, **change), number)
        for number, (entity, change) in enumerate(CHANGES)
    ]
    revision = lab.there_and_back(
        Schema(metadata, [*stamps, *old]), Schema(metadata, [*stamps, *new]), times=1
    )
    for entity in new:
        values = vars(entity)
        assert f'"{values.get("name", values.get("table"))}"' in revision.upgrade, entity


def test_every_compared_property_is_among_the_changes() -> None:
    changed: dict[type[Entity], set[str]] = {}
    for entity, change in CHANGES:
        changed.setdefault(type(entity), set()).update(change)
    assert {each.kind for each in changed} == RENDERED_KINDS
    missing = {
        (kind.kind, each.name)
        for kind, names in changed.items()
        for each in fields(kind)
        if each.compare and each.name not in names | NOT_COMPARED
    }
    assert missing == {("view", "columns"), ("materialized view", "columns")}
