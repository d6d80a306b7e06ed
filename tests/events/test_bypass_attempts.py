"""What somebody tries who reads the rules for their gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Executable, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.events.data import (
    DANA,
    DANA_SEAT,
    DANA_TRACK,
    DESIGN,
    EVENT,
    NOAM,
    OTHER_EVENT,
    ROBOTS,
    URI,
)
from tests.support.organizations import GUEST, MANAGER, OTHER_ORGANIZATION, OUTSIDER, PERSONAS
from townhall import (
    Event,
    OrganizationMember,
    Participant,
    ParticipantTrack,
    TableAssignment,
    Track,
    TrackStatistics,
)
from townhall.domains.events import seat
from townhall.session import Actor
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from psycopg import Error
    from sqlalchemy import Connection, Insert, Update

DENIED = Outcome.PERMISSION_DENIED
YESTERDAY = func.now() - text("interval '1 day'")
TABLES = (Event, Participant, Track, ParticipantTrack, TableAssignment)


@pytest.fixture
def manager_of_both(connection: Connection) -> Actor:
    """Return a manager of both events, to whom only the rules on columns apply."""
    connection.execute(
        insert(OrganizationMember).values(organization_id=OTHER_ORGANIZATION, user_id=MANAGER)
    )
    return PERSONAS["manager"]


def _name(statement: Insert | Update) -> str:
    return f"{type(statement).__name__}-{statement.table}-{'-'.join(statement.compile().params)}"


def _refusal(connection: Connection, statement: Executable) -> tuple[str | None, str | None]:
    """Return the error and the constraint that a statement is refused with."""
    with pytest.raises(IntegrityError) as refusal:
        outcome(connection, statement)
    cause = cast("Error", refusal.value.orig)
    return cause.sqlstate, cause.diag.constraint_name


@pytest.mark.parametrize(
    "statement",
    [
        update(Event).where(Event.id == EVENT).values(organization_id=OTHER_ORGANIZATION),
        update(Participant).where(Participant.id == URI).values(event_id=OTHER_EVENT),
        update(Track).where(Track.id == DESIGN).values(event_id=OTHER_EVENT),
        update(ParticipantTrack)
        .where(ParticipantTrack.id == DANA_TRACK)
        .values(event_id=OTHER_EVENT),
        update(TableAssignment).where(TableAssignment.id == DANA_SEAT).values(event_id=OTHER_EVENT),
    ],
    ids=_name,
)
def test_rows_stay_in_their_event_and_events_in_their_organization(
    connection: Connection, manager_of_both: Actor, statement: Executable
) -> None:
    with acting(connection, manager_of_both):
        assert outcome(connection, statement) is DENIED


@pytest.mark.parametrize(
    "statement",
    [
        *(
            update(model).values({name: value})
            for model in TABLES
            for name, value in (
                ("id", uuid4()),
                ("created_at", YESTERDAY),
            )
        ),
        *(
            update(model).values(updated_at=YESTERDAY)
            for model in TABLES
            if model is not ParticipantTrack
        ),
        update(ParticipantTrack).values(event_id=EVENT),
        insert(Event).values(name="Old", created_at=YESTERDAY),
        insert(Participant).values(event_id=EVENT, created_at=YESTERDAY),
        insert(Participant).values(event_id=EVENT, updated_at=YESTERDAY),
        insert(Track).values(event_id=EVENT, name="Old", created_at=YESTERDAY),
        insert(ParticipantTrack).values(event_id=EVENT, participant_id=URI, track_id=DESIGN),
        insert(TableAssignment).values(
            event_id=EVENT, participant_id=URI, table_number=2, updated_at=YESTERDAY
        ),
    ],
    ids=_name,
)
def test_nobody_writes_what_the_database_keeps(
    connection: Connection, statement: Executable
) -> None:
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, statement) is DENIED


@pytest.mark.parametrize(
    "change",
    [{"is_vip": False}, {"status": "checked_in"}, {"networking_opt_in": True}, {"user_id": None}],
    ids=str,
)
def test_a_guest_changes_nothing_of_their_row_by_hand(
    connection: Connection, change: dict[str, object]
) -> None:
    with acting(connection, PERSONAS["guest"]):
        assert outcome(connection, update(Participant).values(change)) is Outcome.NO_ROWS


def test_nobody_claims_a_place_on_a_list(connection: Connection) -> None:
    claim = update(Participant).where(Participant.id == URI).values(user_id=GUEST)
    for persona in ("guest", "stranger", "viewer"):
        with acting(connection, PERSONAS[persona]):
            assert outcome(connection, claim) is Outcome.NO_ROWS
    assert connection.scalar(select(Participant.user_id).where(Participant.id == URI)) is None


def test_a_guest_takes_no_better_seat(connection: Connection) -> None:
    with acting(connection, PERSONAS["guest"]):
        move = update(TableAssignment).values(table_number=9)
        assert outcome(connection, move) is Outcome.NO_ROWS
        assert outcome(connection, seat(EVENT, DANA, 9)) is Outcome.VIOLATES_POLICY
    assert (
        connection.scalar(
            select(TableAssignment.table_number).where(TableAssignment.id == DANA_SEAT)
        )
        == 1
    )


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__tablename__)
def test_who_may_not_change_a_row_may_not_lock_it(
    connection: Connection, model: type[Event]
) -> None:
    with acting(connection, PERSONAS["viewer"]):
        assert outcome(connection, select(model.id)) is Outcome.ALLOWED
        assert outcome(connection, select(model.id).with_for_update()) is Outcome.NO_ROWS


def test_an_insert_that_meets_a_hidden_row_does_not_change_it(connection: Connection) -> None:
    """``on conflict do update`` is an update too, and the row is not theirs."""
    takeover = (
        upsert(Participant)
        .values(id=DANA, event_id=OTHER_EVENT)
        .on_conflict_do_update(index_elements=["id"], set_={"first_name": "Mine"})
        .returning(Participant.id)
    )
    with acting(connection, PERSONAS["outsider"]):
        assert outcome(connection, takeover) is Outcome.VIOLATES_POLICY
    assert connection.scalar(select(Participant.first_name).where(Participant.id == DANA)) == "דנה"


@pytest.mark.parametrize("persona", ["outsider", "stranger", "guest"])
def test_placing_somebody_tells_nothing_of_who_is_hidden(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        for participant in (URI, uuid4()):
            probe = insert(ParticipantTrack).values(participant_id=participant, track_id=DESIGN)
            assert outcome(connection, probe) is Outcome.VIOLATES_POLICY


def test_foreign_keys_tell_nothing_of_another_event(connection: Connection) -> None:
    """What is hidden and what does not exist are refused alike."""
    place = insert(ParticipantTrack).values(participant_id=NOAM)
    with acting(connection, PERSONAS["outsider"]):
        seats = {_refusal(connection, seat(OTHER_EVENT, guest, 1)) for guest in (URI, uuid4())}
        tracks = {_refusal(connection, place.values(track_id=key)) for key in (DESIGN, uuid4())}
    assert seats == {("23503", "fk_table_assignments_event_id_participant_id_participants")}
    assert tracks == {("23503", "fk_participant_tracks_event_id_track_id_tracks")}


def test_a_foreign_key_tells_a_manager_whether_an_account_exists(connection: Connection) -> None:
    """Which the documentation says; nobody guesses the key of one."""
    link = update(Participant).where(Participant.id == URI)
    with acting(connection, PERSONAS["manager"]):
        assert outcome(connection, link.values(user_id=OUTSIDER)) is Outcome.ALLOWED
        refusal = _refusal(connection, link.values(user_id=uuid4()))
    assert refusal == ("23503", "fk_participants_user_id_users")


def test_an_address_on_a_list_is_no_secret_of_another_list(connection: Connection) -> None:
    """E-mail addresses are unique within an event, so that a violation tells of one's own."""
    with acting(connection, PERSONAS["outsider"]):
        same = insert(Participant).values(event_id=OTHER_EVENT, email="dana@example.com")
        assert outcome(connection, same) is Outcome.ALLOWED


