"""Consent to networking: the person's own, the event's default, and what nobody said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.events.data import DANA, EVENT, NOAM, OTHER_EVENT, URI
from tests.support.organizations import GUEST, MANAGER, PERSONAS, STRANGER
from townhall import Event, Participant
from townhall.domains.events import set_networking_opt_in
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from townhall.session import SessionFactory

OPT_IN = {"default_networking_opt_in": True}


def _set_default(connection: Connection, settings: dict[str, Any]) -> None:
    connection.execute(update(Event).where(Event.id == EVENT).values(settings=settings))


def _opt_in(connection: Connection, participant: UUID) -> bool | None:
    return connection.scalar(
        select(Participant.networking_opt_in).where(Participant.id == participant)
    )


@pytest.mark.parametrize(
    ("columns", "values", "expected"),
    [
        ("event_id", ":event", False),  # who says nothing has not consented
        ("event_id, networking_opt_in", ":event, default", False),
        ("event_id, networking_opt_in", ":event, null", True),
        ("event_id, networking_opt_in", ":event, false", False),
        ("event_id, networking_opt_in", ":event, true", True),
    ],
)
@pytest.mark.parametrize("persona", ["manager", "service"])
def test_only_an_explicit_null_takes_the_events_default(
    connection: Connection, persona: str, columns: str, values: str, *, expected: bool
) -> None:
    _set_default(connection, OPT_IN)
    statement = text(
        f"insert into public.participants ({columns}) values ({values}) returning networking_opt_in"
    )
    with acting(connection, PERSONAS[persona]):
        assert connection.scalar(statement, {"event": EVENT}) is expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, False),
        ({"default_networking_opt_in": True}, True),
        ({"default_networking_opt_in": False}, False),
        ({"default_networking_opt_in": None}, False),
        ({"default_networking_opt_in": "true"}, False),
        ({"default_networking_opt_in": 1}, False),
        ({"default_networking_opt_in": [True]}, False),
        ({"default_networking_opt_in": {"value": True}}, False),
        ({"Default_Networking_Opt_In": True}, False),
    ],
    ids=str,
)
def test_the_default_is_true_only_where_the_setting_is(
    connection: Connection, settings: dict[str, Any], *, expected: bool
) -> None:
    _set_default(connection, settings)
    new = insert(Participant).values(event_id=EVENT).returning(Participant.networking_opt_in)
    assert connection.scalar(new) is expected


@pytest.mark.parametrize("default", [True, False])
def test_an_unset_attribute_takes_the_events_default(
    sessions: SessionFactory, connection: Connection, *, default: bool
) -> None:
    _set_default(connection, {"default_networking_opt_in": default})
    with sessions.as_user(MANAGER) as session:
        unset, none, yes, no = (
            Participant(event_id=EVENT),
            Participant(event_id=EVENT, networking_opt_in=None),
            Participant(event_id=EVENT, networking_opt_in=True),
            Participant(event_id=EVENT, networking_opt_in=False),
        )
        session.add_all([unset, none, yes, no])
        session.flush()
        assert unset.networking_opt_in is default
        assert none.networking_opt_in is default
        assert (yes.networking_opt_in, no.networking_opt_in) == (True, False)


def test_each_row_of_a_bulk_insert_takes_its_own_events_default(
    sessions: SessionFactory, connection: Connection
) -> None:
    _set_default(connection, OPT_IN)
    rows = [
        {"event_id": event, "first_name": str(number)}
        for number, event in enumerate([EVENT, OTHER_EVENT] * 100)
    ]
    with sessions.as_service() as session:
        session.execute(insert(Participant), rows)
    counted = (
        select(Participant.event_id, Participant.networking_opt_in, func.count())
        .where(Participant.id.not_in([DANA, URI, NOAM]))
        .group_by(Participant.event_id, Participant.networking_opt_in)
    )
    assert set(map(tuple, connection.execute(counted))) == {
        (EVENT, True, 100),
        (OTHER_EVENT, False, 100),
    }


def test_one_statement_of_sql_takes_the_default_row_by_row(connection: Connection) -> None:
    _set_default(connection, OPT_IN)
    connection.execute(
        text(
            """
            insert into public.participants (event_id, networking_opt_in)
            select :event, case when number % 2 = 0 then null else false end
            from generate_series(1, 10) as number
            """
        ),
        {"event": EVENT},
    )
    consenting = select(func.count()).where(
        Participant.event_id == EVENT, Participant.networking_opt_in
    )
    assert connection.scalar(consenting) == 5


def test_another_default_changes_nobody_who_is_there(connection: Connection) -> None:
    _set_default(connection, OPT_IN)
    assert (_opt_in(connection, DANA), _opt_in(connection, URI)) == (False, False)


def test_an_update_to_null_is_an_error(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="networking_opt_in"):
        connection.execute(update(Participant).values(networking_opt_in=None))


def test_a_participant_of_no_event_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="fk_participants_event_id_events"):
        connection.execute(insert(Participant).values(event_id=uuid4()))


def test_a_guest_sets_their_own_consent(sessions: SessionFactory) -> None:
    for choice in (True, False, True, True):
        with sessions.as_user(GUEST) as session:
            session.execute(set_networking_opt_in(DANA, choice))
            participant = session.get_one(Participant, DANA)
            assert participant.networking_opt_in is choice


def test_setting_it_changes_nothing_else(connection: Connection) -> None:
    row = text(
        """
        select to_jsonb(p) - 'networking_opt_in' - 'updated_at'
        from public.participants as p where p.id = :participant
        """
    ).bindparams(participant=DANA)
    before = connection.scalar(row)
    with acting(connection, PERSONAS["guest"]):
        connection.execute(set_networking_opt_in(DANA, opt_in=True))
    assert connection.scalar(row) == before
    assert _opt_in(connection, DANA) is True


@pytest.mark.parametrize("schema", ["public", "private"])
@pytest.mark.parametrize("persona", ["guest", "stranger", "owner", "manager", "no_sub"])
@pytest.mark.parametrize(
    "participant", [URI, NOAM, uuid4(), None], ids=["list", "other", "no", "null"]
)
def test_setting_anybody_elses_is_an_error(
    connection: Connection, schema: str, persona: str, participant: UUID | None
) -> None:
    call = text(f"select {schema}.set_networking_opt_in(:participant, true)")
    with (
        acting(connection, PERSONAS[persona]),
        pytest.raises(DBAPIError, match="is not yours") as refusal,
    ):
        connection.execute(call, {"participant": participant})
    assert refusal.value.orig.sqlstate == "42501"  # type: ignore[union-attr]  # psycopg's
    assert connection.scalar(select(func.count()).where(Participant.networking_opt_in)) == 0


@pytest.mark.parametrize("persona", ["manager", "owner", "viewer", "stranger"])
def test_nobody_consents_for_a_guest(connection: Connection, persona: str) -> None:
    with acting(connection, PERSONAS[persona]), pytest.raises(DBAPIError, match="is not yours"):
        connection.execute(set_networking_opt_in(DANA, opt_in=True))
    assert _opt_in(connection, DANA) is False


def test_consent_is_yes_or_no(connection: Connection) -> None:
    call = text("select public.set_networking_opt_in(:participant, null)")
    with (
        acting(connection, PERSONAS["guest"]),
        pytest.raises(IntegrityError, match="consent to networking is true or false, not null"),
    ):
        connection.execute(call, {"participant": DANA})
    assert _opt_in(connection, DANA) is False


@pytest.mark.parametrize("persona", ["anon", "service"])
def test_only_who_is_signed_in_may_call_it(connection: Connection, persona: str) -> None:
    """The service has no consent of its own to give; what it must write it writes to the table."""
    with acting(connection, PERSONAS[persona]):
        call = set_networking_opt_in(DANA, opt_in=True)
        assert outcome(connection, call) is Outcome.PERMISSION_DENIED


def test_a_guest_who_left_the_list_sets_nothing(connection: Connection) -> None:
    connection.execute(update(Participant).where(Participant.id == DANA).values(user_id=STRANGER))
    with acting(connection, PERSONAS["guest"]), pytest.raises(DBAPIError, match="is not yours"):
        connection.execute(set_networking_opt_in(DANA, opt_in=True))
