"""``python -m townhall check`` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.check.test_check import by_hand, databases_on
from townhall.check import command
from townhall.cli import main

_MANUAL = Path(__file__).parents[2] / "docs" / "checking.md"


def test_all_is_well(
    townhall_template: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("check", townhall_template, "--scratch", townhall_server, "--role", "authenticated")
    assert main(words) == 0
    told = capsys.readouterr()
    assert [line.split("  ")[0] for line in told.out.splitlines()] == [
        "revision",
        "drift",
        "row security",
        "login role",
    ]
    assert told.err == ""


def test_something_is_not(
    townhall_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand(townhall_database, "grant select on public.events to anon")
    words = ("check", townhall_database, "--scratch", townhall_server, "--role", "authenticated")
    assert main(words) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("open: table access public.events")

    assert main((*words, "--json")) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["is_good"] is False
    assert [answer["question"] for answer in told["answers"] if not answer["is_good"]] == ["drift"]
    assert told["findings"] == [
        {
            "object": "table access public.events",
            "difference": "lets anon select",
            "effect": "open",
            "meaning": "only the policies still decide on these rows and columns",
            "cure": "revoke select on table public.events from anon",
        }
    ]


def test_the_manual_shows_what_is_printed(
    townhall_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand(
        townhall_database,
        "grant execute on function private.my_event_ids() to public",
        "alter table public.participants disable row level security",
    )
    main(("check", townhall_database, "--scratch", townhall_server, "--role", "authenticated"))
    shown = {line.strip() for line in _MANUAL.read_text(encoding="utf-8").splitlines()}
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line not in shown] == [
        "login role    row level security holds for authenticated"
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nonsense",), "the URL is no database URL"),
        (("postgresql://localhost:1/nothing",), "connection"),
        (("mysql://localhost/nothing",), "townhall needs PostgreSQL"),
        (("postgresql://localhost/nothing", "--config", "missing.ini"), "there is no missing.ini"),
    ],
)
def test_it_can_not_be_told(
    words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("check", *words)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("townhall: ")
    assert why in told.err


def test_what_nobody_foresaw_is_no_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("replica identity")

    monkeypatch.setattr(command, "check_database", fail)
    assert main(("check", "postgresql://localhost/nothing")) == 2
    assert "KeyError: 'replica identity'" in capsys.readouterr().err


def test_no_url() -> None:
    with pytest.raises(SystemExit) as exit_:
        main(("check",))
    assert exit_.value.code == 2


def test_the_scratch_database_is_dropped_when_the_command_is_ended(
    townhall_template: str, townhall_server: str
) -> None:
    words = ("check", townhall_template, "--scratch", townhall_server)
    with subprocess.Popen(  # noqa: S603 - the program is ours
        (sys.executable, "-m", "townhall", *words),
        env=os.environ,
        stdout=subprocess.DEVNULL,
    ) as process:
        while not databases_on(townhall_server):
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert databases_on(townhall_server) == set()
