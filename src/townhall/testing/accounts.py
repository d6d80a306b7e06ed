"""Accounts of ``auth.users``, created and deleted as the role that owns that table."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import text

from townhall.testing.settings import set_locally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@contextmanager
def managing_accounts(connection: Connection) -> Iterator[None]:
    """Act as the role that owns ``auth.users`` for a block, as the service that signs people up.

    Args:
        connection: A connection whose login role may take that role.

    Raises:
        LookupError: There is no table ``auth.users``.
    """
    # The plugin is loaded in every pytest run where townhall is installed: without Alembic.
    from townhall.pg.catalog import read_owners  # noqa: PLC0415

    owner = read_owners(connection, ["auth"]).get(("auth", "users"))
    if owner is None:
        raise LookupError(
            "there is no table auth.users in this database: an application without townhall's"
            " tables has accounts of its own, and its tests insert them there"
        )
    with set_locally(connection, {"role": owner}):
        yield


def create_account(
    connection: Connection, email: str | None = None, user_id: UUID | None = None
) -> UUID:
    """Create an account in ``auth.users``, as the role that owns it.

    Args:
        connection: A connection whose login role may take that role.
        email: The e-mail address; a unique one by default.
        user_id: The id; a random one by default.

    Returns:
        The id of the account.

    Raises:
        LookupError: There is no table ``auth.users``.
    """
    user_id = user_id or uuid4()
    with managing_accounts(connection):
        connection.execute(
            text("insert into auth.users (id, email) values (:id, :email)"),
            {"id": user_id, "email": email or f"{user_id}@example.org"},
        )
    return user_id


def delete_account(connection: Connection, user_id: UUID) -> None:
    """Delete an account from ``auth.users``, as the role that owns it.

    Args:
        connection: A connection whose login role may take that role.
        user_id: The id of the account.

    Raises:
        LookupError: There is no table ``auth.users``.
    """
    with managing_accounts(connection):
        connection.execute(text("delete from auth.users where id = :id"), {"id": user_id})
