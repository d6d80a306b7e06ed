"""What depends on each other is dropped and created in an order that works, both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from tests.autogenerate.lab import SCHEMA, SINCE_2_1, Lab, Schema
from townhall import pg
from townhall.migrate.trial.differences import lost
from townhall.pg import catalog
from townhall.pg.catalog import Facts

UNDECLARED = {
    "a function that reads the table of the policy that calls it": """
        create table lab.members (id integer primary key);
        create function lab.is_member(i integer) returns boolean language sql stable
        as $$select exists (select from lab.members where id = i)$$;
        alter table lab.members enable row level security;
        create policy members on lab.members using (lab.is_member(id))
    """,
    "functions that take and return rows of a table": """
        create table lab.jobs (id integer primary key);
        create function lab.claim() returns setof lab.jobs language sql
        as $$select * from lab.jobs$$;
        create function lab.number(job lab.jobs) returns integer language sql as $$select job.id$$
    """,
    "tables that refer to each other": """
        create table lab.a (id integer primary key, self integer references lab.a);
        create table lab.b (id integer primary key, a integer references lab.a);
        alter table lab.a add b integer references lab.b;
        create table lab.c (id integer primary key references lab.a)
    """,
    "a view of a function with a parsed body": """
        create table lab.t (id integer primary key);
        create function lab.f() returns bigint language sql
        begin atomic select count(*) from lab.t; end;
        create view lab.v as select lab.f() as n
    """,
    "a default that reads its own table": """
        create table lab.t (id integer primary key, n integer);
        create function lab.next() returns integer language sql
        as $$select coalesce(max(n), 0) + 1 from lab.t$$;
        alter table lab.t alter n set default lab.next()
    """,
    "a check that reads its own table": """
        create table lab.t (id integer primary key, n integer);
        create function lab.fits(n integer) returns boolean language sql
        as $$select not exists (select from lab.t where t.n = fits.n and t.n < 0)$$;
        alter table lab.t add constraint fits check (lab.fits(n))
    """,
    "a chain of views on functions": """
        create table lab.t (id integer primary key);
        create function lab.f() returns setof lab.t language sql as $$select * from lab.t$$;
        create view lab.v as select * from lab.f();
        create materialized view lab.m as select * from lab.v;
        create function lab.g() returns setof lab.v language sql as $$select * from lab.v$$;
        create view lab.w as select * from lab.g()
    """,
    "policies that read each other's tables": """
        create table lab.a (id integer primary key);
        create table lab.b (id integer primary key);
        create policy a on lab.a using (exists (select from lab.b));
        create policy b on lab.b using (exists (select from lab.a))
    """,
    "a trigger that writes another table": """
        create table lab.t (id integer primary key);
        create table lab.log (id integer);
        create function lab.write() returns trigger language plpgsql
        as $$begin insert into lab.log values (new.id); return new; end$$;
        create trigger writes after insert on lab.t
        for each row execute function lab.write()
    """,
    "a generated column": """
        create function lab.twice(n integer) returns integer language sql immutable
        as $$select n * 2$$;
        create table lab.t (n integer, m integer generated always as (lab.twice(n)) stored)
    """,
}


@pytest.mark.parametrize("statements", UNDECLARED.values(), ids=UNDECLARED)
def test_undeclared_objects_are_dropped_and_recreated_by_the_downgrade(
    lab: Lab, statements: str
) -> None:
    lab.connection.exec_driver_sql(statements, execution_options={"no_parameters": True})
    before = everything(lab)
    revision = lab.migrate(Schema())
    assert [*everything(lab)] == [f"schema {SCHEMA}"]
    lab.run(revision.downgrade)
    assert lost(before, everything(lab)) == []


def everything(lab: Lab) -> dict[str, Facts]:
    with catalog.empty_search_path(lab.connection):
        return catalog.read_everything(lab.connection, [SCHEMA])


@pytest.mark.thorough
def test_tables_that_refer_to_each_other_are_created(lab: Lab) -> None:
    metadata = sa.MetaData()
    for name, other in (("a", "b"), ("b", "a")):
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("other", sa.ForeignKey(f"{SCHEMA}.{other}.id")),
            sa.Column("self", sa.ForeignKey(f"{SCHEMA}.{name}.id", name=f"fk_{name}")),
            schema=SCHEMA,
        )
    lab.there_and_back(Schema(), Schema(metadata))


def default_of_itself(body: str) -> Schema:
    metadata = sa.MetaData()
    sa.Table(
        "t",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("n", sa.Integer, server_default=sa.text("lab.next()")),
        schema=SCHEMA,
    )
    following = pg.Function(schema=SCHEMA, name="next", returns="integer", body=body)
    return Schema(metadata, [following])


@pytest.mark.thorough
def test_function_that_reads_the_table_that_calls_it_is_created(lab: Lab) -> None:
    revision = lab.there_and_back(
        Schema(), default_of_itself("select coalesce(max(n), 0) + 1 from lab.t")
    )
    assert "check_function_bodies = off" in revision.upgrade


@pytest.mark.thorough
def test_parts_that_call_a_function_of_their_tables_view_are_added_after_it(lab: Lab) -> None:
    metadata = sa.MetaData()
    following = sa.text("lab.following(0)")
    sa.Table(
        "t",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, server_default=following),
        sa.Column("n", sa.Integer, server_default=following),
        sa.Column("next", sa.Integer, sa.Computed("lab.following(id)", persisted=True)),
        sa.CheckConstraint("n <= lab.following(1)", name="small"),
        sa.CheckConstraint("n <> lab.following(2)"),
        ExcludeConstraint((sa.text("int4range(id, lab.following(id))"), "&&"), name="apart"),
        schema=SCHEMA,
    )
    function = pg.Function(
        schema=SCHEMA,
        name="following",
        arguments={"given": "integer"},
        returns="integer",
        volatility="immutable",
        body="begin atomic select coalesce(max(n), given) + 1 from lab.seen where n > given; end",
    )
    view = pg.View(schema=SCHEMA, name="seen", definition="select n from lab.t")
    revision = lab.there_and_back(Schema(), Schema(metadata, [function, view]))
    table, later = revision.upgrade.split("op.create_table", 1)[1].split("pg.create_entity", 1)
    assert "following" not in table
    assert later.count("set default lab.following(0)") == 2


def test_function_that_reads_what_does_not_exist_needs_a_hand(lab: Lab) -> None:
    found = lab.differences(default_of_itself("select coalesce(max(n), 0) + 1 from lab.nothing"))
    (undecided,) = [each for each in found if "undecided" in each]
    assert "lab.nothing" in undecided


@pytest.mark.thorough
@pytest.mark.parametrize("result", ["integer", "bigint"])
@pytest.mark.parametrize("exists", [False, True])
def test_function_with_a_wrong_body_is_one_difference(
    lab: Lab, *, exists: bool, result: str
) -> None:
    right = pg.Function(
        schema=SCHEMA, name="f", arguments={"a": "int"}, returns="integer", body="select 1"
    )
    if exists:
        lab.migrate(Schema(entities=[right]))
    wrong = replace(right, returns=result, body="select nothing from lab.nowhere")
    (undecided,) = lab.differences(Schema(entities=[wrong]))
    assert "lab.nowhere" in undecided


@pytest.mark.parametrize("first", ["", "given integer default 1"])
def test_policy_that_calls_one_of_two_overloads_that_fit_comes_back(lab: Lab, first: str) -> None:
    second = "" if first else "given integer default 1"
    for statement in (
        "create table lab.things (id integer default 1)",
        f"create function lab.me({first}) returns integer language sql return 1",
        "create policy mine on lab.things using (id = lab.me())",
        "alter table lab.things add check (id > lab.me())",
        f"create function lab.me({second}) returns integer language sql return 1",
    ):
        lab.connection.execute(sa.text(statement))
    before = everything(lab)
    revision = lab.migrate(Schema())
    lab.run(revision.downgrade)
    assert everything(lab) == before
    lab.run(revision.upgrade)


@pytest.mark.exhaustive
def test_policy_that_calls_one_of_two_overloads_that_fit_is_created_and_stays(lab: Lab) -> None:
    def declared(*overloads: pg.Function, column: str = "size") -> Schema:
        metadata = sa.MetaData()
        columns = [sa.Column("id", sa.Integer), sa.Column(column, sa.Integer)]
        sa.Table("things", metadata, *columns, schema=SCHEMA)
        access = pg.TableAccess(schema=SCHEMA, table="things")
        mine = pg.Policy(
            schema=SCHEMA,
            table="things",
            name="mine",
            command="select",
            roles=("authenticated",),
            using="id = lab.me()",
        )
        return Schema(metadata, [*overloads, access, mine])

    def me(**arguments: str) -> pg.Function:
        return pg.Function(
            schema=SCHEMA, name="me", arguments=arguments, returns="integer", body="select 1"
        )

    one, two = me(), me(given="integer default 1")
    for overloads in ((one, two), (two, one)):
        lab.there_and_back(Schema(), declared(*overloads))
        lab.there_and_back(declared(one), declared(*overloads))
        lab.there_and_back(declared(*overloads), declared(*overloads, column="other"))
        lab.migrate(Schema())


Options = dict[str, Any]
KEYS: dict[str, tuple[Options, Options]] = {
    "an included column": ({}, {"postgresql_include": ["size"]}),
    "other included columns": (
        {"postgresql_include": ["size"]},
        {"postgresql_include": ["size", "code"]},
    ),
}


def referred(unique: Options, primary: Options) -> Schema:
    metadata = sa.MetaData()
    sa.Table(
        "others",
        metadata,
        sa.Column("id", sa.Integer, autoincrement=False),
        *(sa.Column(name, sa.Integer) for name in ("number", "size", "code", "parent")),
        sa.PrimaryKeyConstraint("id", name="key", **primary),
        sa.UniqueConstraint("number", name="numbered", **unique),
        sa.ForeignKeyConstraint(["parent"], [f"{SCHEMA}.others.id"], name="to_parent"),
        schema=SCHEMA,
    )
    sa.Table(
        "things",
        metadata,
        *(sa.Column(name, sa.Integer) for name in ("other", "number")),
        sa.ForeignKeyConstraint(
            ["other"], [f"{SCHEMA}.others.id"], name="to_other", comment="One."
        ),
        sa.ForeignKeyConstraint(["number"], [f"{SCHEMA}.others.number"], name="to_number"),
        schema=SCHEMA,
    )
    return Schema(metadata)


@pytest.mark.exhaustive
@SINCE_2_1
@pytest.mark.parametrize("change", KEYS.values(), ids=KEYS.keys())
@pytest.mark.parametrize("kind", ["unique", "primary"])
def test_key_that_foreign_keys_refer_to_is_changed(
    lab: Lab, change: tuple[Options, Options], kind: str
) -> None:
    old, new = (
        referred(options if kind == "unique" else {}, options if kind == "primary" else {})
        for options in change
    )
    lab.there_and_back(old, new)


UNIQUES: dict[str, Options] = {
    "a key": {"name": "numbered"},
    "a deferrable key": {"name": "numbered", "deferrable": True},
    "a renamed key": {"name": "unique_number"},
    "a key of two columns": {"name": "numbered", "columns": ("number", "code")},
    "an index": {"name": "numbered", "is_index": True},
}
REFERENCES: dict[str, Options | None] = {
    "none": None,
    "one": {"name": "to_number"},
    "a renamed one": {"name": "by_number"},
    "one that cascades": {"name": "to_number", "ondelete": "CASCADE"},
}


def keyed(unique: str, reference: str, *, refers_to_itself: bool) -> Schema:
    metadata = sa.MetaData()
    options = dict(UNIQUES[unique])
    columns = options.pop("columns", ("number",))
    others = sa.Table(
        "others",
        metadata,
        *(sa.Column(name, sa.Integer) for name in ("number", "code", "other", "other_code")),
        schema=SCHEMA,
    )
    if options.pop("is_index", False):
        sa.Index(options["name"], *(others.columns[name] for name in columns), unique=True)
    else:
        others.append_constraint(sa.UniqueConstraint(*columns, **options))
    things = sa.Table(
        "things",
        metadata,
        *(sa.Column(name, sa.Integer) for name in ("other", "other_code")),
        schema=SCHEMA,
    )
    if (key := REFERENCES[reference]) is not None:
        targets = [f"{SCHEMA}.others.{name}" for name in columns]
        local = ["other", "other_code"][: len(columns)]
        owner = others if refers_to_itself else things
        owner.append_constraint(sa.ForeignKeyConstraint(local, targets, **key))
    return Schema(metadata)


CHANGES_OF_BOTH = [
    (("a key", "none"), ("a renamed key", "one")),
    (("a key", "none"), ("a key of two columns", "one")),
    (("a deferrable key", "none"), ("a key", "one")),
    (("a key", "one"), ("a renamed key", "a renamed one")),
    (("a key", "one"), ("a key of two columns", "a renamed one")),
    (("a key", "one"), ("a key of two columns", "one that cascades")),
    (("a renamed key", "one that cascades"), ("a key", "one")),
    (("an index", "one"), ("a key", "one")),
    (("an index", "one"), ("a key", "a renamed one")),
    (("a key", "one"), ("an index", "one that cascades")),
]


CASES = [
    (*change, refers_to_itself)
    for change in CHANGES_OF_BOTH
    for refers_to_itself in (False, True)
    # A table is created, with a key to itself, before its index.
    if not (refers_to_itself and "an index" in {each for each, _ in change})
]


@pytest.mark.thorough
@pytest.mark.parametrize(("old", "new", "refers_to_itself"), CASES, ids=str)
def test_foreign_key_and_the_key_that_it_refers_to_change_together(
    lab: Lab, old: tuple[str, str], new: tuple[str, str], *, refers_to_itself: bool
) -> None:
    before, after = (keyed(*each, refers_to_itself=refers_to_itself) for each in (old, new))
    revision = lab.there_and_back(before, after)
    assert "undecided" not in revision.upgrade


@pytest.mark.exhaustive
@SINCE_2_1
def test_foreign_key_is_renamed_while_the_key_that_it_refers_to_gets_a_column(lab: Lab) -> None:
    old, new = (referred({"postgresql_include": ["size"]} if of else {}, {}) for of in (1, 0))
    (key,) = (
        each
        for each in new.metadata.tables[f"{SCHEMA}.things"].foreign_key_constraints
        if each.name == "to_number"
    )
    key.name = "by_number"
    lab.there_and_back(old, new)


@pytest.mark.exhaustive
def test_columns_of_a_key_that_its_own_table_refers_to_are_changed(lab: Lab) -> None:
    def tree(*columns: str) -> Schema:
        metadata = sa.MetaData()
        others = [sa.UniqueConstraint("id", name="numbered")] if len(columns) > 1 else []
        sa.Table(
            "things",
            metadata,
            sa.Column("id", sa.Integer, autoincrement=False),
            sa.Column("code", sa.Integer, nullable=False),
            sa.Column("parent", sa.Integer),
            sa.PrimaryKeyConstraint(*columns, name="key"),
            sa.ForeignKeyConstraint(["parent"], [f"{SCHEMA}.things.id"], name="to_parent"),
            *others,
            schema=SCHEMA,
        )
        return Schema(metadata)

    lab.there_and_back(tree("id"), tree("id", "code"))
    lab.there_and_back(tree("id", "code"), tree("id"))


@pytest.mark.thorough
def test_function_kept_as_it_was_found_is_created_though_its_body_does_not_run(lab: Lab) -> None:
    found = pg.Function(
        schema=SCHEMA, name="f", returns="bigint", body="select count(*) from gone", verbatim=True
    )
    revision = lab.there_and_back(Schema(), Schema(entities=[found]))
    assert "check_function_bodies = off" in revision.upgrade


@pytest.mark.thorough
def test_second_key_of_the_same_columns_of_a_new_table_is_added(lab: Lab) -> None:
    metadata = sa.MetaData()
    sa.Table(
        "t",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("a", sa.Integer),
        sa.UniqueConstraint("a", name="one"),
        sa.UniqueConstraint("a", name="other"),
        schema=SCHEMA,
    )
    lab.there_and_back(Schema(), Schema(metadata))
