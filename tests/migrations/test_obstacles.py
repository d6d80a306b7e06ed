"""What has the name of a table that a pending revision creates, and is not that table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, make_url, text

from tests.migrations.chain import sql_script
from tests.support.applications import SmallApplication
from tests.support.dump import dump
from townhall import metadata
from townhall.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from townhall.testing.databases import Databases

TABLES = [table for table in metadata.sorted_tables if table.schema is None]

AUTH = (
    "create schema auth",
    "create table auth.users (id uuid primary key, email text)",
    "create function auth.uid() returns uuid language sql stable as 'select null::uuid'",
)

COMMAND = "See what it takes to adopt them: townhall adopt"


def _one_plain(cases: Iterable[str]) -> list[Any]:
    """Return the cases, of which the first one runs always."""
    first, *others = cases
    return [first, *(pytest.param(each, marks=pytest.mark.thorough) for each in others)]


def _run(url: str, *statements: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _create_tables(url: str) -> None:
    _run(url, *AUTH)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        metadata.create_all(connection, tables=TABLES)


def _refusal(url: str) -> list[str]:
    """Return the lines of the message that refuses the upgrade, which must change nothing."""
    before = dump(url)
    with pytest.raises(CommandError) as refused:
        upgrade(url)
    assert dump(url) == before
    return str(refused.value).splitlines()


@pytest.mark.thorough
def test_table_that_lacks_columns_is_refused_before_the_first_change(empty_database: str) -> None:
    _run(empty_database, "create table profiles (id uuid primary key, full_name text)")
    first, table, last = _refusal(empty_database)
    assert first.startswith("There are tables that no revision of this history made")
    assert table == (
        "- public.profiles: it lacks avatar_url, stage, industry, tier, created_at, updated_at;"
        " it lacks the constraint ck_profiles_avatar_url_bounds and 5 more"
    )
    assert last == COMMAND


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ("alter table profiles drop column stage", "it lacks stage; "),
        ("alter table profiles alter tier type smallint", "tier is smallint instead of integer"),
        ("alter table profiles alter tier drop not null", "tier allows NULL"),
        (
            "alter table profiles drop constraint ck_profiles_tier_known",
            "it lacks the constraint ck_profiles_tier_known",
        ),
        (
            "alter table profiles drop constraint fk_profiles_id_users",
            "it lacks the constraint fk_profiles_id_users",
        ),
    ],
)
def test_created_table_that_lacks_one_thing_is_refused(
    change: str, fact: str, empty_database: str
) -> None:
    _create_tables(empty_database)
    _run(empty_database, change)
    [_, table, _] = _refusal(empty_database)
    assert table.startswith(f"- public.profiles: {fact}")


@pytest.mark.exhaustive
def test_precision_that_differs_is_another_type(empty_database: str) -> None:
    _create_tables(empty_database)
    _run(
        empty_database,
        "alter table investor_readiness_scores alter overall_score type numeric(6, 2)",
    )
    assert _refusal(empty_database)[1] == (
        "- public.investor_readiness_scores: overall_score is numeric(6,2) instead of numeric(5, 2)"
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("create view events as select 1 as id", "a view"),
        ("create materialized view events as select 1 as id", "a materialized view"),
        ("create sequence events", "a sequence"),
        ("create type events as (id uuid)", "a type"),
        ("create type events as enum ('one')", "a type"),
        ("create domain events as text", "a type"),
    ],
)
def test_other_object_of_the_name_is_refused(
    statement: str, kind: str, empty_database: str
) -> None:
    _run(empty_database, statement)
    assert _refusal(empty_database)[1] == f"- public.events: it is {kind}"


OBJECTS = {
    "create view track_statistics as select 1 as one": "public.track_statistics: it is a view",
    "create materialized view benchmark_stage_aggregates as select 1 as one": (
        "public.benchmark_stage_aggregates: it is a materialized view"
    ),
    "create table track_statistics (id int)": "public.track_statistics: it is a table",
    """
    create function mark_messages_read(message_ids uuid[])
    returns text language sql as 'select null::text'
    """: "public.mark_messages_read(uuid[]): cannot change return type of existing function",
    """
    create function mark_messages_read(other uuid[])
    returns bigint language sql as 'select null::bigint'
    """: ('public.mark_messages_read(uuid[]): cannot change name of input parameter "other"'),
}


@pytest.mark.thorough
@pytest.mark.parametrize("statement", OBJECTS)
def test_object_that_can_not_be_replaced_is_refused(statement: str, empty_database: str) -> None:
    _run(empty_database, statement)
    first, line, last = _refusal(empty_database)
    assert first.startswith("There are objects that no revision of this history made")
    assert line == f"- {OBJECTS[statement]}"
    assert last == COMMAND


@pytest.mark.exhaustive
def test_index_of_another_table_is_refused(empty_database: str) -> None:
    _run(
        empty_database,
        "create table theirs (id int)",
        "create index idx_table_assignments_event on theirs (id)",
    )
    assert _refusal(empty_database)[1] == (
        "- public.idx_table_assignments_event: it is an index of theirs;"
        " declared: an index of table_assignments"
    )


_NOTES = """
import sqlalchemy as sa
from alembic import op
from townhall import pg
from townhall.migrate import safety

