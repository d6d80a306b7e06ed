"""A revision is run as it is going to be written, and what would not run is not written."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.operations.ops import CreateIndexOp, ExecuteSQLOp, MigrationScript
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.migrate.guard.rows import set_rows_aside, set_tables_aside
from townhall.migrate.savepoints import rolled_back, run_script
from townhall.migrate.trial.hook import finish_and_try
from townhall.migrate.write.revision import flat
from townhall.pg.access import membership
from townhall.roles import Roles


class Base(DeclarativeBase):
    """Models of the tests."""


class Thing(Base):
    """A row of a table that the functions of the tests read."""

    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)


def things(*parts: sa.schema.SchemaItem) -> Schema:
    metadata = sa.MetaData()
    sa.Table(
        "things", metadata, sa.Column("id", sa.Integer, primary_key=True), *parts, schema=SCHEMA
    )
    return Schema(metadata)


def generated(lab: Lab, schema: Schema) -> MigrationScript:
    return produce_migrations(lab.context(schema), schema.metadata)


def test_operation_of_the_application_that_fails_is_refused_with_its_name_and_reason(
    lab: Lab,
) -> None:
    schema = things()
    script = generated(lab, schema)
    script.upgrade_ops_list[0].ops.append(ExecuteSQLOp("select\n\tno_such_function()"))
    with pytest.raises(CommandError) as refused:
        finish_and_try(lab.context(schema), None, [script])
    message = str(refused.value)
    assert "its upgrade would not run" in message
    assert "function no_such_function() does not exist" in message
    assert message.endswith(". At: select no_such_function()")
    assert "\n" not in message


def test_downgrade_that_fails_is_refused(lab: Lab) -> None:
    schema = things()
    script = generated(lab, schema)
    script.downgrade_ops_list[0].ops.insert(0, ExecuteSQLOp("drop table lab.others"))
    with pytest.raises(CommandError, match=r"its downgrade would not run: .*lab.others"):
        finish_and_try(lab.context(schema), None, [script])


@pytest.mark.thorough
def test_refusal_names_what_is_wrong_and_no_body_that_reads_by_a_search_path(lab: Lab) -> None:
    for statement in (
        "create domain lab.mood as text",
        "set local search_path = lab",
        "create function lab.f() returns lab.mood language sql as 'select null::mood'",
        "reset search_path",
        "create function lab.endless() returns integer begin atomic select 1; end",
        """create or replace function lab.endless() returns integer
        begin atomic select lab.endless(); end""",
    ):
        lab.connection.execute(sa.text(statement))
    with pytest.raises(CommandError, match=r"would not run: create_function lab endless\(\): func"):
        lab.differences(Schema())


def test_revision_after_which_something_differs_is_refused(lab: Lab) -> None:
    schema = things()
    script = generated(lab, schema)
    script.upgrade_ops_list[0].ops.append(ExecuteSQLOp("alter table lab.things add x integer"))
    with pytest.raises(CommandError, match="there would still be differences: remove_column lab"):
        finish_and_try(lab.context(schema), None, [script])


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select t.nothing from lab.things as t", "t.nothing does not exis"),
        ("select t.id from lab.thing as t", '"lab.thing" does not exist'),
        ("select lab.f(1)", "lab.f.integer. does not"),
    ],
)
def test_membership_whose_query_would_fail_at_each_call_is_refused(
    lab: Lab, query: str, reason: str
) -> None:
    metadata = things().metadata
    helper = membership("my_ids", Thing.id, query, "", schema=SCHEMA)
    schema = Schema(metadata, [*helper.entities(Roles())])
    with pytest.raises(CommandError, match=rf"each call of function lab\.my_ids.*{reason}"):
        finish_and_try(lab.context(schema), None, [generated(lab, schema)])


def test_functions_whose_names_are_all_there_are_written(lab: Lab) -> None:
    metadata = things().metadata
    query = "select t.id from lab.things as t"
    helper = membership("my_ids", Thing.id, query, "", by_id=query)
    returned = pg.Function(
        schema=SCHEMA,
        name="numbers",
        arguments={"most": "integer"},
        returns="table (number integer)",
        language="plpgsql",
        body="begin\n    return query select t.id from lab.things as t limit numbers.most;\nend",
    )
    mine = replace(helper, schema=SCHEMA).entities(Roles())
    lab.migrate(Schema(metadata, [*mine, returned]))


def test_membership_that_goes_with_its_table_is_written(lab: Lab) -> None:
    query = "select t.id from lab.things as t"
    helper = membership("my_ids", Thing.id, query, "", by_id=query, schema=SCHEMA)
    # The policy is of the table that the membership reads.
    policy = pg.Policy(
        schema=SCHEMA,
        table="things",
        name="writing",
        command="insert",
        roles=("public",),
        check=helper.looked_up("lab.things.id"),
    )
    schema = Schema(things().metadata, [*helper.entities(Roles()), policy])
    lab.migrate(schema)
    lab.there_and_back(schema, Schema(sa.MetaData()))


@pytest.mark.thorough
def test_downgrade_that_does_not_restore_the_schema_is_refused(lab: Lab) -> None:
    lab.migrate(things())
    schema = things(sa.Column("name", sa.Text))
    script = generated(lab, schema)
    script.downgrade_ops_list[0].ops.append(
        ExecuteSQLOp("alter table lab.things alter column id set statistics 7")
    )
    with pytest.raises(CommandError, match=r"would not bring back .* lab\.things\.id: statistics"):
        finish_and_try(lab.context(schema), None, [script])


def test_operations_that_must_commit_are_tried_in_their_plain_form(lab: Lab) -> None:
    lab.migrate(things(sa.Column("name", sa.Text)))
    schema = things(sa.Column("name", sa.Text, index=True))
    script = generated(lab, schema)
    (creation,) = flat(script.upgrade_ops_list[0])
    assert isinstance(creation, CreateIndexOp)
    creation.kw["postgresql_concurrently"] = True
    finish_and_try(lab.context(schema), None, [script])


@pytest.mark.thorough
def test_rows_are_neither_read_nor_written(lab: Lab) -> None:
    lab.migrate(things(sa.Column("size", sa.BigInteger)))
    lab.connection.execute(sa.text("insert into lab.things values (1, 5000000000)"))
    schema = things(sa.Column("size", sa.Integer, sa.CheckConstraint("size < 10"), nullable=False))
    assert lab.differences(schema) != []
    assert lab.connection.scalar(sa.text("select size from lab.things")) == 5_000_000_000


def calling(argument: str, body: str, without: str | None = None) -> Schema:
    rate = pg.Function(
        schema=SCHEMA,
        name="rate",
        arguments={argument: "integer"},
        returns="integer",
        language="plpgsql",
        volatility="immutable",
        body=f"begin {body}; end",
    )
    checks = {"c": "lab.rate(value) > 0"}
    rated = pg.Domain(schema=SCHEMA, name="rated", base="integer", checks=checks)
    parts: list[sa.schema.SchemaItem] = [
        sa.Column("size", sa.Integer),
        sa.Column("rated", pg.ColumnType("lab.rated")),
    ]
    users: dict[str, sa.schema.SchemaItem] = {
        "column": sa.Column("rate", sa.Integer, sa.Computed("lab.rate(size)", persisted=True)),
        "check": sa.CheckConstraint("lab.rate(size) > 0", name="used"),
        "index": sa.Index("used_by", sa.text("lab.rate(size)")),
    }
    parts = [*parts, *(each for name, each in users.items() if name != without)]
    return Schema(things(*parts).metadata, [rate, rated])


@pytest.mark.thorough
def test_rows_are_not_read_where_what_calls_a_changed_function_is_created_again(lab: Lab) -> None:
    lab.migrate(calling("a", "return 1"))
    lab.connection.execute(sa.text("insert into lab.things (id, size, rated) values (1, 1, 1)"))
    assert lab.differences(calling("b", "raise 'rows were read'")) != []


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("index", marks=pytest.mark.thorough),
        *(pytest.param(each, marks=pytest.mark.exhaustive) for each in ("column", "check")),
    ],
)
def test_rows_are_not_read_where_the_way_back_creates_what_goes(lab: Lab, part: str) -> None:
    lab.migrate(calling("a", "return 1"), times=1)
    lab.connection.execute(sa.text("insert into lab.things (id, size, rated) values (1, 1, 1)"))
    without = calling("a", "raise 'rows were read'", part)
    rate = next(each for each in without.entities if isinstance(each, pg.Function))
    run_script(lab.connection, rate.create_statements())
    assert lab.differences(without) != []


def test_triggers_on_truncate_do_not_fire_and_stay_as_they_are(lab: Lab) -> None:
    lab.migrate(things(sa.Column("size", sa.Integer)))
    lab.connection.execute(sa.text("insert into lab.things values (1, 1)"))
    for statement in (
        """create function lab.refuse() returns trigger language plpgsql
        as 'begin raise exception ''rows are kept''; end'""",
        """create trigger keeps before truncate on lab.things
        for each statement execute function lab.refuse()""",
        "alter table lab.things enable always trigger keeps",
    ):
        lab.connection.execute(sa.text(statement))
    schema = things(sa.Column("size", sa.BigInteger))
    script = generated(lab, schema)
    with rolled_back(lab.connection):
        set_rows_aside(lab.connection, [*flat(script.upgrade_ops_list[0])], [SCHEMA])
        assert lab.connection.scalar(sa.text("select count(*) from lab.things")) == 0
        enabled = lab.connection.scalar(
            sa.text("select tgenabled from pg_trigger where tgname = 'keeps'")
        )
        assert enabled == "A"


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("", "() inherits (lab.parent)"),
        (" partition by list (id)", "partition of lab.parent default"),
    ],
    ids=["inherits", "partition"],
)
def test_rows_of_a_table_are_set_aside_with_what_refers_to_its_children(
    lab: Lab, parent: str, child: str
) -> None:
    for statement in (
        f"create table lab.parent (id integer, size integer){parent}",
        f"create table lab.child {child}",
        "alter table lab.child add primary key (id)",
        "create table lab.others (child integer references lab.child)",
        "insert into lab.child values (1, 1)",
        """create function lab.refuse() returns trigger language plpgsql
        as 'begin raise exception ''rows are kept''; end'""",
        """create trigger keeps before truncate on lab.child
        for each statement execute function lab.refuse()""",
    ):
        lab.connection.execute(sa.text(statement))
    with rolled_back(lab.connection):
        set_tables_aside(lab.connection, [(SCHEMA, "parent")])
        assert lab.connection.scalar(sa.text("select count(*) from lab.parent")) == 0


@pytest.mark.parametrize("role", ["origin", "replica"])
def test_transaction_in_which_rows_are_set_aside_can_not_be_committed(lab: Lab, role: str) -> None:
    lab.migrate(things())
    lab.connection.execute(sa.text("insert into lab.things values (1)"))
    with rolled_back(lab.connection):
        lab.connection.execute(sa.text(f"set local session_replication_role = {role}"))
        set_rows_aside(lab.connection, [ExecuteSQLOp("select 1")], [SCHEMA])
        assert lab.connection.scalar(sa.text("select count(*) from lab.things")) == 0
        with pytest.raises(DBAPIError, match="must not be committed"):
            # What a deferred trigger refuses at the end of a transaction, it refuses here.
            lab.connection.execute(sa.text("set constraints all immediate"))


@pytest.mark.thorough
def test_policies_and_triggers_go_with_their_table_on_the_way_back(lab: Lab) -> None:
    reads = pg.Function(
        schema=SCHEMA,
        name="reads",
        returns="boolean",
        body="select exists (select from lab.things)",
        volatility="stable",
    )
    stamp = pg.Function(
        schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end"
    )
    entities = [
        reads,
        stamp,
        pg.Policy(
            schema=SCHEMA,
            table="things",
            name="members",
            command="select",
            roles=("public",),
            using="lab.reads()",
        ),
        pg.Trigger(
            schema=SCHEMA,
            table="things",
            name="stamps",
            timing="before",
            events=("update",),
            function=stamp,
        ),
    ]
    revision = lab.there_and_back(Schema(), Schema(things().metadata, entities))
    assert "pg.Policy.named" not in revision.downgrade
    assert "pg.Trigger.named" not in revision.downgrade
    assert revision.downgrade.count("pg.Function.named") == 2
