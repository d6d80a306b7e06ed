"""Accounts, made and deleted by whoever owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, text

from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall.testing import acting, create_account, delete_account, managing_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

ALICE = UUID("00000000-0000-4000-8000-00000000000a")


@pytest.fixture
def connection(townhall_databases: Databases) -> Iterator[Connection]:
    with supabase_database(townhall_databases, DefaultPrivileges.CLOSED) as database:
        engine = create_engine(database.superuser)
        with engine.connect() as connection:
            yield connection
        engine.dispose()


def _addresses(connection: Connection) -> dict[UUID, str]:
    return {row.id: row.email for row in connection.execute(text("select * from auth.users"))}


def test_an_account_is_made_by_the_owner_of_accounts(connection: Connection) -> None:
    with managing_accounts(connection):
        assert connection.scalar(text("select current_user")) == "supabase_auth_admin"
    user_id = create_account(connection, "alice@example.org", ALICE)
    assert user_id == ALICE
    assert _addresses(connection) == {ALICE: "alice@example.org"}


def test_accounts_have_an_address_of_their_own(connection: Connection) -> None:
    one, other = create_account(connection), create_account(connection)
    addresses = _addresses(connection)
    assert addresses.keys() == {one, other}
    assert addresses[one] != addresses[other]


def test_a_persona_may_need_an_account_in_the_middle(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        user_id = create_account(connection)
        assert connection.scalar(text("select current_user")) == "authenticated"
    assert _addresses(connection).keys() == {user_id}


def test_an_account_is_deleted(connection: Connection) -> None:
    kept = create_account(connection)
    delete_account(connection, create_account(connection))
    assert _addresses(connection).keys() == {kept}
