"""What goes when what takes its place is made, so that no client is without either."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, text

from tests.adopt.products import psql
from tests.support.applications import SmallApplication
from tests.support.dump import dump
from townhall.adopt import Decisions, adopt, script

if TYPE_CHECKING:
    from pathlib import Path

_DECLARED = """
Table(
    "posts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("likes", Integer),
)
Table("likes", metadata, Column("post", Integer))
entities = [
    pg.View(name="totals", definition="select id, likes from posts"),
    pg.Function(
        name="count_like", returns="trigger", language="plpgsql",
        body="begin update public.posts as p set likes = p.likes + 1 where p.id = new.post;"
        " return null; end",
    ),
    pg.Trigger(
        name="count_like", table="likes", timing="after", events=("insert",),
        function="public.count_like",
    ),
]
"""

_REVISION = """
import sqlalchemy as sa
from alembic import op
from townhall import pg
from townhall.migrate import safety

revision = "likes_{number}"
down_revision = {previous}


def upgrade():
    {lock}
    {upgrade}


def downgrade():
    {downgrade}
"""
_TABLES = """
    op.create_table(
        "posts",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("likes", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="posts_pkey"),
        if_not_exists=True,
    )
    op.create_table("likes", sa.Column("post", sa.Integer), if_not_exists=True)
"""
_ENTITIES = """
    pg.create_entity(pg.View(name="totals", definition="select id, likes from posts"))
    pg.create_entity(
        pg.Function(
            name="count_like", returns="trigger", language="plpgsql",
            body="begin update public.posts as p set likes = p.likes + 1 where p.id = new.post;"
            " return null; end",
        )
    )
    pg.create_entity(
        pg.Trigger(
            name="count_like", table="likes", timing="after", events=("insert",),
            function="public.count_like",
        )
    )
"""
_DROPS = """
    pg.drop_entity(pg.Trigger.named(name="count_like", table="likes"))
    pg.drop_entity(pg.Function.named(name="count_like"))
    pg.drop_entity(pg.View.named(name="totals"))
"""

_THEIRS = """
    create table posts (id integer, likes integer, constraint posts_pkey primary key (id));
    create table likes (post integer);
    create view totals as select likes::text as theirs from posts;
    create function add_like() returns trigger language plpgsql as '
        begin
            update public.posts as p set likes = p.likes + 1 where p.id = new.post;
            return null;
        end';
    create trigger add_like after insert on likes for each row execute function add_like();
    create function nothing() returns trigger language plpgsql as 'begin return null; end';
    create trigger other after insert on likes for each row execute function nothing();
    insert into posts values (1, 0)
"""
_DECISIONS = Decisions(
    {
        "trigger public.likes add_like": "drop",
        "trigger public.likes other": "drop",
        "view public.totals": "drop",
    }
)


@pytest.fixture
def application(owned_database: str, townhall_server: str, tmp_path: Path) -> SmallApplication:
    """Return an application whose second revision makes what others have, too."""
    with create_engine(owned_database, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(_THEIRS)
    application = SmallApplication(tmp_path, owned_database, townhall_server)
    application.declare(_DECLARED)
    return application


def write(application: SmallApplication, lock: str) -> None:
    drop = '\n    safety.drop_table("likes")\n    safety.drop_table("posts")'
    parts = [("None", _TABLES, drop, "pass"), ("'likes_1'", _ENTITIES, _DROPS, lock)]
    for number, (previous, upgrade, downgrade, first) in enumerate(parts, 1):
        values = {"previous": previous, "upgrade": upgrade, "downgrade": downgrade, "lock": first}
        source = _REVISION.format(number=number, **values)
        (application.folder / "versions" / f"likes_{number}.py").write_text(source)


LOCKS = ["pass", "safety.lock_tables('public.posts', writes_only=['public.likes'])"]


@pytest.mark.thorough
@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_replaced_goes_in_the_transaction_that_makes_what_takes_its_place(
    lock: str, application: SmallApplication
) -> None:
    write(application, lock)
    ini, scratch = application.folder / "alembic.ini", application.scratch
    written = script(application.url, _DECISIONS, config=ini, scratch=scratch)
    transactions = re.split(r"(?i)^(?:begin|commit);", written, flags=re.MULTILINE)
    (tables,) = (each for each in transactions if "INSERT INTO alembic_version" in each)
    (entities,) = (each for each in transactions if "UPDATE alembic_version" in each)
    assert "drop trigger if exists other" in tables  # nothing that is declared takes its place
    assert "drop trigger if exists add_like" in entities
    assert "create or replace trigger count_like" in entities
    assert "drop view if exists public.totals" in entities

    before = dump(application.url)
    done = adopt(application.url, _DECISIONS, config=ini, scratch=scratch)
    assert done.differences == []
    assert adopt(application.url, _DECISIONS, config=ini, scratch=scratch).done == []
    with create_engine(application.url, poolclass=NullPool).begin() as connection:
        connection.execute(text("insert into likes values (1)"))
        assert connection.scalar(text("select likes from totals")) == 1
    command.downgrade(application.config, "base")
    with create_engine(application.url, poolclass=NullPool).begin() as connection:
        connection.execute(text("drop table alembic_version"))
    assert sorted(dump(application.url).splitlines()) == sorted(before.splitlines())


@pytest.mark.exhaustive
def test_script_replaces_as_an_adoption_does(application: SmallApplication) -> None:
    write(application, LOCKS[1])
    ini, scratch = application.folder / "alembic.ini", application.scratch
    file = application.folder / "adopt.sql"
    file.write_text(script(application.url, _DECISIONS, config=ini, scratch=scratch))
    done = psql(application.url, file)
    assert done.returncode == 0, done.stderr
    assert adopt(application.url, _DECISIONS, config=ini, scratch=scratch).done == []
