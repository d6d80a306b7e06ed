"""Consent to networking: the participant's own, and the default of the event."""

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
        ("event_id", ":event", False),  # without a setting there is no consent
        ("event_id, networking_opt_in", ":event, default", False),
        ("event_id, networking_opt_in", ":event, null", True),
        ("event_id, networking_opt_in", ":event, false", False),
        ("event_id, networking_opt_in", ":event, true", True),
    ],
)
@pytest.mark.parametrize("persona", ["manager", "service"])
def test_insert_of_an_explicit_null_takes_the_default_of_the_event(
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
def test_default_is_true_only_where_the_setting_is_true(
    connection: Connection, settings: dict[str, Any], *, expected: bool
) -> None:
    _set_default(connection, settings)
    new = insert(Participant).values(event_id=EVENT).returning(Participant.networking_opt_in)
    assert connection.scalar(new) is expected


@pytest.mark.parametrize("default", [True, False])
def test_unset_attribute_takes_the_default_of_the_event(
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


def test_each_row_of_a_bulk_insert_takes_the_default_of_its_event(
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


def test_insert_from_select_takes_the_default_for_each_null(connection: Connection) -> None:
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


def test_changing_the_default_changes_no_existing_participant(connection: Connection) -> None:
    _set_default(connection, OPT_IN)
    assert (_opt_in(connection, DANA), _opt_in(connection, URI)) == (False, False)


def test_update_to_null_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="networking_opt_in"):
        connection.execute(update(Participant).values(networking_opt_in=None))


def test_participant_of_an_unknown_event_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="fk_participants_event_id_events"):
        connection.execute(insert(Participant).values(event_id=uuid4()))


def test_guest_sets_their_own_consent(sessions: SessionFactory) -> None:
    for choice in (True, False, True, True):
        with sessions.as_user(GUEST) as session:
            session.execute(set_networking_opt_in(DANA, choice))
            participant = session.get_one(Participant, DANA)
            assert participant.networking_opt_in is choice


def test_setting_consent_changes_no_other_column(connection: Connection) -> None:
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
def test_setting_consent_of_another_participant_is_refused(
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
def test_managers_and_strangers_cannot_consent_for_a_guest(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]), pytest.raises(DBAPIError, match="is not yours"):
        connection.execute(set_networking_opt_in(DANA, opt_in=True))
    assert _opt_in(connection, DANA) is False


def test_consent_of_null_is_refused(connection: Connection) -> None:
    call = text("select public.set_networking_opt_in(:participant, null)")
    with (
        acting(connection, PERSONAS["guest"]),
        pytest.raises(IntegrityError, match="consent to networking is true or false, not null"),
    ):
        connection.execute(call, {"participant": DANA})
    assert _opt_in(connection, DANA) is False


@pytest.mark.parametrize("persona", ["anon", "service"])
def test_anonymous_caller_and_service_cannot_call_the_function(
    connection: Connection, persona: str
) -> None:
    """The service has no consent of its own; it writes to the table."""
    with acting(connection, PERSONAS[persona]):
        call = set_networking_opt_in(DANA, opt_in=True)
        assert outcome(connection, call) is Outcome.PERMISSION_DENIED


def test_former_guest_cannot_set_consent(connection: Connection) -> None:
    connection.execute(update(Participant).where(Participant.id == DANA).values(user_id=STRANGER))
    with acting(connection, PERSONAS["guest"]), pytest.raises(DBAPIError, match="is not yours"):
        connection.execute(set_networking_opt_in(DANA, opt_in=True))
