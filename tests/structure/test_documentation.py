"""The tables of access and of bounds in the documentation are those of the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.support.blocks import blocks_of, run_blocks
from tests.support.documentation import (
    ACCESS_TABLE,
    BOUNDS_TABLE,
    with_access_tables,
    with_bounds_tables,
)
from townhall import Participant, metadata
from townhall.domains.events.access import managers, members
from townhall.pg.access import Access, Membership, owner
from townhall.types import bounds_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    page for page in DOCS.glob("*.md") if ACCESS_TABLE.search(page.read_text(encoding="utf-8"))
)


class Base(DeclarativeBase):
    pass


class Note(Base):
    """What the page on security has rules for."""

    __tablename__ = "notes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(index=True)


def test_examples_of_the_page_on_security_run() -> None:
    names = run_blocks(
        blocks_of("docs/security.md", "python"),
        Access=Access,
        Note=Note,
        Participant=Participant,
        managers=managers,
        members=members,
        owner=owner,
    )
    assert isinstance(names["MY_NOTE_IDS"], Membership)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_access_tables_of_a_page_are_those_of_the_database(
    townhall_connection: Connection, page: Path
) -> None:
    written = page.read_text(encoding="utf-8")
    assert written == with_access_tables(written, townhall_connection)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_bounds_in_a_page_are_those_of_the_models(page: Path) -> None:
    written = page.read_text(encoding="utf-8")
    assert written == with_bounds_tables(written)


def test_pages_have_the_bounds_of_every_table() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    documented = {
        name for match in BOUNDS_TABLE.finditer(pages) for name in match["tables"].split(", ")
    }
    bounded = {
        table.name
        for table in metadata.tables.values()
        if any(bounds_of(column) for column in table.columns)
    }
    assert documented == bounded
