"""The access tables of the documentation are those of the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.documentation import ACCESS_TABLE, with_access_tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    page for page in DOCS.glob("*.md") if ACCESS_TABLE.search(page.read_text(encoding="utf-8"))
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_access_tables_of_a_page_are_those_of_the_database(
    townhall_connection: Connection, page: Path
) -> None:
    written = page.read_text(encoding="utf-8")
    assert written == with_access_tables(written, townhall_connection)
