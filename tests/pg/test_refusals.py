"""Values that contradict each other are refused when an entity is declared.

PostgreSQL refuses each of the triggers and functions as well, so that no rule is stricter than the
database, and what is read from a catalog is never refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import inf, nan
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tests.pg.samples import SCHEMA
from townhall import pg
from townhall.input_error import InputError
from townhall.migrate.savepoints import run_script
from townhall.pg import Entity
from townhall.pg.adapted import adapted
from townhall.pg.alembic_utils import PGFunction, PGMaterializedView, PGPolicy, PGTrigger, PGView

AnyEntity = TypeVar("AnyEntity", bound=Entity)


def test_class_that_lacks_members_is_refused_by_their_names() -> None:
    unfinished = type("Unfinished", (Entity,), {"kind": "collation"})
    needed = "name_fields, name_parts, create_statements, drop_statements, read"
    with pytest.raises(InputError, match=f"class Unfinished .*: define {needed}"):
        unfinished()


def unchecked(entity: AnyEntity, values: dict[str, Any]) -> AnyEntity:
    """Return an entity with values that its constructor would refuse."""
    changed = replace(entity)
    for name, value in values.items():
        object.__setattr__(changed, name, value)
    return changed


TRIGGER = pg.Trigger(
    schema=SCHEMA,
    table="odd table",
    name="t",
    timing="after",
    events=("insert",),
    function=f'"{SCHEMA}".stamp',
)
VIEW_TRIGGER = replace(TRIGGER, table="odd view", timing="instead of")

TRIGGERS: dict[str, tuple[pg.Trigger, dict[str, Any], str]] = {
    "no event": (TRIGGER, {"events": ()}, "no event is given"),
    "an event twice": (TRIGGER, {"events": ("insert", "insert")}, "an event is given twice"),
    "rows of a truncate": (TRIGGER, {"events": ("truncate",)}, "use level='statement'"),
    "a column twice": (
        TRIGGER,
        {"events": ("update",), "columns": ("size", "size")},
        "a column is given twice",
    ),
    "instead of a statement": (VIEW_TRIGGER, {"level": "statement"}, "needs level='row'"),
    "instead of an update of columns": (
        VIEW_TRIGGER,
        {"events": ("update",), "columns": ("id",)},
        "takes no columns",
    ),
    "instead of with a condition": (
        VIEW_TRIGGER,
        {"condition": "new.id > 0"},
        "takes no condition",
    ),
    "a disabled trigger on a view": (VIEW_TRIGGER, {"firing": "disabled"}, "leave firing out"),
    "transition table before": (
        TRIGGER,
        {"timing": "before", "new_table": "added"},
        "need timing='after'",
    ),
    "transition table of a constraint": (
        TRIGGER,
        {"constraint": True, "new_table": "added"},
        "not for a constraint trigger",
    ),
    "transition table of two events": (
        TRIGGER,
        {"events": ("insert", "update"), "new_table": "added"},
        "declare one per event",
    ),
    "transition table of columns": (
        TRIGGER,
        {"events": ("update",), "columns": ("size",), "new_table": "added"},
        "take no columns",
    ),
    "transition table of a truncate": (
        TRIGGER,
        {"events": ("truncate",), "level": "statement", "old_table": "removed"},
        "not for truncate",
    ),
    "old rows of an insert": (TRIGGER, {"old_table": "removed"}, "insert has no old rows"),
    "new rows of a delete": (
        TRIGGER,
        {"events": ("delete",), "new_table": "added"},
        "delete has no new rows",
    ),
    "transition tables of one name": (
        TRIGGER,
        {"events": ("update",), "old_table": "same", "new_table": "same"},
        "need different names",
    ),
    "a constraint before": (
        TRIGGER,
        {"constraint": True, "timing": "before"},
        "a constraint trigger needs timing='after'",
    ),
    "a constraint on statements": (
        TRIGGER,
        {"constraint": True, "level": "statement"},
        "a constraint trigger needs level='row'",
    ),
    "deferrable without a constraint": (TRIGGER, {"deferrable": True}, "add constraint=True"),
    "referenced table without a constraint": (
        TRIGGER,
        {"referenced_table": f'"{SCHEMA}"."odd table"'},
        "add constraint=True",
    ),
    "rows in the condition of a statement": (
        TRIGGER,
        {"level": "statement", "condition": "NEW.size > 0"},
        "use level='row'",
    ),
    "old row of an insert": (
        TRIGGER,
        {"events": ("insert", "update"), "condition": "old.size > 0"},
        "insert has no old row",
    ),
    "new row of a delete": (
        TRIGGER,
        {"events": ("delete",), "condition": "(new is null)"},
        "delete has no new row",
    ),
    "a column without a name": (
        TRIGGER,
        {"events": ("update",), "columns": ("",)},
        "the name of a column is empty",
    ),
    "a zero byte in an argument": (TRIGGER, {"arguments": ("a\0b",)}, "a zero byte"),
}


@pytest.mark.parametrize(("trigger", "values", "why"), TRIGGERS.values(), ids=TRIGGERS)
def test_trigger_that_contradicts_itself_is_refused(
    trigger: pg.Trigger, values: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=r"trigger .* t: ") as refused:
        replace(trigger, **values)
    assert why in str(refused.value)


@pytest.mark.parametrize(("trigger", "values", "why"), TRIGGERS.values(), ids=TRIGGERS)
def test_postgresql_refuses_the_trigger_as_well(
    connection: Connection, trigger: pg.Trigger, values: dict[str, Any], why: str
) -> None:
    del why
    run_script(connection, [f'create view "{SCHEMA}"."odd view" as select 1 as id'])
    run_script(connection, trigger.create_statements())
    run_script(connection, trigger.drop_statements())
    with pytest.raises((DBAPIError, ValueError)):
        run_script(connection, unchecked(trigger, values).create_statements())


def test_caller_in_the_condition_of_a_trigger_is_refused() -> None:
    with pytest.raises(ValueError, match="can't use :caller, which is a subquery: test it in the"):
        replace(TRIGGER, condition="new.owner_id = :caller")
    assert replace(TRIGGER, condition="new.text = ':caller'").condition == "new.text = ':caller'"


def test_value_of_a_trigger_without_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="initially='deferred' needs deferrable=True"):
        replace(TRIGGER, constraint=True, initially="deferred")
    with pytest.raises(ValueError, match="columns are for update: add the event"):
        replace(TRIGGER, columns=("size",))


@pytest.mark.parametrize(
    "function", ["stamp", "public.stamp()", "public. stamp", "a.b.stamp", "", 'x".y']
)
def test_function_of_a_trigger_without_its_schema_is_refused(function: str) -> None:
    with pytest.raises(ValueError, match=r"write its schema and name, as in 'public\.stamp'"):
        replace(TRIGGER, function=function)


def test_function_of_a_trigger_that_returns_something_else_is_refused() -> None:
    function = pg.Function(name="one", returns="integer", body="select 1")
    with pytest.raises(ValueError, match=r"function public.one\(\) does not return trigger"):
        replace(TRIGGER, function=function)


def test_function_of_a_trigger_is_kept_as_its_name() -> None:
    function = pg.Function(schema="Odd", name="stamp", language="plpgsql", body="begin end")
    assert replace(TRIGGER, function=function).function == '"Odd".stamp'


@pytest.mark.parametrize(
    "condition",
    [
        "new.text = 'old.text'",
        'new."old" is null',
        "new.old > 0 and new.golden.old is null",
        "new.size > 0 -- not old.size",
        "new.size > 0 /* old.size */",
        "public.old(new.size)",
        "new.text = E'it\\'s old'",
        "new.text = $$old$$",
    ],
)
def test_condition_with_the_word_old_but_no_old_row_is_accepted(condition: str) -> None:
    assert replace(TRIGGER, condition=condition).condition == condition


FUNCTION = pg.Function(schema=SCHEMA, name="f", returns="integer", body="select 1")

FUNCTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a trigger in SQL": ({"returns": "trigger"}, "SQL has no trigger functions"),
    "an event trigger in SQL": (
        {"returns": "event_trigger"},
        "SQL has no event_trigger functions",
    ),
    "rows of one row": ({"rows": 5}, "rows is for a function that returns a set"),
    "no rows": ({"rows": 0, "returns": "setof integer"}, "rows is 0 and must be greater than 0"),
    "a negative cost": ({"cost": -1}, "cost is -1 and must be greater than 0"),
    "a cost that is no number": ({"cost": nan}, "cost is nan and must be greater than 0"),
    "an infinite cost": ({"cost": inf}, "cost is inf and must be greater than 0, and finite"),
    "a language in capitals": ({"language": "SQL"}, "language is 'SQL': write 'sql'"),
    "an argument without a default after one with it": (
        {"arguments": {"a": "integer default 1", "b": "integer"}},
        "argument 'b' is after 'a' and needs a default as well",
    ),
    "a variadic argument without a default after one with it": (
        {"arguments": {"a": "integer default 1", "b": "variadic integer[]"}},
        "argument 'b' is after 'a' and needs a default as well",
    ),
    "an output with a default": (
        {"arguments": {"a": "out integer default 1"}},
        "argument 'a' is out and has a default",
    ),
    "an argument after the variadic one": (
        {"arguments": {"a": "variadic integer[]", "b": "integer"}},
        "argument 'b' is after the variadic 'a'",
    ),
    "an output beside a table": (
        {"returns": "table (one integer)", "arguments": {"a": "out integer"}},
        "argument 'a' is out, beside a table",
    ),
}


@pytest.mark.parametrize(("values", "why"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_function_that_contradicts_itself_is_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=r"function .*f\(.*\): ") as refused:
        replace(FUNCTION, **values)
    assert why in str(refused.value)


@pytest.mark.parametrize(("values", "why"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_postgresql_refuses_the_function_as_well(
    connection: Connection, values: dict[str, Any], why: str
) -> None:
    del why
    with pytest.raises(DBAPIError):
        run_script(connection, unchecked(FUNCTION, values).create_statements())


def test_output_after_the_variadic_argument_is_accepted(connection: Connection) -> None:
    function = replace(
        FUNCTION, arguments={"a": "integer", "b": "variadic integer[]", "c": "out integer"}
    )
    run_script(connection, function.create_statements())


@pytest.mark.parametrize(
    "path", ["public,, pg_temp", "public,", ",", 'odd"one, public', '"public', '"a" b']
)
def test_search_path_that_is_no_list_of_names_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"search_path is .*, which is no list of names: separate"):
        replace(FUNCTION, settings={"search_path": path})


POLICY = pg.Policy(table="events", name="p", command="select", roles=("anon",), using="true")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"roles": ()}, "no role is named"),
        ({"roles": ("",)}, "'' is no name of a role"),
        ({"roles": ("r" * 64,)}, "is no name of a role: give one of 1 to 63 bytes"),
        ({"using": " "}, "a condition is empty: write it"),
        ({"roles": ("public", "anon")}, "public means every role"),
        ({"command": "insert"}, "use check instead of using"),
        ({"command": "insert", "using": None}, "insert has no condition for the new row"),
        ({"check": "true"}, "use using instead of check"),
        ({"command": "delete", "check": "true"}, "use using instead of check"),
        ({"command": "update", "using": None}, "update has no condition for the row"),
    ],
)
def test_policy_that_contradicts_itself_is_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=f"policy public.events p: .*{why}"):
        replace(POLICY, **values)


def test_name_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a character, and none may be a zero byte"):
        replace(POLICY, name="a\0b")


GRANTED: dict[str, Entity] = {
    "table": pg.TableAccess(table="t"),
    "view": pg.View(name="v", definition="select 1"),
    "materialized view": pg.MaterializedView(name="m", definition="select 1"),
}


@pytest.mark.parametrize("entity", GRANTED.values(), ids=GRANTED)
@pytest.mark.parametrize(
    ("privilege", "why"),
    [
        ("slect", "anon has 'slect'; the privileges on the whole of it are all, select, insert,"),
        ("execute", "anon has 'execute'; the privileges on the whole of it are all, select,"),
        ("delete (id)", "privileges on columns are select, insert, update, references"),
    ],
)
def test_unknown_privilege_is_refused(entity: Entity, privilege: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"public\.[tvm]: anon has") as refused:
        replace(entity, grants={"anon": ("select", privilege)})  # type: ignore[call-arg] # they have
    assert why in str(refused.value)


SMUGGLED = [
    "select (id), delete, truncate",
    "select ()",
    "select (id",
    "select id)",
    "select(id)",
    "select (id) ",
    "select, delete",
    'select ("id)',
    "select (id) on other",
    "select with grant option with grant option",
    "",
]


@pytest.mark.parametrize("entity", GRANTED.values(), ids=GRANTED)
@pytest.mark.parametrize("privilege", SMUGGLED)
def test_text_that_is_not_exactly_one_privilege_is_refused(entity: Entity, privilege: str) -> None:
    with pytest.raises(ValueError, match="which is no single privilege: write it as in 'select'"):
        replace(entity, grants={"anon": (privilege,)})  # type: ignore[call-arg] # they have


@pytest.mark.parametrize("entity", GRANTED.values(), ids=GRANTED)
def test_all_privileges_with_grant_option_are_refused_with_their_names(entity: Entity) -> None:
    names = "'select with grant option', 'insert with grant option', .*'trigger with grant option'"
    refusal = f"anon has 'all with grant option': name the privileges instead, {names}"
    with pytest.raises(ValueError, match=refusal):
        replace(entity, grants={"anon": ("all with grant option",)})  # type: ignore[call-arg] # they have


@pytest.mark.parametrize("entity", GRANTED.values(), ids=GRANTED)
@pytest.mark.parametrize(
    "privilege", ["update (id, name)", 'select ("a)b", "c"",d")', "insert (a,b) with grant option"]
)
def test_privilege_on_columns_is_accepted(entity: Entity, privilege: str) -> None:
    replace(entity, grants={"anon": (privilege,)})  # type: ignore[call-arg] # they have


GRANTEES: dict[str, Callable[[str, str], Entity]] = {
    "table": lambda role, option: pg.TableAccess(table="t", grants={role: (f"select{option}",)}),
    "view": lambda role, option: pg.View(
        name="v", definition="select 1", grants={role: (f"select{option}",)}
    ),
    "function": lambda role, option: pg.Function(
        name="f", returns="integer", body="select 1", execute=(f"{role}{option}",)
    ),
    "usage of a schema": lambda role, option: pg.SchemaAccess(usage=(f"{role}{option}",)),
    "creation in a schema": lambda role, option: pg.SchemaAccess(create=(f"{role}{option}",)),
}


@pytest.mark.parametrize("granted", GRANTEES.values(), ids=GRANTEES)
def test_role_that_can_have_no_privilege_is_refused(granted: Callable[[str, str], Entity]) -> None:
    with pytest.raises(ValueError, match="public can't have a grant option: leave it out"):
        granted("public", " with grant option")
    for role in ("", "r" * 64, "a\0b"):
        with pytest.raises(ValueError, match="is no name of a role: give one of 1 to 63 bytes"):
            granted(role, "")
    granted("public", "")
    granted("anon", " with grant option")


@pytest.mark.parametrize("role", ["", "r" * 64, "a\0b", "public", "none", "anon with grant option"])
@pytest.mark.parametrize(
    "declared",
    [
        partial(pg.TableAccess, table="t"),
        partial(pg.TableAccess.named, table="t"),
        partial(pg.SchemaAccess, schema="s"),
        partial(pg.View, name="v", definition="select 1"),
        partial(pg.Function, name="f", returns="integer", body="select 1"),
    ],
    ids=["table", "table by its name", "schema", "view", "function"],
)
def test_api_role_that_no_transaction_can_act_as_is_refused(
    declared: Callable[..., Entity], role: str
) -> None:
    with pytest.raises(ValueError, match=r"api_roles names .*: (give|leave)"):
        declared(api_roles=("anon", role))
    declared(api_roles=("anon", "an application's"))


def test_replica_identity_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match=r"replica identity public\.t: mode is 'index' and none"):
        pg.ReplicaIdentity(table="t", mode="index")
    with pytest.raises(ValueError, match="mode is 'full': use mode='index'"):
        pg.ReplicaIdentity(table="t", index="t_key")


TABLE = "public.t"
WITH_SQL: Mapping[str, Callable[[str], object]] = {
    "view public.v": lambda text: pg.View(name="v", definition=text),
    "materialized view public.v": lambda text: pg.MaterializedView(name="v", definition=text),
    "policy public.t p": lambda text: pg.Policy(
        table="t", name="p", command="select", roles=("public",), using=text
    ),
    "trigger public.t t": lambda text: pg.Trigger(
        table="t",
        name="t",
        timing="before",
        events=("insert",),
        condition=text,
        function="public.f",
    ),
    "PGView: public.v": lambda text: adapted(PGView("public", "v", text)),
    "PGMaterializedView: public.v": lambda text: adapted(PGMaterializedView("public", "v", text)),
    "PGPolicy: public.p": lambda text: adapted(PGPolicy("public", "p", text, on_entity=TABLE)),
    "PGTrigger: public.t": lambda text: adapted(
        PGTrigger("public", "t", f"before insert on t {text} execute function f()", TABLE)
    ),
    "PGFunction: public.f": lambda text: adapted(PGFunction("public", "f()", text)),
}


@pytest.mark.parametrize("name", WITH_SQL)
def test_second_statement_and_zero_byte_in_sql_are_refused(name: str) -> None:
    declared = WITH_SQL[name]
    for text, why in (
        ("select 1 as one; drop table things", "second statement"),
        ("true);; drop policy p on t; create table t2 (a int", "second statement"),
        ("select 1\0", "zero byte"),
    ):
        with pytest.raises(InputError, match=rf"{re.escape(name)}.* {why}"):
            declared(text)
    declared("select ';' as a, $$;$$ as b, 1 as \";\" /* ; */")
    assert pg.View(name="v", definition="select 1; -- ;").definition.startswith("select 1")


def test_definition_that_alembic_utils_cannot_read_is_refused() -> None:
    trigger = PGTrigger("public", "t", "selct 1", on_entity="public.t")
    with pytest.raises(InputError, match=r"PGTrigger: public\.t .*'selct 1', in which .* no st"):
        adapted(trigger)
    atomic = "returns integer begin atomic select 1; select 2; end"
    assert adapted(PGFunction("public", "f()", atomic)).kind == "function"