def test_a_join_shows_no_more_than_its_tables(connection: Connection) -> None:
    joined = (
        select(Event.name, Participant.first_name, Track.name)
        .join(Event.participants)
        .outerjoin(Participant.tracks)
        .outerjoin(ParticipantTrack.track)
    )
    with acting(connection, PERSONAS["outsider"]):
        assert connection.execute(joined).all() == [("Fair", "Noam", "Robots")]
    for persona in ("guest", "stranger", "no_sub"):
        with acting(connection, PERSONAS[persona]):
            assert outcome(connection, joined) is Outcome.NO_ROWS


def test_a_condition_that_fails_sees_no_hidden_row(connection: Connection) -> None:
    """The policy comes before whatever the reader asks, however cheap."""
    probe = text("select count(*) from public.participants where 1 / length(left(email, 0)) = 1")
    with acting(connection, PERSONAS["stranger"]):
        assert connection.scalar(probe) == 0
    with acting(connection, PERSONAS["guest"]), pytest.raises(DBAPIError, match="division"):
        connection.scalar(probe)


@pytest.mark.parametrize(
    "statement",
    ["update public.participants set is_vip = false", "delete from public.participants"],
)
def test_explaining_a_change_does_not_make_it(connection: Connection, statement: str) -> None:
    explained = text(f"explain analyze {statement}")
    for persona in ("guest", "viewer", "outsider"):
        with acting(connection, PERSONAS[persona]):
            connection.execute(explained)
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, explained) is DENIED
    vips = select(Participant.id).where(Participant.is_vip)
    assert connection.scalars(vips).all() == [DANA]


