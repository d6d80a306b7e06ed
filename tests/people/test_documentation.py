"""The page about a person's data is as the models are, and its examples run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, text

from tests.support.documentation import run_examples, with_people_tables
from townhall import Profile
from townhall.people import Links
from townhall.testing import create_account
from townhall.testing.accounts import managing_accounts

if TYPE_CHECKING:
    from sqlalchemy import Engine

PAGE = Path(__file__).parents[2] / "docs" / "people.md"


def test_tables_of_the_page_are_those_of_the_models() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == with_people_tables(written)


def test_examples_of_the_page_run(townhall_engine: Engine) -> None:
    with townhall_engine.begin() as connection:
        user = create_account(connection)
        with managing_accounts(connection):
            connection.execute(text("grant select, update, delete on auth.users to service_role"))
        connection.execute(insert(Profile).values(id=user))
    names: dict[str, Any] = run_examples(PAGE, engine=townhall_engine, user_id=user)
    assert [row["id"] for row in names["exported"]["profiles"]] == [user]
    assert names["erasure"].deleted["profiles"].own == 1
    assert Links([names["metadata"]]).unclassified == ()
