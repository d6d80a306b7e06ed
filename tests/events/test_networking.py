"""Consent to networking: the participant's own, and the default of the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Executable, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.events.data import DANA, EVENT, NOAM, OTHER_EVENT, URI
from tests.support.organizations import GUEST, MANAGER, PERSONAS, STRANGER
from townhall import Event, Participant
from townhall.domains.events import set_networking_opt_in
from townhall.testing import Outcome, acting, delete_account, outcome

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
@pytest.mark.parametrize(
    ("persona", "participant"),
    [
        *((persona, URI) for persona in ("guest", "stranger", "viewer", "outsider", "no_sub")),
        *((persona, DANA) for persona in ("manager", "owner", "viewer", "stranger", "outsider")),
        ("manager", NOAM),
        ("manager", uuid4()),
        ("manager", None),
    ],
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


@pytest.mark.thorough
@pytest.mark.parametrize("persona", ["manager", "owner"])
def test_manager_answers_for_a_guest_without_an_account(
    connection: Connection, persona: str
) -> None:
    for choice in (True, False):
        with acting(connection, PERSONAS[persona]):
            connection.execute(set_networking_opt_in(URI, choice))
        assert _opt_in(connection, URI) is choice


def test_manager_no_longer_answers_once_the_guest_has_an_account(connection: Connection) -> None:
    with acting(connection, PERSONAS["manager"]):
        connection.execute(update(Participant).where(Participant.id == URI).values(user_id=GUEST))
        with pytest.raises(DBAPIError, match="is not yours"):
            connection.execute(set_networking_opt_in(URI, opt_in=True))


ANSWER = "insert into public.participants (id, event_id, user_id, networking_opt_in)"


@pytest.mark.parametrize("persona", ["manager", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        update(Participant).values(networking_opt_in=True),
        text("update public.participants set networking_opt_in = default"),
        text(
            f"{ANSWER} values ('{DANA}', '{EVENT}', '{GUEST}', true)"
            " on conflict (id) do update set networking_opt_in = true"
        ),
        text(
            f"merge into public.participants as p using (values ('{DANA}'::uuid)) as n (id)"
            " on p.id = n.id when matched then update set networking_opt_in = true"
        ),
    ],
    ids=["update", "default", "upsert", "merge"],
)
def test_update_by_a_manager_does_not_reach_the_consent(
    connection: Connection, persona: str, statement: Executable
) -> None:
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, statement) is Outcome.PERMISSION_DENIED
    assert _opt_in(connection, DANA) is False


@pytest.mark.parametrize(
    ("persona", "user", "value", "expected"),
    [
        ("manager", STRANGER, "true", False),
        ("manager", STRANGER, "false", False),
        ("manager", STRANGER, "null", True),  # the event's default
        ("manager", STRANGER, "default", False),
        ("manager", MANAGER, "true", False),  # the caller's own row as well
        ("manager", None, "true", True),
        ("service", STRANGER, "true", True),
        ("service", STRANGER, "null", True),
    ],
)
def test_row_that_names_an_account_starts_without_the_answer_of_a_manager(
    connection: Connection, persona: str, user: UUID | None, value: str, *, expected: bool
) -> None:
    _set_default(connection, OPT_IN)
    key = uuid4()
    with acting(connection, PERSONAS[persona]):
        connection.execute(
            text(f"{ANSWER} values (:key, :event, :user, {value})"),
            {"key": key, "event": EVENT, "user": user},
        )
    assert _opt_in(connection, key) is expected


@pytest.mark.parametrize("persona", ["manager", "service"])
def test_change_of_the_account_withdraws_the_consent(connection: Connection, persona: str) -> None:
    consenting = update(Participant).where(Participant.id.in_([DANA, URI]))
    connection.execute(consenting.values(networking_opt_in=True))
    for participant, user in ((DANA, STRANGER), (URI, GUEST)):
        row = update(Participant).where(Participant.id == participant)
        with acting(connection, PERSONAS[persona]):
            connection.execute(row.values(user_id=user))
        assert _opt_in(connection, participant) is False


def test_object_has_the_withdrawn_consent_after_the_change_of_its_account(
    sessions: SessionFactory, connection: Connection
) -> None:
    connection.execute(update(Participant).values(networking_opt_in=True))
    with sessions.as_user(MANAGER) as session:
        participant = session.get_one(Participant, URI)
        assert participant.networking_opt_in is True
        participant.user_id = GUEST
        session.flush()
        assert participant.networking_opt_in is False


def test_service_can_not_keep_the_consent_in_the_statement_that_changes_the_account(
    connection: Connection,
) -> None:
    row = update(Participant).where(Participant.id == URI)
    with acting(connection, PERSONAS["service"]):
        connection.execute(row.values(user_id=GUEST, networking_opt_in=True))
        assert _opt_in(connection, URI) is False
        connection.execute(row.values(networking_opt_in=True))
    assert _opt_in(connection, URI) is True


def test_update_that_names_the_same_account_keeps_the_consent(connection: Connection) -> None:
    connection.execute(update(Participant).values(networking_opt_in=True))
    with acting(connection, PERSONAS["manager"]):
        connection.execute(
            update(Participant).where(Participant.id == DANA).values(user_id=GUEST, is_vip=False)
        )
    assert _opt_in(connection, DANA) is True


def test_deleting_the_account_withdraws_the_consent(connection: Connection) -> None:
    connection.execute(update(Participant).values(networking_opt_in=True))
    delete_account(connection, GUEST)
    assert (_opt_in(connection, DANA), _opt_in(connection, URI)) == (False, True)


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
