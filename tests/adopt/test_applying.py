"""``townhall adopt --apply`` as a user runs it: as JSON, refused, for an application."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.adopt.contents import connected, rows_of
from tests.adopt.decided import decisions_for
from tests.adopt.products import Product, load
from tests.adopt.writing import write
from tests.check.test_check import execute
from tests.support.dump import dump
from townhall.adopt import Decisions
from townhall.cli import main


@pytest.mark.exhaustive
def test_adoption_prints_json_once_done_and_once_more(
    owned_database: str, townhall_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(owned_database, Product.STARTER)
    decisions = decisions_for(Product.STARTER, owned_database, townhall_server)
    # Of a column that has no NULL; the fill does nothing.
    filled = Decisions(decisions.objects, {"public.profiles.id": "gen_random_uuid()"})
    before = rows_of(owned_database)["profiles"].keys()
    place = ("adopt", "--url", owned_database, "--scratch", townhall_server)
    words = (*place, "--apply", "--json", "--decisions", write(tmp_path / "file.toml", filled))
    assert main(words) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    done = json.loads(captured.out)
    assert "upgrade to head" in done["done"]
    assert done["kept"] == "2 functions"
    assert done["left"] == []
    assert rows_of(owned_database)["profiles"].keys() == before

    assert main(words) == 0
    again = json.loads(capsys.readouterr().out)
    assert again == {"done": [], "kept": "2 functions", "left": []}


@pytest.mark.exhaustive
def test_bad_expressions_are_refused_together_and_nothing_is_changed(
    owned_database: str, townhall_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(owned_database, Product.STARTER)
    before = dump(owned_database)
    decisions = decisions_for(Product.STARTER, owned_database, townhall_server)
    fills = {
        "public.profiles.updated_at": "now(); drop table public.profiles",
        "public.profiles.created_at": "nothing",
        "public.profiles.id": "id",
    }
    path = write(tmp_path / "file.toml", Decisions(decisions.objects, fills))
    words = ("adopt", "--url", owned_database, "--scratch", townhall_server, "--decisions", path)
    for doing in ("--apply", "--sql"):
        assert main((*words, doing)) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "[fill] public.profiles.updated_at: now(); drop table" in captured.err
        assert '[fill] public.profiles.created_at: nothing: column "nothing" does' in captured.err
        assert "public.profiles.id" not in captured.err
    assert dump(owned_database) == before


ENVIRONMENT = """
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, Text
from townhall import migrate

metadata = MetaData()
Table(
    "parcels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("place", Text, nullable=False),
    CheckConstraint("place <> ''", name="place_is_known"),
)
migrate.run(product=False, metadata=[metadata])
"""

REVISION = """
import sqlalchemy as sa
from alembic import op

from townhall.migrate import safety

revision = "parcels_1"
down_revision = None


def upgrade():
    op.create_table(
        "parcels",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.CheckConstraint("place <> ''", name="place_is_known"),
        if_not_exists=True,
    )


def downgrade():
    safety.drop_table("parcels")
"""


@pytest.mark.exhaustive
def test_database_is_adopted_for_the_history_of_an_application(
    owned_database: str, townhall_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = tmp_path / "alembic.ini"
    ini.write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text(ENVIRONMENT)
    (tmp_path / "migrations" / "versions" / "parcels_1.py").write_text(REVISION)
    execute(
        owned_database,
        "create table parcels (id serial primary key, weight integer)",
        "insert into parcels values (1, 20)",
    )
    place = ("--url", owned_database, "--scratch", townhall_server, "--config", str(ini))
    assert main(("adopt", *place)) == 1
    assert "column place is missing, refuses NULL" in " ".join(capsys.readouterr().out.split())
    path = write(tmp_path / "file.toml", Decisions(fill={"public.parcels.place": "'here'"}))
    assert main(("adopt", *place, "--apply", "--decisions", path)) == 0, capsys.readouterr()
    assert rows_of(owned_database) == {"parcels": {1: {"id": 1, "weight": 20, "place": "here"}}}
    assert main(("adopt", *place)) == 0
    with connected(owned_database) as connection:
        assert connection.scalar(text("select version_num from alembic_version")) == "parcels_1"
    capsys.readouterr()
    main(("check", *place))
    assert "drift         none" in capsys.readouterr().out
