"""What becomes of a guest's rows when the account goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.events.stage import DANA, DANAS_SEAT, DANAS_TRACK, FAIR, GALA
from tests.support.stage import GUEST, MANAGER, OUTSIDER, OWNER, STRANGER, VIEWER
from townhall import Event, Participant, ParticipantTrack, TableAssignment
from townhall.testing import delete_account

if TYPE_CHECKING:
    from sqlalchemy import Connection


def test_the_organizer_keeps_the_list_and_the_account_is_gone_from_it(
    connection: Connection,
) -> None:
    delete_account(connection, GUEST)
    row = connection.execute(
        select(Participant.user_id, Participant.first_name).where(Participant.id == DANA)
    ).one()
    assert row == (None, "דנה")
    assert (
        connection.scalar(select(TableAssignment.id).where(TableAssignment.participant_id == DANA))
        == DANAS_SEAT
    )
    assert (
        connection.scalar(
            select(ParticipantTrack.id).where(ParticipantTrack.participant_id == DANA)
        )
        == DANAS_TRACK
    )


def test_events_outlive_everybody(connection: Connection) -> None:
    for account in (OWNER, MANAGER, VIEWER, OUTSIDER, STRANGER):
        delete_account(connection, account)
    assert set(connection.scalars(select(Event.id))) == {GALA, FAIR}
