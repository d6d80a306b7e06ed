"""What revisions made is read from those alone that mention it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from townhall.migrate.compare import history
from townhall.pg import DefaultPrivileges, Entity, Extension, Trigger
from townhall.pg.fields import defaults_of

if TYPE_CHECKING:
    from pathlib import Path

    from townhall.migrate.revision_source import Call

MADE = {
    "trigger": Trigger.named(schema="auth", table="users", name="welcome"),
    "trigger in quotes": Trigger.named(schema="auth", table="users", name="it's \\ welcome"),
    "extension": Extension.named(name="pg_trgm"),
    "default privileges": DefaultPrivileges.named(objects="tables"),
}


def _written(entity: Entity) -> str:
    defaults = defaults_of(type(entity))
    values = {name: getattr(entity, name) for name in entity.name_fields}
    written = {name: each for name, each in values.items() if each != defaults.get(name)}
    given = ", ".join(f"{name}={value!r}" for name, value in written.items())
    return f"def upgrade():\n    pg.create_entity(pg.{type(entity).__name__}({given}))\n"


@pytest.mark.parametrize("entity", MADE.values(), ids=MADE)
def test_entity_that_a_revision_writes_out_was_made_by_it(tmp_path: Path, entity: Entity) -> None:
    revision = tmp_path / "one.py"
    revision.write_text(_written(entity), "utf-8")
    assert history.made_by([revision], [entity]) == {entity.key}


def test_revision_that_does_not_mention_an_entity_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "one.py"
    other.write_text(_written(Trigger.named(schema="auth", table="users", name="goodbye")), "utf-8")
    parsed: list[Path] = []

    def parse(path: Path, names: object) -> list[Call]:
        del names
        parsed.append(path)
        return []

    monkeypatch.setattr(history, "read_calls", parse)
    assert history.made_by([other], [MADE["trigger"]]) == set()
    assert parsed == []
