"""Entities of alembic-utils take part in the comparison as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic_utils.pg_function import PGFunction
from alembic_utils.pg_grant_table import PGGrantTable
from alembic_utils.pg_materialized_view import PGMaterializedView
from alembic_utils.pg_policy import PGPolicy
from alembic_utils.pg_trigger import PGTrigger
from alembic_utils.pg_view import PGView
from alembic_utils.replaceable_entity import ReplaceableEntity

from tests.autogenerate.lab import SCHEMA, Lab, Schema, code
from tests.support.applications import SmallApplication
from townhall import pg
from townhall.pg.state import read_state

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

ROLE = "authenticated"


def schema(*entities: ReplaceableEntity | pg.Entity) -> Schema:
    metadata = sa.MetaData(schema=SCHEMA)
    sa.Table(
        "items",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("price", sa.Integer, nullable=False),
    )
    return Schema(metadata, entities)


def function(body: str, arguments: str = "n integer") -> PGFunction:
    return PGFunction(
        SCHEMA, f"doubled({arguments})", f"returns integer language sql as $${body}$$"
    )


def trigger_function() -> PGFunction:
    return PGFunction(
        SCHEMA, "keep()", "returns trigger language plpgsql as $$ begin return new; end $$"
    )


def trigger(events: str, *, is_constraint: bool = False) -> PGTrigger:
    return PGTrigger(
        SCHEMA,
        "keep_Items",
        f"after {events} on {SCHEMA}.items for each row execute function {SCHEMA}.keep()",
        on_entity=f"{SCHEMA}.items",
        is_constraint=is_constraint,
    )


def policy(condition: str, command: str = "select") -> PGPolicy:
    return PGPolicy(
        SCHEMA,
        "cheap_ones",
        f"for {command} to {ROLE} using ({condition})",
        on_entity=f"{SCHEMA}.items",
    )


CHANGES = {
    "function body": ([function("select n * 2")], [function("select n * 3")]),
    "function default": (
        [function("select n", "n integer default 1")],
        [function("select n", "n integer default 2")],
    ),
    "function result": (
        [function("select n")],
        [PGFunction(SCHEMA, "doubled(n integer)", "returns text language sql as $$select 'a'$$")],
    ),
    "overloads": (
        [function("select n", "n integer"), function("select 1", "n text")],
        [function("select n", "n integer"), function("select 2", "n text")],
    ),
    "view": (
        [PGView(SCHEMA, "Cheap", f"select id from {SCHEMA}.items where price < 10")],
        [PGView(SCHEMA, "Cheap", f"select id from {SCHEMA}.items where price < 20")],
    ),
    "view with other columns": (
        [PGView(SCHEMA, "cheap", f"select id, price from {SCHEMA}.items")],
        [PGView(SCHEMA, "cheap", f"select price from {SCHEMA}.items")],
    ),
    "view that another one uses": (
        [
            PGView(SCHEMA, "dear", f"select id, price from {SCHEMA}.items"),
            PGView(SCHEMA, "dearest", f"select price from {SCHEMA}.dear"),
        ],
        [
            PGView(SCHEMA, "dear", f"select price from {SCHEMA}.items"),
            PGView(SCHEMA, "dearest", f"select price from {SCHEMA}.dear"),
        ],
    ),
    "materialized view": (
        [PGMaterializedView(SCHEMA, "totals", f"select sum(price) from {SCHEMA}.items")],
        [PGMaterializedView(SCHEMA, "totals", f"select max(price) from {SCHEMA}.items")],
    ),
    "trigger": (
        [trigger_function(), trigger("insert")],
        [trigger_function(), trigger("insert or update")],
    ),
    "constraint trigger": (
        [trigger_function(), trigger("insert", is_constraint=True)],
        [trigger_function(), trigger("update", is_constraint=True)],
    ),
    "policy": ([policy("price < 10")], [policy("price < 20")]),
    "command of a policy": ([policy("price < 10")], [policy("price < 10", "delete")]),
    "columns of a grant": (
        [PGGrantTable(SCHEMA, "items", ROLE, "SELECT", ["id"])],
        [PGGrantTable(SCHEMA, "items", ROLE, "SELECT", ["id", "price"])],
    ),
    "option of a grant": (
        [PGGrantTable(SCHEMA, "items", ROLE, "DELETE")],
        [PGGrantTable(SCHEMA, "items", ROLE, "DELETE", with_grant_option=True)],
    ),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_entity_is_created_changed_and_dropped_in_both_directions(
    lab: Lab, old: list[ReplaceableEntity], new: list[ReplaceableEntity]
) -> None:
    lab.there_and_back(schema(), schema(*old))
    revision = lab.there_and_back(schema(*old), schema(*new))
    assert "entity(" in revision.upgrade
    lab.run(revision.downgrade)
    assert lab.differences(schema(*old)) == []


def test_revision_is_written_as_alembic_utils_writes_it(lab: Lab) -> None:
    created = lab.migrate(schema(function("select n * 2")))
    assert "op.create_entity(lab_doubled)" in created.upgrade
    assert "op.drop_entity(lab_doubled)" in created.downgrade
    changed = lab.migrate(schema(function("select n * 3")))
    assert "op.replace_entity(lab_doubled)" in changed.upgrade
    assert "op.replace_entity(lab_doubled)" in changed.downgrade


def test_grant_is_compared_beside_what_is_declared_for_the_table(lab: Lab) -> None:
    access = pg.TableAccess(schema=SCHEMA, table="items", grants={ROLE: ("select",)})
    lab.migrate(schema(access))
    revision = lab.migrate(
        schema(PGGrantTable(SCHEMA, "items", ROLE, "DELETE"), policy("price < 3"))
    )
    assert revision.upgrade.count("op.create_entity") == 2
    lab.run(revision.downgrade)
    assert lab.differences(schema(access)) == []


UNSAID = {
    "comment and privilege of a function": (
        function("select n * 2"),
        function("select n * 3"),
        (
            "comment on function lab.doubled(integer) is 'Twice.';"
            " grant execute on function lab.doubled(integer) to authenticated"
        ),
    ),
    "options, comment and privilege of a view": (
        PGView(SCHEMA, "cheap", f"select id from {SCHEMA}.items where price < 10"),
        PGView(SCHEMA, "cheap", f"select id from {SCHEMA}.items where price < 20"),
        (
            "alter view lab.cheap set (security_invoker = true);"
            " comment on view lab.cheap is 'Cheap.'; grant select on lab.cheap to authenticated"
        ),
    ),
    "indexes of a materialized view": (
        PGMaterializedView(SCHEMA, "totals", f"select price from {SCHEMA}.items"),
        PGMaterializedView(SCHEMA, "totals", f"select 2 * price as price from {SCHEMA}.items"),
        (
            "create unique index by_price on lab.totals (price);"
            " comment on materialized view lab.totals is 'Prices.'"
        ),
    ),
    "comment of a policy": (
        policy("price < 10"),
        policy("price < 10", "delete"),
        "comment on policy cheap_ones on lab.items is 'Cheap.'",
    ),
}


@pytest.mark.parametrize(("old", "new", "unsaid"), UNSAID.values(), ids=UNSAID)
def test_attributes_that_an_entity_does_not_have_are_kept_by_upgrade_and_downgrade(
    lab: Lab, old: ReplaceableEntity, new: ReplaceableEntity, unsaid: str
) -> None:
    lab.migrate(schema(old))
    lab.connection.execute(sa.text(unsaid))
    assert lab.differences(schema(old)) == []
    (before,) = _entities(lab, old)
    revision = lab.migrate(schema(new))
    (after,) = _entities(lab, new)
    for name in ("comment", "grants", "execute", "indexes", "security_invoker"):
        assert getattr(after, name, None) == getattr(before, name, None)
    lab.run(revision.downgrade)
    assert _entities(lab, old) == [before]


def _entities(lab: Lab, entity: ReplaceableEntity) -> list[pg.Entity]:
    kinds = {"materialized_view": "materialized view"}
    kind = kinds.get(entity.type_, entity.type_)
    return [e for e in read_state(lab.connection, [SCHEMA]).values() if e.kind == kind]


def test_class_that_is_not_compared_is_named(lab: Lab) -> None:
    class Rule(ReplaceableEntity):
        pass

    with pytest.raises(ValueError, match="Rule is none of the classes"):
        lab.differences(schema(Rule(SCHEMA, "rule", "nothing")))


def test_grant_that_a_revision_made_is_revoked_when_it_is_no_longer_declared(
    tmp_path: Path, empty_database: str
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    source = """
from alembic_utils.pg_grant_table import PGGrantTable
Table("items", metadata, Column("id", Integer, primary_key=True))
entities += [
    PGGrantTable("public", "items", "pg_monitor", each, columns)
    for each, columns in {}
]
"""
    kept, removed = ("DELETE", None), ("SELECT", ["id"])
    application.declare(source.format([kept, removed]))
    application.revise("first")
    with sa.create_engine(empty_database, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("grant truncate on items to pg_monitor"))
    application.declare(source.format([kept]))
    revision = application.revise("second")
    assert revision.count("op.drop_entity") == 1
    assert "op.drop_entity(public_items_pg_monitor_select)" in revision
    privileges = sa.text(
        "select has_column_privilege('pg_monitor', 'items', 'id', 'select'),"
        " has_table_privilege('pg_monitor', 'items', 'truncate')"
    )
    engine = sa.create_engine(empty_database, poolclass=sa.NullPool)
    for move, revision_id, expected in (
        (command.downgrade, "first", (True, True)),
        (command.upgrade, "head", (False, True)),
    ):
        move(application.config, revision_id)
        with engine.connect() as connection:
            assert tuple(connection.execute(privileges).one()) == expected


def test_upgrade_does_not_tell_policies_and_triggers_that_revisions_made(
    tmp_path: Path, empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare(
        """
