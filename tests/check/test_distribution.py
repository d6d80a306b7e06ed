"""What a distributed engine would refuse of what is declared, told without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from tests.support.applications import SmallApplication
from townhall.check.distribution.layout import Layout
from townhall.check.distribution.report import Document
from townhall.check.distribution.rules import obstacles
from townhall.cli import main
from townhall.pg import Function, MaterializedView, Policy, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.schema import SchemaItem

    from townhall.pg import Entity

SCHEMA = Path(__file__).parents[2] / "docs" / "distribution-report.schema.json"


def found(
    *items: SchemaItem, entities: Sequence[Entity] = (), **keys: str
) -> list[tuple[str, str]]:
    """Return the kind and the object of what is refused of a table ``seats`` of an application.

    It is distributed by ``hall``, and may refer to ``halls``, ``shows`` and ``places``.
    """
    metadata = MetaData()
    Table("halls", metadata, Column("id", Integer, primary_key=True))
    Table("places", metadata, Column("id", Integer, primary_key=True))
    Table(
        "shows",
        metadata,
        Column("hall", Integer, primary_key=True),
        Column("number", Integer, primary_key=True),
    )
    Table(
        "seats",
        metadata,
        Column("hall", Integer, primary_key=True),
        Column("id", Integer, primary_key=True),
        *items,
    )
    layout = Layout.of([metadata], {"seats": "hall", **keys})
    return [(each.kind, each.object) for each in obstacles(layout, entities)]


def test_table_whose_key_is_everywhere_is_distributed() -> None:
    assert (
        found(
            Column("row", Integer),
            Column("show", Integer),
            UniqueConstraint("hall", "row"),
            Index("ix_of_row", "hall", func.abs(Column("row", Integer)), unique=True),
            Index("ix_row", "row"),
            ForeignKeyConstraint(["hall", "show"], ["shows.hall", "shows.number"]),
            ForeignKeyConstraint(["hall"], ["halls.id"], ondelete="CASCADE"),
            ExcludeConstraint(("hall", "="), ("row", "&&")),
            shows="hall",
            halls="reference",
        )
        == []
    )


@pytest.mark.parametrize(
    ("items", "kind", "words"),
    [
        ([UniqueConstraint("row", name="uq_row")], "unique", "unique constraint public.seats uq"),
        ([Index("ux_row", "row", unique=True)], "unique", "unique index public.seats ux_row"),
        (
            [Index("ux", func.abs(Column("hall", Integer)), unique=True)],
            "unique",
            "unique index public.seats ux",
        ),
        (
            [ExcludeConstraint(("hall", "&&"), ("row", "="), name="ex")],
            "unique",
            "exclusion constraint public.seats ex",
        ),
        (
            [ForeignKeyConstraint(["row"], ["places.id"], name="fk")],
            "foreign key",
            "foreign key public.seats fk",
        ),
        (
            [ForeignKeyConstraint(["hall"], ["halls.id"], name="fk", ondelete="SET NULL")],
            "foreign key",
            "foreign key public.seats fk",
        ),
        (
            [
                ForeignKeyConstraint(
                    ["hall"], ["halls.id"], name="fk", ondelete="SET DEFAULT (hall)"
                )
            ],
            "foreign key",
            "foreign key public.seats fk",
        ),
        (
            [ForeignKeyConstraint(["hall"], ["halls.id"], name="fk", onupdate="CASCADE")],
            "foreign key",
            "foreign key public.seats fk",
        ),
        (
            [ForeignKeyConstraint(["row", "hall"], ["shows.hall", "shows.number"], name="fk")],
            "foreign key",
            "foreign key public.seats fk",
        ),
    ],
)
def test_what_lacks_or_changes_the_key_is_refused(
    items: list[SchemaItem], kind: str, words: str
) -> None:
    refused = found(Column("row", Integer), *items, halls="reference", shows="hall")
    assert len(refused) == 1
    assert refused[0][0] == kind
    assert refused[0][1].startswith(words)


def test_foreign_key_that_sets_another_column_than_the_key_null_is_kept() -> None:
    assert (
        found(
            Column("row", Integer),
            ForeignKeyConstraint(["row"], ["halls.id"], ondelete="SET NULL"),
            ForeignKeyConstraint(
                ["hall", "row"], ["shows.hall", "shows.number"], ondelete="SET NULL (row)"
            ),
            halls="reference",
            shows="hall",
        )
        == []
    )


def test_foreign_key_to_a_distributed_table_is_refused_of_every_other() -> None:
    for keys in ({"seats": "reference"}, {}):
        metadata = MetaData()
        Table("halls", metadata, Column("id", Integer, primary_key=True))
        Table("seats", metadata, Column("hall", ForeignKey("halls.id", name="fk")))
        layout = Layout.of([metadata], {"halls": "id", **keys})
        assert [each.object for each in obstacles(layout, ())] == ["foreign key public.seats fk"]


def test_key_that_may_be_missing_or_is_generated_is_refused() -> None:
    metadata = MetaData()
    Table("seats", metadata, Column("hall", Integer), Column("twice", Integer, Computed("2")))
    by_hall = obstacles(Layout.of([metadata], {"seats": "hall"}), ())
    assert [each.reason for each in by_hall] == ["a row without a key can't be inserted"]
    by_twice = obstacles(Layout.of([metadata], {"public.seats": "twice"}), ())
    assert "a generated column can't be a key" in [each.reason for each in by_twice]


@pytest.mark.parametrize(
    ("body", "fills"),
    [
        ("begin new.hall := 1; return new; end", True),
        ('begin new."hall" = 1; return new; end', True),
        ("begin if true then new.hall := 1; end if; return new; end", True),
        ("begin /* a */ select id, 1 into new.row, new.hall from halls; return new; end", True),
        ("begin if new.hall = 1 then new.row := 2; end if; return new; end", False),
        ("begin -- ;new.hall := 1\n new.hall_of := 1; return new; end", False),
    ],
)
def test_key_that_a_trigger_fills_is_told(body: str, *, fills: bool) -> None:
    function = Function(name="fill", returns="trigger", language="plpgsql", body=body)
    trigger = Trigger(
        table="seats", name="fill", timing="before", events=("insert",), function=function
    )
    refused = found(entities=[function, trigger])
    assert [kind for kind, _ in refused] == (["key"] if fills else []) + ["trigger"]


@pytest.mark.parametrize(
    ("condition", "is_refused"),
    [
        ("hall = (select 1)", True),
        ("exists (SELECT from halls)", True),
        ("hall = any (array(select 1))", True),
        ("hall = my_hall()", False),
        ("\"select\" = 'select (select 1)' -- select", False),
    ],
)
def test_policy_with_a_subquery_is_refused(condition: str, *, is_refused: bool) -> None:
    policy = Policy(
        table="seats",
        name="theirs",
        command="all",
        roles=("public",),
        using="true",
        check=condition,
    )
    expected = [("policy", "policy public.seats theirs")] if is_refused else []
    assert found(entities=[policy]) == expected


def test_policy_of_a_local_table_counts_where_foreign_keys_lead_to_a_reference_table() -> None:
    metadata = MetaData()
    Table("halls", metadata, Column("id", Integer, primary_key=True))
    Table(
        "rows",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("hall", ForeignKey("halls.id")),
    )
    Table("seats", metadata, Column("row", ForeignKey("rows.id")))
    Table("alone", metadata, Column("id", Integer))
    policies = [
        Policy(table=name, name="p", command="select", roles=("public",), using="(select true)")
        for name in ("seats", "alone")
    ]
    layout = Layout.of([metadata], {"halls": "reference"})
    assert [each.object for each in obstacles(layout, policies)] == ["policy public.seats p"]
    assert obstacles(Layout.of([metadata], {"halls": "id"}), policies) != ()


def test_materialized_view_of_a_distributed_table_is_told_to_be_stripped() -> None:
    views = [
        MaterializedView(name=name, definition=f"select id from public.{table}")
        for name, table in (("of_seats", "seats"), ("of_halls", "halls"))
    ]
    assert found(entities=views) == [("materialized view", "materialized view public.of_seats")]


def test_view_that_is_stripped_is_not_counted_as_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "map.toml"
    place.write_text('investor_readiness_scores = "user_id"')
    assert main(("check", "--distribute", str(place))) == 1
    *told, last = capsys.readouterr().out.splitlines()
    assert len([line for line in told if line.startswith("materialized view")]) == 2
    refused = f"Citus 13.2 would refuse {len(told) - 2} of what is declared"
    assert last == f"{refused}, and strip 2 materialized views."


def test_usage_alone_by_tenant_is_what_the_guide_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "map.toml"
    place.write_text('usage_events = "tenant_id"\n')
    assert main(("check", "--distribute", str(place))) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"Citus 13.2 would refuse {len(lines) - 1} of what is declared."
    assert [line.split(":")[0] for line in lines[:-1]] == [
        "column public.usage_events.tenant_id",
        "primary key public.usage_events pk_usage_events",
        "foreign key public.usage_events fk_usage_events_tenant_id_tenant_profiles",
        "foreign key public.usage_events fk_usage_events_user_id_users",
        "policy public.usage_events the tenant's owner can read",
    ]


def test_report_is_json_as_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "map.json"
    place.write_text('{"auth.users": "reference", "social_feed_posts": "id"}')
    assert main(("check", "--distribute", str(place), "--json")) == 1
    adapter = TypeAdapter(Document)
    report = adapter.validate_json(capsys.readouterr().out)
    assert report.tables == {"auth.users": "reference", "public.social_feed_posts": "id"}
    assert {each.kind for each in report.obstacles} == {
        "foreign key",
        "trigger",
        "policy",
        "materialized view",
    }
    assert json.loads(SCHEMA.read_text()) == adapter.json_schema(mode="serialization")


def test_tables_of_an_application_are_checked_without_its_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = "postgresql+psycopg://nobody@/nowhere?host=/nowhere"
    application = SmallApplication(tmp_path, nowhere, nowhere)
    application.declare(
        """
