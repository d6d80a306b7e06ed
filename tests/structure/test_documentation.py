"""The pages say of the database what it says itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.documentation import ACCESS_TABLE, with_access_tables
from townhall.domains.coaching.access import RULES as COACHING
from townhall.domains.community.access import RULES as COMMUNITY
from townhall.domains.events.access import RULES as EVENTS
from townhall.domains.identity.access import RULES as IDENTITY
from townhall.domains.wizard.access import RULES as WIZARD

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from townhall.pg.access import Access

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    page for page in DOCS.glob("*.md") if ACCESS_TABLE.search(page.read_text(encoding="utf-8"))
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_who_may_do_what(townhall_connection: Connection, page: Path) -> None:
    written = page.read_text(encoding="utf-8")
    assert written == with_access_tables(written, townhall_connection)


@pytest.mark.parametrize(
    ("page", "rules"),
    [
        ("identity.md", IDENTITY),
        ("events.md", EVENTS),
        ("community.md", COMMUNITY),
        ("wizard.md", WIZARD),
        ("coaching.md", COACHING),
    ],
)
def test_a_domains_page_leaves_out_no_table(page: str, rules: tuple[Access, ...]) -> None:
    written = (DOCS / page).read_text(encoding="utf-8")
    tables = [
        name for match in ACCESS_TABLE.finditer(written) for name in match["tables"].split(", ")
    ]
    assert tables == [rule.table.name for rule in rules]