def test_the_statistics_of_a_protected_table_are_hidden(connection: Connection) -> None:
    connection.execute(text("analyze public.participants"))
    values = text(
        "select 1 from pg_stats where schemaname = 'public' and tablename = 'participants'"
    )
    assert connection.scalar(values) == 1
    with acting(connection, PERSONAS["manager"]):
        assert outcome(connection, values) is Outcome.NO_ROWS


@pytest.mark.parametrize("table", [model.__tablename__ for model in TABLES])
def test_nobody_goes_around_the_policies(connection: Connection, table: str) -> None:
    with acting(connection, PERSONAS["owner"]):
        for statement in (
            f"truncate public.{table} cascade",
            f"alter table public.{table} disable row level security",
            f"create policy mine on public.{table} using (true)",
            f"alter table public.{table} disable trigger all",
        ):
            assert outcome(connection, text(statement)) is DENIED


@pytest.mark.parametrize(
    ("persona", "tracks"),
    [
        ("no_sub", []),
        ("stranger", []),
        ("guest", []),
        ("outsider", ["Robots"]),
        ("viewer", ["Design", "Startups"]),
        ("manager", ["Design", "Startups"]),
        ("owner", ["Design", "Startups"]),
        ("service", ["Design", "Robots", "Startups"]),
    ],
)
def test_the_view_shows_what_its_tables_would(
    connection: Connection, persona: str, tracks: list[str]
) -> None:
    names = select(TrackStatistics.track_name).order_by(TrackStatistics.track_name)
    with acting(connection, PERSONAS[persona]):
        assert connection.scalars(names).all() == tracks


@pytest.mark.parametrize("persona", ["anon", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "insert into public.track_statistics (track_name) values ('mine')",
        "update public.track_statistics set participant_count = 0",
        "delete from public.track_statistics",
    ],
)
def test_nobody_writes_through_the_view(
    connection: Connection, persona: str, statement: str
) -> None:
    """PostgreSQL says so before it looks at privileges: a view of groups has no rows to write."""
    with acting(connection, PERSONAS[persona]), pytest.raises(DBAPIError, match="GROUP BY"):
        connection.execute(text(statement))


def test_nobody_anonymous_reads_the_view(connection: Connection) -> None:
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, select(TrackStatistics.track_id)) is DENIED


@pytest.mark.parametrize(
    ("helper", "manager", "outsider"),
    [
        ("my_event_ids", [EVENT], [OTHER_EVENT]),
        ("my_managed_event_ids", [EVENT], [OTHER_EVENT]),
        ("my_participant_ids", [], []),
    ],
)
def test_the_helpers_tell_of_the_caller_alone(
    connection: Connection, helper: str, manager: list[UUID], outsider: list[UUID]
) -> None:
    mine = select(getattr(func.private, helper)())
    with acting(connection, PERSONAS["manager"]):
        assert connection.scalars(mine).all() == manager
    with acting(connection, PERSONAS["outsider"]):
        assert connection.scalars(mine).all() == outsider
    with acting(connection, PERSONAS["no_sub"]):
        assert connection.scalars(mine).all() == []
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, mine) is DENIED


def test_a_membership_that_ended_ends_at_once(connection: Connection) -> None:
    """Whatever a token still says: membership is read from the table."""
    claims = {
        "app_metadata": {"organization": str(OTHER_ORGANIZATION)},
        "user_metadata": {"role": "owner"},
    }
    connection.execute(text("delete from public.organization_members"))
    for account in (OUTSIDER, MANAGER):
        with acting(connection, Actor.user(account, claims)):
            assert outcome(connection, select(Event.id)) is Outcome.NO_ROWS
            assert outcome(connection, select(Participant.id)) is Outcome.NO_ROWS


def test_a_track_of_another_event_is_refused(
    connection: Connection, manager_of_both: Actor
) -> None:
    move = update(ParticipantTrack).where(ParticipantTrack.id == DANA_TRACK)
    with acting(connection, manager_of_both):
        for change in ({"track_id": ROBOTS}, {"participant_id": NOAM}):
            with pytest.raises(IntegrityError, match="event_id"):
                outcome(connection, move.values(change))
