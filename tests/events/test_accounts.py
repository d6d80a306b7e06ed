"""What deleting a guest's account deletes and keeps."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, select, text

from tests.events.data import DANA, DANA_SEAT, DANA_TRACK, EVENT, OTHER_EVENT, insert_events
from tests.support.organizations import (
    GUEST,
    MANAGER,
    OUTSIDER,
    OWNER,
    STRANGER,
    VIEWER,
    insert_organizations,
)
from tests.support.supabase import DefaultPrivileges, SupabaseDatabase, supabase_database
from townhall import Event, OrganizationMember, Participant, ParticipantTrack, TableAssignment
from townhall.migrate import upgrade
from townhall.testing import delete_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from townhall.testing.databases import Databases

DANA_ROW = select(Participant.user_id, Participant.first_name).where(Participant.id == DANA)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


@pytest.fixture
def hosted(townhall_databases: Databases) -> Iterator[SupabaseDatabase]:
    """Yield a database as Supabase hosts it, with the two events in it."""
    with supabase_database(townhall_databases, DefaultPrivileges.OPEN) as database:
        upgrade(database.postgres)
        with _connected(database.superuser) as connection:
            insert_organizations(connection)
            insert_events(connection)
        yield database


def test_participant_is_kept_without_account_when_the_account_is_deleted(
    connection: Connection,
) -> None:
    delete_account(connection, GUEST)
    assert connection.execute(DANA_ROW).one() == (None, "דנה")
    seat = select(TableAssignment.id).where(TableAssignment.participant_id == DANA)
    assert connection.scalar(seat) == DANA_SEAT
    track = select(ParticipantTrack.id).where(ParticipantTrack.participant_id == DANA)
    assert connection.scalar(track) == DANA_TRACK


def test_events_are_kept_when_all_accounts_are_deleted(connection: Connection) -> None:
    for account in (OWNER, MANAGER, VIEWER, OUTSIDER, STRANGER):
        delete_account(connection, account)
    assert set(connection.scalars(select(Event.id))) == {EVENT, OTHER_EVENT}


@pytest.mark.exhaustive
def test_owner_of_accounts_without_privileges_on_our_tables_can_delete_accounts(
    hosted: SupabaseDatabase,
) -> None:
    with _connected(hosted.auth_admin) as connection:
        deleted = text("delete from auth.users where id = any (:accounts)")
        connection.execute(deleted, {"accounts": [GUEST, OWNER, MANAGER, VIEWER]})
    with _connected(hosted.superuser) as connection:
        assert connection.execute(DANA_ROW).one() == (None, "דנה")
        assert connection.scalars(select(OrganizationMember.user_id)).all() == [OUTSIDER]
