"""What the first revision of a pulled application is for the revisions after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pull.pulled import Application, execute, objects, url_of
from tests.support.alembic import alembic
from townhall.testing.databases import Databases

SCHEMA = """
    create schema crm;
    create table crm.teams (id int primary key, captain_id int);
    create table players (id int primary key, team_id int not null references crm.teams);
    alter table crm.teams add foreign key (captain_id) references players;
    create function first_team() returns setof crm.teams language sql
        as 'select * from crm.teams limit 1';
    create view playing as select id from players
"""
LATER = '''"""A nickname."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0002"
down_revision = "shop_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("players", sa.Column("nickname", sa.Text()))


def downgrade() -> None:
    op.drop_column("players", "nickname")
'''


@pytest.mark.thorough
def test_what_the_first_revision_makes_goes_with_it(server: Databases, tmp_path: Path) -> None:
    with server.create() as source, server.create() as made:
        execute(source, SCHEMA)
        application = Application(tmp_path, source, url_of(server))
        application.pull()
        empty = objects(made)
        alembic("upgrade", "head", url=made, directory=tmp_path)
        later = tmp_path / "migrations" / "versions" / "shop_0002_nickname.py"
        later.write_text(LATER, encoding="utf-8")
        alembic("upgrade", "head", url=made, directory=tmp_path)
        alembic("downgrade", "base", url=made, directory=tmp_path)
        assert objects(made) == empty


@pytest.mark.thorough
def test_what_was_there_before_the_stamp_stays_at_a_downgrade(
    server: Databases, tmp_path: Path
) -> None:
    with server.create() as source:
        execute(source, f"{SCHEMA}; insert into crm.teams (id) values (1)")
        application = Application(tmp_path, source, url_of(server))
        application.pull()
        before = objects(source)
        application.stamp()
        alembic("downgrade", "base", url=source, directory=tmp_path)
        assert objects(source) == before


@pytest.mark.thorough
def test_upgrade_over_a_table_that_differs_is_refused_before_the_first_change(
    server: Databases, tmp_path: Path
) -> None:
    with server.create() as source, server.create() as other:
        execute(source, "create table teams (id int primary key, name varchar(80) not null)")
        application = Application(tmp_path, source, url_of(server))
        application.pull()
        alembic("upgrade", "head", url=source, directory=tmp_path)
        execute(other, "create table teams (id int, name text)")
        before = objects(other)
        refused = alembic("upgrade", "head", url=other, directory=tmp_path, check=False)
        assert refused.returncode != 0
        assert (
            "- public.teams: id allows NULL, name is text instead of character varying(80) and name"
            " allows NULL; it lacks the constraint teams_pkey"
        ) in refused.stdout + refused.stderr
        assert objects(other) == before