revision = "notes"
down_revision = None


def upgrade():
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.Text),
        sa.Column("note_id", sa.Integer),
        sa.CheckConstraint("title <> ''", name="titled"),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name="answers", ondelete="CASCADE"),
        if_not_exists=True,
    )
    op.create_index(op.f("by_note"), "notes", ["note_id"], if_not_exists=True)
    safety.create_index("by_title", "notes", "(lower(title)) where id > 0", unique=True)
    safety.add_constraint("notes", "short", "check (length(title) in (1, 2))")
    safety.add_unique("notes", "once", "(id, title)")


def downgrade():
    safety.drop_table("notes")
"""

_AS_CREATED = """
create table notes (
    id serial primary key,
    title text,
    note_id integer,
    constraint titled check (title <> ''),
    constraint answers foreign key (note_id) references notes (id) on delete cascade,
    constraint short check (length(title) in (1, 2)),
    constraint once unique (id, title)
);
create index by_note on notes (note_id);
create unique index by_title on notes (lower(title)) where id > 0
"""

PARTS = {
    "drop index by_note; create index by_note on notes (title)": (
        "its index by_note is: USING btree (title); declared: (note_id)"
    ),
    "drop index by_title; create index by_title on notes (lower(title)) where id > 0": (
        "its index by_title is: USING btree (lower(title)) WHERE (id > 0);"
        " declared: (lower(title)) where id > 0"
    ),
    "alter table notes drop constraint titled, add constraint titled check (title <> '-')": (
        "its constraint titled is: CHECK ((title <> '-'::text)); declared: CHECK (title <> '')"
    ),
    """
    alter table notes
        drop constraint answers,
        add constraint answers foreign key (note_id) references notes (id)
    """: (
        "its constraint answers is: FOREIGN KEY (note_id) REFERENCES public.notes(id);"
        " declared: FOREIGN KEY(note_id) REFERENCES notes (id) ON DELETE CASCADE"
    ),
    "alter table notes drop constraint short, add constraint short check (length(title) < 3)": (
        "its constraint short is: CHECK ((length(title) < 3));"
        " declared: check (length(title) in (1, 2))"
    ),
    "alter table notes drop constraint once, add constraint once unique (title, note_id)": (
        "its constraint once is: UNIQUE (title, note_id); declared: unique (id, title)"
    ),
}


@pytest.mark.parametrize("change", _one_plain(PARTS))
def test_constraint_or_index_of_another_definition_is_refused(
    change: str, empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("")
    (tmp_path / "versions" / "notes.py").write_text(_NOTES)
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(_AS_CREATED)
        connection.exec_driver_sql(change)
    before = dump(empty_database)
    with pytest.raises(CommandError) as refused:
        command.upgrade(application.config, "head")
    assert dump(empty_database) == before
    first, line, last = str(refused.value).splitlines()
    assert first.startswith("There are constraints and indexes that no revision of this history")
    assert line == f"- public.notes: {PARTS[change]}"
    assert last == COMMAND


@pytest.mark.thorough
def test_constraints_and_indexes_that_are_as_declared_are_no_obstacle(
    empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("")
    (tmp_path / "versions" / "notes.py").write_text(_NOTES)
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(_AS_CREATED)
    before = sorted(dump(empty_database).splitlines())
    command.upgrade(application.config, "head")
    command.downgrade(application.config, "base")
    _run(empty_database, "drop table alembic_version")
    assert sorted(dump(empty_database).splitlines()) == before


_TYPES = """
import sqlalchemy as sa
from alembic import op
from townhall import pg

