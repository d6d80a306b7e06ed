"""Attempts to get around the access rules on events."""

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
    OrganizationRole,
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
        insert(OrganizationMember).values(
            organization_id=OTHER_ORGANIZATION, user_id=MANAGER, role=OrganizationRole.MANAGER
        )
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
def test_event_of_a_row_and_organization_of_an_event_cannot_be_changed(
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
def test_client_cannot_write_columns_that_the_database_sets(
    connection: Connection, statement: Executable
) -> None:
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, statement) is DENIED


@pytest.mark.parametrize(
    "change",
    [{"is_vip": False}, {"status": "checked_in"}, {"user_id": None}],
    ids=str,
)
def test_guest_cannot_update_their_own_row(
    connection: Connection, change: dict[str, object]
) -> None:
    with acting(connection, PERSONAS["guest"]):
        assert outcome(connection, update(Participant).values(change)) is Outcome.NO_ROWS


def test_client_cannot_claim_the_row_of_a_participant(connection: Connection) -> None:
    claim = update(Participant).where(Participant.id == URI).values(user_id=GUEST)
    for persona in ("guest", "stranger", "viewer"):
        with acting(connection, PERSONAS[persona]):
            assert outcome(connection, claim) is Outcome.NO_ROWS
    assert connection.scalar(select(Participant.user_id).where(Participant.id == URI)) is None


def test_guest_cannot_move_to_another_seat(connection: Connection) -> None:
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
def test_viewer_cannot_lock_a_row_that_they_cannot_update(
    connection: Connection, model: type[Event]
) -> None:
    with acting(connection, PERSONAS["viewer"]):
        assert outcome(connection, select(model.id)) is Outcome.ALLOWED
        assert outcome(connection, select(model.id).with_for_update()) is Outcome.NO_ROWS


def test_upsert_does_not_update_a_hidden_row(connection: Connection) -> None:
    """The policy on updates holds for ``on conflict do update`` too."""
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
def test_inserting_a_placement_does_not_reveal_which_participants_exist(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        for participant in (URI, uuid4()):
            probe = insert(ParticipantTrack).values(participant_id=participant, track_id=DESIGN)
            assert outcome(connection, probe) is Outcome.VIOLATES_POLICY


@pytest.mark.parametrize("persona", ["outsider", "stranger", "guest"])
@pytest.mark.parametrize("default", ["true", "false"])
def test_inserting_a_participant_does_not_reveal_the_default_of_an_event(
    connection: Connection, persona: str, default: str
) -> None:
    """The trigger reads the default of any event; the policy then refuses the row."""
    connection.execute(
        update(Event)
        .where(Event.id == EVENT)
        .values(settings=Event.settings.concat({"default_networking_opt_in": default == "true"}))
    )
    with acting(connection, PERSONAS[persona]):
        for event in (EVENT, uuid4()):
            probe = (
                upsert(Participant)
                .values(event_id=event, networking_opt_in=None)
                .on_conflict_do_nothing()
                .returning(Participant.networking_opt_in)
            )
            assert outcome(connection, probe) is Outcome.VIOLATES_POLICY


def test_foreign_keys_do_not_reveal_rows_of_another_event(connection: Connection) -> None:
    """Hidden and missing rows are refused with the same error."""
    place = insert(ParticipantTrack).values(participant_id=NOAM)
    with acting(connection, PERSONAS["outsider"]):
        seats = {_refusal(connection, seat(OTHER_EVENT, guest, 1)) for guest in (URI, uuid4())}
        tracks = {_refusal(connection, place.values(track_id=key)) for key in (DESIGN, uuid4())}
    assert seats == {("23503", "fk_table_assignments_event_id_participant_id_participants")}
    assert tracks == {("23503", "fk_participant_tracks_event_id_track_id_tracks")}


def test_foreign_key_reveals_to_a_manager_whether_an_account_exists(connection: Connection) -> None:
    """The documentation says so; the key of an account is a random UUID."""
    link = update(Participant).where(Participant.id == URI)
    with acting(connection, PERSONAS["manager"]):
        assert outcome(connection, link.values(user_id=OUTSIDER)) is Outcome.ALLOWED
        refusal = _refusal(connection, link.values(user_id=uuid4()))
    assert refusal == ("23503", "fk_participants_user_id_users")


def test_unique_constraint_does_not_reveal_addresses_of_another_event(
    connection: Connection,
) -> None:
    """E-mail addresses are unique only within an event."""
    with acting(connection, PERSONAS["outsider"]):
        same = insert(Participant).values(event_id=OTHER_EVENT, email="dana@example.com")
        assert outcome(connection, same) is Outcome.ALLOWED


def test_join_returns_only_rows_that_the_policies_of_its_tables_allow(
    connection: Connection,
) -> None:
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


def test_failing_condition_is_not_evaluated_on_hidden_rows(connection: Connection) -> None:
    """The policy is evaluated before conditions of the query, however cheap they are."""
    probe = text("select count(*) from public.participants where 1 / length(left(email, 0)) = 1")
    with acting(connection, PERSONAS["stranger"]):
        assert connection.scalar(probe) == 0
    with acting(connection, PERSONAS["guest"]), pytest.raises(DBAPIError, match="division"):
        connection.scalar(probe)


@pytest.mark.parametrize(
    "statement",
    ["update public.participants set is_vip = false", "delete from public.participants"],
)
def test_explain_analyze_of_a_write_changes_no_forbidden_row(
    connection: Connection, statement: str
) -> None:
    explained = text(f"explain analyze {statement}")
    for persona in ("guest", "viewer", "outsider"):
        with acting(connection, PERSONAS[persona]):
            connection.execute(explained)
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, explained) is DENIED
    vips = select(Participant.id).where(Participant.is_vip)
    assert connection.scalars(vips).all() == [DANA]


