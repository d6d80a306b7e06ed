"""The page about a person's data is as the models are, and its examples run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.blocks import blocks_of, run_blocks
from tests.support.documentation import with_people_tables
from tests.support.package import ROOT
from townhall import Profile
from townhall.people import Links
from townhall.testing import create_account
from townhall.testing.accounts import managing_accounts

if TYPE_CHECKING:
    from sqlalchemy import Engine

PAGE = ROOT / "docs" / "people.md"
EXAMPLES = blocks_of("docs/people.md", "python")
(GRANT,) = blocks_of("docs/people.md", "sql")


def test_tables_of_the_page_are_those_of_the_models() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == with_people_tables(written)


def test_examples_of_the_page_run(townhall_engine: Engine) -> None:
    with townhall_engine.begin() as connection:
        user = create_account(connection)
        with managing_accounts(connection):
            connection.execute(text(GRANT.text))
        connection.execute(insert(Profile).values(id=user))
    supabase = Mock()
    names: dict[str, Any] = run_blocks(
        EXAMPLES,
        engine=townhall_engine,
        async_engine=create_async_engine(townhall_engine.url, poolclass=NullPool),
        user_id=user,
        email="ada@example.org",
        supabase=supabase,
    )
    supabase.auth.admin.delete_user.assert_called_once_with(user)
    assert [row["id"] for row in names["exported"]["profiles"]] == [user]
    assert names["erasure"].deleted["profiles"].own == 1
    assert Links([names["metadata"]]).unclassified == ()
