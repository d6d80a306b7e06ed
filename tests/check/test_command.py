"""The command ``townhall check`` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.check.test_check import execute, scratch_databases_on
from tests.support.blocks import blocks_of
from townhall import embedded
from townhall.check import Answer, Finding, Report, Severity, command
from townhall.check.report import Document
from townhall.cli import main

_DOCUMENTATION = Path(__file__).parents[2] / "docs" / "checking.md"


@pytest.mark.exhaustive
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


@pytest.mark.thorough
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
            "decision": None,
            "is_drift": True,
        }
    ]


SCHEMA = TypeAdapter(Document)
"""The JSON of a report."""


def test_schema_of_the_json_is_documented() -> None:
    shown = json.loads((_DOCUMENTATION.parent / "check-report.schema.json").read_text())
    assert shown == SCHEMA.json_schema(mode="serialization")


@pytest.mark.exhaustive
def test_exit_status_is_by_severity_and_the_output_is_stable(
    townhall_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(townhall_database, "comment on table public.events is null")
    place = ("--url", townhall_database, "--scratch", townhall_server)
    words = ("check", *place, "--role", "authenticated", "--json")
    assert main(words) == 1
    first = capsys.readouterr().out
    assert main((*words, "--fail-on", "functional")) == 0
    assert capsys.readouterr().out == first
    assert len(SCHEMA.validate_json(first, strict=True).findings) == 1


@pytest.mark.parametrize("severity", Severity)
def test_report_has_what_is_as_severe_or_more_so(severity: Severity) -> None:
    finding = Finding("table public.events", "differs", severity, "none", "select")
    answer = Answer("drift", "1 difference", is_good=False, severity=severity)
    as_severe = [each for each in Severity if severity.is_at_least(each)]
    for report in (Report((), (finding,)), Report((answer,), ())):
        assert [each for each in Severity if report.has(each)] == as_severe
        assert not report.is_good
    assert Report((), (replace(finding, is_drift=False),)).is_good
    assert Report((replace(answer, is_good=True),), ()).is_good
    assert [*map(str, as_severe)][-1] == "cosmetic"


def test_report_that_the_documentation_shows_has_the_form_of_one() -> None:
    (shown,) = blocks_of("docs/checking.md", "json")
    SCHEMA.validate_python(json.loads(shown.text))


def test_unknown_severity_and_two_databases_are_refused() -> None:
    for words in (("--fail-on", "loud"), ("--url", "postgresql://a", "postgresql://b")):
        with pytest.raises(SystemExit):
            main(("check", *words))


@pytest.mark.exhaustive
def test_documentation_shows_the_printed_lines(
    townhall_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(
        townhall_database,
        "grant execute on function private.my_event_ids() to public",
        "alter table public.participants disable row level security",
    )
    main(("check", townhall_database, "--scratch", townhall_server, "--role", "authenticated"))
    (report,) = blocks_of("docs/checking.md", "text", under="Checking a database")
    shown = report.text.splitlines()
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line not in shown] == [
        "login role    row level security applies to authenticated"
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nonsense",), "the given URL is not a database URL"),
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


@pytest.mark.exhaustive
def test_database_of_the_environment_is_checked_where_no_url_is_given(
    townhall_template: str,
    townhall_server: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", townhall_template)
    assert main(("check", "--scratch", townhall_server, "--role", "authenticated")) == 0
    assert "drift         none" in capsys.readouterr().out


def test_database_of_the_ini_file_is_checked_where_no_url_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    ini = tmp_path / "other.ini"
    ini.write_text("[alembic]\nscript_location = townhall:alembic\nsqlalchemy.url = mysql://x/y\n")
    assert main(("check", "--config", str(ini))) == 2
    assert "sqlalchemy.url of alembic.ini is for 'mysql'" in capsys.readouterr().err


@pytest.mark.exhaustive
def test_embedded_server_is_checked_where_no_url_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(("check",)) == 1
    assert "none; head is townhall_" in capsys.readouterr().out
    assert (tmp_path / ".townhall").is_dir()


@pytest.mark.exhaustive
@pytest.mark.parametrize("folder", [".townhall", "a folder with a long name" * 4])
def test_url_of_a_stopped_embedded_server_is_refused_with_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    with embedded.start(tmp_path / folder) as server:
        url = server.url
    assert main(("check", url)) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert message.startswith("townhall: cannot connect to the database: ")
    assert message.endswith(
        "leave the URL out, and the command starts the server, or keep the server running with:"
        " townhall serve"
    )


def test_percent_sign_in_the_ini_file_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = tmp_path / "other.ini"
    ini.write_text("[alembic]\nscript_location = %(secret)s\n")
    assert main(("check", "postgresql://localhost/nothing", "--config", str(ini))) == 2
    assert capsys.readouterr().err == f"townhall: {ini}: write %% for each % of a value\n"


def test_percent_sign_in_the_path_of_the_ini_file_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = tmp_path / "50%off" / "alembic.ini"
    ini.parent.mkdir()
    ini.write_text("[alembic]\nscript_location = %(here)s\n")
    assert main(("check", "postgresql://localhost/nothing", "--config", str(ini))) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told == (
        f"townhall: {ini} is in a folder with a % in its path, where Alembic can't read it:"
        " rename the folder"
    )


@pytest.mark.exhaustive
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
