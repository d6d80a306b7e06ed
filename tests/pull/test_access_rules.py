"""Policies and privileges come back as the access rule that makes them, or stay as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from _pytest.mark import ParameterSet
from sqlalchemy import Computed, create_engine, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.pull.pulled import Application, execute, objects, restore, url_of
from tests.support.supabase import SupabaseDatabase, create_roles
from townhall import PRODUCT
from townhall.check.connection import reading
from townhall.pg import Entity, sql
from townhall.pg.access import (
    Access,
    Principal,
    anyone,
    anyone_with,
    either,
    entities_of,
    membership,
    owner,
    signed_in,
)
from townhall.pull.package import Package
from townhall.pull.renderings import renderings
from townhall.pull.scratch import scratch_of
from townhall.pull.source import read_source
from townhall.testing.databases import Databases


class Base(DeclarativeBase):
    pass


class Team(Base):
    __tablename__ = "teams"

    id: Mapped[UUID] = mapped_column(primary_key=True)


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID]
    reader: Mapped[UUID] = mapped_column("The reader")
    team_id: Mapped[UUID]
    text: Mapped[str]
    length: Mapped[int] = mapped_column(Computed("length(text)", persisted=True))


MY_TEAM_IDS = membership(
    "My team ids", Team.id, "select t.id from public.teams as t", "The teams.", schema="private"
)
members = anyone_with(Note.team_id, MY_TEAM_IDS, "members of the team")

RULES: dict[str, Access] = {
    "Access(Note)": Access(Note),
    "Access(Note, read=signed_in)": Access(Note, read=signed_in),
    "Access(Note, read=anyone)": Access(Note, read=anyone),
    'Access(Note, read=signed_in.named("the guests"))': Access(
        Note, read=signed_in.named("the guests")
    ),
    'Access(Note, read=anyone.where("(length > 9)", "of long notes"))': Access(
        Note, read=anyone.where("(length > 9)", "of long notes")
    ),
    "Access(Note, read=owner(Note.owner_id), write=owner(Note.owner_id))": Access(
        Note, read=owner(Note.owner_id), write=owner(Note.owner_id)
    ),
    'Access(Note, read=either(Note.owner_id, Note.The_reader, "the two"))': Access(
        Note, read=either(Note.owner_id, Note.reader, "the two")
    ),
    (
        'Access(Note, read=anyone_with(Note.team_id, MY_TEAM_IDS, "members of the team")'
        ' | owner(Note.owner_id, "the author"), insert=owner(Note.owner_id))'
    ): Access(Note, read=members | owner(Note.owner_id, "the author"), insert=owner(Note.owner_id)),
    (
        'Access(Note, read=(owner(Note.owner_id, "some") | anyone_with(Note.team_id, MY_TEAM_IDS,'
        ' "some")).named("some"))'
    ): Access(Note, read=(owner(Note.owner_id) | members).named("some")),
    (
        "Access(Note, read=signed_in, update=owner(Note.owner_id),"
        ' becomes=Principal("the owner", "(length > 0)"), fixed=(Note.owner_id,))'
    ): Access(
        Note,
        read=signed_in,
        update=owner(Note.owner_id),
        becomes=Principal("the owner", "(length > 0)"),
        fixed=(Note.owner_id,),
    ),
    (
        "Access(Note, read=signed_in, write=owner(Note.owner_id), insert_columns=(Note.owner_id,"
        " Note.text,), update_columns=(Note.text,))"
    ): Access(
        Note,
        read=signed_in,
        write=owner(Note.owner_id),
        insert_columns=(Note.owner_id, Note.text),
        update_columns=(Note.text,),
    ),
    (
        'Access(Note, read=Principal("the reader", "(( SELECT auth.uid() AS uid) = owner_id)"))'
    ): Access(Note, read=Principal("the reader", "(select auth.uid()) = owner_id")),
    (
        'Access(Note, read=owner(Note.owner_id).where("(length > 9)", "of a long note"),'
        ' insert=either(Note.owner_id, Note.The_reader).where("((length > 0) AND ((text)::text <>'
        ' \':a AND b\'::text))", "who writes"))'
    ): Access(
        Note,
        read=owner(Note.owner_id).where("length > 9", "of a long note"),
        insert=either(Note.owner_id, Note.reader).where(
            "length > 0 and text <> ':a AND b'", "who writes"
        ),
    ),
    (
        'Access(Note, read=anyone_with(Note.team_id, MY_TEAM_IDS, "members").where('
        '"(owner_id = ( SELECT auth.uid() AS uid))", "of the team who wrote it"))'
    ): Access(Note, read=members.where("owner_id = :caller", "who wrote it")),
    (
        'Access(Note, read=Principal("the owner here", """\n            ((owner_id = ( SELECT'
        ' auth.uid() AS uid)) AND (id > 0) AND (id < 9))\n        """))'
    ): Access(
        Note,
        read=Principal("the owner here", "owner_id = :caller and id > 0 and id < 9"),
    ),
}
"""The rules, each as its Python source on one line."""

_PLATFORM = """
    create schema auth;
    create schema private;
    create function auth.uid() returns uuid language sql stable return null::uuid
"""


@contextmanager
def declared(server: Databases, entities: Iterable[Entity]) -> Iterator[str]:
    """Create a database with the tables above and some entities for a block."""
    create_roles(server)
    with server.create() as url:
        execute(url, _PLATFORM)
        engine = create_engine(url)
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
            for entity in entities:
                for statement in entity.create_statements():
                    connection.execute(sql.statement(statement))
        engine.dispose()
        yield url


def pulled(server: Databases, url: str) -> list[str]:
    """Return the declarations on access to the table of notes that a pull writes."""
    with reading(make_url(url)) as connection:
        source = read_source(connection, [])
    with scratch_of(source, url_of(server)) as made, renderings(made.database) as rendered:
        module = Package(source, "shop", rendered).files()["shop/public/access.py"]
    (found,) = (node.value for node in ast.parse(module).body if isinstance(node, ast.AnnAssign))
    assert isinstance(found, ast.Tuple)
    declarations = [ast.unparse(each) for each in found.elts]
    return [each for each in declarations if "Note" in each or "table='notes'" in each]


def _params() -> list[ParameterSet]:
    marks = [() if "of the team" in each else pytest.mark.thorough for each in RULES]
    return [pytest.param(each, marks=mark) for each, mark in zip(RULES, marks, strict=True)]


@pytest.mark.parametrize("source", _params())
def test_rule_comes_back(server: Databases, source: str) -> None:
    entities = entities_of([MY_TEAM_IDS, RULES[source]])
    with declared(server, entities) as url:
        assert pulled(server, url) == [ast.unparse(ast.parse(source))]


OTHER_POLICY = """
    create policy "a narrower one" on notes as restrictive to authenticated using (length > 0)
"""


@pytest.mark.thorough
def test_other_policy_stays_beside_the_rule(server: Databases) -> None:
    with declared(server, entities_of([Access(Note, read=signed_in)])) as url:
        execute(url, OTHER_POLICY)
        rule, policy = pulled(server, url)
        assert rule == "Access(Note, read=signed_in)"
        assert "name='a narrower one'" in policy


DIFFERENT = {
    "another name": """
        alter policy "signed-in users can read" on notes rename to "Users see notes"
    """,
    "another role": 'alter policy "signed-in users can read" on notes to public',
    "comment on a policy": """
        comment on policy "signed-in users can read" on notes is 'all of them'
    """,
    "no policy of the service": 'drop policy "the service can do everything" on notes',
    "further privilege of a caller": "grant truncate on notes to authenticated",
    "privilege of every role": "grant select on notes to public",
    "forced row level security": "alter table notes force row level security",
    "no row level security": "alter table notes disable row level security",
    "check that is not said": """
        create policy "signed-in users can update" on notes for update to authenticated using (true)
    """,
}
"""What makes policies differ from the only rule that would have their form."""


@pytest.mark.parametrize(
    "name",
    [
        "another name",
        *(pytest.param(each, marks=pytest.mark.thorough) for each in [*DIFFERENT][1:]),
    ],
)
def test_what_differs_from_a_rule_stays_as_it_is(server: Databases, name: str) -> None:
    with declared(server, entities_of([Access(Note, read=signed_in)])) as url:
        execute(url, DIFFERENT[name])
        declarations = pulled(server, url)
    assert not any(each.startswith("Access") for each in declarations)
    assert any(each.startswith("pg.TableAccess") for each in declarations)
    assert any(each.startswith("pg.Policy") for each in declarations)


SILENT = "No new upgrade operations detected"
WITHOUT_RULE = {"wizard_sessions"}
"""The tables of the product whose rules have policies in the place of principals."""


@pytest.mark.exhaustive
def test_own_product_comes_back_as_rules(
    server: Databases, template_of: Callable[[Databases], str], tmp_path: Path
) -> None:
    with server.create(template_of(server)) as source:
        execute(source, "drop table alembic_version")
        application = Application(tmp_path, source, url_of(server))
        application.pull()
        application.stamp()
        assert SILENT in application.check()
        assert application.lint() == ""
        module = application.files()["shop/public/access.py"]
    rules = [each for each in PRODUCT.access_rules if each.table.name not in WITHOUT_RULE]
    assert len(re.findall(r"^    Access\(", module, re.MULTILINE)) == len(rules) > 0


@pytest.mark.exhaustive
def test_own_product_on_supabase_is_rebuilt_from_its_rules(
    supabase: SupabaseDatabase,
    server: Databases,
    townhall_migrate: Callable[[str], None],
    tmp_path: Path,
) -> None:
    with server.create() as empty, server.create() as restored:
        restore(supabase.superuser, empty)
        townhall_migrate(supabase.superuser)
        execute(supabase.superuser, "drop table alembic_version")
        restore(supabase.superuser, restored)
        application = Application(tmp_path, supabase.superuser, url_of(server))
        application.pull()
        application.upgrade(empty)
        assert objects(empty) == objects(restored)
