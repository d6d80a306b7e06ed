"""The README, which is also the first page of the site and the description of the package."""

from __future__ import annotations

import re
import tomllib
import zipfile
from email import message_from_string
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import Engine, NullPool, create_engine, insert, select, text

from tests.support.alembic import alembic
from tests.support.blocks import blocks_of
from tests.support.package import ROOT, build_wheel
from townhall import (
    Event,
    Organization,
    OrganizationMember,
    OrganizationRole,
    Participant,
    SessionFactory,
)
from townhall.domains.events import access
from townhall.pg.access import Access, owner
from townhall.testing import create_account

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

README = ROOT / "README.md"
RULE, QUERIES, NAMES, BY_HAND, DIFFERENCE = (
    each.text for each in blocks_of("README.md", under="What it looks like")
)
(COMMANDS,) = (each.text for each in blocks_of("README.md", under="Two commands"))
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.fixture
def dinner(townhall_engine: Engine) -> tuple[UUID, UUID]:
    """Return an organizer and one of the two guests of an event."""
    club, event = uuid4(), uuid4()
    with townhall_engine.begin() as connection:
        olivia, gil = create_account(connection), create_account(connection)
        connection.execute(insert(Organization).values(id=club, name="Club", slug="club"))
        member = {"organization_id": club, "user_id": olivia, "role": OrganizationRole.OWNER}
        connection.execute(insert(OrganizationMember).values(member))
        connection.execute(insert(Event).values(id=event, organization_id=club, name="Dinner"))
        for name, account in {"Gil": gil, "Rosa": None}.items():
            guest = {"event_id": event, "first_name": name, "user_id": account}
            connection.execute(insert(Participant).values(guest))
    return olivia, gil


def test_rule_that_is_shown_is_that_of_participants() -> None:
    names = {"Access": Access, "Participant": Participant, "owner": owner}
    rule = eval(RULE.strip(), {**vars(access), **names})  # noqa: S307  our own page
    (declared,) = (each for each in access.RULES if each.model is Participant)
    assert (rule.commands.keys(), rule.read) == (declared.commands.keys(), declared.read)


def test_queries_that_are_shown_print_what_is_shown(
    townhall_engine: Engine, dinner: tuple[UUID, UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    organizer, guest = dinner
    names = {
        "organizer": organizer,
        "guest": guest,
        "sessions": SessionFactory(townhall_engine),
        "Participant": Participant,
        "select": select,
    }
    exec(compile(QUERIES, README.name, "exec"), names)  # noqa: S102  our own page
    assert capsys.readouterr().out == NAMES


@pytest.mark.thorough
def test_change_by_hand_that_is_shown_is_told_as_shown(townhall_database: str) -> None:
    with create_engine(townhall_database, poolclass=NullPool).begin() as connection:
        connection.execute(text(BY_HAND))
    told = alembic("check", url=townhall_database, check=False)
    assert DIFFERENCE in told.stdout + told.stderr


def test_commands_that_are_shown_are_those_of_the_walk() -> None:
    walk = "".join(each.text for each in blocks_of("docs/walk.md"))
    assert COMMANDS.startswith("pip install 'townhall[embedded]'\n")
    for command in COMMANDS.splitlines()[1].split(" && "):
        assert f"\n{command}" in f"\n{walk}"  # which may have options there


def test_costs_that_are_told_are_those_that_were_measured() -> None:
    costs = README.read_text(encoding="utf-8").partition("<!-- costs: begin -->")[2]
    rows = re.findall(
        r"^\| \w.+\| ([\d.]+) \|", costs.partition("<!-- costs: end -->")[0], re.MULTILINE
    )
    measured = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert rows
    assert [ratio for ratio in rows if not re.search(rf"\b{re.escape(ratio)}\b", measured)] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_lead_to_files(page: str) -> None:
    for target in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / target).is_file(), target


def test_version_is_written_in_one_place() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[[^]]+\] - \d{4}-\d{2}-\d{2}", each) for each in headings[1:])
    for source in [*ROOT.glob("src/**/*.py"), ROOT / "docs" / "conf.py"]:
        assert f'"{version}"' not in source.read_text(encoding="utf-8")


@pytest.mark.thorough
def test_description_of_the_package_has_no_link_into_the_repository(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(tmp_path)) as package:
        (name,) = (each for each in package.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = message_from_string(package.read(name).decode())
    description = metadata.get_payload()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert isinstance(description, str)
    assert RULE in description
    assert "from an empty folder to an application come next" in description
    assert LINK.search(description) is None
    assert "<!--" not in description
