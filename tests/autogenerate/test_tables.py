"""Every feature of a table in SQLAlchemy is created by a revision, after which nothing differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

from tests.autogenerate.lab import SCHEMA, SINCE_2_1, Lab, Schema
from townhall import metadata as townhall_metadata
from townhall import pg
from townhall.testing.databases import Databases

AS_CHECK: dict[str, Any] = {"native_enum": False, "create_constraint": True, "length": 20}


def table(
    *parts: sa.schema.SchemaItem,
    partition_by: str | None = None,
    names: sa.MetaData = townhall_metadata,
) -> Schema:
    """Return a declaration of one table, with a key of its own."""
    metadata = sa.MetaData(naming_convention=names.naming_convention)
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("things", metadata, key, *parts, schema=SCHEMA, postgresql_partition_by=partition_by)
    return Schema(metadata)


@pytest.mark.thorough
def test_partitions_are_not_compared(lab: Lab) -> None:
    schema = table(partition_by="range (id)")
    lab.migrate(schema)
    lab.connection.execute(
        sa.text("create table lab.things_1 partition of lab.things for values from (1) to (2)")
    )
    assert lab.differences(schema) == []
    tables = [each for each in lab.differences(Schema()) if "remove_table" in each]
    assert len(tables) == 1


@pytest.mark.thorough
def test_foreign_key_to_a_partitioned_table_is_compared_without_those_to_its_partitions(
    lab: Lab,
) -> None:
    schema = table(sa.Column("other", sa.ForeignKey("lab.things.id")), partition_by="range (id)")
    lab.migrate(schema)
    lab.connection.execute(
        sa.text("create table lab.things_1 partition of lab.things for values from (1) to (2)")
    )
    assert lab.differences(schema) == []
    lab.migrate(table(sa.Column("other", sa.Integer), partition_by="range (id)"))


@pytest.mark.thorough
def test_check_of_a_column_is_created_with_its_table(lab: Lab) -> None:
    schema = table(
        sa.Column("size", sa.Integer, sa.CheckConstraint("size > 0", name="positive")),
        sa.Column("name", sa.Text, sa.CheckConstraint("name <> ''")),
        names=sa.MetaData(),
    )
    revision = lab.there_and_back(Schema(), schema)
    assert "create_check_constraint" not in revision.upgrade
    assert "name='positive'" in revision.upgrade


@pytest.mark.thorough
def test_check_of_a_column_is_created_with_its_column(lab: Lab) -> None:
    revision = lab.there_and_back(
        table(),
        table(
            sa.Column("size", sa.Integer, sa.CheckConstraint("size > 0", name="positive")),
            sa.Column("kind", sa.Enum("a", "b", name="kind", **AS_CHECK)),
        ),
    )
    assert "ck_things_positive" in revision.upgrade


@pytest.mark.thorough
def test_unnamed_check_is_created_with_its_column(lab: Lab) -> None:
    check = sa.CheckConstraint("size > 0")
    lab.there_and_back(
        table(names=sa.MetaData()),
        table(sa.Column("size", sa.Integer, check), names=sa.MetaData()),
    )


@pytest.mark.thorough
def test_changed_values_of_a_check_of_a_type_are_found(lab: Lab) -> None:
    def kinds(*values: str) -> Schema:
        return table(sa.Column("kind", sa.Enum(*values, name="kind", **AS_CHECK)))

    lab.migrate(kinds("a", "b"))
    lab.migrate(kinds("a", "b", "it's 100%"))


@pytest.mark.thorough
def test_check_of_a_type_is_created_with_its_conventional_name(lab: Lab) -> None:
    schema = table(
        sa.Column("kind", sa.Enum("a", "b", name="kind", **AS_CHECK)),
        sa.Column("is_open", sa.Boolean(create_constraint=True, name="open")),
    )
    revision = lab.there_and_back(Schema(), schema)
    assert "ck_things_kind" in revision.upgrade
    assert "constraint(" not in revision.upgrade


@pytest.mark.thorough
@pytest.mark.parametrize(
    "convention", [townhall_metadata.naming_convention, None], ids=["named", "unnamed"]
)
def test_two_new_tables_with_foreign_keys_to_each_other_are_created(
    lab: Lab,
    convention: Any,  # noqa: ANN401 - as SQLAlchemy takes it
) -> None:
    metadata = sa.MetaData(naming_convention=convention)
    for name, other, is_late in (("cats", "dogs", True), ("dogs", "cats", False)):
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, sa.ForeignKey(f"{SCHEMA}.{other}.id"), primary_key=True),
            sa.Column("other", sa.ForeignKey(f"{SCHEMA}.{other}.id", use_alter=is_late)),
            schema=SCHEMA,
        )
    lab.there_and_back(Schema(), Schema(metadata))


def test_foreign_keys_of_a_metadata_with_a_schema_refer_to_tables_of_others(lab: Lab) -> None:
    metadata = sa.MetaData(schema=SCHEMA)
    users = sa.Table("users", sa.MetaData(), sa.Column("id", sa.Uuid), schema="auth")
    events = sa.Table("events", sa.MetaData(), sa.Column("id", sa.Uuid), schema="public")
    referred = [users.c.id, events.c.id, townhall_metadata.tables["tracks"].c.id]
    keys: list[sa.Column[Any]] = [sa.Column(key.table.name, sa.ForeignKey(key)) for key in referred]
    sa.Table("t", metadata, sa.Column("id", sa.Integer, primary_key=True), *keys)
    lab.there_and_back(Schema(), Schema(metadata))


@pytest.mark.thorough
def test_new_table_is_written_with_what_of_its_info_python_can_read(lab: Lab) -> None:
    metadata = sa.MetaData()
    info = {"label": ("Seats", 1), "owner": object(), "kind": sa.Integer, "at": float("inf")}
    sa.Table("seats", metadata, sa.Column("id", sa.Integer), schema=SCHEMA, info=info)
    revision = lab.there_and_back(Schema(), Schema(metadata))
    assert "info={'label': ('Seats', 1)}" in revision.upgrade


class Guid(sa.TypeDecorator[str]):
    """A type that is another one on PostgreSQL."""

    impl = sa.CHAR(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        plain = postgresql.UUID() if dialect.name == "postgresql" else sa.CHAR(32)
        return dialect.type_descriptor(plain)


@pytest.mark.thorough
def test_two_new_tables_of_a_cycle_with_enums_are_created(lab: Lab) -> None:
    metadata = sa.MetaData()
    for name, other in (("one", "two"), ("two", "one")):
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("mood", sa.Enum("good", "bad", name="mood", schema=SCHEMA)),
            sa.Column("other", sa.Integer),
            sa.ForeignKeyConstraint(
                ["other"], [f"{SCHEMA}.{other}.id"], name=f"to_{other}", ondelete="cascade"
            ),
            schema=SCHEMA,
        )
    lab.there_and_back(Schema(), Schema(metadata))
    assert any("to_one" in each and "ON DELETE CASCADE" in each for each in lab.constraints())


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["it's", "'", "back\\slash"])
@pytest.mark.parametrize(("old", "new"), [(None, "It's."), ("One.", "'Two.'"), ("One.", None)])
def test_comment_on_a_table_with_a_quote_in_its_name_is_changed(
    lab: Lab, name: str, old: str | None, new: str | None
) -> None:
    def commented(comment: str | None) -> Schema:
        metadata = sa.MetaData()
        column = sa.Column("id", sa.Integer)
        sa.Table(name, metadata, column, schema=SCHEMA, comment=comment)
        return Schema(metadata)

    lab.there_and_back(commented(old), commented(new))


@pytest.mark.thorough
def test_type_decorator_is_rendered_as_its_postgresql_type(lab: Lab) -> None:
    revision = lab.there_and_back(
        Schema(), table(sa.Column("lasts", sa.Interval), sa.Column("guid", Guid))
    )
    assert "sa.Interval()" in revision.upgrade
    assert "sa.UUID()" in revision.upgrade


@pytest.mark.thorough
def test_percent_signs_are_not_doubled(lab: Lab) -> None:
    lab.there_and_back(
        Schema(),
        table(
            sa.Column("name", sa.Text, server_default=sa.text("'100%'")),
            sa.Column("full", sa.Text, sa.Computed("name || '%'", persisted=True)),
            sa.CheckConstraint("name like 'x%'", name="begins"),
            sa.Index("begins", "name", postgresql_where=sa.text("name like 'y%'")),
        ),
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "default",
    ["it's", "'quoted'", "'", sa.text("'50%'"), None, "", sa.func.lower("It's")],
)
def test_default_is_changed(lab: Lab, default: Any) -> None:  # noqa: ANN401 - as SQLAlchemy takes it
    lab.there_and_back(
        table(sa.Column("name", sa.Text, server_default="that's")),
        table(sa.Column("name", sa.Text, server_default=default)),
    )


def keyed(*columns: str, **options: Any) -> Schema:  # noqa: ANN401 - as SQLAlchemy takes it
    metadata = sa.MetaData(naming_convention=townhall_metadata.naming_convention)
    sa.Table(
        "things",
        metadata,
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint(*columns, **options),
        schema=SCHEMA,
    )
    return Schema(metadata)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"postgresql_include": ["part"]}, marks=SINCE_2_1),
        {"deferrable": True, "initially": "deferred"},
        {"name": "key"},
    ],
    ids=str,
)
def test_options_of_a_primary_key_are_created_and_changed(
    lab: Lab, options: dict[str, Any]
) -> None:
    key = keyed("id", **options)
    lab.there_and_back(Schema(), key)
    lab.there_and_back(keyed("id"), key)


@pytest.mark.thorough
def test_columns_of_a_primary_key_are_changed(lab: Lab) -> None:
    lab.there_and_back(keyed("id"), keyed("id", "part"))


@pytest.mark.thorough
def test_primary_key_is_renamed_and_not_recreated(lab: Lab) -> None:
    revision = lab.there_and_back(keyed("id"), keyed("id", name="key"))
    assert 'safety.rename_constraint("things", "pk_things", "key"' in revision.upgrade


def referring(match: str | None) -> Schema:
    metadata = sa.MetaData()
    places = ("row", "seat")
    for name in ("seats", "tickets"):
        sa.Table(
            name,
            metadata,
            *(sa.Column(each, sa.Integer) for each in places),
            sa.PrimaryKeyConstraint(*places)
            if name == "seats"
            else sa.ForeignKeyConstraint(
                places, [f"{SCHEMA}.seats.{each}" for each in places], name="seated", match=match
            ),
            schema=SCHEMA,
        )
    return Schema(metadata)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("old", "new"), [(None, "FULL"), ("FULL", "SIMPLE"), ("full", None)], ids=str
)
def test_how_a_foreign_key_matches_is_changed(lab: Lab, old: str | None, new: str | None) -> None:
    lab.there_and_back(referring(old), referring(new))
    is_full = any("MATCH FULL" in each for each in lab.constraints())
    assert is_full == (new == "FULL")


def including(*names: str) -> Schema:
    metadata = sa.MetaData()
    unique = [sa.UniqueConstraint("code", name="known", postgresql_include=names)]
    sa.Table(
        "things",
        metadata,
        sa.Column("code", sa.Text),
        *(sa.Column(name, sa.Integer) for name in ("size", "It's")),
        *(unique if names else []),
        schema=SCHEMA,
    )
    return Schema(metadata)


@pytest.mark.thorough
@SINCE_2_1
@pytest.mark.parametrize("old", [(), ("It's",)], ids=["added", "changed"])
def test_unique_constraint_that_includes_columns_is_added_to_a_table(
    lab: Lab, old: tuple[str, ...]
) -> None:
    lab.there_and_back(including(*old), including("size", "It's"))
    assert 'known UNIQUE (code) INCLUDE (size, "It\'s")' in lab.constraints()
    lab.there_and_back(including("size"), including())


def booked(operator: str) -> Schema:
    return table(
        sa.Column("during", postgresql.INT4RANGE),
        postgresql.ExcludeConstraint(("during", operator), name="overlap"),
    )


@pytest.mark.exhaustive
def test_exclusion_constraint_is_added_changed_and_dropped(lab: Lab) -> None:
    none = table(sa.Column("during", postgresql.INT4RANGE))
    lab.there_and_back(none, booked("&&"))
    assert "overlap EXCLUDE USING gist (during WITH &&)" in lab.constraints()
    lab.there_and_back(booked("&&"), booked("="))
    assert "overlap EXCLUDE USING gist (during WITH =)" in lab.constraints()
    lab.there_and_back(booked("="), none)
    assert not any("EXCLUDE" in definition for definition in lab.constraints())


# SQLAlchemy warns when it reflects a check that is not valid.
@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:Can't validate argument 'dialect_options'")
@pytest.mark.parametrize(
    "definition",
    [
        "exclude using gist (during with &&)",
        "check (id > 1) no inherit",
        "check (id > 1) not valid",
        "check (id > 1 or during = '[1,3)') not valid no inherit",
    ],
)
def test_undeclared_constraint_is_dropped_and_recreated_by_the_downgrade(
    lab: Lab, definition: str
) -> None:
    schema = table(sa.Column("during", postgresql.INT4RANGE))
    lab.migrate(schema)
    lab.connection.execute(sa.text(f"alter table lab.things add constraint by_hand {definition}"))
    before = lab.constraints()
    revision = lab.migrate(schema)
    lab.run(revision.downgrade)
    assert lab.constraints() == before


def moods(*values: str, **more: sa.types.TypeEngine[Any]) -> Schema:
    mood = sa.Enum(*values, name="mood", schema=SCHEMA)
    others = [sa.Column(name, type_) for name, type_ in more.items()]
    return table(sa.Column("mood", mood, server_default=values[0]), *others)


MOOD = sa.Enum("happy", "sad", name="mood", schema=SCHEMA)


@pytest.mark.exhaustive
def test_enum_is_created_and_dropped_with_its_table(lab: Lab) -> None:
    lab.there_and_back(Schema(), moods("happy", "sad", others=sa.ARRAY(MOOD)))
    revision = lab.there_and_back(moods("happy", "sad"), Schema())
    assert 'pg.drop_entity(pg.EnumType.named(schema="lab", name="mood"))' in revision.upgrade


@pytest.mark.exhaustive
def test_enum_is_created_with_its_first_column_and_dropped_with_the_last(lab: Lab) -> None:
    lab.there_and_back(table(), moods("happy", "sad"))
    lab.there_and_back(moods("happy", "sad", second=MOOD), moods("happy", "sad"))
    lab.there_and_back(moods("happy", "sad"), table())


@pytest.mark.thorough
def test_enum_used_by_a_function_is_not_dropped(lab: Lab) -> None:
    before = moods("happy", "sad")
    say = pg.Function(
        schema=SCHEMA,
        name="say",
        arguments={"mood": "lab.mood"},
        returns="text",
        body="select mood::text",
    )
    lab.migrate(Schema(before.metadata, [say]))
    revision = lab.migrate(Schema(entities=[say]))
    assert "drop type" not in revision.upgrade


@pytest.mark.thorough
def test_values_are_added_to_an_enum(lab: Lab) -> None:
    lab.migrate(moods("b", "d"))
    mood = sa.Enum("a", "b", "c's", "d", "e", name="mood", schema=SCHEMA)
    new = table(sa.Column("mood", mood, server_default="b"))
    (difference,) = lab.differences(new)
    assert difference == str(("alter_enum", SCHEMA, "mood", "values"))
    revision = lab.migrate(new)
    values = "select array_agg(enumlabel order by enumsortorder)::text from pg_enum"
    query = sa.text(f"{values} where enumtypid = 'lab.mood'::regtype")
    assert lab.connection.scalar(query) == "{a,b,c's,d,e}"
    lab.run(revision.downgrade)
    assert lab.differences(new) == []


@pytest.mark.thorough
@pytest.mark.parametrize("values", [("happy",), ("sad", "happy"), ("happy", "blue")], ids=str)
def test_removed_or_moved_value_of_an_enum_needs_a_hand(lab: Lab, values: tuple[str, ...]) -> None:
    lab.migrate(moods("happy", "sad"))
    (found,) = [each for each in lab.differences(moods(*values)) if "undecided" in each]
    assert "enum lab.mood: it has the values happy, sad; declared:" in found


@pytest.mark.thorough
def test_function_in_an_index_is_qualified_whatever_the_search_path(lab: Lab) -> None:
    def indexed(expression: str) -> Schema:
        name = sa.Column("name", sa.Text)
        declared = table(name, sa.Index("by_name", sa.text(expression)))
        folded = pg.Function(
            schema=SCHEMA,
            name="folded",
            arguments={"name": "text"},
            returns="text",
            body="select lower(name)",
            volatility="immutable",
        )
        return Schema(declared.metadata, [folded])

    lab.connection.execute(sa.text("set local search_path = lab, public"))
    lab.there_and_back(Schema(), indexed("lab.folded(name)"))
    lab.there_and_back(indexed("lab.folded(name)"), indexed("lab.folded(name || 'x')"))


def test_missing_schema_is_created_with_its_table(lab: Lab) -> None:
    lab.connection.execute(sa.text("drop schema lab"))
    schema = table()
    upgrade, downgrade = dataclasses.astuple(lab.migrate(schema))
    assert upgrade.index("create schema if not exists lab") < upgrade.index("create_table")
    lab.run(downgrade)
    lab.run(upgrade)
    assert lab.differences(schema) == []


def numbered(*parts: sa.Identity, nullable: bool = False) -> Schema:
    return table(sa.Column("number", sa.BigInteger, *parts, nullable=nullable))


@pytest.mark.thorough
@pytest.mark.parametrize("old", [numbered(), numbered(nullable=True)], ids=["not null", "null"])
def test_identity_is_added_and_dropped(lab: Lab, old: Schema) -> None:
    new = numbered(sa.Identity(always=True, start=100))
    lab.there_and_back(old, new)
    lab.there_and_back(new, old)


@pytest.mark.thorough
def test_identity_is_altered_and_keeps_its_last_value(lab: Lab) -> None:
    lab.migrate(numbered(sa.Identity(always=True, start=100)))
    insert = sa.text("insert into lab.things (id) values (:id) returning number")
    assert lab.connection.scalar(insert, {"id": 1}) == 100
    lab.there_and_back(
        numbered(sa.Identity(always=True, start=100)), numbered(sa.Identity(start=7, increment=10))
    )
    assert lab.connection.scalar(insert, {"id": 2}) == 110


@pytest.mark.thorough
def test_column_that_is_generated_from_now_on_needs_a_hand(lab: Lab) -> None:
    lab.migrate(table(sa.Column("next", sa.Integer)))
    computed = sa.Computed("id + 1", persisted=True)
    (found,) = lab.differences(table(sa.Column("next", sa.Integer, computed)))
    assert "undecided" in found
    assert "alter_column lab.things next: the column is" in found


# SQLAlchemy warns that other server versions have another default kind of generated column.
@pytest.mark.filterwarnings("ignore:Computed column things.next is being created as 'STORED'")
def test_all_features_of_a_table_on_every_server_version(server: Databases) -> None:
    every = table(
        sa.Column("next", sa.Integer, sa.Computed("id + 1")),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True, start=100)),
        sa.Column("size", sa.Integer, sa.CheckConstraint("size > 0", name="positive")),
        sa.Column("kind", sa.Enum("a", "b", name="kind", **AS_CHECK)),
        sa.Column("mood", MOOD, server_default="happy"),
        sa.Column("during", postgresql.INT4RANGE),
        postgresql.ExcludeConstraint(("during", "&&"), name="overlap"),
        sa.Index("sizes", sa.text("abs(size)"), postgresql_where=sa.text("size > 1")),
    )
    with (
        server.create() as url,
        sa.create_engine(url, poolclass=sa.NullPool).connect() as connection,
    ):
        lab = Lab(connection)
        lab.there_and_back(Schema(), every)
        lab.there_and_back(table(), every)


def test_numbers_of_identity_and_serial_columns_are_those_that_postgresql_gives_them(
    lab: Lab,
) -> None:
    identities = [
        sa.Identity(increment=-1),
        sa.Identity(increment=-2, start=-5, minvalue=-100),
        sa.Identity(always=True, start=5, minvalue=3, maxvalue=9, cycle=True, cache=4),
        sa.Identity(minvalue=0, start=0),
    ]
    types = [sa.SmallInteger, sa.Integer, sa.BigInteger]
    metadata = sa.MetaData()
    for type_ in types:
        columns = [sa.Column(f"c{n}", type_, each) for n, each in enumerate(identities)]
        serial = sa.Column("Serial", type_, primary_key=True)
        sa.Table(type_.__name__, metadata, serial, *columns, schema=SCHEMA)
    metadata.create_all(lab.connection)
    assert lab.differences(Schema(metadata)) == []


class Spot(UserDefinedType[object]):
    """A type whose columns get an index by an event, as GeoAlchemy2's have it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "point"


@pytest.fixture
def indexed_spots() -> Iterator[None]:
    def attach(column: sa.Column[Any], table: sa.Table) -> None:
        if isinstance(column.type, Spot):
            name = f"of_{table.name}_{column.name}"
            table.append_constraint(sa.Index(name, column, postgresql_using="gist"))

    event.listen(sa.Column, "after_parent_attach", attach)
    yield
    event.remove(sa.Column, "after_parent_attach", attach)


@pytest.mark.thorough
@pytest.mark.usefixtures("indexed_spots")
def test_index_that_a_listener_attaches_is_created_once(lab: Lab) -> None:
    def declared(*names: str) -> Schema:
        metadata = sa.MetaData()
        columns = [sa.Column(name, Spot()) for name in names]
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("places", metadata, key, *columns, schema=SCHEMA)
        return Schema(metadata)

    revision = lab.migrate(declared("a"))
    assert revision.upgrade.count("of_places_a") == 1
    revision = lab.there_and_back(declared("a"), declared("a", "b"))
    assert revision.upgrade.count("of_places_b") == 1
