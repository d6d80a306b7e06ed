"""Entities are values: they are compared, hashed, shown and checked as such."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.pg.samples import ENTITIES
from townhall import pg
from townhall.pg import ENTITY_CLASSES, Entity
from townhall.pg.fields import default
from townhall.pg.values import described, field_type

by_kind = pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)


def named(entity: Entity) -> Entity:
    return type(entity).named(**{name: getattr(entity, name) for name in entity.name_fields})


def test_samples_are_of_every_kind() -> None:
    assert {type(entity) for entity in ENTITIES.values()} == {*ENTITY_CLASSES}


@by_kind
def test_equal_entities_have_equal_hashes(entity: Entity) -> None:
    copy = replace(entity)
    assert copy is not entity
    assert copy == entity
    assert hash(copy) == hash(entity)
    assert len({copy, entity}) == 1


@by_kind
def test_entities_in_different_states_differ(entity: Entity) -> None:
    assert entity != replace(entity, schema="another")
    assert entity != "another"
    others = [other for other in ENTITIES.values() if other is not entity]
    assert entity not in others


@by_kind
def test_entity_of_the_catalogs_is_equal_to_one_that_was_checked(entity: Entity) -> None:
    values = {each.name: getattr(entity, each.name) for each in fields(entity)}
    others = {
        each.name: values[each.name]
        for each in fields(entity)
        if values[each.name] != default(each)
    }
    found = type(entity).found(**others)
    assert found == entity
    assert not found.has_only_name


@by_kind
def test_representation_is_the_expression_that_makes_the_entity(entity: Entity) -> None:
    assert eval(repr(entity), vars(pg)) == entity  # noqa: S307 - our own representation


@by_kind
def test_named_entity_is_compared_hashed_and_represented(entity: Entity) -> None:
    name = named(entity)
    assert name.has_only_name
    assert not entity.has_only_name
    assert name.key == entity.key
    assert name == named(entity)
    assert name != entity
    assert hash(name) == hash(named(entity))
    assert repr(name).startswith(f"{type(entity).__name__}.named(")
    assert eval(repr(name), vars(pg)) == name  # noqa: S307 - our own representation


def test_representation_leaves_defaults_out() -> None:
    assert repr(pg.TableAccess(table="posts")) == "TableAccess(table='posts')"
    assert repr(pg.Policy.named(table="posts", name="p")) == (
        "Policy.named(table='posts', name='p')"
    )


def test_order_of_arguments_counts() -> None:
    first = pg.Function(
        name="f", arguments={"a": "text", "b": "text"}, returns="text", body="select a"
    )
    assert first != replace(first, arguments={"b": "text", "a": "text"})


def test_order_of_events_does_not_count() -> None:
    trigger = pg.Trigger(
        table="t", name="t", timing="after", events=("update", "insert"), function="public.f"
    )
    assert trigger == replace(trigger, events=("insert", "update"))


def test_name_without_a_field_or_with_another_is_refused() -> None:
    with pytest.raises(TypeError, match="schema, table, name"):
        pg.Policy.named(name="p")
    with pytest.raises(TypeError, match="schema, name"):
        pg.View.named(name="v", definition="select 1")
    with pytest.raises(ValueError, match="name is 7 and must be str"):
        pg.Policy.named(table="t", name=7)


@by_kind
def test_entity_of_which_only_the_name_is_given_can_be_dropped_alone(entity: Entity) -> None:
    for run in (pg.create_entity, pg.replace_entity):
        with pytest.raises(ValueError, match="only its name is given; pass the whole entity"):
            run(named(entity))


FIELDS = {
    f"{entity.kind} {field.name}": (entity, field.name)
    for entity in {type(entity): entity for entity in ENTITIES.values()}.values()
    for field in fields(entity)
}


@pytest.mark.parametrize(("entity", "field"), FIELDS.values(), ids=FIELDS)
def test_value_of_a_wrong_type_is_refused(entity: Entity, field: str) -> None:
    allowed = described(field_type(type(entity), field))
    prefix = type(entity).__name__ if field in entity.name_fields else entity.identity
    with pytest.raises(ValueError, match="and must be ") as refused:
        replace(entity, **{field: {1, 2}})  # type: ignore[arg-type] # on purpose
    assert str(refused.value) == f"{prefix}: {field} is {{1, 2}} and must be {allowed}"


@pytest.mark.parametrize(
    ("entity", "values", "message"),
    [
        (
            pg.Policy(table="t", name="p", command="select", roles=("anon",), using="true"),
            {"command": "read"},
            (
                "policy public.t p: command is 'read' and must be 'select', 'insert', 'update',"
                " 'delete' or 'all'"
            ),
        ),
        (
            pg.Policy(table="t", name="p", command="select", roles=("anon",), using="true"),
            {"roles": "anon"},
            "policy public.t p: roles is 'anon' and must be a tuple of str: write ('anon',)",
        ),
        (
            pg.TableAccess(table="t"),
            {"grants": {"anon": "select"}},
            (
                "table access public.t: grants is {'anon': 'select'} and must be a mapping of str"
                " to a tuple of str"
            ),
        ),
        (
            pg.Trigger(
                table="t", name="t", timing="after", events=("update",), function="public.f"
            ),
            {"events": ("update", "upsert")},
            (
                "trigger public.t t: events is ('update', 'upsert') and must be a tuple of"
                " 'insert', 'update', 'delete' or 'truncate'"
            ),
        ),
        (
            pg.View(name="v", definition="select 1"),
            {"check_option": "global"},
            "view public.v: check_option is 'global' and must be 'local', 'cascaded' or None",
        ),
        (
            pg.Function(name="f", returns="text", body="select ''"),
            {"cost": True},
            "function public.f(): cost is True and must be float or None",
        ),
    ],
)
def test_refusal_names_the_entity_the_value_and_what_is_allowed(
    entity: Entity, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="must be") as refused:
        replace(entity, **values)
    assert str(refused.value) == message


@pytest.mark.parametrize("name", ["", "a\0b"], ids=repr)
def test_name_that_postgresql_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must have a character, and none may be a zero byte"):
        pg.TableAccess(table=name)


@pytest.mark.parametrize(
    ("name", "cut"), [("n" * 64, "n" * 63), ("ש" * 32, "ש" * 31), ("n" * 62 + "ש", "n" * 62)]
)
def test_name_is_cut_as_postgresql_cuts_it(name: str, cut: str) -> None:
    policy = pg.Policy(
        schema=name, table=name, name=name, command="select", roles=("public",), using="true"
    )
    assert policy.name_parts == (cut, cut, cut)
    assert pg.View.named(schema="s", name=name).key == ("view", "s", cut)


@pytest.mark.parametrize(
    "entity",
    [
        pg.Policy(
            schema="storage",
            table="objects",
            name="p",
            command="select",
            roles=("public",),
            using="true",
        ),
        pg.Trigger(
            schema="auth",
            table="users",
            name="t",
            timing="after",
            events=("insert",),
            function="public.f",
        ),
    ],
    ids=["policy", "trigger"],
)
def test_comment_on_a_table_of_others_is_removed_with_the_object(
    entity: pg.Policy | pg.Trigger,
) -> None:
    commented = replace(entity, comment="It is ours.")
    assert not entity.can_replace(commented)
    assert replace(entity, schema="public").can_replace(replace(commented, schema="public"))
