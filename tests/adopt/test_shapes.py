"""Tables of declared names in shapes that a declaration does not have, and what is set for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from tests.adopt.conftest import Found
from tests.support.applications import SmallApplication
from tests.support.dump import dump
from townhall.adopt import Decisions, Outcome, Weight, adopt, script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIES = {
    "of_parent": (
        "is a partition of public.parent",
        "alter table public.parent detach partition public.of_parent",
    ),
    "child": (
        "inherits from public.base",
        "alter table public.child no inherit public.base",
    ),
    "base_of": (
        "is inherited by public.special",
        "alter table public.special no inherit public.base_of",
    ),
    "typed": (
        "has the columns of the type public.kind",
        "alter table public.typed not of",
    ),
}
"""Tables that share their columns, what they are, and what ends it."""

TIED = """
    create table parent (id integer not null, size integer) partition by range (id);
    create table of_parent partition of parent for values from (0) to (10);
    create table base (id integer not null, size integer);
    create table child () inherits (base);
    create table base_of (id integer not null, size integer);
    create table special (more text) inherits (base_of);
    create type kind as (id integer, size integer);
    create table typed of kind (id with options not null);
    insert into of_parent values (1, 1);
    insert into special values (1, 1, 'A');
"""


def test_table_that_shares_its_columns_stops_with_the_statement_that_ends_it(found: Found) -> None:
    declared = ";".join(f"create table {name} (id integer not null, size integer)" for name in TIES)
    findings = found(declared, TIED)
    assert {each.weight for each in findings} == {Weight.STOP}
    assert {each.table: (each.text, each.plan) for each in findings} == {
        ("public", name): (
            f"{words}, and a table that stands alone is declared with this name",
            f"run {release}, which leaves it its columns and rows",
        )
        for name, (words, release) in TIES.items()
    }
    releases = ";".join(release for _, release in TIES.values())
    assert found(declared, TIED + releases) == []


def test_index_that_identifies_rows_and_is_replaced_is_told(found: Found) -> None:
    declared = "create table a (id integer not null, constraint pk primary key (id))"
    actual = """
        create table a (id integer not null, title text constraint pk primary key);
        alter table a replica identity using index pk;
    """
    (finding,) = [
        each for each in found(declared, actual) if each.kind == "index that identifies rows"
    ]
    assert (finding.object, finding.weight) == ("constraint public.a pk", Weight.CHANGE)


_DECLARED = """
from sqlalchemy import Computed, UniqueConstraint
for name in {names}:
    Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("title", Text, nullable=False),
        Column("size", Integer, server_default="0"),
        Column("twice", Integer, Computed("size * 2", persisted=True)),
        UniqueConstraint("title", name="uq_" + name),
    )
"""
_REVISION = """
import sqlalchemy as sa
from alembic import op
from townhall.migrate import safety

revision = "shapes"
down_revision = None


def upgrade():
{creations}


def downgrade():
{drops}
"""
_CREATION = """
    op.create_table(
        "{name}",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, server_default="0"),
        sa.Column("twice", sa.Integer, sa.Computed("size * 2", persisted=True)),
        sa.PrimaryKeyConstraint("id", name="pk_{name}"),
        sa.UniqueConstraint("title", name="uq_{name}"),
        if_not_exists=True,
    )"""
_COLUMNS = """
    id integer constraint pk_{name} primary key,
    title text not null constraint uq_{name} unique,
    size integer default 0,
    twice integer generated always as (size * 2) stored
