"""What commands show on a terminal, and what they do not show elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from townhall.terminal import coloured, labelled, progress

if TYPE_CHECKING:
    from collections.abc import Callable

LINE = "security: table public.events: row level security is off"
PAINTED = "\x1b[31msecurity\x1b[0m: table public.events: row level security is off"


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def make() -> None:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        for stream in (sys.stdout, sys.stderr):
            monkeypatch.setattr(stream, "isatty", lambda: True)

    return make


def test_severity_is_coloured_on_a_terminal(on_a_terminal: Callable[[], None]) -> None:
    on_a_terminal()
    assert coloured(LINE) == PAINTED
    assert coloured("  stop   column a") == "  \x1b[31mstop\x1b[0m   column a"
    assert coloured("secure: b") == "secure: b"
    assert coloured("alter table notes add note text;") == "alter table notes add note text;"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_nothing_is_coloured_where_that_is_not_wanted(
    on_a_terminal: Callable[[], None], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    on_a_terminal()
    monkeypatch.setenv(name, value)
    assert coloured(LINE) == LINE


def test_label_is_dimmed_and_its_value_keeps_its_column(
    on_a_terminal: Callable[[], None],
) -> None:
    assert labelled("Server", 10, "PostgreSQL 18") == "Server    PostgreSQL 18"
    on_a_terminal()
    assert labelled("Server", 10, "PostgreSQL 18") == "\x1b[2mServer\x1b[0m    PostgreSQL 18"


def test_file_is_coloured_where_that_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert coloured(LINE) == PAINTED
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(LINE) == LINE


def test_nothing_is_coloured_or_told_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert coloured(LINE) == LINE
    with progress("Reading"):
        pass
    assert capsys.readouterr() == ("", "")


def test_what_is_told_is_gone_after_a_failure_too(
    on_a_terminal: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal()
    with pytest.raises(LookupError), progress("Reading"):
        raise LookupError
    assert capsys.readouterr() == ("", "Reading …\r\x1b[K")