Table("seats", metadata, Column("id", Integer, primary_key=True), Column("hall", Integer))
entities.append(
    pg.Policy(table="seats", name="p", command="all", roles=("public",), using="(select true)")
)
"""
    )
    place = tmp_path / "map.toml"
    place.write_text('seats = "hall"')
    ini = str(tmp_path / "alembic.ini")
    assert main(("check", "--config", ini, "--distribute", str(place))) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    assert [line.split(":")[0] for line in captured.out.splitlines()] == [
        "column public.seats.hall",
        "primary key public.seats",
        "policy public.seats p",
        "Citus 13.2 would refuse 3 of what is declared.",
    ]

    (tmp_path / "env.py").write_text("")
    assert main(("check", "--config", ini, "--distribute", str(place))) == 2
    assert "does not call townhall.migrate.run()" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no_such_table = 'id'", "no_such_table, which is no declared table"),
        ("events = 'no_such_column'", "which is no column of it"),
        ("events = ''", "events by '', which is no column of it"),
        ("events = 1", "is no map of tables to keys"),
        ("events = 'id'\n\"public.events\" = 'reference'", "names public.events twice"),
        ("", "names no table"),
        ("events", "can't be read"),
        (None, "can't be read"),
    ],
)
def test_map_that_is_wrong_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, words: str
) -> None:
    place = tmp_path / "map.toml"
    if text is not None:
        place.write_text(text)
    assert main(("check", "--distribute", str(place))) not in {0, 1}
    assert words in capsys.readouterr().err


def test_map_of_json_that_names_a_table_twice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "map.json"
    place.write_text('{"events": "id", "events": "reference"}')
    assert main(("check", "--distribute", str(place))) == 2
    assert "can't be read: events is in it twice" in capsys.readouterr().err


def test_database_beside_a_map_is_refused_since_none_is_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for database in (("postgresql://localhost/app",), ("--url", "postgresql://localhost/app")):
        with pytest.raises(SystemExit):
            main(("check", "--distribute", "map.toml", *database))
        assert "not allowed with argument" in capsys.readouterr().err


def test_foreign_key_to_a_table_that_is_not_given_is_one_to_a_local_table() -> None:
    elsewhere = Table("halls", MetaData(), Column("id", Integer, primary_key=True))
    metadata = MetaData()
    Table("seats", metadata, Column("hall", ForeignKey(elsewhere.c.id, name="fk"), nullable=False))
    Table("rows", metadata, Column("hall", ForeignKey(elsewhere.c.id)))
    layout = Layout.of([metadata], {"seats": "hall", "rows": "reference"})
    assert [each.object for each in obstacles(layout, ())] == ["foreign key public.seats fk"]


def test_foreign_key_to_a_table_that_nobody_declares_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = "postgresql+psycopg://nobody@/nowhere?host=/nowhere"
    application = SmallApplication(tmp_path, nowhere, nowhere)
    application.declare(
        "from sqlalchemy import ForeignKey\n"
        'Table("seats", metadata, Column("hall", ForeignKey("halls.id")))'
    )
    place = tmp_path / "map.toml"
    place.write_text('seats = "hall"')
    ini = str(tmp_path / "alembic.ini")
    assert main(("check", "--config", ini, "--distribute", str(place))) == 2
    told = capsys.readouterr().err
    assert "give the column itself" in told
    assert "Traceback" not in told
