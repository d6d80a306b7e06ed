"""Accounts, created and deleted by the role that owns their table."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, text

from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall.testing import acting, create_account, delete_account, managing_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from townhall.testing.databases import Databases

ALICE = UUID("00000000-0000-4000-8000-00000000000a")


@pytest.fixture
def connection(townhall_databases: Databases) -> Iterator[Connection]:
    with supabase_database(townhall_databases, DefaultPrivileges.CLOSED) as database:
        engine = create_engine(database.superuser)
        with engine.connect() as connection:
            yield connection
        engine.dispose()


@pytest.mark.parametrize("call", [create_account, lambda each: delete_account(each, ALICE)])
def test_database_without_accounts_is_an_error(
    call: Callable[[Connection], object], empty_database: str
) -> None:
    engine = create_engine(empty_database)
    with engine.connect() as connection, pytest.raises(LookupError, match="no table auth"):
        call(connection)
    engine.dispose()


def _addresses(connection: Connection) -> dict[UUID, str]:
    return {row.id: row.email for row in connection.execute(text("select * from auth.users"))}


def test_account_is_created_by_the_owner_of_accounts(connection: Connection) -> None:
    with managing_accounts(connection):
        assert connection.scalar(text("select current_user")) == "supabase_auth_admin"
    user_id = create_account(connection, "alice@example.org", ALICE)
    assert user_id == ALICE
    assert _addresses(connection) == {ALICE: "alice@example.org"}


def test_accounts_have_unique_addresses_and_ids(connection: Connection) -> None:
    one, other = create_account(connection), create_account(connection)
    addresses = _addresses(connection)
    assert addresses.keys() == {one, other}
    assert addresses[one] != addresses[other]


def test_account_is_created_while_acting_as_a_persona(connection: Connection) -> None:
    with acting(connection, "authenticated", ALICE):
        user_id = create_account(connection)
        assert connection.scalar(text("select current_user")) == "authenticated"
    assert _addresses(connection).keys() == {user_id}


def test_account_is_deleted(connection: Connection) -> None:
    kept = create_account(connection)
    delete_account(connection, create_account(connection))
    assert _addresses(connection).keys() == {kept}