"""


def columns(name: str, actual: str = "", declared: str = "") -> str:
    """Return the columns of a table as declared, or with one thing otherwise."""
    return _COLUMNS.format(name=name).replace(declared.format(name=name), actual)


def run(url: str, script: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(script)


def schema(url: str) -> list[str]:
    return sorted(dump(url).splitlines())


def application(folder: Path, url: str, scratch: str, names: Sequence[str]) -> SmallApplication:
    """Return an application that declares tables of some names, and creates them if missing."""
    application = SmallApplication(folder, url, scratch)
    application.declare(_DECLARED.format(names=list(names)))
    (folder / "versions" / "shapes.py").write_text(
        _REVISION.format(
            creations="".join(_CREATION.format(name=name) for name in names),
            drops="\n".join(f'    safety.drop_table("{name}")' for name in names),
        )
    )
    return application


IN_THE_WAY = {
    "parted": (
        "create table {} ({}) partition by range (id)",
        "it is a partitioned table",
    ),
    "unlogged": ("create unlogged table {} ({})", "it is an unlogged table"),
    "child": (
        "create table base (id integer); create table {} ({}) inherits (base)",
        "it inherits from public.base",
    ),
    "parent": (
        "create table {} ({}); create table special () inherits (parent)",
        "it is inherited by public.special",
    ),
}
"""What makes tables that are in the way of an upgrade, and what is said of them."""


@pytest.mark.thorough
def test_upgrade_over_tables_of_other_shapes_is_refused_and_changes_nothing(
    owned_database: str, townhall_server: str, tmp_path: Path
) -> None:
    names = [*IN_THE_WAY, "plain", "computed", "always"]
    for name, (statement, _) in IN_THE_WAY.items():
        of_table = columns(name, "", " constraint uq_{name} unique")
        run(owned_database, statement.format(name, of_table if name == "parted" else columns(name)))
    computed = "generated always as (size * 2) stored"
    run(owned_database, f"create table plain ({columns('plain', '', computed)})")
    of_id = columns(
        "computed", "size integer generated always as (id) stored", "size integer default 0"
    )
    run(owned_database, f"create table computed ({of_id.replace('(size * 2)', '(id * 2)')})")
    always = columns("always", "id integer generated always as identity", "id integer")
    run(owned_database, f"create table always ({always})")
    before = dump(owned_database)
    with pytest.raises(CommandError) as refused:
        command.upgrade(
            application(tmp_path, owned_database, townhall_server, names).config, "head"
        )
    told = dict(line.split(": ", 1) for line in str(refused.value).splitlines()[1:-1])
    assert told.pop("- public.parted").split("; ").count("it is a partitioned table") == 1
    assert told == {
        **{f"- public.{name}": fact for name, (_, fact) in IN_THE_WAY.items() if name != "parted"},
        "- public.plain": "twice is not generated",
        "- public.computed": "size is generated",
        "- public.always": "id refuses values: it is generated always as identity",
    }
    assert dump(owned_database) == before


SET_FOR_TABLES = """
    create table by_index ({by_index});
    create unique index theirs on by_index (title);
    alter table by_index replica identity using index theirs;
    create table by_key (
        id integer not null, title text constraint "Their key" primary key, size integer
    );
    alter table by_key replica identity using index "Their key";
    create table in_full ({in_full});
    alter table in_full replica identity full;
    create table clustered (
        id integer primary key,
        title text not null constraint theirs_2 unique,
        size integer constraint "Their size" not null default 0
    );
    alter table clustered cluster on theirs_2;
    create table computed (
        id integer primary key,
        title text not null,
        size integer generated always as (id * 3) stored
    );
"""
NAMES = ["by_index", "by_key", "in_full", "clustered", "computed"]


@pytest.mark.thorough
def test_what_identifies_and_orders_rows_is_given_back(
    owned_database: str, townhall_server: str, tmp_path: Path
) -> None:
    without_key = {
        name: columns(name, "", " constraint uq_{name} unique") for name in ("by_index", "in_full")
    }
    run(owned_database, SET_FOR_TABLES.format(**without_key))
    for name in NAMES:
        run(owned_database, f"insert into {name} (id, title) values (1, 'A'), (2, 'B')")
    before = schema(owned_database)
    small = application(tmp_path, owned_database, townhall_server, NAMES)
    ini = tmp_path / "alembic.ini"

    def adopted() -> Outcome:
        return adopt(owned_database, Decisions(), config=ini, scratch=townhall_server)

    done = adopted()
    assert done.differences == []
    assert "identify the rows of public.by_key by all their columns" in done.done
    assert adopted().done == []
    with create_engine(owned_database, poolclass=NullPool).connect() as connection:
        query = "select relname, relreplident from pg_class where relname = any (:names)"
        modes = {row[0]: row[1] for row in connection.execute(text(query), {"names": NAMES})}
    assert modes == {
        "by_index": "i",
        "by_key": "f",
        "in_full": "f",
        "clustered": "d",
        "computed": "d",
    }

    command.downgrade(small.config, "base")
    run(owned_database, "drop table alembic_version")
    # The values of the column may have changed since it is an ordinary one.
    kept = [each.replace(" GENERATED ALWAYS AS ((id * 3)) STORED", "") for each in before]
    assert schema(owned_database) == sorted(kept)


OF_DOMAINS = """
    create domain amount as integer check (value < 100) default 7;
    create domain small as amount constraint smallish check (value <> 13) not null;
    alter domain small add constraint later check (value > -5) not valid;
    create domain words as text check (value <> 'VALUE') not null;
    create table notes (
        id integer constraint pk_notes primary key,
        title words constraint uq_notes unique,
        size small
    );
    insert into notes (id, title, size) values (1, 'A', 1), (2, 'B', 2)
