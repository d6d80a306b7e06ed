"""What the guides and the docstrings declare is accepted; none of it needs a database."""

from __future__ import annotations

import configparser
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock, create_autospec
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.orm import Mapped, Session, mapped_column

import townhall
from tests.support.blocks import blocks_of, run_blocks
from tests.support.package import ROOT, run
from townhall import Participant, adopt, check, migrate, people, pg
from townhall.adopt import decisions
from townhall.cli import main
from townhall.domains import DOMAINS
from townhall.domains.events import access
from townhall.input_error import InputError
from townhall.pg.access import Access, anyone_with, owner

if TYPE_CHECKING:
    from pathlib import Path

RULES = {
    **vars(access),
    "Access": Access,
    "Participant": Participant,
    "owner": owner,
    "anyone_with": anyone_with,
}


def test_entities_of_the_guide_are_made_and_a_contradiction_is_told_as_shown() -> None:
    names: dict[str, Any] = run_blocks(blocks_of("docs/entities.md", "python"), pg=pg, sa=sa)
    (told,) = blocks_of("docs/entities.md", "text")
    with pytest.raises(InputError) as refused:
        replace(names["STAMP_NOTES"], events=("insert",))
    assert str(refused.value) == told.text.strip()


def test_entities_on_tables_of_the_platform_are_made() -> None:
    run_blocks(blocks_of("docs/extending.md", "python", under="On tables of the platform"), pg=pg)


def test_calls_of_env_py_have_parameters_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    called = create_autospec(migrate.run)
    monkeypatch.setattr(migrate, "run", called)
    names = {"migrate": migrate, "pg": pg, "metadata": sa.MetaData()}
    run_blocks(blocks_of("docs/kinds.md", "python"), **names, entities=[], Statistics=pg.Function)
    run_blocks(blocks_of("docs/checking.md", "python", under="Dangerous rules"), **names)
    application = {"register_entities": Mock(), "Base": townhall.Base}
    run_blocks(blocks_of("docs/alembic-utils.md", "python"), **application)
    assert called.call_count == 3


def test_comments_of_the_guide_to_autogenerate_are_declared_and_a_choice_is_refused() -> None:
    *comments, undecided = blocks_of("docs/autogenerate.md", "python")
    run_blocks(comments, sa=sa)
    with pytest.raises(CommandError, match=r"alter_column public\.seats number"):
        run_blocks([undecided], pg=pg)


def test_settings_of_cells_and_of_a_revisions_folder_are_read() -> None:
    (cells,) = blocks_of("docs/migrating.md", "ini")
    (revisions,) = blocks_of("docs/start.md", "ini")
    parsed = configparser.ConfigParser()
    parsed.read_string(cells.text + revisions.text)
    assert parsed["cells"].keys() == {"berlin", "vienna"}
    assert parsed["alembic"]["script_location"] == "townhall:alembic"


def test_access_rules_that_are_shown_are_expanded() -> None:
    for blocks in (
        blocks_of("docs/pulling.md", "python", under="Access rules"),
        blocks_of("src/townhall/pg/access/__init__.py"),
    ):
        run_blocks(blocks, **RULES)


def test_domains_of_the_guide_are_ours_and_its_own() -> None:
    names = run_blocks(blocks_of("docs/domains.md", "python"))
    assert names["DOMAINS"] == (*DOMAINS, "venues")


def test_map_of_the_guide_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = blocks_of("docs/checking.md", "toml")
    (tmp_path / "map.toml").write_text(shown.text)
    assert main(["check", "--distribute", str(tmp_path / "map.toml")]) in {0, 1}
    assert capsys.readouterr().out


def test_file_of_decisions_that_is_shown_is_read(tmp_path: Path) -> None:
    (shown,) = blocks_of("docs/adopting.md", "toml", under="The file of decisions")
    (tmp_path / "decisions.toml").write_text(shown.text)
    assert decisions.read_decisions(tmp_path / "decisions.toml") is not None


def test_programs_print_what_they_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = check.Finding(
        "table a", "differs", next(iter(check.Severity)), "it does", "mend it", None
    )
    monkeypatch.setattr(check, "check", lambda _: check.Report((), (finding,)))
    run_blocks(blocks_of("docs/checking.md", "python", under="From Python"))
    found = Mock(findings=[Mock(weight="change", object="a", text="is changed")])
    monkeypatch.setattr(adopt, "look", lambda _: found)
    run_blocks(blocks_of("docs/adopting.md", "python", under="From Python"))
    assert capsys.readouterr().out.splitlines()[1:] == ["change a is changed"]


def test_sessions_of_the_guide_to_acting_are_made() -> None:
    engine = sa.create_engine("postgresql+psycopg://app@localhost/mine")
    names = {"engine": engine, "user_id": uuid4(), "Session": Session}
    run_blocks(
        (
            *blocks_of("docs/acting.md", "python", under="Acting as a user"),
            *blocks_of("docs/acting.md", "python", under="Sessions that you make yourself"),
            *blocks_of("docs/acting.md", "python", under="Other roles and user ids"),
        ),
        **names,
    )
    connected = {"create_engine": sa.create_engine, "url": engine.url}
    run_blocks(blocks_of("src/townhall/session/__init__.py"), **connected)
    writing = {"session": Mock(), "insert": sa.insert, "Participant": Participant, "rows": []}
    run_blocks(blocks_of("docs/acting.md", "python", under="Many rows"), **connected, **writing)


def test_foreign_key_of_the_docstring_is_that_of_a_person() -> None:
    names: dict[str, Any] = run_blocks(
        blocks_of("src/townhall/people/__init__.py"),
        Mapped=Mapped,
        UUID=UUID,
        ForeignKey=sa.ForeignKey,
        mapped_column=mapped_column,
        people=people,
    )
    (key,) = names["user_id"].column.foreign_keys
    assert key.info == people.PERSON


def test_commands_of_a_contributor_and_the_folders_of_the_house_exist() -> None:
    (commands,) = blocks_of("CONTRIBUTING.md", "shell")
    (first,) = blocks_of("README.md", "shell", under="In a checkout")
    (house,) = blocks_of("CONTRIBUTING.md", "text")
    for line in (first.text + commands.text).splitlines():
        run(*line.split(), "--dry-run")
    outer = [line.split()[0] for line in house.text.splitlines() if line[0].isalpha()]
    assert [each for each in outer if not (ROOT / each).exists()] == []
