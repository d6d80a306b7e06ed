"""What the source of a revision says that it creates and drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from townhall.migrate.revision_source import read_source

if TYPE_CHECKING:
    from pathlib import Path

_SOURCE = """
from townhall import pg

SCHEMA = "clubs"
OLD = pg.View(schema=SCHEMA, name="old", definition="select 1")


def upgrade():
    {upgrade}


def downgrade():
    pg.create_entity(OLD)
"""


@pytest.mark.parametrize(
    ("upgrade", "expected"),
    [
        ('pg.create_entity(pg.View(name="a"))', [("View", "a", False)]),
        ('pg.drop_entity(pg.View(name="a"))', [("View", "a", True)]),
        ('pg.drop_entity(pg.View.named(name="a"))', [("View", "a", True)]),
        ('view = View(name="a"); op.drop_entity(view)', [("View", "a", True)]),
        ('view = View(name="a"); op.replace_entity(view)', [("View", "a", False)]),
        (
            'for each in (View(name="a"), View(name="b")): pg.create_entity(each)',
            [("View", "a", False), ("View", "b", False)],
        ),
        ("pg.drop_entity(OLD)", [("View", "old", True)]),
        (
            "pg.drop_entity(OLD); pg.create_entity(OLD)",
            [("View", "old", True), ("View", "old", False)],
        ),
        ("pass", []),
    ],
)
def test_entities_of_a_revision(
    upgrade: str, expected: list[tuple[str, str, bool]], tmp_path: Path
) -> None:
    path = tmp_path / "revision.py"
    path.write_text(_SOURCE.format(upgrade=upgrade))
    source = read_source(path)
    found = [(each.name, each.text("name"), each.drops) for each in source.upgrade]
    assert [each for each in found if each[0] == "View"] == expected
    [restored] = [each for each in source.downgrade if each.name == "View"]
    assert restored.text("schema") == "clubs"


def test_file_that_is_no_python_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "revision.pyc"
    path.write_bytes(b"\0")
    assert not read_source(path).upgrade