revision = "types"
down_revision = None


def upgrade():
    pg.create_entity(pg.EnumType(name="mood", values=("calm", "glad")))
    pg.create_entity(
        pg.Domain(name="slug", base="text", checks={"short": "char_length(value) < 9"})
    )
    pg.create_entity(pg.CompositeType(name="place", attributes={"row": "integer", "seat": "text"}))
    pg.create_entity(pg.RangeType(name="price_range", subtype="numeric"))


def downgrade():
    pg.drop_entity(pg.EnumType.named(name="mood"))
"""

TYPES = {
    "create type mood as enum ('glad', 'calm')": (
        "mood: it is an enum of 'glad', 'calm'; declared: an enum of 'calm', 'glad'"
    ),
    "create domain mood as text": (
        "mood: it is a domain over text; declared: an enum of 'calm', 'glad'"
    ),
    "create domain slug as text constraint short check (char_length(value) < 8)": (
        "slug: it is a domain over text constraint short CHECK ((char_length(VALUE) < 8));"
        " declared: a domain over text constraint short CHECK ((char_length(VALUE) < 9))"
    ),
    "create type place as (row integer)": (
        'place: it is a composite type ("row" integer);'
        ' declared: a composite type ("row" integer, seat text)'
    ),
    "create type price_range as range (subtype = integer)": (
        "price_range: it is a range of integer int4_ops; declared: a range of numeric numeric_ops"
    ),
}
SAME_TYPES = (
    "create type mood as enum ('calm', 'glad')",
    "create domain slug as text constraint short check (char_length(value) < 9)",
    "create type place as (row integer, seat text)",
    "create type price_range as range (subtype = numeric)",
)


@pytest.mark.parametrize("statement", _one_plain(TYPES))
def test_type_of_other_values_is_refused(
    statement: str, empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("")
    (tmp_path / "versions" / "types.py").write_text(_TYPES)
    _run(empty_database, statement)
    before = dump(empty_database)
    with pytest.raises(CommandError) as refused:
        command.upgrade(application.config, "head")
    assert dump(empty_database) == before
    assert str(refused.value).splitlines()[1] == f"- public.{TYPES[statement]}"


@pytest.mark.thorough
def test_types_of_the_same_values_are_no_obstacle(empty_database: str, tmp_path: Path) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("")
    (tmp_path / "versions" / "types.py").write_text(_TYPES)
    _run(empty_database, *SAME_TYPES)
    command.upgrade(application.config, "head")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", ["stakeholder_sessions", "campaign_assignments", "participant_sessions"]
)
def test_table_with_a_former_or_later_name_is_refused(name: str, empty_database: str) -> None:
    _run(empty_database, f"create table {name} (id uuid primary key)")
    assert f"- public.{name}: it lacks campaign_id, stakeholder_name" in _refusal(empty_database)[1]


@pytest.mark.thorough
def test_each_table_has_one_line(empty_database: str) -> None:
    for table in TABLES:
        _run(empty_database, f"create table {table.name} (id uuid)")
    lines = [line.split(":")[0] for line in _refusal(empty_database)[1:-1]]
    assert lines == sorted(f"- public.{table.name}" for table in TABLES)


@pytest.mark.exhaustive
def test_keys_under_another_name_are_no_obstacle(empty_database: str) -> None:
    _create_tables(empty_database)
    _run(
        empty_database,
        "alter table profiles rename constraint pk_profiles to profiles_pkey",
        "alter table profiles rename constraint fk_profiles_id_users to profiles_id_fkey",
        "alter table organizations rename constraint uq_organizations_slug to slugs",
        "alter table profiles add column nickname text",
    )
    upgrade(empty_database)


def test_revision_that_is_not_pending_is_not_looked_at(townhall_database: str) -> None:
    _run(townhall_database, "alter table profiles drop column industry cascade")
    upgrade(townhall_database)


@pytest.mark.exhaustive
def test_script_refuses_what_is_in_the_way_before_the_first_change(empty_database: str) -> None:
    _run(empty_database, "create table profiles (id uuid primary key, full_name text)")
    before = dump(empty_database)
    arguments = (
        make_url(empty_database).get_dialect()().create_connect_args(make_url(empty_database))[1]
    )
    script = sql_script(command.upgrade, "base:head")
    with (
        psycopg.connect(**arguments, autocommit=True) as connection,
        pytest.raises(psycopg.errors.RaiseException, match=r"public\.profiles: it lacks"),
    ):
        connection.execute(script)
    assert dump(empty_database) == before


DECLARED = """
from sqlalchemy import ARRAY, String
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

