"""No sequence of a manager's statements gives the consent of a guest who has an account."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from tests.events.data import DANA, EVENT, URI
from tests.support.organizations import GUEST, MANAGER, PERSONAS, STRANGER
from townhall import Participant
from townhall.testing import acting

if TYPE_CHECKING:
    from sqlalchemy import Connection

THIRD = UUID("00000000-0000-4000-8000-000000000e99")
"""A participant whom the statements insert and delete."""

OF_DANA = select(Participant.networking_opt_in).where(Participant.id == DANA)

STATEMENTS = {
    "insert": """
        insert into public.participants (id, event_id, user_id, networking_opt_in)
        values (:participant, :event, :user, :answer)
    """,
    "insert without an answer": """
        insert into public.participants (id, event_id, user_id) values (:participant, :event, :user)
    """,
    "upsert": """
        insert into public.participants (id, event_id, user_id, networking_opt_in)
        values (:participant, :event, :user, :answer)
        on conflict (id) do update set user_id = excluded.user_id
    """,
    "upsert of the answer": """
        insert into public.participants (id, event_id, user_id, networking_opt_in)
        values (:participant, :event, :user, :answer)
        on conflict (id) do update set networking_opt_in = excluded.networking_opt_in
    """,
    "merge": """
        merge into public.participants as p
        using (values (cast(:participant as uuid), cast(:user as uuid))) as n (id, user_id)
        on p.id = n.id
        when matched then update set user_id = n.user_id
        when not matched then insert (id, event_id, user_id, networking_opt_in)
            values (n.id, :event, n.user_id, :answer)
    """,
    "account": "update public.participants set user_id = :user where id = :participant",
    "answer": "update public.participants set networking_opt_in = :answer where id = :participant",
    "both": """
        update public.participants set user_id = :user, networking_opt_in = :answer
        where id = :participant
    """,
    "call": "select public.set_networking_opt_in(:participant, :answer)",
    "private call": "select private.set_networking_opt_in(:participant, :answer)",
    "delete": "delete from public.participants where id = :participant",
}
STEPS = st.tuples(
    st.sampled_from(sorted(STATEMENTS)),
    st.sampled_from([DANA, URI, THIRD]),
    st.sampled_from([None, GUEST, STRANGER]),
    st.sampled_from([True, True, False]),
)


@pytest.mark.exhaustive
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, min_size=1, max_size=12))
def test_manager_does_not_give_the_consent_of_a_guest_with_an_account(
    connection: Connection, steps: list[tuple[str, UUID, UUID | None, bool]]
) -> None:
    everything = connection.begin_nested()
    for kind, participant, user, answer in steps:
        values = {"participant": participant, "event": EVENT, "user": user, "answer": answer}
        used = {name: value for name, value in values.items() if f":{name}" in STATEMENTS[kind]}
        with acting(connection, PERSONAS["manager"]):
            savepoint = connection.begin_nested()
            try:
                connection.execute(text(STATEMENTS[kind]), used)
            except DBAPIError:
                savepoint.rollback()
            else:
                savepoint.commit()
        given_by_others = select(func.count()).where(
            Participant.networking_opt_in, Participant.user_id.is_not(None)
        )
        assert connection.scalar(given_by_others) == 0
    everything.rollback()


def test_manager_who_has_the_account_of_a_row_answers_for_themselves_alone(
    connection: Connection,
) -> None:
    """A row that passes through the manager's own account keeps no answer of theirs."""
    to_account = text("update public.participants set user_id = :user where id = :participant")
    with acting(connection, PERSONAS["manager"]):
        connection.execute(to_account, {"user": MANAGER, "participant": DANA})
        connection.execute(text(STATEMENTS["call"]), {"participant": DANA, "answer": True})
        assert connection.scalar(OF_DANA) is True
        connection.execute(to_account, {"user": GUEST, "participant": DANA})
        assert connection.scalar(OF_DANA) is False