"""
QUESTIONS = {
    "notes_size_amount_check": "CHECK ((size < 100))",
    "notes_size_later_check": "CHECK ((size > '-5'::integer))",
    "notes_size_small_not_null": "CHECK ((size IS NOT NULL))",
    "notes_size_smallish_check": "CHECK ((size <> 13))",
    "notes_title_words_check": "CHECK ((title <> 'VALUE'::text))",
}
"""The constraints that are kept or dropped as decided, as they are on the converted columns."""


class Where(TypedDict):
    """What an adoption is told beside its decisions."""

    config: Path
    scratch: str


def test_check_of_a_domain_is_asked_about_where_its_column_is_converted(found: Found) -> None:
    declared = "create table notes (id integer, sizes integer[], title text not null)"
    actual = """
        create domain amount as integer check (value < 100);
        create domain words as text not null check (value <> 'VALUE');
        create table notes (id amount, sizes amount[], title words);
    """
    findings = found(declared, actual)
    assert {
        each.question.key for each in findings if each.question and each.question.is_required
    } == {
        "constraint public.notes notes_id_amount_check",
        "constraint public.notes notes_title_words_check",
        "public.notes.sizes",
    }
    (implied,) = [each for each in findings if each.object.endswith("_not_null")]
    assert (implied.weight, implied.plan) == (Weight.CHANGE, "the table gets it")


@pytest.mark.thorough
@pytest.mark.parametrize("answer", ["keep", "drop"])
def test_what_a_domain_says_is_kept_or_dropped_as_decided_and_comes_back(
    answer: str, owned_database: str, townhall_server: str, tmp_path: Path
) -> None:
    run(owned_database, OF_DOMAINS)
    small = application(tmp_path, owned_database, townhall_server, ["notes"])
    decisions = Decisions({f"constraint public.notes {name}": answer for name in QUESTIONS})
    where = Where(config=tmp_path / "alembic.ini", scratch=townhall_server)
    written = script(owned_database, decisions, **where)

    done = adopt(owned_database, decisions, **where)
    assert done.differences == []
    assert [title for title in done.done if f"-- {title}\n" not in written] == []
    assert adopt(owned_database, decisions, **where).done == []
    kept = QUESTIONS if answer == "keep" else {}
    assert QUESTIONS.keys() & checks(owned_database) == kept.keys()

    command.downgrade(small.config, "base")
    run(owned_database, "drop table alembic_version")
    after = checks(owned_database)
    assert {name: each.removesuffix(" NOT VALID") for name, each in after.items()} == {
        **QUESTIONS,
        "notes_title_words_not_null": "CHECK ((title IS NOT NULL))",
    }
    assert [name for name, each in after.items() if each.endswith("NOT VALID")] == [
        "notes_size_later_check"
    ]
    run(owned_database, "insert into notes (id, title) values (3, 'C')")
    with create_engine(owned_database, poolclass=NullPool).connect() as connection:
        assert connection.scalar(text("select size from notes where id = 3")) == 7


def checks(url: str) -> dict[str, str]:
    query = """
        select conname, pg_get_constraintdef(oid)
        from pg_constraint
        where conrelid = 'notes'::regclass and contype = 'c'
    """
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return {row[0]: row[1] for row in connection.execute(text(query))}
