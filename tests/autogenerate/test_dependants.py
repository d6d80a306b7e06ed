"""Whatever depends on a function or a column, that one can be changed in every way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import ColumnType, Entity
from townhall.pg.catalog import Facts, empty_search_path, read_everything

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

STAMP = pg.Function(schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end")
ACCESS = pg.TableAccess(schema=SCHEMA, table="things", grants={"authenticated": ("select",)})


def rate(returns: str = "integer", **arguments: str) -> pg.Function:
    return pg.Function(
        schema=SCHEMA,
        name="rate",
        arguments=arguments,
        returns=returns,
        body="select 1",
        volatility="immutable",
        execute=("authenticated",),
        comment="The rate.",
    )


BEFORE = rate(a="integer")
CHANGES: Mapping[str, pg.Function] = {
    "result": rate("bigint", a="integer"),
    "argument type": rate(a="bigint"),
    "argument name": rate(b="integer"),
    "one more with a default": rate(a="integer", b="integer default 0"),
}


def things(*parts: sa.schema.SchemaItem) -> sa.MetaData:
    metadata = sa.MetaData()
    columns = [sa.Column("id", sa.Integer, primary_key=True), sa.Column("size", sa.Integer)]
    sa.Table("things", metadata, *columns, *parts, schema=SCHEMA)
    return metadata


Dependant = tuple[Callable[[], Sequence[sa.schema.SchemaItem]], Sequence[Entity]]


def nothing() -> Sequence[sa.schema.SchemaItem]:
    return ()


DEPENDANTS: Mapping[str, Dependant] = {
    "default": (
        lambda: [sa.Column("rate", sa.Integer, server_default=sa.text("lab.rate(1)"))],
        [],
    ),
    "generated column": (
        lambda: [
            sa.Column("rate", sa.BigInteger, sa.Computed("lab.rate(size)", persisted=True)),
            sa.Index("ix_rate", "rate"),
            sa.CheckConstraint("rate < 100", name="low"),
        ],
        [
            pg.View(schema=SCHEMA, name="seen", definition="select rate from lab.things"),
            pg.Policy(
                schema=SCHEMA,
                table="things",
                name="low",
                command="select",
                roles=("public",),
                using="rate > 0",
            ),
        ],
    ),
    "check": (lambda: [sa.CheckConstraint("lab.rate(size) > 0", name="rated")], []),
    "index": (lambda: [sa.Index("ix_rate", sa.text("lab.rate(size)"))], []),
    "policy": (
        nothing,
        [
            pg.Policy(
                schema=SCHEMA,
                table="things",
                name="rated",
                command="select",
                roles=("public",),
                using="lab.rate(size) > 0",
            )
        ],
    ),
    "trigger": (
        nothing,
        [
            pg.Trigger(
                schema=SCHEMA,
                table="things",
                name="stamps",
                timing="before",
                events=("insert",),
                condition="lab.rate(new.size) > 0",
                function=STAMP,
            )
        ],
    ),
    "view": (
        nothing,
        [
            pg.View(schema=SCHEMA, name="seen", definition="select lab.rate(1)::bigint as rate"),
            pg.View(schema=SCHEMA, name="again", definition="select rate from lab.seen"),
        ],
    ),
    "materialized view": (
        nothing,
        [
            pg.MaterializedView(
                schema=SCHEMA,
                name="counted",
                definition="select lab.rate(size)::bigint as rate from lab.things",
                indexes={"ix_counted": "(rate)"},
            )
        ],
    ),
    "body": (
        lambda: [sa.CheckConstraint("lab.twice(size) > 0", name="rated_twice")],
        [
            pg.Function(
                schema=SCHEMA,
                name="twice",
                arguments={"size": "integer"},
                returns="bigint",
                body="return 2 * lab.rate(size)",
                volatility="immutable",
            )
        ],
    ),
}


def everything(lab: Lab) -> dict[str, Facts]:
    with empty_search_path(lab.connection):
        return read_everything(lab.connection, [SCHEMA])


@pytest.mark.parametrize(("dependant", "change"), [*product(DEPENDANTS, CHANGES)])
def test_function_in_use_is_changed_and_changed_back(lab: Lab, dependant: str, change: str) -> None:
    parts, entities = DEPENDANTS[dependant]
    lab.migrate(Schema(things(*parts()), [ACCESS, STAMP, BEFORE, *entities]))
    before = everything(lab)
    revision = lab.migrate(Schema(things(*parts()), [ACCESS, STAMP, CHANGES[change], *entities]))
    after = everything(lab)
    lab.run(revision.downgrade)
    assert everything(lab) == before
    lab.run(revision.upgrade)
    assert everything(lab) == after


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", ["argument type", "argument name"])
def test_function_whose_callers_change_with_it_is_changed_and_changed_back(
    lab: Lab, change: str
) -> None:
    def declared(function: pg.Function, argument: str) -> Schema:
        call = f"lab.rate({argument})"
        return Schema(
            things(
                sa.Column(
                    "fixed", sa.BigInteger, server_default=sa.text(call.replace("size", "1"))
                ),
                sa.Column("rate", sa.BigInteger, sa.Computed(call, persisted=True)),
                sa.Index("ix_rate", "rate"),
                sa.Index("ix_call", sa.text(call)),
                sa.CheckConstraint(f"{call} > 0", name="rated"),
            ),
            [
                ACCESS,
                STAMP,
                function,
                pg.View(
                    schema=SCHEMA, name="seen", definition=f"select rate, {call} r from lab.things"
                ),
                pg.Function(
                    schema=SCHEMA,
                    name="twice",
                    arguments={"size": "integer"},
                    returns="bigint",
                    body=f"return 2 * {call}",
                    volatility="immutable",
                ),
            ],
        )

    old = declared(BEFORE, "a => size")
    new = {
        "argument type": declared(CHANGES["argument type"], "a => size::bigint"),
        "argument name": declared(CHANGES["argument name"], "b => size"),
    }[change]
    for before, after in ((old, new), (new, old)):
        lab.migrate(before)
        was = everything(lab)
        revision = lab.migrate(after)
        lab.run(revision.downgrade)
        assert everything(lab) == was
        lab.run(revision.upgrade)
        assert lab.differences(after) == []


def test_column_that_a_standard_body_reads_gets_another_type(lab: Lab) -> None:
    def declared(type_: sa.types.TypeEngine[int]) -> Schema:
        metadata = sa.MetaData()
        sa.Table(
            "things",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("size", type_),
            sa.Column("twice", sa.BigInteger, sa.Computed("2 * size", persisted=True)),
            sa.Index("ix_size", "size", postgresql_where=sa.text("size > 0")),
            sa.Index("ix_twice", "twice"),
            sa.CheckConstraint("size > 0", name="large"),
            schema=SCHEMA,
        )
        default = sa.Column("most", sa.BigInteger, server_default=sa.text("lab.largest()"))
        sa.Table(
            "others",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            default,
            schema=SCHEMA,
        )
        largest = pg.Function(
            schema=SCHEMA,
            name="largest",
            returns="bigint",
            body="begin atomic select max(size) from lab.things; end",
            execute=("authenticated",),
        )
        return Schema(
            metadata,
            [
                ACCESS,
                STAMP,
                largest,
                pg.View(
                    schema=SCHEMA, name="seen", definition="select size, twice from lab.things"
                ),
                pg.Policy(
                    schema=SCHEMA,
                    table="things",
                    name="large",
                    command="select",
                    roles=("public",),
                    using="size > 0",
                ),
                pg.Policy(
                    schema=SCHEMA,
                    table="things",
                    name="untouched",
                    command="delete",
                    roles=("public",),
                    using="id > 0",
                ),
                pg.Trigger(
                    schema=SCHEMA,
                    table="things",
                    name="stamps",
                    timing="before",
                    events=("update",),
                    columns=("size",),
                    condition="new.size > 0",
                    function=STAMP,
                ),
            ],
        )

    lab.migrate(declared(sa.Integer()))
    before = everything(lab)
    revision = lab.migrate(declared(sa.BigInteger()))
    assert "untouched" not in revision.upgrade
    lab.run(revision.downgrade)
    assert everything(lab) == before


def test_parts_that_are_created_again_keep_what_can_not_be_declared(lab: Lab) -> None:
    def declared(function: pg.Function) -> Schema:
        return Schema(
            things(
                sa.Column(
                    "rate",
                    sa.Integer,
                    sa.Computed("lab.rate(size)", persisted=True),
                    comment="A column.",
                ),
                sa.Index(
                    "ix_rate", sa.text("lab.rate(size)"), "size", info={"comment": "An index."}
                ),
                sa.CheckConstraint(
                    "lab.rate(size) > 0", name="rated", info={"comment": "A check."}
                ),
            ),
            [
                ACCESS,
                function,
                pg.View(
                    schema=SCHEMA,
                    name="seen",
                    definition="select size from lab.things",
                    column_defaults={"size": "lab.rate(1)"},
                ),
            ],
        )

    lab.migrate(declared(BEFORE))
    lab.connection.execute(sa.text("create role reader"))
    for statement in (
        "alter index lab.ix_rate alter column 1 set statistics 500",
        "alter table lab.things alter column rate set statistics 700",
        "alter table lab.things cluster on ix_rate",
        "create statistics lab.rates on (lab.rate(size)), size from lab.things",
        "alter statistics lab.rates set statistics 7",
        "grant select (rate) on lab.things to reader with grant option",
        "grant execute on function lab.rate(integer) to reader with grant option",
    ):
        lab.connection.execute(sa.text(statement))
    before = everything(lab)
    revision = lab.migrate(declared(CHANGES["argument name"]))
    after = everything(lab)
    name = "function lab.rate(integer)"
    assert {thing for thing in before if before[thing] != after[thing]} == {name}
    assert before[name]["privileges"] == after[name]["privileges"]
    lab.run(revision.downgrade)
    assert everything(lab) == before


def test_views_that_are_created_again_keep_what_can_not_be_declared(lab: Lab) -> None:
    def declared(function: pg.Function) -> Schema:
        counted = pg.MaterializedView(
            schema=SCHEMA,
            name="counted",
            definition="select size, lab.rate(size)::bigint as rate from lab.things",
            indexes={"ix_counted": "unique (size, (rate + 1))"},
            parameters={"fillfactor": "70"},
        )
        seen = pg.View(
            schema=SCHEMA,
            name="seen",
            definition="select size, lab.rate(size)::bigint as rate from lab.things",
            column_defaults={"size": "lab.rate(1)"},
        )
        return Schema(things(), [ACCESS, function, counted, seen])

    lab.migrate(declared(BEFORE))
    lab.connection.execute(sa.text("create role reader"))
    for statement in (
        "comment on index lab.ix_counted is 'An index.'",
        "alter index lab.ix_counted alter column 2 set statistics 500",
        "alter materialized view lab.counted alter column size set statistics 700",
        "alter materialized view lab.counted alter column size set (n_distinct = 5)",
        "alter materialized view lab.counted cluster on ix_counted",
        "create rule inserts as on insert to lab.seen do instead nothing",
        "comment on rule inserts on lab.seen is 'It''s read only.'",
        "grant select on lab.counted to reader with grant option",
        "grant update (size), select on lab.seen to reader with grant option",
    ):
        lab.connection.execute(sa.text(statement))
    assert lab.differences(declared(BEFORE)) == []
    before = everything(lab)
    revision = lab.migrate(declared(CHANGES["argument name"]))
    after = everything(lab)
    assert {thing for thing in before if before[thing] != after[thing]} == {
        "function lab.rate(integer)"
    }
    lab.run(revision.downgrade)
    assert everything(lab) == before


def test_materialized_view_that_is_created_again_has_rows_where_it_had_some(lab: Lab) -> None:
    def declared(function: pg.Function) -> Schema:
        views = (
            pg.MaterializedView(
                schema=SCHEMA, name=name, definition="select lab.rate(1)::bigint as rate"
            )
            for name in ("full", "empty")
        )
        return Schema(things(), [ACCESS, function, *views])

    def populated() -> list[str]:
        query = "select matviewname from pg_matviews where schemaname = 'lab' and ispopulated"
        return [*lab.connection.scalars(sa.text(query))]

    lab.migrate(declared(BEFORE))
    lab.connection.execute(sa.text("refresh materialized view lab.empty with no data"))
    revision = lab.migrate(declared(CHANGES["argument name"]))
    assert "pg.MaterializedView" in revision.upgrade
    assert populated() == ["full"]
    lab.run(revision.downgrade)
    assert populated() == ["full"]


def test_default_of_a_view_and_parameter_of_a_materialized_view_are_changed_and_removed(
    lab: Lab,
) -> None:
    def declared(default: str | None, **parameters: str) -> Schema:
        counted = pg.MaterializedView(
            schema=SCHEMA,
            name="counted",
            definition="select size from lab.things",
            parameters=parameters,
        )
        seen = pg.View(
            schema=SCHEMA,
            name="seen",
            definition="select size from lab.things",
            column_defaults={} if default is None else {"size": default},
        )
        return Schema(things(), [ACCESS, counted, seen])

    revision = lab.there_and_back(declared("1", fillfactor="70"), declared("2", fillfactor="80"))
    assert "pg.drop_entity" not in revision.upgrade
    lab.there_and_back(declared("2", fillfactor="80"), declared(None))


def test_function_in_use_by_a_domain_is_changed_and_changed_back(lab: Lab) -> None:
    def declared(function: pg.Function) -> Schema:
        domain = pg.Domain(
            schema=SCHEMA, name="rated", base="integer", checks={"rated": "lab.rate(value) > 0"}
        )
        return Schema(entities=[function, domain])

    lab.there_and_back(declared(BEFORE), declared(CHANGES["argument type"]))


@pytest.mark.parametrize("check", ["lab.rate(value) > 1", None])
def test_function_and_the_check_of_a_domain_that_calls_it_are_changed_together(
    lab: Lab, check: str | None
) -> None:
    def declared(function: pg.Function, check: str | None) -> Schema:
        checks = {} if check is None else {"rated": check}
        domain = pg.Domain(schema=SCHEMA, name="rated", base="integer", checks=checks)
        return Schema(entities=[function, domain])

    before = declared(BEFORE, "lab.rate(value) > 0")
    lab.there_and_back(before, declared(CHANGES["argument type"], check))


@pytest.mark.parametrize("change", ["argument type", "one more with a default", "result"])
def test_checks_of_a_domain_are_changed_and_added_with_the_function_that_they_call(
    lab: Lab, change: str
) -> None:
    def declared(function: pg.Function, **checks: str) -> Schema:
        domain = pg.Domain(schema=SCHEMA, name="rated", base="integer", checks=checks)
        return Schema(entities=[function, domain])

    before = declared(BEFORE, rated="lab.rate(value) > 0")
    after = declared(CHANGES[change], rated="lab.rate(value) > 1", other="lab.rate(value) < 9")
    lab.there_and_back(before, after)


def test_function_in_use_by_an_undeclared_table_is_changed_and_changed_back(lab: Lab) -> None:
    lab.migrate(Schema(things(), [ACCESS, BEFORE]))
    for statement in (
        "create schema reports",
        "create table reports.t (a integer default lab.rate(1), check (lab.rate(a) > 0))",
        "create index on reports.t (lab.rate(a))",
    ):
        lab.connection.execute(sa.text(statement))
    schemas = [SCHEMA, "reports"]
    with empty_search_path(lab.connection):
        before = read_everything(lab.connection, schemas)
    revision = lab.migrate(Schema(things(), [ACCESS, CHANGES["argument name"]]))
    lab.run(revision.downgrade)
    with empty_search_path(lab.connection):
        assert read_everything(lab.connection, schemas) == before


def test_overload_in_use_gets_one_more_argument_beside_another_overload(lab: Lab) -> None:
    def declared(function: pg.Function) -> Schema:
        check = sa.CheckConstraint("lab.rate(size) > 0 and lab.rate('x') > 0", name="rated")
        return Schema(things(check), [ACCESS, function, rate(a="text")])

    lab.there_and_back(declared(BEFORE), declared(CHANGES["one more with a default"]))


@pytest.mark.parametrize("has_view", [False, True], ids=["plain", "with views"])
def test_column_is_generated_from_one_whose_type_changes(lab: Lab, *, has_view: bool) -> None:
    query = f"select email from {SCHEMA}."
    views = [
        pg.View(schema=SCHEMA, name="a", definition=query + "users"),
        pg.View(schema=SCHEMA, name="b", definition=query + "a"),
    ]

    def users(type_: sa.types.TypeEngine[str], *more: sa.Column[str]) -> Schema:
        metadata = sa.MetaData()
        key = sa.Column("id", sa.Integer, primary_key=True)
        columns = [sa.Column("email", type_), *(each._copy() for each in more)]  # noqa: SLF001 - a column belongs to one table
        sa.Table("users", metadata, key, *columns, schema=SCHEMA)
        return Schema(metadata, views if has_view else ())

    nick = sa.Column("nick", sa.Text, sa.Computed("left(email, 5)", persisted=True), index=True)
    old, new = users(sa.String(9)), users(sa.Text(), nick)
    lab.there_and_back(old, new)
    lab.there_and_back(new, old)


def test_column_of_a_view_becomes_text_with_its_checks_and_indexes(lab: Lab) -> None:
    def declared(type_: sa.types.TypeEngine[str]) -> Schema:
        metadata = things(
            sa.Column("mood", type_),
            sa.CheckConstraint("mood <> 'bad'", name="fair"),
            sa.Index("ix_good", "mood", postgresql_where=sa.text("mood = 'good'")),
        )
        seen = pg.View(schema=SCHEMA, name="seen", definition="select mood from lab.things")
        return Schema(metadata, [seen])

    lab.there_and_back(
        declared(sa.Enum("good", "bad", name="mood", schema=SCHEMA)), declared(sa.Text())
    )


def test_column_changes_its_type_with_the_function_that_is_its_default(lab: Lab) -> None:
    def declared(type_: sa.types.TypeEngine[int], returns: str) -> Schema:
        column = sa.Column("rate", type_, server_default=sa.text("lab.rate(1)"))
        return Schema(things(column), [rate(returns, a="integer")])

    lab.there_and_back(declared(sa.Integer(), "integer"), declared(sa.BigInteger(), "bigint"))


def generated(type_: str, *parts: sa.schema.SchemaItem) -> Schema:
    rate_column = sa.Column(
        "rate", ColumnType(type_), sa.Computed("lab.rate(size)", persisted=True)
    )
    function = replace(rate(type_, a="integer"), body=f"select null::{type_}")
    there = pg.Policy(
        schema=SCHEMA,
        table="things",
        name="there",
        command="select",
        roles=("public",),
        using="rate is not null",
    )
    seen = pg.View(schema=SCHEMA, name="seen", definition="select rate from lab.things")
    metadata = things(rate_column, *parts, sa.Index("ix_rate", "rate", "size"))
    return Schema(metadata, [ACCESS, function, seen, there])


RESULTS = [
    ("integer", "bigint"),
    ("text", "integer"),
    ("date", "integer"),
]


@pytest.mark.parametrize(("old", "new"), RESULTS, ids=str)
def test_generated_column_changes_its_type_with_its_function_and_keeps_what_reads_it(
    lab: Lab, old: str, new: str
) -> None:
    lab.there_and_back(generated(old), generated(new))


def test_default_that_needs_a_hand_leaves_what_is_changed_with_it(lab: Lab) -> None:
    def declared(type_: str) -> Schema:
        default = sa.text("lab.rate(1)")
        return generated(type_, sa.Column("fixed", ColumnType(type_), server_default=default))

    lab.migrate(declared("text"))
    found = lab.differences(declared("integer"))
    assert [each for each in found if "undecided" in each] == [
        each for each in found if "things fixed" in each
    ]
    assert any(each.startswith("('add_column', 'lab', 'things', Column('rate'") for each in found)


def keys(type_: sa.types.TypeEngine[Any]) -> Schema:
    metadata = sa.MetaData()
    sa.Table(
        "a",
        metadata,
        sa.Column("id", type_, primary_key=True, autoincrement=False),
        sa.Column("number", type_, nullable=False),
        sa.Column("parent", type_, sa.ForeignKey("lab.a.id", ondelete="cascade")),
        sa.UniqueConstraint("id", "number"),
        schema=SCHEMA,
    )
    sa.Table(
        "b",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("a_id", type_, sa.ForeignKey("lab.a.id", deferrable=True)),
        sa.Column("number", type_),
        sa.ForeignKeyConstraint(["a_id", "number"], ["lab.a.id", "lab.a.number"], name="pair"),
        schema=SCHEMA,
    )
    return Schema(metadata)


@pytest.mark.parametrize("type_", [sa.Text(), sa.BigInteger()], ids=str)
def test_key_changes_its_type_with_the_foreign_keys_to_it(
    lab: Lab, type_: sa.types.TypeEngine[Any]
) -> None:
    lab.migrate(keys(sa.Integer()))
    lab.run("op.execute('comment on constraint pair on lab.b is $$A pair.$$')")
    before = everything(lab)
    revision = lab.migrate(keys(type_))
    lab.run(revision.downgrade, 2)
    assert everything(lab) == before
    lab.run(revision.upgrade, 2)
    assert lab.differences(keys(type_)) == []


def test_key_whose_values_may_not_convert_needs_a_hand(lab: Lab) -> None:
    lab.migrate(keys(sa.Text()))
    assert {each.split("'")[1] for each in lab.differences(keys(sa.Uuid()))} == {"undecided"}


def test_column_that_a_policy_of_a_partition_reads_changes_its_type_once(lab: Lab) -> None:
    def declared(type_: sa.types.TypeEngine[int]) -> Schema:
        metadata = sa.MetaData()
        columns = [sa.Column("id", sa.Integer), sa.Column("size", type_)]
        by = "range (id)"
        sa.Table("things", metadata, *columns, schema=SCHEMA, postgresql_partition_by=by)
        return Schema(metadata)

    lab.migrate(declared(sa.Integer()))
    for statement in (
        "create table lab.part partition of lab.things for values from (0) to (9)",
        "create policy large on lab.part using (size > 0)",
    ):
        lab.connection.execute(sa.text(statement))
    revision = lab.there_and_back(declared(sa.Integer()), declared(sa.BigInteger()))
    assert revision.upgrade.count("type bigint") == 1


def test_policy_of_a_partition_goes_with_the_enum_whose_value_it_names(lab: Lab) -> None:
    def declared(type_: sa.types.TypeEngine[str]) -> Schema:
        metadata = sa.MetaData()
        columns: list[sa.Column[Any]] = [sa.Column("id", sa.Integer), sa.Column("mood", type_)]
        by = "range (id)"
        sa.Table("things", metadata, *columns, schema=SCHEMA, postgresql_partition_by=by)
        return Schema(metadata)

    old = declared(sa.Enum("good", "bad", name="mood", schema=SCHEMA))
    lab.migrate(old)
    for statement in (
        "create table lab.part partition of lab.things for values from (0) to (9)",
        "create policy good on lab.part using (mood <> 'bad')",
        "create policy large on lab.part using (id > 0)",
    ):
        lab.connection.execute(sa.text(statement))
    before = everything(lab)
    revision = lab.migrate(declared(sa.Text()))
    assert {each for each in everything(lab) if each.startswith("policy")} == {
        "policy large on lab.part"
    }
    lab.run(revision.downgrade, 2)
    assert everything(lab) == before


def test_type_that_only_a_policy_of_a_partition_uses_stays(lab: Lab) -> None:
    def declared(type_: sa.types.TypeEngine[int]) -> Schema:
        metadata = sa.MetaData()
        columns = [sa.Column("id", sa.Integer), sa.Column("size", type_)]
        by = "range (id)"
        sa.Table("things", metadata, *columns, schema=SCHEMA, postgresql_partition_by=by)
        return Schema(metadata)

    lab.migrate(declared(sa.Integer()))
    for statement in (
        "create type lab.mood as enum ('good', 'bad')",
        "create table lab.part partition of lab.things for values from (0) to (9)",
        "create policy good on lab.part using ('good'::text::lab.mood = 'good' and size > 0)",
    ):
        lab.connection.execute(sa.text(statement))
    revision = lab.migrate(declared(sa.BigInteger()))
    assert "EnumType" not in revision.upgrade


def test_column_of_an_exclusion_constraint_of_expressions_changes_its_type_and_goes(
    lab: Lab,
) -> None:
    def declared(type_: sa.types.TypeEngine[int]) -> Schema:
        once = postgresql.ExcludeConstraint(
            (sa.text("(rate > 0)"), "="), name="once", using="btree"
        )
        return Schema(things(sa.Column("rate", type_), once))

    lab.there_and_back(declared(sa.BigInteger()), declared(sa.SmallInteger()))
    lab.there_and_back(declared(sa.BigInteger()), Schema(things()))


def test_serial_key_that_a_view_reads_becomes_an_identity(lab: Lab) -> None:
    def declared(*key: Any) -> Schema:  # noqa: ANN401 - what a column takes
        metadata = sa.MetaData()
        sa.Table("things", metadata, sa.Column("id", *key, primary_key=True), schema=SCHEMA)
        seen = pg.View(schema=SCHEMA, name="seen", definition="select id from lab.things")
        return Schema(metadata, [seen])

    lab.there_and_back(declared(sa.Integer), declared(sa.BigInteger, sa.Identity(always=True)))


UNDECLARABLE = f"""
    create operator {SCHEMA}.@@+ (
        function = {SCHEMA}.joined, leftarg = text, rightarg = integer
    );
    create operator {SCHEMA}.@@- (function = {SCHEMA}.size, rightarg = {SCHEMA}.pair);
    create cast ({SCHEMA}.pair as integer) with function {SCHEMA}.size({SCHEMA}.pair);
    create aggregate {SCHEMA}."All of them"(integer) (
        sfunc = {SCHEMA}.joined, stype = text, initcond = 'it''s: ', msfunc = {SCHEMA}.joined,
        minvfunc = {SCHEMA}.joined, mstype = text, mfinalfunc = pg_catalog.upper
    );
    create aggregate {SCHEMA}.ranked(order by integer) (
        sfunc = {SCHEMA}.joined, stype = text, finalfunc = pg_catalog.lower
    );
    comment on aggregate {SCHEMA}."All of them"(integer) is 'All.';
    revoke all on function {SCHEMA}."All of them"(integer) from public;
    grant execute on function {SCHEMA}."All of them"(integer) to authenticated with grant option
