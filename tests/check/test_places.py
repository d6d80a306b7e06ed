"""The line of a declaration."""

from __future__ import annotations

from pathlib import Path

import pytest

from townhall import PRODUCT
from townhall.check.dangers.places import Places, files_of_declarations

_SOURCE = """
from townhall import pg
from townhall.pg.access import Access

NOTES = "notes"


class Note(Base):
    __tablename__ = NOTES
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column("of", ForeignKey("notes.id"))


class Other(Base):
    __tablename__ = "Odd one"
    __table_args__ = (Index("i", "id"), {"schema": "odd"})


plain = Table(
    "plain",
    metadata,
    Column("id", Integer),
    schema="api",
)
RULES = [
    Access(Note, read=anyone()),
]
ENTITIES = [
    pg.Policy(
        table=NOTES, name="own notes", command="select", roles=("public",), using="true"
    ),
    pg.Policy(table="Odd one", schema="odd", name="a b", command="all", roles=(), using="true"),
    pg.Function(name="f", schema="api", returns="integer", body="select 1"),
    pg.View(name=f"v{1}", definition="select 1"),
    pg.MaterializedView(name="m", definition="select 1"),
]
"""


@pytest.mark.parametrize(
    ("item", "columns", "line"),
    [
        ("table public.notes", (), 8),
        ("table odd.Odd one", (), 14),
        ("table api.plain", (), 19),
        ("policy public.notes own notes", (), 29),
        ("policy public.notes made by the rule", (), 26),
        ("policy odd.Odd one a b", (), 32),
        ("policy odd.Odd one another", (), 14),
        ("constraint public.notes fk", ("of",), 11),
        ("constraint public.notes fk", ("unknown",), 8),
        ("constraint api.plain fk", ("id",), 22),
        ("function api.f(integer)", (), 33),
        ("materialized view public.m", (), 35),
        ("view public.v1", (), None),
        ("table public.plain", (), None),
    ],
)
def test_line_of_a_declaration_is_found(
    tmp_path: Path, item: str, columns: tuple[str, ...], line: int | None
) -> None:
    file = tmp_path / "models.py"
    file.write_text(_SOURCE)
    expected = None if line is None else f"{file}:{line}"
    assert Places([file]).of(item, columns) == expected


@pytest.mark.thorough
def test_files_of_declarations_are_those_that_are_imported(tmp_path: Path) -> None:
    env = tmp_path / "env.py"
    env.write_text("")
    files = files_of_declarations(env)
    assert files[0] == env
    table = PRODUCT.access_rules[0].model.__tablename__
    assert (
        str(Places(files).of(f"policy public.{table} of a rule"))
        .partition(":")[0]
        .endswith("access.py")
    )