class Spaced(UserDefinedType):
    def get_col_spec(self, **_):
        return "text compression pglz"

Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", Text),
    Column("code", String(20, collation="C")),
    Column("tags", ARRAY(Text(collation="POSIX"))),
    Column("length", postgresql.INTERVAL(fields="day to second", precision=3)),
    Column("body", Spaced()),
)
"""
NOTES = """
create table notes (
    id serial primary key, code varchar(10) collate "C", tags text[] collate "POSIX",
    length interval day to second (2), body integer
)
"""


@pytest.mark.thorough
def test_table_of_an_application_is_looked_at_likewise(
    townhall_databases: Databases, tmp_path: Path
) -> None:
    with townhall_databases.create() as url, townhall_databases.create() as other:
        application = SmallApplication(tmp_path, url, str(townhall_databases.server))
        application.declare(DECLARED)
        application.revise("notes_1")
        config = SmallApplication(tmp_path, other, application.scratch).config
        _run(other, NOTES)
        before = dump(other)
        with pytest.raises(CommandError) as refused:
            command.upgrade(config, "head")
        assert str(refused.value).splitlines()[1] == (
            "- public.notes: it lacks title; code is character varying(10) instead of varchar(20),"
            " length is interval day to second(2) instead of interval day to second (3),"
            " body is integer instead of text"
        )
        assert dump(other) == before


_GIVES_WAY = """
from alembic import op
import sqlalchemy as sa
from townhall import pg
from alembic_utils.pg_view import PGView

revision = "second"
down_revision = "first"


def upgrade():
    {drop}
    op.create_table("seats", sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    op.drop_table("seats")
"""
_IN_THE_WAY = """
from alembic import op

revision = "first"
down_revision = None


def upgrade():
    op.execute("{create}")


def downgrade():
    op.execute("{drop}")
"""
GIVES_WAY = {
    'pg.drop_entity(pg.View.named(name="seats"))': "view seats as select 1 as id",
    'op.execute("drop view if exists other, public.Seats cascade")': "view seats as select 1 as id",
    'seats = PGView("public", signature="seats", definition="select 1")\n'
    "    op.drop_entity(seats)": "view seats as select 1 as id",
    """op.execute('DROP MATERIALIZED VIEW "seats"')""": "materialized view seats as select 1 as id",
    'pg.drop_entity(pg.EnumType.named(name="seats"))': "type seats as enum ('front')",
    'op.execute("drop sequence seats")': "sequence seats",
    'op.drop_table("seats")': "table seats (name text)",
}


@pytest.mark.parametrize("drop", _one_plain(GIVES_WAY))
def test_table_replaces_what_a_revision_drops_before(
    drop: str, empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("")
    create = f"create {GIVES_WAY[drop]}"
    way_back = f"drop {GIVES_WAY[drop].rpartition('seats')[0]}seats"
    versions = tmp_path / "versions"
    (versions / "first.py").write_text(_IN_THE_WAY.format(create=create, drop=way_back))
    command.upgrade(application.config, "head")
    (versions / "second.py").write_text(_GIVES_WAY.format(drop=drop))
    command.upgrade(application.config, "head")
    assert "CREATE TABLE public.seats" in dump(empty_database)
