"""A generated column gets another expression, with all that reads it, and its former one back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema, code
from townhall import pg
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.pg import Entity
from townhall.pg.catalog import Facts, empty_search_path, read_everything

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

Parts = Callable[[], Sequence[sa.schema.SchemaItem]]

ACCESS = pg.TableAccess(schema=SCHEMA, table="things", grants={"authenticated": ("select",)})
STAMP = pg.Function(schema=SCHEMA, name="stamp", language="plpgsql", body="begin return new; end")
READERS = [
    ACCESS,
    STAMP,
    pg.View(schema=SCHEMA, name="seen", definition="select id, total from lab.things"),
    pg.View(schema=SCHEMA, name="summed", definition="select sum(total) from lab.seen"),
    pg.MaterializedView(
        schema=SCHEMA,
        name="counted",
        definition="select total from lab.things",
        indexes={"ix_counted": "(total)"},
    ),
    pg.Policy(
        schema=SCHEMA,
        table="things",
        name="large",
        command="select",
        roles=("public",),
        using="total > 0",
    ),
    pg.Trigger(
        schema=SCHEMA,
        table="things",
        name="stamps",
        timing="after",
        events=("update",),
        condition="new.total > 0",
        function="lab.stamp",
    ),
]
UNDECLARED = (
    "alter table lab.things alter column total set statistics 700",
    "alter table lab.things alter column total set storage external",
    "create statistics lab.both (ndistinct) on size, total from lab.things",
    "alter index lab.ix_total alter column 1 set statistics 500",
    "alter table lab.things cluster on ix_total",
    "grant select (total), references (total) on lab.things to reader with grant option",
)


def total(expression: str, type_: type[sa.types.TypeEngine[Any]] = sa.Text) -> sa.Column[Any]:
    computed = sa.Computed(expression, persisted=True)
    return sa.Column("total", type_, computed, nullable=False, comment="The total.")


def things(*parts: sa.schema.SchemaItem) -> sa.MetaData:
    metadata = sa.MetaData()
    columns = [
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
    ]
    sa.Table("things", metadata, *columns, *parts, schema=SCHEMA)
    return metadata


def everything(lab: Lab) -> dict[str, Facts]:
    with empty_search_path(lab.connection):
        return read_everything(lab.connection, [SCHEMA])


def changed(before: Mapping[str, Facts], after: Mapping[str, Facts]) -> set[str]:
    return {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}


def test_expression_changes_and_all_that_reads_the_column_stays(lab: Lab) -> None:
    def declared(expression: str) -> Schema:
        column = sa.Column("total", sa.Integer, sa.Computed(expression, persisted=True))
        parts = [
            sa.Index("ix_total", sa.text("(total + 1)"), "total", info={"comment": "An index."}),
            sa.CheckConstraint("total > 0", name="positive", info={"comment": "A check."}),
            sa.UniqueConstraint("total", name="once"),
        ]
        return Schema(things(column, *parts), READERS)

    lab.migrate(declared("size + 1"))
    lab.connection.execute(sa.text("create role reader"))
    lab.connection.execute(sa.text("insert into lab.things (id, size) values (1, 2)"))
    for statement in UNDECLARED:
        lab.connection.execute(sa.text(statement.replace("storage external", "storage plain")))
    before = everything(lab)
    revision = lab.migrate(declared("size + 2"))
    after = everything(lab)
    assert changed(before, after) == {"column lab.things.total"}
    assert lab.connection.scalar(sa.text("select total from lab.things")) == 4
    lab.run(revision.downgrade)
    assert everything(lab) == before
    assert lab.connection.scalar(sa.text("select total from lab.things")) == 3


def test_settings_of_a_text_come_back_both_ways(lab: Lab) -> None:
    def declared(expression: str) -> Schema:
        return Schema(things(total(expression), sa.Index("ix_total", sa.text("lower(total)"))))

    lab.migrate(declared("size::text"))
    lab.connection.execute(sa.text("create role reader"))
    for statement in UNDECLARED:
        lab.connection.execute(sa.text(statement))
    before = everything(lab)
    revision = lab.migrate(declared("size::text || '.'"))
    after = everything(lab)
    assert changed(before, after) == {"column lab.things.total"}
    lab.run(revision.downgrade)
    assert everything(lab) == before


OLD, NEW = "size::text", "size::text || '.'"
WITH_OTHERS: Mapping[str, tuple[Parts, Parts]] = {
    "a new index": (
        lambda: [total(OLD)],
        lambda: [total(NEW), sa.Index("ix_total", "total")],
    ),
    "another index": (
        lambda: [total(OLD), sa.Index("ix_total", "total")],
        lambda: [total(NEW), sa.Index("ix_total", "total", "size")],
    ),
    "another check": (
        lambda: [total(OLD), sa.CheckConstraint("total <> ''", name="full")],
        lambda: [total(NEW), sa.CheckConstraint("total <> '.'", name="full")],
    ),
    "another key": (
        lambda: [total(OLD), sa.UniqueConstraint("total", name="once")],
        lambda: [total(NEW), sa.UniqueConstraint("total", "size", name="once")],
    ),
    "another type": (
        lambda: [total("size", sa.Integer), sa.Index("ix_total", "total")],
        lambda: [total("size + 1", sa.BigInteger), sa.Index("ix_total", "total")],
    ),
    "a type that does not convert": (
        lambda: [total(OLD), sa.Index("ix_total", "total")],
        lambda: [total("size + 1", sa.Integer), sa.Index("ix_total", "total")],
    ),
    "the type of its source": (
        lambda: [sa.Column("source", sa.Integer), total("coalesce(source, 1)", sa.Integer)],
        lambda: [sa.Column("source", sa.BigInteger), total("coalesce(source, 2)", sa.BigInteger)],
    ),
    "another comment, and null": (
        lambda: [total(OLD)],
        lambda: [sa.Column("total", sa.Text, sa.Computed(NEW, persisted=True), comment="Other.")],
    ),
    "a new source": (
        lambda: [total(OLD)],
        lambda: [sa.Column("other", sa.Integer), total("(size + coalesce(other, 0))::text")],
    ),
    "a source that goes": (
        lambda: [sa.Column("other", sa.Integer), total("(size + coalesce(other, 0))::text")],
        lambda: [total(OLD)],
    ),
}


@pytest.mark.parametrize(("old", "new"), WITH_OTHERS.values(), ids=WITH_OTHERS)
def test_expression_changes_with_others(lab: Lab, old: Parts, new: Parts) -> None:
    lab.migrate(Schema(things(*old())))
    before = everything(lab)
    revision = lab.migrate(Schema(things(*new())))
    after = everything(lab)
    lab.run(revision.downgrade, times=2)
    assert everything(lab) == before
    lab.run(revision.upgrade, times=2)
    assert everything(lab) == after


def test_generated_column_becomes_an_ordinary_one_with_its_values(lab: Lab) -> None:
    def declared(*options: sa.schema.SchemaItem) -> Schema:
        parts = [
            sa.Column("total", sa.Integer, *options, comment="The total."),
            sa.Index("ix_total", sa.text("(total + 1)"), "total", info={"comment": "An index."}),
            sa.CheckConstraint("total > 0", name="positive"),
            sa.UniqueConstraint("total", name="once"),
        ]
        return Schema(things(*parts), READERS)

    lab.migrate(declared(sa.Computed("size + 1", persisted=True)))
    lab.connection.execute(sa.text("create role reader"))
    lab.connection.execute(sa.text("insert into lab.things (id, size) values (1, 2)"))
    for statement in UNDECLARED:
        lab.connection.execute(sa.text(statement.replace("storage external", "storage plain")))
    before = everything(lab)
    revision = lab.migrate(declared())
    after = everything(lab)
    assert revision.upgrade.count("pg.") == 1
    assert changed(before, after) == {"column lab.things.total"}
    assert lab.connection.scalar(sa.text("select total from lab.things")) == 3
    lab.run(revision.downgrade, times=2)
    assert everything(lab) == before
    lab.run(revision.upgrade, times=2)
    assert everything(lab) == after


FORMER = sa.Integer, sa.Computed("size + 1", persisted=True)
TO_ORDINARY: Mapping[str, tuple[Parts, Parts]] = {
    "another type": (
        lambda: [sa.Column("total", *FORMER), sa.Index("ix_total", "total")],
        lambda: [sa.Column("total", sa.Numeric), sa.Index("ix_total", "total")],
    ),
    "a default, and not null": (
        lambda: [sa.Column("total", *FORMER)],
        lambda: [sa.Column("total", sa.Integer, server_default="7", nullable=False)],
    ),
    "null": (
        lambda: [sa.Column("total", *FORMER, nullable=False)],
        lambda: [sa.Column("total", sa.Integer)],
    ),
    "an identity": (
        lambda: [sa.Column("total", *FORMER)],
        lambda: [sa.Column("total", sa.Integer, sa.Identity(), nullable=False)],
    ),
    "another index and key": (
        lambda: [
            sa.Column("total", *FORMER),
            sa.Index("ix_total", "total"),
            sa.UniqueConstraint("total", name="once"),
        ],
        lambda: [
            sa.Column("total", sa.Integer),
            sa.Index("ix_total", "total", "size"),
            sa.UniqueConstraint("total", "size", name="once"),
        ],
    ),
    "a source that goes": (
        lambda: [
            sa.Column("other", sa.Integer),
            sa.Column("total", sa.Integer, sa.Computed("size + other", persisted=True)),
        ],
        lambda: [sa.Column("total", sa.Integer)],
    ),
    "a second one": (
        lambda: [
            sa.Column("total", *FORMER),
            sa.Column("sum", *FORMER),
            sa.Index("ix_both", "total", "sum"),
        ],
        lambda: [
            sa.Column("total", sa.Integer),
            sa.Column("sum", sa.Integer),
            sa.Index("ix_both", "total", "sum"),
        ],
    ),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize(("old", "new"), TO_ORDINARY.values(), ids=TO_ORDINARY)
@pytest.mark.parametrize(
    ("readers", "later"),
    [([], []), (READERS, READERS), (READERS, [ACCESS])],
    ids=["not read", "read", "read before"],
)
def test_generated_column_becomes_an_ordinary_one_with_others(
    lab: Lab, old: Parts, new: Parts, readers: Sequence[Entity], later: Sequence[Entity]
) -> None:
    lab.migrate(Schema(things(*old()), readers))
    before = everything(lab)
    revision = lab.migrate(Schema(things(*new()), later))
    after = everything(lab)
    lab.run(revision.downgrade, times=2)
    assert everything(lab) == before
    lab.run(revision.upgrade, times=2)
    assert everything(lab) == after


def test_function_that_goes_with_the_expression_that_calls_it(lab: Lab) -> None:
    twice = pg.Function(
        schema=SCHEMA,
        name="twice",
        arguments={"n": "integer"},
        returns="integer",
        body="select 2 * n",
        volatility="immutable",
    )
    computed = sa.Computed("lab.twice(size)", persisted=True)
    lab.there_and_back(
        Schema(things(sa.Column("total", sa.Integer, computed)), [twice, *READERS]),
        Schema(things(sa.Column("total", sa.Integer)), READERS),
    )


def with_heirs(lab: Lab, schema: Schema) -> None:
    lab.migrate(schema)
    for statement in (
        "create schema far",
        "create table far.heirs () inherits (lab.things)",
        "create table far.heirs_of_heirs () inherits (far.heirs)",
    ):
        lab.connection.execute(sa.text(statement))


def test_expression_changes_in_all_tables_that_inherit_the_column(lab: Lab) -> None:
    def declared(expression: str) -> Schema:
        check = sa.CheckConstraint("total <> ''", name="full")
        return Schema(things(total(expression), check))

    with_heirs(lab, declared(OLD))
    lab.there_and_back(declared(OLD), declared(NEW))


def test_column_that_tables_of_several_levels_inherit_needs_a_hand_to_be_an_ordinary_one(
    lab: Lab,
) -> None:
    with_heirs(lab, Schema(things(total(OLD))))
    schema = Schema(things(sa.Column("total", sa.Text, nullable=False, comment="The total.")))
    upgrade, _ = lab.operations(schema)
    written = " ".join(code(upgrade, lab.context(schema)).replace("#", "").split())
    assert written.count("UNDECIDED") == 1
    assert "no table that inherits from it, has partitions or such tables itself" in written


def skip_without_virtual_columns(lab: Lab) -> None:
    if not getattr(lab.connection.dialect, "supports_virtual_generated_columns", False):
        pytest.skip("virtual columns need PostgreSQL 18 and SQLAlchemy 2.1")


HEIRS = (
    "create table lab.mid (extra integer) inherits (lab.things)",
    "create table lab.low () inherits (lab.mid)",
    "create table lab.near () inherits (lab.things)",
)


@pytest.mark.parametrize("kind", ["stored", "virtual"])
def test_column_is_an_ordinary_one_in_the_run_that_drops_what_inherits_it(
    lab: Lab, kind: str
) -> None:
    if kind == "virtual":
        skip_without_virtual_columns(lab)
    computed = sa.Computed("size + 1", persisted=kind == "stored")
    lab.migrate(Schema(things(sa.Column("total", sa.Integer, computed))))
    for statement in (
        *HEIRS,
        "alter table lab.low add check (total > 2)",
        "create policy large on lab.low using (total > 1)",
        "create policy larger on lab.things using (total > (select count(*) from lab.low))",
        "create view lab.seen as select total from lab.low union select total from lab.things",
        "create table lab.far (size integer)",
        "alter table lab.near add unique (size)",
        "alter table lab.far add foreign key (size) references lab.near (size)",
    ):
        lab.connection.execute(sa.text(statement))
    before = everything(lab)
    revision = lab.migrate(Schema(things(sa.Column("total", sa.Integer))))
    after = everything(lab)
    lab.run(revision.downgrade, times=2)
    assert everything(lab) == before
    lab.run(revision.upgrade, times=2)
    assert everything(lab) == after


def test_column_is_an_ordinary_one_after_the_run_that_changes_what_reads_it_with_its_heirs(
    lab: Lab,
) -> None:
    def declared(*options: sa.schema.SchemaItem, definition: str) -> Schema:
        seen = pg.View(schema=SCHEMA, name="seen", definition=definition)
        return Schema(things(sa.Column("total", sa.Integer, *options)), [seen])

    lab.migrate(Schema(things(sa.Column("total", *FORMER))))
    for statement in HEIRS:
        lab.connection.execute(sa.text(statement))
    both = "select total from lab.low union select total from lab.things"
    lab.connection.execute(sa.text(f"create view lab.seen as {both}"))
    new = declared(definition="select total, id from lab.things")
    upgrade, _ = lab.operations(new)
    written = code(upgrade, lab.context(new))
    assert "view lab.seen reads both" in " ".join(written.replace("#", "").split())
    (step,) = [each for each in upgrade.ops if isinstance(each, UndecidedOp)]
    upgrade.ops.remove(step)
    lab.run(code(upgrade, lab.context(new)), times=2)
    lab.migrate(new)


def test_column_that_is_read_by_another_schema_needs_a_hand(lab: Lab) -> None:
    def declared(*options: sa.schema.SchemaItem) -> Schema:
        return Schema(things(sa.Column("total", sa.Integer, *options)))

    lab.migrate(declared(sa.Computed("size + 1", persisted=True)))
    for statement in ("create schema far", "create view far.away as select total from lab.things"):
        lab.connection.execute(sa.text(statement))
    upgrade, _ = lab.operations(declared())
    written = code(upgrade, lab.context(declared()))
    assert "pg.undecided" in written
    assert "far.away" in written
    assert "alter column total drop expression" in written


@pytest.mark.parametrize("source", ["size", "other"], ids=["source stays", "source goes"])
def test_virtual_column_becomes_an_ordinary_one_with_its_values(lab: Lab, source: str) -> None:
    skip_without_virtual_columns(lab)

    def declared(*columns: sa.Column[Any]) -> Schema:
        check = sa.CheckConstraint("total > 0", name="positive", info={"comment": "A check."})
        return Schema(things(*columns, check), [*READERS, atomic])

    atomic = pg.Function(
        schema=SCHEMA,
        name="largest",
        returns="bigint",
        body="begin atomic select max(total)::bigint from lab.things; end",
    )
    computed = sa.Computed(f"size + {source}", persisted=False)
    sources = [] if source == "size" else [sa.Column(source, sa.Integer)]
    total = sa.Column("total", sa.Integer, computed, comment="The total.")
    lab.migrate(declared(*sources, total))
    lab.connection.execute(sa.text("create role reader"))
    row = dict.fromkeys(["id", "size", source], 2)
    values = ", ".join(map(str, row.values()))
    lab.connection.execute(sa.text(f"insert into lab.things ({', '.join(row)}) values ({values})"))
    for statement in (UNDECLARED[-1], "grant select on lab.seen to reader with grant option"):
        lab.connection.execute(sa.text(statement))
    before = everything(lab)
    revision = lab.migrate(
        declared(sa.Column("total", sa.BigInteger, server_default="7", comment="Other."))
    )
    after = everything(lab)
    assert lab.connection.scalar(sa.text("select total from lab.things")) == 4
    lab.run(revision.downgrade, times=2)
    assert everything(lab) == before
    lab.run(revision.upgrade, times=2)
    assert everything(lab) == after


def test_stored_column_becomes_virtual(lab: Lab) -> None:
    def declared(*, stored: bool) -> Schema:
        computed = sa.Computed("size + 1", persisted=stored)
        return Schema(things(sa.Column("total", sa.Integer, computed)), [ACCESS, READERS[2]])

    skip_without_virtual_columns(lab)
    lab.there_and_back(declared(stored=True), declared(stored=False))


def test_indexes_and_policies_of_partitions_come_back(lab: Lab) -> None:
    def declared(expression: str) -> Schema:
        metadata = sa.MetaData()
        columns = [
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("total", sa.Integer, sa.Computed(expression, persisted=True)),
        ]
        sa.Table(
            "parted",
            metadata,
            *columns,
            sa.Index("ix_total", "total"),
            schema=SCHEMA,
            postgresql_partition_by="range (id)",
        )
        return Schema(metadata)

    lab.migrate(declared("id + 1"))
    for statement in (
        "create table lab.parted_1 partition of lab.parted for values from (1) to (9)",
        "create index ix_own on lab.parted_1 (total) where total > 5",
        "create policy own on lab.parted_1 using (total > 0)",
    ):
        lab.connection.execute(sa.text(statement))
    before = everything(lab)
    revision = lab.migrate(declared("id + 2"))
    after = everything(lab)
    assert changed(before, after) == {"column lab.parted.total", "column lab.parted_1.total"}
    lab.run(revision.downgrade, times=2)
    assert everything(lab) == before


def test_column_that_a_view_reads_is_generated_from_another_column(lab: Lab) -> None:
    def generated_from(source: str) -> Schema:
        metadata = sa.MetaData()
        sa.Table(
            "people",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column(source, sa.Text),
            sa.Column("shown", sa.Text, sa.Computed(f"lower({source})", persisted=True)),
            schema=SCHEMA,
        )
        view = pg.View(schema=SCHEMA, name="names", definition=f"select shown from {SCHEMA}.people")
        return Schema(metadata, [view])

    lab.there_and_back(generated_from("first"), generated_from("given"), times=1)


FUNCTIONS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "as it was": ({"n": "integer"}, "integer"),
    "result": ({"n": "integer"}, "bigint"),
    "argument": ({"n": "bigint"}, "integer"),
    "argument and result": ({"n": "bigint"}, "bigint"),
    "one more": ({"n": "integer", "more": "integer default 4"}, "integer"),
    "one more and result": ({"n": "integer", "more": "integer default 4"}, "bigint"),
}


def generated_by(
    function: str, column: type[sa.types.TypeEngine[Any]], *others: sa.schema.SchemaItem | Entity
) -> Schema:
    arguments, returns = FUNCTIONS[function]
    called = pg.Function(
        schema=SCHEMA,
        name="called",
        arguments=arguments,
        returns=returns,
        body=f"select (n + 1)::{returns}",
        volatility="immutable",
    )
    computed = sa.Computed("lab.called(size)", persisted=True)
    parts = [each for each in others if isinstance(each, sa.schema.SchemaItem)]
    entities = [each for each in others if isinstance(each, Entity)]
    return Schema(things(sa.Column("total", column, computed), *parts), [called, *entities])


def seen(expression: str) -> list[sa.schema.SchemaItem | Entity]:
    shown = f"select {expression} as shown from lab.things"
    return [
        pg.View(schema=SCHEMA, name="seen", definition=shown),
        pg.View(schema=SCHEMA, name="above", definition="select sum(shown) from lab.seen"),
    ]


USERS: Mapping[str, Callable[[str], Sequence[sa.schema.SchemaItem | Entity]]] = {
    "views": seen,
    "materialized view": lambda each: [
        pg.MaterializedView(
            schema=SCHEMA,
            name="counted",
            definition=f"select {each} as shown from lab.things",
            indexes={"ix_counted": "(shown)"},
        )
    ],
    "policy": lambda each: [
        pg.Policy(
            schema=SCHEMA,
            table="things",
            name="large",
            command="select",
            roles=("public",),
            using=f"{each} > 0",
        )
    ],
    "trigger": lambda each: [
        STAMP,
        pg.Trigger(
            schema=SCHEMA,
            table="things",
            name="stamps",
            timing="after",
            events=("update",),
            condition=f"{each.replace('total', 'new.total').replace('size', 'new.size')} > 0",
            function="lab.stamp",
        ),
    ],
    "index": lambda each: [sa.Index("ix_total", sa.text(f"({each})"))],
    "check": lambda each: [sa.CheckConstraint(f"{each} > 0", name="positive")],
    "begin atomic": lambda each: [
        pg.Function(
            schema=SCHEMA,
            name="largest",
            returns="bigint",
            body=f"begin atomic select max({each})::bigint from lab.things; end",
        )
    ],
}


@pytest.mark.parametrize(
    ("function", "user", "before", "after"),
    [
        ("argument and result", "views", "lab.called(total)", "lab.called(total)"),
        ("result", "check", "total", "total"),
        ("result", "index", "lab.called(total)", "lab.called(total::integer)"),
    ],
)
def test_function_and_type_of_the_column_change_in_one_run_with_what_reads_both(
    lab: Lab, function: str, user: str, before: str, after: str
) -> None:
    lab.there_and_back(
        generated_by("as it was", sa.Integer, *USERS[user](before)),
        generated_by(function, sa.BigInteger, *USERS[user](after)),
        times=1,
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("read", ["total", "lab.called(total::integer)", "lab.called(size)"])
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("column", [sa.Integer, sa.BigInteger])
@pytest.mark.parametrize("function", [*FUNCTIONS][1:])
def test_function_changes_in_any_way_with_the_column_and_all_kinds_that_read_them(
    lab: Lab, function: str, column: type[sa.types.TypeEngine[Any]], user: str, read: str
) -> None:
    lab.there_and_back(
        generated_by("as it was", sa.Integer, *USERS[user](read)),
        generated_by(function, column, *USERS[user](read)),
    )
