"""The command ``townhall check`` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.check.test_check import execute, scratch_databases_on
from townhall.check import command
from townhall.cli import main

_DOCUMENTATION = Path(__file__).parents[2] / "docs" / "checking.md"


def test_database_at_head_exits_with_0(
    townhall_template: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("check", townhall_template, "--scratch", townhall_server, "--role", "authenticated")
    assert main(words) == 0
    captured = capsys.readouterr()
    assert [line.split("  ")[0] for line in captured.out.splitlines()] == [
        "revision",
        "drift",
        "row security",
        "login role",
    ]
    assert captured.err == ""


def test_difference_exits_with_1(
    townhall_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(townhall_database, "grant select on public.events to anon")
    words = ("check", townhall_database, "--scratch", townhall_server, "--role", "authenticated")
    assert main(words) == 1
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith("security: table access public.events")
    )

    assert main((*words, "--json")) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["is_good"] is False
    answers = report["answers"]
    assert [answer["question"] for answer in answers if not answer["is_good"]] == ["drift"]
    assert report["findings"] == [
        {
            "object": "table access public.events",
            "difference": "anon holds SELECT; not declared",
            "severity": "security",
            "impact": "only policies restrict access to these rows and columns",
            "repair": "revoke select on table public.events from anon",
            "is_drift": True,
        }
    ]


def test_documentation_shows_the_printed_lines(
    townhall_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(
        townhall_database,
        "grant execute on function private.my_event_ids() to public",
        "alter table public.participants disable row level security",
    )
    main(("check", townhall_database, "--scratch", townhall_server, "--role", "authenticated"))
    shown = {line.strip() for line in _DOCUMENTATION.read_text(encoding="utf-8").splitlines()}
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line not in shown] == [
        "login role    row level security applies to authenticated"
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nonsense",), "the URL is not a database URL"),
        (("postgresql://localhost:1/nothing",), "connection"),
        (("mysql://localhost/nothing",), "townhall needs PostgreSQL"),
        (("postgresql://localhost/nothing", "--config", "missing.ini"), "there is no missing.ini"),
    ],
)
def test_failed_check_exits_with_2(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("check", *words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("townhall: ")
    assert message in captured.err


def test_unexpected_error_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("replica identity")

    monkeypatch.setattr(command, "check_database", fail)
    assert main(("check", "postgresql://localhost/nothing")) == 2
    assert "KeyError: 'replica identity'" in capsys.readouterr().err


def test_missing_url_exits_with_2() -> None:
    with pytest.raises(SystemExit) as exit_:
        main(("check",))
    assert exit_.value.code == 2


def test_scratch_database_is_dropped_when_the_command_is_terminated(
    townhall_template: str, townhall_server: str
) -> None:
    words = ("check", townhall_template, "--scratch", townhall_server)
    with subprocess.Popen(  # noqa: S603 - the program is ours
        (sys.executable, "-m", "townhall", *words),
        env=os.environ,
        stdout=subprocess.DEVNULL,
    ) as process:
        while not scratch_databases_on(townhall_server):
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert scratch_databases_on(townhall_server) == set()