from alembic_utils.pg_function import PGFunction
from alembic_utils.pg_policy import PGPolicy
from alembic_utils.pg_trigger import PGTrigger
Table("items", metadata, Column("id", Integer, primary_key=True))
entities += [
    PGFunction("public", "f()", "returns trigger language plpgsql as $$begin return new; end$$"),
    PGTrigger("public", "keep", "before insert on items for each row execute function f()",
        on_entity="public.items"),
    PGPolicy("public", "positive", on_entity="public.items", definition="using (id > 0)"),
]
"""
    )
    application.revise("first")
    assert "which no revision made" not in caplog.text


def test_what_postgresql_says_of_a_function_is_told(lab: Lab) -> None:
    wrong = PGFunction(SCHEMA, "f()", "returns integer language sql as $$selct 1$$")
    declared = schema(wrong)
    upgrade, _ = lab.operations(declared)
    assert 'syntax error at or near "selct"' in code(upgrade, lab.context(declared))


def test_function_with_a_comma_in_a_default_is_created_and_dropped(lab: Lab) -> None:
    listed = PGFunction(
        SCHEMA,
        "tags(t text default '{a,b}')",
        "returns text[] language sql as $$select t::text[]$$",
    )
    revision = lab.there_and_back(schema(), schema(listed))
    assert "pg.Function" in revision.upgrade


OVERLOADED = {
    "a comma in a text": ("f(a integer)", "f(a text default 'x, b y')"),
    "commas in an array": ("f(a text)", "f(a integer[] default array[1, 2], b date = now())"),
    "a comma in a call": ("f()", "f(a integer default coalesce(1, 2))"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("signatures", OVERLOADED.values(), ids=OVERLOADED)
def test_overloads_with_a_comma_in_a_default_are_created_changed_and_dropped(
    lab: Lab, signatures: tuple[str, str]
) -> None:
    def listed(body: str) -> list[PGFunction]:
        definition = f"returns integer language sql as $$select {body}$$"
        return [PGFunction(SCHEMA, each, definition) for each in signatures]

    lab.there_and_back(schema(), schema(*listed("1")))
    lab.there_and_back(schema(*listed("1")), schema(*listed("2")))


CONSTANTS = {
    "colons": "':x y:z ::w :'",
    "a cast in a constant": "':x::y'",
    "signs of formats": "'% %% %s %(x)s {x} {{x}}'",
    "dollar quotes": "$a$ $$ :x ' $a$",
    "backslashes": r"E'\\n \'' || '\n'",
    "a comment": "'a' /* :x $$ */",
}


@pytest.mark.parametrize("constant", CONSTANTS.values(), ids=CONSTANTS)
def test_constant_of_each_kind_of_entity_is_what_postgresql_reads(lab: Lab, constant: str) -> None:
    condition = f"using (id::text <> {constant})"
    whens = f"after insert on {SCHEMA}.items for each row when (new.id::text <> {constant})"
    sources = {
        "language sql": f"select {constant}",
        "language plpgsql": f"declare a text := ''; begin return {constant}; end",
    }
    revision = lab.there_and_back(
        schema(),
        schema(
            PGView(SCHEMA, "seen", f"select {constant} as a"),
            PGView(SCHEMA, "noted", f"select {constant} as a -- :y"),
            PGMaterializedView(SCHEMA, "kept", f"select {constant} as a"),
            PGPolicy(SCHEMA, "other", condition, on_entity=f"{SCHEMA}.items"),
            trigger_function(),
            PGTrigger(
                SCHEMA,
                "keep_others",
                f"{whens} execute function {SCHEMA}.keep()",
                on_entity=f"{SCHEMA}.items",
            ),
            *(
                PGFunction(
                    SCHEMA,
                    f"in_{language.partition(' ')[2]}(a text default {constant})",
                    f"returns text {language} as $f${source}$f$",
                )
                for language, source in sources.items()
            ),
        ),
    )
    assert "op.create_entity" in revision.upgrade
    (expected,) = _texts(lab, f"select {constant}")
    assert {
        *_texts(lab, "select a from lab.seen"),
        *_texts(lab, "select a from lab.noted"),
        *_texts(lab, "select a from lab.kept"),
        *_texts(lab, "select lab.in_sql()"),
        *_texts(lab, "select lab.in_plpgsql()"),
    } == {expected}
    _execute(lab, f"create policy expected on lab.items {condition}")
    _execute(lab, f"create trigger expected {whens} execute function lab.keep()")
    whens = "replace(pg_get_triggerdef(oid), tgname, '') from pg_trigger"
    for uses in (
        "qual from pg_policies where schemaname = 'lab'",
        f"{whens} where tgrelid = 'lab.items'::regclass",
    ):
        assert len(_texts(lab, f"select distinct {uses}")) == 1


def _texts(lab: Lab, query: str) -> list[str]:
    return list(_execute(lab, query).scalars())


def _execute(lab: Lab, statement: str) -> sa.CursorResult[Any]:
    unchanged = {"no_parameters": True}
    return lab.connection.exec_driver_sql(statement, execution_options=unchanged)


def test_view_of_a_query_into_a_table_is_told_what_is_wrong(lab: Lab) -> None:
    entity = PGView(SCHEMA, "seen", "select 1 as a into other")
    (difference,) = lab.differences(Schema(entities=[entity]))
    assert "views must not contain SELECT INTO" in difference
