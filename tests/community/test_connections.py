"""Connections: the changes of status that each party may make, and those of a blocked founder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError

from tests.community.accounts_and_posts import create_accounts
from tests.community.data import FOUNDER, PEER, PERSONAS, REQUEST, STRANGER
from townhall import ConnectionStatus, FounderConnection
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from psycopg import Error
    from sqlalchemy import Connection, Delete, Engine, Update

PENDING, ACCEPTED, BLOCKED, DECLINED = (
    ConnectionStatus.PENDING,
    ConnectionStatus.ACCEPTED,
    ConnectionStatus.BLOCKED,
    ConnectionStatus.DECLINED,
)
STATUS = FounderConnection.status
CHANGE = update(FounderConnection).where(FounderConnection.id == REQUEST)
REMOVE = delete(FounderConnection).where(FounderConnection.id == REQUEST)
ASK = insert(FounderConnection).values(requester_id=FOUNDER, recipient_id=PEER)

# The changes of status that each party may make; all others are refused.
ALLOWED = {
    "peer": {
        (before, after)
        for before in ConnectionStatus
        for after in (ACCEPTED, DECLINED, BLOCKED)
        if before != after
    },
    "founder": {(before, DECLINED) for before in (PENDING, ACCEPTED)},
}


def _status(connection: Connection) -> ConnectionStatus | None:
    return connection.scalar(select(STATUS).where(FounderConnection.id == REQUEST))


def _set_status(connection: Connection, status: ConnectionStatus) -> None:
    connection.execute(CHANGE.values(status=status))


@pytest.mark.parametrize("persona", ALLOWED)
@pytest.mark.parametrize("after", ConnectionStatus)
@pytest.mark.parametrize("before", ConnectionStatus)
def test_each_party_makes_only_its_own_changes_of_status(
    connection: Connection, persona: str, before: ConnectionStatus, after: ConnectionStatus
) -> None:
    _set_status(connection, before)
    with acting(connection, PERSONAS[persona]):
        refusal = _refusal(connection, CHANGE.values(status=after))
    is_theirs = (before, after) in ALLOWED[persona]
    assert _status(connection) == (after if is_theirs else before)
    if before == after:  # no change, accepted or refused
        assert refusal in {None, "42501"}
    elif is_theirs or (persona == "founder" and before == BLOCKED):  # a hidden row is no error
        assert refusal is None
    else:
        assert refusal == "42501"


def _refusal(connection: Connection, statement: Update) -> str | None:
    """Return the SQLSTATE that a statement is refused with."""
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except DBAPIError as error:
        return cast("Error", error.orig).sqlstate
    return None


@pytest.mark.parametrize("before", ConnectionStatus)
@pytest.mark.parametrize("persona", ["peer", "founder"])
def test_both_parties_may_delete_except_a_blocked_requester(
    connection: Connection, persona: str, before: ConnectionStatus
) -> None:
    _set_status(connection, before)
    is_blocked = persona == "founder" and before == BLOCKED
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, REMOVE) is (Outcome.NO_ROWS if is_blocked else Outcome.ALLOWED)


def test_blocked_requester_reads_the_status_and_cannot_change_it(connection: Connection) -> None:
    _set_status(connection, BLOCKED)
    with acting(connection, PERSONAS["founder"]):
        assert _status(connection) == BLOCKED
        for status in ConnectionStatus:
            assert outcome(connection, CHANGE.values(status=status)) is Outcome.NO_ROWS
        assert outcome(connection, REMOVE) is Outcome.NO_ROWS
        for again in (
            ASK,
            upsert(FounderConnection)
            .values(requester_id=FOUNDER, recipient_id=PEER)
            .on_conflict_do_update(
                index_elements=["requester_id", "recipient_id"], set_={"status": PENDING}
            ),
            upsert(FounderConnection)
            .values(requester_id=FOUNDER, recipient_id=PEER)
            .on_conflict_do_update(
                index_elements=["requester_id", "recipient_id"], set_={"status": DECLINED}
            ),
        ):
            savepoint = connection.begin_nested()
            with pytest.raises(DBAPIError):
                connection.execute(again)
            savepoint.rollback()
    assert _status(connection) == BLOCKED
    assert connection.scalar(select(func.count()).select_from(FounderConnection)) == 1
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, CHANGE.values(status=ACCEPTED)) is Outcome.ALLOWED


@pytest.mark.parametrize("status", [ACCEPTED, BLOCKED, DECLINED])
def test_request_can_only_be_inserted_as_pending(
    connection: Connection, status: ConnectionStatus
) -> None:
    asking = insert(FounderConnection).values(requester_id=PEER, recipient_id=STRANGER)
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, asking.values(status=status)) is Outcome.VIOLATES_POLICY
        assert outcome(connection, asking.values(status=PENDING)) is Outcome.ALLOWED


def test_request_for_another_user_or_to_oneself_is_refused(connection: Connection) -> None:
    with acting(connection, PERSONAS["stranger"]):
        for_another = insert(FounderConnection).values(requester_id=PEER, recipient_id=STRANGER)
        assert outcome(connection, for_another) is Outcome.VIOLATES_POLICY
        oneself = insert(FounderConnection).values(requester_id=STRANGER, recipient_id=STRANGER)
        savepoint = connection.begin_nested()
        with pytest.raises(DBAPIError, match="ck_founder_connections_between_two"):
            connection.execute(oneself)
        savepoint.rollback()


@pytest.mark.parametrize("persona", ["peer", "founder"])
@pytest.mark.parametrize(
    "values",
    [
        {"requester_id": PEER, "recipient_id": FOUNDER},
        {"requester_id": STRANGER},
        {"recipient_id": STRANGER},
        {"status": ACCEPTED, "recipient_id": FOUNDER},
        {"source": "cohort"},
        {"created_at": func.now()},
        {"updated_at": func.now()},
    ],
    ids="-".join,
)
def test_parties_may_update_only_the_status(
    connection: Connection, persona: str, values: dict[str, object]
) -> None:
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, CHANGE.values(values)) is Outcome.PERMISSION_DENIED


def test_service_may_change_status_and_parties(connection: Connection) -> None:
    with acting(connection, PERSONAS["service"]):
        _set_status(connection, BLOCKED)
        _set_status(connection, PENDING)
        swap = CHANGE.values(requester_id=PEER, recipient_id=FOUNDER)
        assert outcome(connection, swap) is Outcome.ALLOWED


@pytest.mark.parametrize("attempt", ["withdraw", "remove"])
def test_requester_who_is_blocked_concurrently_changes_nothing(
    engine: Engine, attempt: str
) -> None:
    """The policy is checked again on the row that the statement waited for."""
    with engine.begin() as connection:
        requester, recipient = create_accounts(connection, 2)
        connection.execute(
            insert(FounderConnection).values(requester_id=requester, recipient_id=recipient)
        )
    mine = FounderConnection.requester_id == requester
    late: dict[str, Update | Delete] = {
        "withdraw": update(FounderConnection).where(mine).values(status=DECLINED),
        "remove": delete(FounderConnection).where(mine),
    }

    def change_concurrently() -> int:
        with engine.begin() as connection, acting(connection, "authenticated", requester):
            return connection.execute(late[attempt]).rowcount

    with ThreadPoolExecutor(1) as pool, engine.connect() as blocking:
        with acting(blocking, "authenticated", recipient):
            blocking.execute(update(FounderConnection).values(status=BLOCKED))
        waiting = pool.submit(change_concurrently)
        _wait_for_a_blocked_statement(blocking)
        blocking.commit()
        assert waiting.result() == 0
        assert blocking.scalar(select(STATUS)) == BLOCKED


def _wait_for_a_blocked_statement(connection: Connection) -> None:
    waits = text("select count(*) from pg_locks where not granted")
    while not connection.scalar(waits):
        connection.execute(text("select pg_sleep(0.01)"))
