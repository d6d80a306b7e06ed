"""A change is one revision whose upgrade and downgrade run."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.util import CommandError

from tests.autogenerate.lab import SCHEMA, Lab, Schema, code
from townhall import pg
from townhall.pg import Entity


def things(*columns: sa.Column[object], without: str = "") -> sa.MetaData:
    metadata = sa.MetaData()
    own: list[sa.Column[object]] = [
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Uuid),
    ]
    sa.Table(
        "things",
        metadata,
        *(column for column in [*own, *columns] if column.name != without),
        sa.CheckConstraint("name <> ''", name="named"),
        schema=SCHEMA,
    )
    return metadata


def view(query: str, name: str = "seen") -> pg.View:
    return pg.View(
        schema=SCHEMA, name=name, definition=query, grants={"authenticated": ("select",)}
    )


def policy(using: str, name: str = "owners read") -> pg.Policy:
    return pg.Policy(
        schema=SCHEMA,
        table="things",
        name=name,
        command="select",
        roles=("authenticated",),
        using=using,
    )


def function(name: str, body: str, returns: str = "integer", **arguments: str) -> pg.Function:
    return pg.Function(
        schema=SCHEMA,
        name=name,
        arguments=arguments,
        returns=returns,
        body=body,
        volatility="stable",
        execute=("authenticated",),
    )


STAMP = pg.Function(schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end")
TRIGGER = pg.Trigger(
    schema=SCHEMA,
    table="things",
    name="stamps",
    timing="before",
    events=("update",),
    function=STAMP,
)
ACCESS = pg.TableAccess(schema=SCHEMA, table="things", grants={"authenticated": ("select",)})


@pytest.mark.thorough
def test_new_table_is_created_with_all_its_entities_in_one_revision(lab: Lab) -> None:
    entities: list[Entity] = [
        TRIGGER,
        view("select id, name from lab.things"),
        policy("owner = lab.me()"),
        function("me", "select auth.uid()", "uuid"),
        ACCESS,
        STAMP,
        pg.ReplicaIdentity(schema=SCHEMA, table="things"),
        pg.MaterializedView(
            schema=SCHEMA,
            name="counted",
            definition="select owner, count(*) as many from lab.things group by owner",
            indexes={"counted_owner": "unique (owner)"},
        ),
    ]
    revision = lab.there_and_back(Schema(), Schema(things(), entities))
    assert revision.upgrade.index("create_table") < revision.upgrade.index("pg.")


@pytest.mark.thorough
def test_dropped_table_is_recreated_with_its_entities_by_the_downgrade(lab: Lab) -> None:
    lab.there_and_back(
        Schema(things(), [STAMP, TRIGGER, ACCESS, policy("true")]), Schema(things(), [])
    )
    lab.there_and_back(Schema(things(), [STAMP, TRIGGER, ACCESS, policy("true")]), Schema())


@pytest.mark.thorough
def test_new_column_is_added_before_the_entities_that_use_it(lab: Lab) -> None:
    lab.there_and_back(
        Schema(things(), [ACCESS, view("select id, name from lab.things"), policy("true")]),
        Schema(
            things(sa.Column("secret", sa.Boolean, server_default=sa.false(), nullable=False)),
            [ACCESS, view("select id, name, secret from lab.things"), policy("not secret")],
        ),
    )


@pytest.mark.thorough
def test_column_is_dropped_after_the_entities_that_use_it(lab: Lab) -> None:
    lab.there_and_back(
        Schema(
            things(sa.Column("secret", sa.Boolean)),
            [ACCESS, view("select id, secret from lab.things"), policy("not secret")],
        ),
        Schema(things(), [ACCESS, view("select id from lab.things"), policy("true")]),
    )


@pytest.mark.thorough
def test_function_used_by_a_policy_gets_another_signature(lab: Lab) -> None:
    lab.there_and_back(
        Schema(
            things(), [ACCESS, function("may", "select 1", a="integer"), policy("lab.may(id) = 1")]
        ),
        Schema(
            things(), [ACCESS, function("may", "select 1", a="bigint"), policy("lab.may(id) = 1")]
        ),
    )


@pytest.mark.thorough
def test_function_used_by_a_policy_gets_an_argument_with_a_default(lab: Lab) -> None:
    def declared(**further: str) -> Schema:
        may = function("may", "select 1", a="integer", **further)
        other = function("may", "select 2", a="int", b="text")
        return Schema(things(), [ACCESS, may, other, policy("lab.may(id) = 1")])

    lab.there_and_back(declared(), declared(more="integer default 1"))


@pytest.mark.thorough
def test_argument_of_a_function_used_by_a_check_and_an_index_is_renamed(lab: Lab) -> None:
    def declared(argument: str) -> Schema:
        metadata = things()
        table = metadata.tables["lab.things"]
        table.append_constraint(sa.CheckConstraint("lab.may(id) > 0", name="may"))
        table.append_constraint(sa.Index("ix_may", sa.text("lab.may(id)")))
        may = function("may", "select 1", **{argument: "integer"})
        return Schema(metadata, [ACCESS, dataclasses.replace(may, volatility="immutable")])

    lab.there_and_back(declared("a"), declared("b"))


@pytest.mark.thorough
def test_new_policy_calls_the_declared_overload_and_not_the_dropped_one(lab: Lab) -> None:
    lab.there_and_back(
        Schema(
            things(),
            [
                function("may", "select 1", a="integer"),
                view("select id from lab.things where lab.may(id) = 1"),
                view("select id from lab.seen", "seen_again"),
            ],
        ),
        Schema(
            things(), [ACCESS, function("may", "select 1", a="bigint"), policy("lab.may(id) = 1")]
        ),
    )


@pytest.mark.thorough
def test_function_used_by_a_policy_and_a_view_gets_another_result_type(lab: Lab) -> None:
    def declared(returns: str) -> Schema:
        return Schema(
            things(),
            [
                ACCESS,
                STAMP,
                TRIGGER,
                function("may", "select 1", returns, a="integer"),
                policy("lab.may(id) = 1"),
                view("select id from lab.things where lab.may(id) = 1"),
                view("select id from lab.seen", "seen_again"),
            ],
        )

    revision = lab.there_and_back(declared("integer"), declared("bigint"))
    assert "# PostgreSQL forbids" in revision.upgrade


@pytest.mark.thorough
def test_function_of_two_arguments_used_by_a_policy_gets_another_result_type(lab: Lab) -> None:
    def declared(returns: str) -> Schema:
        may = function("may", "select 1", returns, a="int", b="varchar")
        return Schema(things(), [ACCESS, may, policy("lab.may(id, name) = 1")])

    lab.there_and_back(declared("integer"), declared("bigint"))


@pytest.mark.exhaustive
def test_column_used_by_views_and_a_policy_gets_another_type(lab: Lab) -> None:
    def declared(metadata: sa.MetaData) -> Schema:
        return Schema(
            metadata,
            [
                ACCESS,
                policy("size > 1"),
                view("select id, size from lab.things"),
                view("select size from lab.seen", "seen_again"),
            ],
        )

    lab.there_and_back(
        declared(things(sa.Column("size", sa.Integer))),
        declared(things(sa.Column("size", sa.BigInteger))),
    )


@pytest.mark.thorough
def test_check_with_other_values_is_replaced(lab: Lab) -> None:
    def declared(*values: str) -> Schema:
        metadata = things(sa.Column("status", sa.Text))
        allowed = ", ".join(f"'{value}'" for value in values)
        metadata.tables["lab.things"].append_constraint(
            sa.CheckConstraint(f"status in ({allowed})", name="status_known")
        )
        return Schema(metadata)

    lab.there_and_back(declared("draft", "done"), declared("draft", "finished"))


@pytest.mark.thorough
def test_recreated_materialized_view_keeps_its_indexes(lab: Lab) -> None:
    def declared(condition: str) -> Schema:
        return Schema(
            things(),
            [
                pg.MaterializedView(
                    schema=SCHEMA,
                    name="counted",
                    definition=f"""
                        select owner, count(*) as n from lab.things {condition} group by owner
                    """,
                    indexes={"counted_owner": "unique (owner)"},
                    grants={"authenticated": ("select",)},
                    comment="Counted.",
                ),
                view("select n from lab.counted", "on_top"),
            ],
        )

    lab.there_and_back(declared(""), declared("where name <> 'x'"))


@pytest.mark.thorough
def test_view_under_another_view_loses_a_column(lab: Lab) -> None:
    lab.there_and_back(
        Schema(
            things(),
            [view("select id, name from lab.things"), view("select id from lab.seen", "top")],
        ),
        Schema(
            things(), [view("select id from lab.things"), view("select id from lab.seen", "top")]
        ),
    )


@pytest.mark.thorough
def test_changed_policy_is_altered_and_not_dropped(lab: Lab) -> None:
    revision = lab.there_and_back(
        Schema(things(), [ACCESS, policy("true")]),
        Schema(things(), [ACCESS, policy("id > 1")]),
    )
    assert "pg.replace_entity" in revision.upgrade
    assert "pg.drop_entity" not in revision.upgrade


@pytest.mark.thorough
def test_names_with_percent_signs_are_kept(lab: Lab) -> None:
    metadata = sa.MetaData()
    columns = (sa.Column("id", sa.Integer, primary_key=True), sa.Column("at %s", sa.Text))
    sa.Table("100% of it", metadata, *columns, schema=SCHEMA)
    entities = [
        pg.TableAccess(schema=SCHEMA, table="100% of it", grants={"anon": ('select ("at %s")',)}),
        dataclasses.replace(policy("\"at %s\" <> '%'", "100% of rows"), table="100% of it"),
        view('select "at %s" from lab."100% of it"', "50%"),
    ]
    lab.there_and_back(Schema(), Schema(metadata, entities))


@pytest.mark.thorough
def test_policy_gets_a_check_on_a_new_column(lab: Lab) -> None:
    old = pg.Policy(
        schema=SCHEMA,
        table="things",
        name="owners write",
        command="update",
        roles=("authenticated",),
        using="id > 1",
    )
    revision = lab.there_and_back(
        Schema(things(), [ACCESS, old]),
        Schema(
            things(sa.Column("team", sa.Uuid)),
            [ACCESS, dataclasses.replace(old, check="team is not null")],
        ),
    )
    assert "replace_entity" not in revision.downgrade


@pytest.mark.exhaustive
def test_downgrade_removes_an_added_default_comment_and_index(lab: Lab) -> None:
    def declared(comments: dict[str, str], default: str, *indexes: str) -> Schema:
        counted = pg.MaterializedView(
            schema=SCHEMA,
            name="counted",
            definition="select owner, count(*) as n from lab.things group by owner",
            indexes={f"counted_{column}": f"({column})" for column in indexes},
        )
        return Schema(
            things(),
            [
                ACCESS,
                counted,
                view("select n from lab.counted", "on_top"),
                dataclasses.replace(view("select id from lab.things"), column_comments=comments),
                view("select id from lab.seen", "seen_again"),
                function("may", "select 1", a=f"integer{default}"),
                policy("lab.may(id) = 1"),
            ],
        )

    lab.there_and_back(declared({}, ""), declared({"id": "The key."}, " default 1", "owner"))


@pytest.mark.exhaustive
def test_recreated_view_keeps_its_triggers(lab: Lab) -> None:
    def declared(query: str, **comments: str) -> Schema:
        instead = dataclasses.replace(
            TRIGGER, table="seen", timing="instead of", events=("insert",)
        )
        after = dataclasses.replace(
            TRIGGER,
            table="seen",
            name="counts",
            timing="after",
            events=("insert",),
            level="statement",
            comment="Counts.",
        )
        seen = dataclasses.replace(view(query), column_comments=comments)
        return Schema(things(), [STAMP, instead, after, seen])

    lab.there_and_back(Schema(things(), [STAMP]), declared("select id from lab.things"))
    lab.there_and_back(
        declared("select id, name from lab.things", id="The key."),
        declared("select id from lab.things"),
    )


@pytest.mark.thorough
def test_changed_trigger_fires_on_partitions_as_before(lab: Lab) -> None:
    metadata = sa.MetaData()
    sa.Table(
        "events",
        metadata,
        sa.Column("id", sa.Integer),
        schema=SCHEMA,
        postgresql_partition_by="list (id)",
    )
    refuse = pg.Function(
        schema=SCHEMA, name="refuse", returns="trigger", language="plpgsql", body="begin end"
    )
    every = pg.Trigger(
        schema=SCHEMA,
        table="events",
        name="every",
        timing="before",
        events=("insert",),
        function=refuse,
    )
    lab.migrate(Schema(metadata, [refuse, every]))
    for statement in (
        "create table lab.events_1 partition of lab.events for values in (1)",
        "alter table lab.events_1 disable trigger every",
    ):
        lab.connection.execute(sa.text(statement))
    for changed in (dataclasses.replace(every, events=("insert", "delete")), every):
        lab.migrate(Schema(metadata, [refuse, changed]))
        (trigger,) = pg.Trigger.read(lab.connection, [SCHEMA])
        assert trigger.on_partitions == {"lab.events_1": "disabled"}


@pytest.mark.thorough
def test_grants_to_other_roles_are_no_difference(lab: Lab) -> None:
    counted = pg.MaterializedView(
        schema=SCHEMA, name="counted", definition="select count(*) as n from lab.things"
    )
    seen = view("select id, name from lab.things")
    schema = Schema(things(), [ACCESS, seen, counted, function("one", "select 1")])
    lab.migrate(schema)
    lab.connection.execute(sa.text("create role reporting"))
    for target in ("table lab.things", "table lab.counted", "function lab.one()"):
        lab.connection.execute(sa.text(f"grant all on {target} to reporting"))
    lab.connection.execute(sa.text("grant select, update (name) on table lab.seen to reporting"))
    assert lab.differences(schema) == []


@pytest.mark.thorough
def test_functions_of_operators_casts_types_and_aggregates_are_not_dropped(lab: Lab) -> None:
    span = pg.RangeType(schema=SCHEMA, name="span", subtype="double precision")
    for statement in (
        "create type lab.span as range (subtype = float8)",
        "create function lab.same(text, text) returns boolean language sql return $1 = $2",
        "create operator lab.=== (leftarg = text, rightarg = text, function = lab.same)",
        "create function lab.number(uuid) returns integer language sql return 1",
        "create cast (uuid as integer) with function lab.number(uuid)",
        "create function lab.more(integer, integer) returns integer language sql return $1 + $2",
        "create aggregate lab.total(integer) (sfunc = lab.more, stype = integer)",
        """
        create function lab.guard() returns event_trigger language plpgsql security definer
        as 'begin end'
        """,
    ):
        lab.connection.execute(sa.text(statement))
    assert lab.differences(Schema(entities=[span])) == []
    guard = pg.Function(
        schema=SCHEMA, name="on_ddl", returns="event_trigger", language="plpgsql", body="begin end"
    )
    declared = function("more", "select $1", **{"$1": "int", "$2": "int"})
    assert len(lab.differences(Schema(entities=[span, guard, declared]))) == 2
    lab.migrate(Schema(entities=[span, guard, declared]))


@pytest.mark.exhaustive
def test_objects_of_another_owner_are_not_dropped(lab: Lab) -> None:
    for statement in (
        "create role keeper; grant create, usage on schema lab to keeper",
        "create role others; grant create, usage on schema lab to others",
        "create domain public.whole as integer",
        "set local role others",
        "create table lab.theirs (id integer)",
        "create policy everybody on lab.theirs using (true)",
        "create view lab.their_view as select id from lab.theirs",
        "create materialized view lab.their_copy as select id from lab.theirs",
        "create function lab.their_function() returns integer language sql return 1",
        "create function lab.their_number(public.whole) returns integer language sql return 1",
        "create function lab.their_trigger() returns trigger language plpgsql as 'begin end'",
        """
        create trigger theirs before update on lab.theirs
        for each row execute function lab.their_trigger()
        """,
        "set local role keeper",
    ):
        lab.connection.execute(sa.text(statement))
    entities = [ACCESS, policy("true"), view("select id from lab.things")]
    lab.there_and_back(Schema(things(), entities), Schema(things(), [ACCESS]))
    lab.there_and_back(
        Schema(things(), [view("select id, name from lab.things")]),
        Schema(things(), [view("select id from lab.things")]),
    )


@pytest.mark.thorough
def test_refused_drop_needs_a_hand_and_the_other_differences_are_found(lab: Lab) -> None:
    lab.migrate(Schema(things(), [function("may", "select 1"), function("one", "select 1")]))
    lab.connection.execute(sa.text("create schema reports"))
    lab.connection.execute(sa.text("create view reports.v as select lab.may()"))
    new = Schema(things(sa.Column("size", sa.Integer)), [ACCESS])
    upgrade, _ = lab.operations(new)
    found = [str(difference) for difference in upgrade.as_diffs()]
    (refused,) = [each for each in found if "undecided" in each]
    assert "drop_function lab may()" in refused
    for other in ("one()", "size", "replace_table_access"):
        assert [each for each in found if other in each and each != refused] != []
    assert "view reports.v depends on function" in code(upgrade, lab.context(new))


def test_rows_of_a_materialized_view_are_not_computed_by_a_comparison(lab: Lab) -> None:
    slow = pg.MaterializedView(
        schema=SCHEMA,
        name="slow",
        definition="select pg_sleep(3600)::text as slept",
        indexes={"slow_slept": "unique (slept)"},
    )
    lab.connection.execute(
        sa.text("create materialized view lab.slow as select 1 as one with no data")
    )
    lab.connection.execute(sa.text("set local statement_timeout = '10s'"))
    assert len(lab.differences(Schema(entities=[slow]))) == 2


@pytest.mark.thorough
def test_default_of_a_new_column_calls_a_new_function(lab: Lab) -> None:
    lab.there_and_back(
        Schema(),
        Schema(
            things(sa.Column("size", sa.Integer, server_default=sa.text("lab.standard()"))),
            [function("standard", "select 1")],
        ),
    )


@pytest.mark.thorough
def test_second_comparison_writes_an_identical_revision(lab: Lab) -> None:
    schema = Schema(things(), [STAMP, TRIGGER, ACCESS, policy("true"), view("select 1 as one")])
    context = lab.context(schema)
    first, second = (
        render_python_code(lab.operations(schema)[0], migration_context=context) for _ in range(2)
    )
    assert first == second


def test_refused_definition_needs_a_hand_and_the_other_differences_are_found(lab: Lab) -> None:
    broken = view("select nothing_there from lab.things", "broken")
    found = lab.differences(Schema(things(), [broken, ACCESS]))
    (refused,) = [each for each in found if "undecided" in each]
    assert "create_view lab broken" in refused
    assert 'column "nothing_there" does not exist' in refused
    assert [each for each in found if "create_table_access" in each] != []


@pytest.mark.parametrize("settings", [{}, {"search_path": ""}], ids=str)
def test_definer_function_with_unsafe_search_path_is_refused(
    lab: Lab, settings: dict[str, str]
) -> None:
    unsafe = function("unsafe", "select 1")
    unsafe = dataclasses.replace(unsafe, security="definer", settings=settings)
    message = r"function lab\.unsafe\(\).*SAFE_SEARCH_PATH.*search_path='as found'"
    with pytest.raises(CommandError, match=message):
        lab.differences(Schema(things(), [unsafe]))


@pytest.mark.thorough
def test_definer_function_accepted_as_found_is_migrated_like_any_other(lab: Lab) -> None:
    def found(body: str) -> Schema:
        unsafe = dataclasses.replace(
            function("unsafe", body), security="definer", settings={}, search_path="as found"
        )
        return Schema(things(), [unsafe])

    revision = lab.there_and_back(found("select 1"), found("select 2"))
    assert 'search_path="as found"' in revision.upgrade


@pytest.mark.thorough
def test_access_of_a_schema_is_created_changed_and_reverted(lab: Lab) -> None:
    lab.run(f'op.execute("drop schema if exists {SCHEMA} cascade")')
    closed = pg.SchemaAccess(schema=SCHEMA)
    opened = pg.SchemaAccess(schema=SCHEMA, usage=("anon", "authenticated"))
    revision = lab.there_and_back(
        Schema(entities=[closed]), Schema(entities=[opened, function("f", "select 1")])
    )
    assert "pg.replace_entity" in revision.upgrade
    assert "pg.replace_entity" in revision.downgrade


def test_privileges_on_a_schema_without_declared_access_are_no_difference(lab: Lab) -> None:
    declared = Schema(things(), [function("f", "select 1")])
    lab.migrate(declared)
    lab.run(f'op.execute("grant all on schema {SCHEMA} to anon, public")')
    assert lab.differences(declared) == []


def test_schema_is_created_with_its_access(lab: Lab) -> None:
    lab.run(f'op.execute("drop schema if exists {SCHEMA} cascade")')
    access = pg.SchemaAccess(schema=SCHEMA, usage=("anon",))
    revision = lab.there_and_back(Schema(), Schema(entities=[access]))
    assert "create schema" in revision.upgrade
    assert "drop schema" in revision.downgrade


PROCEDURE = pg.Procedure(
    schema=SCHEMA,
    name="Odd archive",
    arguments={"position": "integer", "total": "inout bigint"},
    language="plpgsql",
    body="""
        begin
            delete from lab.things where id = position;
        end
    """,
    execute=("authenticated",),
    comment="It's 100%.",
)


@pytest.mark.exhaustive
def test_procedure_is_created_and_dropped_with_the_table_that_it_reads(lab: Lab) -> None:
    lab.there_and_back(Schema(), Schema(things(), [PROCEDURE]))
    lab.there_and_back(Schema(things(), [PROCEDURE]), Schema())


@pytest.mark.thorough
@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(PROCEDURE, body="begin null; end"),
        dataclasses.replace(PROCEDURE, comment=None, execute=()),
        dataclasses.replace(PROCEDURE, security="definer", settings={"search_path": "pg_temp"}),
        dataclasses.replace(PROCEDURE, arguments={"other": "integer", "total": "inout bigint"}),
        dataclasses.replace(PROCEDURE, arguments={"position": "integer", "total": "inout text"}),
        dataclasses.replace(PROCEDURE, arguments={"position": "int", "total": "inout int8"}),
    ],
    ids=["body", "privileges", "security", "name of an argument", "type", "spelling"],
)
def test_procedure_is_changed_both_ways(lab: Lab, changed: pg.Procedure) -> None:
    lab.there_and_back(Schema(things(), [PROCEDURE]), Schema(things(), [changed]))