"""


def joined_and_size(first: str) -> Schema:
    pair = pg.CompositeType(schema=SCHEMA, name="pair", attributes={"one": "integer"})
    functions = [
        pg.Function(
            schema=SCHEMA,
            name=name,
            arguments=arguments,
            returns=returns,
            body=body,
            volatility="immutable",
        )
        for name, arguments, returns, body in (
            ("joined", {first: "text", "b": "integer"}, "text", f"select {first} || b"),
            ("size", {first: f"{SCHEMA}.pair"}, "integer", f"select ({first}).one"),
        )
    ]
    return Schema(entities=[pair, *functions])


def test_function_of_an_operator_a_cast_and_an_aggregate_can_be_changed(lab: Lab) -> None:
    lab.migrate(joined_and_size("a"))
    lab.connection.execute(sa.text(UNDECLARABLE))
    before = facts_of_undeclarable(lab)
    for first in ("b_1", "c"):
        revision = lab.migrate(joined_and_size(first))
        assert facts_of_undeclarable(lab) == before
    lab.run(revision.downgrade, 2)
    assert facts_of_undeclarable(lab) == before


def facts_of_undeclarable(lab: Lab) -> Sequence[str]:
    query = """
        select (to_jsonb(o) - '{oid,oprcode,oprnegate}'::text[])::text from pg_operator as o
        where o.oprnamespace = 'lab'::regnamespace
        union all
        select (to_jsonb(c) - '{oid,castfunc}'::text[])::text from pg_cast as c where c.oid > 16383
        union all
        select p.proname || p.proacl::text || obj_description(p.oid)
            || (to_jsonb(a) - '{aggfnoid}'::text[])::text
        from pg_proc as p join pg_aggregate as a on a.aggfnoid = p.oid
        where p.pronamespace = 'lab'::regnamespace
        order by 1
    """
    return lab.connection.scalars(sa.text(query)).all()
