"""The generated pages are those that would be written now, and have every message."""

from __future__ import annotations

import pytest

from tests.reference.commands import X_OPTIONS, used_x_options
from tests.reference.messages import ERRORS, messages
from tests.reference.writing import DOCS, pages
from townhall import metadata
from townhall.cli import COMMANDS


@pytest.mark.parametrize("name", ["reference/tables.md", "reference/commands.md"])
def test_page_is_as_it_is_written_now(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run: make reference"


def test_every_message_is_found_on_its_page() -> None:
    page = (DOCS / "messages.md").read_text(encoding="utf-8")
    missing = [message.text for message in messages() if message.shown not in page]
    assert missing == [], "run: make reference"


def test_messages_are_those_of_every_kind_of_error() -> None:
    found = messages()
    assert len(found) > 200
    raised = {message.error for message in found}
    assert ERRORS - raised <= {"BenchmarksNotRefreshedError", "NotPermitted", "RoleNotGranted"}


def test_every_option_of_alembic_is_described() -> None:
    assert used_x_options() == X_OPTIONS.keys()


def test_pages_have_every_table_and_every_command() -> None:
    for table in metadata.tables.values():
        assert f"### {table.fullname}\n" in pages()["reference/tables.md"]
    for command in COMMANDS:
        assert f"## townhall {command}\n" in pages()["reference/commands.md"]