def test_planner_statistics_of_a_protected_table_are_hidden(connection: Connection) -> None:
    connection.execute(text("analyze public.participants"))
    values = text(
        "select 1 from pg_stats where schemaname = 'public' and tablename = 'participants'"
    )
    assert connection.scalar(values) == 1
    with acting(connection, PERSONAS["manager"]):
        assert outcome(connection, values) is Outcome.NO_ROWS


@pytest.mark.parametrize("table", [model.__tablename__ for model in TABLES])
def test_client_cannot_truncate_a_table_or_change_its_row_level_security(
    connection: Connection, table: str
) -> None:
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
def test_view_shows_only_tracks_that_the_reader_may_see(
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
def test_view_cannot_be_written_to(connection: Connection, persona: str, statement: str) -> None:
    """PostgreSQL refuses it before it checks privileges: the view has a GROUP BY."""
    with acting(connection, PERSONAS[persona]), pytest.raises(DBAPIError, match="GROUP BY"):
        connection.execute(text(statement))


def test_anonymous_caller_cannot_read_the_view(connection: Connection) -> None:
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
def test_helper_functions_return_only_rows_of_the_caller(
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


def test_deleted_membership_has_no_effect_whatever_the_claims_say(connection: Connection) -> None:
    """Membership is read from the table, and not from the claims of the token."""
    claims = {
        "app_metadata": {"organization": str(OTHER_ORGANIZATION)},
        "user_metadata": {"role": "owner"},
    }
    connection.execute(text("delete from public.organization_members"))
    for account in (OUTSIDER, MANAGER):
        with acting(connection, Actor.user(account, claims)):
            assert outcome(connection, select(Event.id)) is Outcome.NO_ROWS
            assert outcome(connection, select(Participant.id)) is Outcome.NO_ROWS


def test_placement_in_a_track_of_another_event_is_refused(
    connection: Connection, manager_of_both: Actor
) -> None:
    move = update(ParticipantTrack).where(ParticipantTrack.id == DANA_TRACK)
    with acting(connection, manager_of_both):
        for change in ({"track_id": ROBOTS}, {"participant_id": NOAM}):
            with pytest.raises(IntegrityError, match="event_id"):
                outcome(connection, move.values(change))


MEMBERSHIPS = (
    "my_event_ids",
    "my_managed_event_ids",
    "my_organization_ids",
    "my_managed_organization_ids",
)


@pytest.mark.parametrize("persona", sorted(PERSONAS.keys() - {"anon"}))
def test_lookup_of_a_membership_has_its_ids_and_no_other(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        for name in MEMBERSHIPS:
            ids = set(connection.scalars(text(f"select private.{name}()")))
            looked_up = text(f"select mine.id from private.{name}_by_id as mine")
            assert set(connection.scalars(looked_up)) == ids
            for each in {*ids, EVENT, OTHER_EVENT}:
                asked = text(f"select private.{name}_include(:id)")
                assert connection.scalar(asked, {"id": each}) == (each in ids)


@pytest.mark.parametrize("persona", ["no_sub", "stranger", "guest"])
def test_lookup_evaluates_no_condition_of_its_reader_for_others(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        for name in MEMBERSHIPS:
            tricky = text(f"select from private.{name}_by_id as mine where mine.id::text::int = 0")
            assert connection.execute(tricky).all() == []


def test_lookup_is_closed_to_callers_who_are_not_signed_in(connection: Connection) -> None:
    for name in MEMBERSHIPS:
        with acting(connection, PERSONAS["anon"]):
            query = text(f"select mine.id from private.{name}_by_id as mine")
            assert outcome(connection, query) is DENIED
