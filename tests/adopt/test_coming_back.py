"""Functions, views, policies and triggers of others, which revisions replace by their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from tests.support.applications import SmallApplication
from tests.support.dump import dump
from tests.support.foreign import ROLES, run
from townhall.adopt import Decisions, adopt, look
from townhall.testing.databases import with_role

if TYPE_CHECKING:
    from pathlib import Path

_ENTITIES = """
ENTITIES = [
    pg.Function(name="greeting", arguments={"name": "text"}, returns="text", language="sql",
        body="select 'Hello ' || name"),
    pg.Procedure(name="nothing", language="sql", body="select 1"),
    pg.View(name="titles", definition="select id, title from note", security_invoker=True),
    pg.Policy(table="note", name="open", command="select", roles=("public",), using="id > 0"),
    pg.Policy(table="note", name="narrow", command="all", roles=("public",), permissive=False,
        using="id > 1"),
    pg.Trigger(table="note", name="stamp", timing="before", events=("update",),
        function="pg_catalog.suppress_redundant_updates_trigger"),
]
"""
_DECLARED = f"""
{_ENTITIES}
entities = ENTITIES
Table(
    "note",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("title", Text),
)
"""
_REVISION = f"""
import sqlalchemy as sa
from alembic import op
from townhall import pg
from townhall.migrate import safety

revision = "names"
down_revision = None


{_ENTITIES}


def upgrade():
    op.create_table(
        "note",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("title", sa.Text),
        sa.PrimaryKeyConstraint("id", name="note_pkey"),
        if_not_exists=True,
    )
    for entity in ENTITIES:
        pg.create_entity(entity)


def downgrade():
    for entity in reversed(ENTITIES):
        pg.drop_entity(entity)
    safety.drop_table("note")
"""
_OF_OTHERS = """
    create table note (id integer primary key, title text);
    create function suppress() returns trigger language plpgsql as 'begin return new; end';
    create function greeting(name text default 'you') returns text language plpgsql stable strict
        set search_path = '' as 'begin return name; end';
    comment on function greeting is 'Theirs.';
    revoke all on function greeting from public;
    grant execute on function greeting to anon;
    create function greeting(number integer) returns text language sql as 'select 1::text';
    create procedure nothing() language plpgsql security definer as 'begin end';
    create view titles with (security_barrier) as select id, upper(title) as title from note;
    comment on view titles is 'Theirs.';
    comment on column titles.title is 'Theirs.';
    grant select on titles to anon;
    create policy open on note for select to anon using (id = 7);
    comment on policy open on note is 'Theirs.';
    create policy narrow on note as restrictive for delete using (id = 8);
    create policy beside on note for insert with check (id = 9);
    create trigger stamp after insert on note for each row execute function suppress();
    alter table note enable always trigger stamp
"""


@pytest.mark.thorough
def test_functions_views_policies_and_triggers_of_declared_names_come_back(
    owned_database: str, townhall_server: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, owned_database, townhall_server)
    application.declare(_DECLARED)
    (tmp_path / "versions" / "names.py").write_text(_REVISION)
    run(owned_database, *ROLES[:1], *_OF_OTHERS.split(";\n    "))
    before, ini = _schema(owned_database), tmp_path / "alembic.ini"
    findings = look(owned_database, config=ini, scratch=townhall_server).findings
    asked = [each.question.key for each in findings if each.question and each.question.is_required]
    answers = {each: "keep" if each.endswith(" beside") else "drop" for each in asked}
    for _ in range(2):
        done = adopt(owned_database, Decisions(answers), config=ini, scratch=townhall_server)
        assert done.differences == []
        with create_engine(owned_database, poolclass=NullPool).connect() as connection:
            assert connection.scalar(text("select greeting('you')")) == "Hello you"
        command.downgrade(application.config, "base")
        assert _schema(owned_database) == before


@pytest.mark.thorough
def test_what_belongs_to_another_role_is_refused_before_the_first_change(
    empty_database: str, townhall_owner: str | None, townhall_server: str, tmp_path: Path
) -> None:
    url = with_role(empty_database, townhall_owner)
    application = SmallApplication(tmp_path, url, townhall_server)
    application.declare(_DECLARED)
    (tmp_path / "versions" / "names.py").write_text(_REVISION)
    run(
        empty_database,
        "create function greeting(name text) returns text language sql as 'select name'",
        "create view titles as select 1 as id, 'A'::text as title",
        f"grant create on schema public to {townhall_owner}",
    )
    before = dump(empty_database)
    with pytest.raises(CommandError) as refused:
        adopt(url, Decisions(), config=tmp_path / "alembic.ini", scratch=townhall_server)
    assert str(refused.value).splitlines()[1:] == [
        "- function public.greeting(text) belongs to postgres",
        "- view public.titles belongs to postgres",
    ]
    assert dump(empty_database) == before


def _schema(url: str) -> list[str]:
    run(url, "drop table if exists public.alembic_version")
    return sorted(dump(url).splitlines())
