"""The example of two hundred founders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, func, select

import townhall
from tests.support.blocks import blocks_of
from tests.support.package import ROOT
from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall import SocialFeedPost, User

if TYPE_CHECKING:
    from townhall.testing.databases import Databases

(COMMAND,) = blocks_of("docs/community.md", "shell")
SCRIPT = ROOT / COMMAND.text.split()[1]


def _run(database: str) -> dict[str, list[str]]:
    """Run the script on a database, and return the lines it prints, by the line before them."""
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(Path(townhall.__file__).parents[1]),
        "PYTHONWARNINGS": "error",
    }
    finished = subprocess.run(  # noqa: S603  our own script
        [sys.executable, str(SCRIPT)],
        env=environment,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (finished.stderr, finished.returncode) == ("", 0)
    parts: dict[str, list[str]] = {}
    for line in filter(None, finished.stdout.splitlines()):
        if line.startswith("  "):
            parts[list(parts)[-1]].append(line.strip())
        else:
            parts[line] = []
    return parts


@pytest.mark.exhaustive
def test_two_hundred_founders_see_only_what_they_may_read(empty_database: str) -> None:
    printed = _run(empty_database)
    assert list(printed) == [
        "200 founders signed up",
        "Founder 1 reads the feed",
        "of connections",
        "of messages",
        "and of consents, which are theirs alone",
        "The benchmark",
        "The benchmark after 5 more agree",
        "Founder 10 takes a consent back, which leaves",
    ]

    feed = printed["Founder 1 reads the feed"]
    assert [line.partition(":")[0] for line in feed] == ["page 1"] * 6 + ["page 2"] * 5
    assert [line for line in feed if "private" in line] == [
        "page 2: Founder 1's own note (private), 0 reactions, 0 comments"
    ]
    public = [line for line in feed if "private" not in line]
    assert all(", 20 reactions, " in line for line in public)
    assert sum(int(line.split(", ")[2].split()[0]) for line in public) == 20

    assert printed["of connections"] == ["Founder 2: accepted"]
    assert printed["of messages"] == [
        "Founder 2: With pleasure. (not read)",
        "Founder 1: Coffee? (read)",
    ]
    consents = printed["and of consents, which are theirs alone"]
    assert len(consents) == 6
    assert consents[-1] == "0 of the others'"

    before, after = printed["The benchmark"], printed["The benchmark after 5 more agree"]
    assert [line.partition(":")[0] for line in before] == ["idea", "seed", "series a"]
    assert [line for line in after if line not in before] == [after[0]]
    assert after[0].startswith("growth: 9 founders, ")

    trail = printed["Founder 10 takes a consent back, which leaves"]
    assert trail[-1] == "benchmarks: yes to no, by Phone from nowhere known"
    assert {line.partition(": ")[2] for line in trail[:-1]} == {
        "no to no, by Firefox from 203.0.113.7",  # a first answer that declines
        "no to yes, by Firefox from 203.0.113.7",
    }

    with create_engine(empty_database, poolclass=NullPool).connect() as connection:
        assert connection.scalar(select(func.count()).select_from(User)) == 200
        assert connection.scalar(select(func.count()).select_from(SocialFeedPost)) == 20


@pytest.mark.exhaustive
def test_second_run_prints_the_same(empty_database: str) -> None:
    printed = _run(empty_database)
    assert _run(empty_database) == printed


@pytest.mark.exhaustive
def test_community_example_runs_on_supabase(townhall_databases: Databases) -> None:
    with supabase_database(townhall_databases, DefaultPrivileges.OPEN) as database:
        assert _run(database.postgres)["The benchmark after 5 more agree"]
