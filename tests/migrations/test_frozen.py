"""What released revisions do is frozen: a change of what they emit shows in these files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.migrations.chain import REVISIONS
from tests.migrations.freezing import (
    DIRECTORY,
    SCHEMA,
    emitted_sql,
    other_versions,
    path_of,
    schema_of,
)
from tests.support.servers import VERSIONS
from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from alembic.script import Script

    from tests.support.servers import Servers

HOW = "if the change is meant, run: make freeze"

on_pinned_versions = pytest.mark.skipif(
    bool(other_versions()), reason=f"the text is frozen for other versions: {other_versions()}"
)


@pytest.fixture(scope="module")
def emitted() -> dict[Path, str]:
    return emitted_sql()


@on_pinned_versions
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("script", REVISIONS, ids=lambda script: script.revision)
def test_revision_emits_the_frozen_sql(
    script: Script, direction: str, emitted: dict[Path, str]
) -> None:
    path = path_of(script, direction)
    assert path.exists(), f"no frozen SQL for revision {script.revision}: run make freeze"
    assert emitted[path] == path.read_text(), HOW


def test_every_frozen_file_belongs_to_a_revision(emitted: dict[Path, str]) -> None:
    surplus = {path.name for path in DIRECTORY.glob("*.sql")} - {path.name for path in emitted}
    assert surplus == {SCHEMA.name}, f"no revision has these files: {HOW}"


@pytest.mark.exhaustive
@pytest.mark.skipif("18" not in VERSIONS, reason="the schema is frozen for PostgreSQL 18")
def test_schema_at_head_is_the_frozen_one(
    servers: Servers, template_of: Callable[[Databases], str]
) -> None:
    url = template_of(Databases(servers.url("18")))
    assert schema_of(url) == SCHEMA.read_text(), HOW
