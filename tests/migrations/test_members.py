"""What an ``env.py`` gives in place of a list, or in one, is taken or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from townhall.migrate import Settings
from townhall.migrate.declared import declared_by

ENV = """
from sqlalchemy import DDL, Column, Integer, MetaData, Table
from sqlalchemy.orm import DeclarativeBase

from townhall import migrate, pg


class Base(DeclarativeBase):
    pass


notes = Table("notes", Base.metadata, Column("id", Integer, primary_key=True))
other = MetaData()
one = pg.Function(name="one", returns="integer", body="select 1")
two = pg.Function(name="one", returns="integer", body="select 2")
given = dict(product=False, metadata=Base.metadata)
"""


def settings(folder: Path, given: str) -> Settings:
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")
    (folder / "env.py").write_text(f"{ENV}{given}\nmigrate.run(**given)\n")
    return declared_by(folder / "alembic.ini")


@pytest.mark.parametrize("metadata", ["Base.metadata", "[Base.metadata]", "(Base.metadata,)"])
def test_one_metadata_is_given_as_alembic_takes_it(tmp_path: Path, metadata: str) -> None:
    (taken,) = settings(tmp_path, f"given['metadata'] = {metadata}").metadata
    assert set(taken.tables) == {"notes"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("given['metadata'] = Base", "metadata=the class Base.*: give a list"),
        ("given['metadata'] = [Base]", "metadata=.* has the class Base, and takes MetaData"),
        ("given['entities'] = one", "entities=a Function.*: give a list"),
        ("given['entities'] = None", "entities=None.*: give a list"),
        ("given['entities'] = [DDL('')]", "entities=.* has a DDL, and takes Entity or Access or"),
        ("given['entities'] = [pg.View]", "entities=.* has the class View, and takes Entity"),
        ("given['schemas'] = 'shop'", "schemas='shop'.*: give a list"),
        ("given['exposed'] = 'shop'", "exposed='shop'.*: give a list"),
        ("given['accepted'] = ['view']", "accepted=.* has 'view', and takes Accepted"),
        ("given['kinds'] = pg.View", "kinds=the class View.*: give a list"),
        ("given['include_object'] = 'notes'", "include_object='notes'.*: give a function"),
        ("given['render_item'] = []", "render_item=a list.*: give a function"),
        ("given['on_version_apply'] = [print, 1]", "on_version_apply=a int.*: give a function"),
        ("given['roles'] = 'anon'", "roles=.* has 'anon', and takes Roles"),
        ("given['entities'] = [one, two]", r"function public\.one\(\) is declared 2 times"),
        (
            "notes.to_metadata(other); given['metadata'] = [Base.metadata, other]",
            r"table public\.notes is declared twice: .* ForeignKey\(table\.c\.id\)",
        ),
        (
            "notes.to_metadata(Base.metadata, schema='public')",
            r"table public\.notes is declared twice",
        ),
        (
            "Table('Cards', Base.metadata, quote=False)",
            r"table public\.Cards has the name cards in PostgreSQL",
        ),
        ("Table('c' * 64, Base.metadata)", r"table public\.c{64} has the name c{63} in PostgreSQL"),
        (
            (
                "from sqlalchemy.ext.declarative import DeferredReflection\n"
                "class Card(DeferredReflection, Base):\n    __tablename__ = 'cards'\n"
            ),
            r"class Card is declared by deferred reflection.*table public\.cards are not read",
        ),
    ],
)
def test_what_can_not_be_used_is_refused_in_a_sentence(
    tmp_path: Path, given: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence) as caught:
        settings(tmp_path, given)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("Column('x')", r"table 'notes', column 'x'.*NullType"),
        ("Column('x', Enum('a'))", r"table 'notes', column 'x'.*requires a name"),
        (
            "Column('x', ForeignKey('gone.id'))",
            r"could not find table 'gone'.* ForeignKey\(table\.c\.id\)",
        ),
        (
            "Column('x' * 64, Integer), Column('x' * 65, Integer)",
            r"already present in table 'notes'",
        ),
        (
            "Column('x', Text, server_default=text(\"':y'\"))",
            r"table public\.notes: SQLAlchemy takes :y .* parameter",
        ),
        ("CheckConstraint(\"x <> ':y'\", name='a'), Column('x', Text)", "takes :y"),
        ("Column('x', Text), Column('z', Text, Computed(\"x || ':y'\"))", "takes :y"),
        ("Column('x', Text), Index('i', 'x', postgresql_where=\"x <> ':y'\")", "takes :y"),
        ("Column('x', Text), Index('i', text(\"(x || ':y')\"))", "takes :y"),
        (
            "Column('x', Text), ExcludeConstraint(('x', '='), where=\"x <> ':y'\", using='btree')",
            "takes :y",
        ),
    ],
)
def test_table_that_sqlalchemy_can_not_use_is_refused_in_a_sentence(
    tmp_path: Path, empty_database: str, column: str, sentence: str
) -> None:
    given = f"""
from sqlalchemy import CheckConstraint, Computed, Enum, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
given['metadata'] = other
Table('notes', other, {column})
"""
    settings(tmp_path, given)
    config = Config(tmp_path / "alembic.ini")
    config.attributes["url"] = empty_database
    with pytest.raises(CommandError, match=f"a declared table can't be compared: .*{sentence}"):
        command.check(config)
