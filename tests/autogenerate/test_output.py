"""Generated revisions are formatted, typed, and keep every text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config

from tests.autogenerate.conftest import configured, generate
from townhall import pg
from townhall.migrate.write.python_source import render_entity

ROOT = Path(__file__).parents[2]


@pytest.fixture
def damaged(townhall_database: str, tmp_path: Path) -> Config:
    """Return the configuration of a database that lacks a table and much else."""
    with psycopg.connect(townhall_database.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("drop table public.table_assignments cascade")
        connection.execute("drop view public.track_statistics")
        connection.execute("alter table public.events disable row level security")
        connection.execute("alter table public.events drop constraint ck_events_status_known")
        connection.execute("alter table public.tracks alter column color set default 'red'")
        connection.execute("create view public.stray as select 'it''s \\ \"x\"\n y' as text")
    return configured(townhall_database, tmp_path)


@pytest.mark.exhaustive
def test_generated_revision_passes_the_formatter_linter_and_type_checker(
    damaged: Config, tmp_path: Path
) -> None:
    revisions = generate(damaged, tmp_path)
    for check in (
        ("ruff", "format", "--check", "--config", "pyproject.toml"),
        ("ruff", "check", "--config", "pyproject.toml", "--select", "F,I,UP,W"),
        ("mypy", "--strict", "--cache-dir", str(tmp_path / "mypy")),
    ):
        done = subprocess.run(  # noqa: S603 - our own tools
            [sys.executable, "-m", *check, *map(str, revisions)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, f"{' '.join(check)}: {done.stdout}"


def test_entity_is_rendered_as_formatted_source() -> None:
    entity = pg.Policy(
        table="events",
        name="members can read",
        command="select",
        roles=("authenticated",),
        using="""
            organization_id = any (array(select private.my_organization_ids()))
            or is_public
        """,
    )
    assert render_entity(entity) == (
        "pg.Policy(\n"
        '    table="events",\n'
        '    name="members can read",\n'
        '    command="select",\n'
        '    roles=("authenticated",),\n'
        '    using="""\n'
        "        organization_id = any (array(select private.my_organization_ids()))\n"
        "        or is_public\n"
        '    """,\n'
        ")"
    )


@pytest.mark.parametrize(
    "text",
    ["plain", "it's", 'say "so"', "back\\slash", 'three """ quotes', "two\nlines", "% : :x ::y {}"],
)
def test_rendered_text_evaluates_to_itself(text: str) -> None:
    entity = pg.Function(name="f", returns="text", body=f"select '{text}'", comment=text)
    assert eval(render_entity(entity), {"pg": pg}) == entity  # noqa: S307 - reading it back
