"""Connections: the changes that each party may make, requests that were declined, and blocks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.community.accounts_and_posts import create_accounts
from tests.community.data import FOUNDER, PEER, PERSONAS, REQUEST, STRANGER
from townhall import ConnectionStatus, FounderConnection
from townhall.domains.community import block_founder, unblock_founder
from townhall.testing import Outcome, acting, delete_account, outcome

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Error
    from sqlalchemy import Connection, Delete, Engine, Row, Update

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
ASK_BACK = insert(FounderConnection).values(requester_id=PEER, recipient_id=FOUNDER)

# The changes of status that each party may make, all from pending; the request is the founder's.
ALLOWED = {"peer": {ACCEPTED, DECLINED}, "founder": {DECLINED}}


def _status(connection: Connection) -> ConnectionStatus | None:
    return connection.scalar(select(STATUS).where(FounderConnection.id == REQUEST))


def _set_status(connection: Connection, status: ConnectionStatus) -> None:
    connection.execute(CHANGE.values(status=status))


def _pair(connection: Connection) -> Row[ConnectionStatus, UUID | None, bool, bool] | None:
    """Return status, who declined, and the two sides of a block between founder and peer."""
    return connection.execute(
        select(
            STATUS,
            FounderConnection.declined_by,
            FounderConnection.blocked_by_requester,
            FounderConnection.blocked_by_recipient,
        ).where(
            FounderConnection.requester_id.in_([FOUNDER, PEER]),
            FounderConnection.recipient_id.in_([FOUNDER, PEER]),
        )
    ).one_or_none()


CALLS = {"block_founder": block_founder, "unblock_founder": unblock_founder}


def _call(connection: Connection, function: str, persona: str, other: UUID) -> None:
    with acting(connection, PERSONAS[persona]):
        connection.execute(CALLS[function](other))


def _refusal(connection: Connection, statement: Update) -> str | None:
    """Return the SQLSTATE that a statement is refused with."""
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except DBAPIError as error:
        return cast("Error", error.orig).sqlstate
    return None


@pytest.mark.parametrize("persona", ALLOWED)
@pytest.mark.parametrize("after", ConnectionStatus)
@pytest.mark.parametrize("before", ConnectionStatus)
def test_each_party_makes_only_its_own_changes_of_status(
    connection: Connection, persona: str, before: ConnectionStatus, after: ConnectionStatus
) -> None:
    _set_status(connection, before)
    with acting(connection, PERSONAS[persona]):
        refusal = _refusal(connection, CHANGE.values(status=after))
    is_theirs = before == PENDING and after in ALLOWED[persona]
    assert _status(connection) == (after if is_theirs else before)
    # Only a pending request is found by an update: that of another row changes nothing.
    assert refusal == ("42501" if before == PENDING and not is_theirs else None)


@pytest.mark.parametrize(
    ("before", "by", "deleters"),
    [
        (PENDING, None, {"founder"}),
        (ACCEPTED, None, {"founder", "peer"}),
        (DECLINED, "founder", {"founder"}),
        (DECLINED, "peer", {"peer"}),
        (BLOCKED, None, set[str]()),
    ],
)
@pytest.mark.parametrize("persona", ["founder", "peer", "stranger"])
def test_row_is_deleted_only_by_the_party_that_may_end_it(
    connection: Connection,
    persona: str,
    before: ConnectionStatus,
    by: str | None,
    deleters: set[str],
) -> None:
    if by is None:
        _set_status(connection, before)
    else:
        with acting(connection, PERSONAS[by]):
            _set_status(connection, before)
    with acting(connection, PERSONAS[persona]):
        expected = Outcome.ALLOWED if persona in deleters else Outcome.NO_ROWS
        assert outcome(connection, REMOVE) is expected


@pytest.mark.parametrize("by", ["founder", "peer"])
def test_declined_or_withdrawn_request_is_asked_again_only_after_who_declined_deletes_it(
    connection: Connection, by: str
) -> None:
    with acting(connection, PERSONAS[by]):
        _set_status(connection, DECLINED)
    for persona, ask in (("founder", ASK), ("peer", ASK_BACK)):
        with (
            acting(connection, PERSONAS[persona]),
            pytest.raises(IntegrityError, match="uq_founder_connections"),
            connection.begin_nested(),
        ):
            connection.execute(ask)
    with acting(connection, PERSONAS[by]):
        assert outcome(connection, REMOVE) is Outcome.ALLOWED
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, ASK_BACK) is Outcome.ALLOWED


@pytest.mark.parametrize("status", ConnectionStatus)
def test_second_row_of_a_pair_is_refused_in_either_direction(
    connection: Connection, status: ConnectionStatus
) -> None:
    _set_status(connection, status)
    for ask in (ASK, ASK_BACK):
        with (
            pytest.raises(IntegrityError, match="uq_founder_connections"),
            connection.begin_nested(),
        ):
            connection.execute(ask)


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
        {"declined_by": PEER},
        {"status": DECLINED, "declined_by": FOUNDER},
        {"blocked_by_requester": False},
        {"blocked_by_recipient": True},
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


@pytest.mark.parametrize("column", ["declined_by", "blocked_by_requester", "blocked_by_recipient"])
def test_request_cannot_be_inserted_with_a_refusal_or_a_block(
    connection: Connection, column: str
) -> None:
    value = PEER if column == "declined_by" else True
    asking = insert(FounderConnection).values(
        {"requester_id": PEER, "recipient_id": STRANGER, column: value}
    )
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, asking) is Outcome.PERMISSION_DENIED


def test_service_may_change_status_and_parties(connection: Connection) -> None:
    with acting(connection, PERSONAS["service"]):
        _set_status(connection, BLOCKED)
        assert _pair(connection) == (BLOCKED, None, False, True)
        _set_status(connection, PENDING)
        assert _pair(connection) == (PENDING, None, False, False)
        _set_status(connection, DECLINED)
        assert _pair(connection) == (DECLINED, PEER, False, False)
        swap = CHANGE.values(requester_id=PEER, recipient_id=FOUNDER)
        assert outcome(connection, swap) is Outcome.ALLOWED


@pytest.mark.parametrize("status", [None, *ConnectionStatus])
@pytest.mark.parametrize(("persona", "other"), [("founder", PEER), ("peer", FOUNDER)])
def test_either_party_blocks_whatever_row_is_there(
    connection: Connection, persona: str, other: UUID, status: ConnectionStatus | None
) -> None:
    if status is None:
        connection.execute(REMOVE)
    elif status != BLOCKED:
        _set_status(connection, status)
    else:
        _call(connection, "block_founder", "peer", FOUNDER)
    _call(connection, "block_founder", persona, other)
    pair = _pair(connection)
    assert pair is not None
    assert pair.status == BLOCKED
    assert pair.declined_by == (PEER if status == DECLINED else None)
    with acting(connection, PERSONAS[persona]):
        for ask in (ASK, ASK_BACK):
            with pytest.raises(DBAPIError), connection.begin_nested():
                connection.execute(ask)


def test_each_side_lifts_only_its_own_block_and_the_row_goes_with_the_last(
    connection: Connection,
) -> None:
    _call(connection, "block_founder", "founder", PEER)
    assert _pair(connection) == (BLOCKED, None, True, False)
    _call(connection, "unblock_founder", "peer", FOUNDER)
    assert _pair(connection) == (BLOCKED, None, True, False)
    _call(connection, "block_founder", "peer", FOUNDER)
    _call(connection, "block_founder", "peer", FOUNDER)
    assert _pair(connection) == (BLOCKED, None, True, True)
    _call(connection, "unblock_founder", "founder", PEER)
    assert _pair(connection) == (BLOCKED, None, False, True)
    _call(connection, "unblock_founder", "founder", PEER)
    assert _pair(connection) == (BLOCKED, None, False, True)
    _call(connection, "unblock_founder", "peer", FOUNDER)
    assert _pair(connection) is None
    _call(connection, "unblock_founder", "peer", FOUNDER)
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, ASK_BACK) is Outcome.ALLOWED


@pytest.mark.parametrize("by", ["founder", "peer"])
@pytest.mark.parametrize("last", ["founder", "peer"])
def test_refusal_outlasts_the_blocks_of_the_other_party(
    connection: Connection, by: str, last: str
) -> None:
    with acting(connection, PERSONAS[by]):
        _set_status(connection, DECLINED)
    others = {"founder": PEER, "peer": FOUNDER}
    for function in ("block_founder", "unblock_founder"):
        for persona in sorted(others, key=last.__eq__):
            _call(connection, function, persona, others[persona])
    pair = _pair(connection)
    assert pair == (None if last == by else (DECLINED, others[last], False, False))


@pytest.mark.parametrize("status", [PENDING, ACCEPTED, DECLINED])
def test_unblocking_without_a_block_changes_nothing(
    connection: Connection, status: ConnectionStatus
) -> None:
    _set_status(connection, status)
    before = _pair(connection)
    for persona, other in (("founder", PEER), ("peer", FOUNDER), ("stranger", PEER)):
        _call(connection, "unblock_founder", persona, other)
    assert _pair(connection) == before


@pytest.mark.parametrize("persona", ["founder", "peer"])
def test_blocked_row_is_changed_by_no_statement_of_either_party(
    connection: Connection, persona: str
) -> None:
    _call(connection, "block_founder", "peer", FOUNDER)
    before = _pair(connection)
    again = upsert(FounderConnection).values(requester_id=FOUNDER, recipient_id=PEER)
    with acting(connection, PERSONAS[persona]):
        assert _status(connection) == BLOCKED
        for status in ConnectionStatus:
            assert outcome(connection, CHANGE.values(status=status)) is Outcome.NO_ROWS
            with pytest.raises(DBAPIError), connection.begin_nested():
                connection.execute(
                    again.on_conflict_do_update(
                        index_elements=["requester_id", "recipient_id"], set_={"status": status}
                    )
                )
        assert outcome(connection, REMOVE) is Outcome.NO_ROWS
    assert _pair(connection) == before


@pytest.mark.parametrize(
    ("other", "constraint"),
    [
        (FOUNDER, "ck_founder_connections_between_two"),
        (REQUEST, "fk_founder_connections_recipient_id_users"),  # no account has this key
        (None, "recipient_id"),
    ],
)
def test_block_of_oneself_or_of_no_account_is_refused(
    connection: Connection, other: UUID | None, constraint: str
) -> None:
    with (
        acting(connection, PERSONAS["founder"]),
        pytest.raises(IntegrityError, match=constraint),
        connection.begin_nested(),
    ):
        connection.execute(text("select public.block_founder(:other)"), {"other": other})


@pytest.mark.parametrize("account", [FOUNDER, PEER])
def test_account_with_a_block_can_be_deleted(connection: Connection, account: UUID) -> None:
    _call(connection, "block_founder", "peer", FOUNDER)
    delete_account(connection, account)
    assert _pair(connection) is None


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
            blocking.execute(text("select public.block_founder(:other)"), {"other": requester})
        waiting = pool.submit(change_concurrently)
        _wait_for_a_blocked_statement(blocking)
        blocking.commit()
        assert waiting.result() == 0
        assert blocking.scalar(select(STATUS)) == BLOCKED


@pytest.mark.parametrize("first", ["block_founder", "unblock_founder"])
@pytest.mark.parametrize("second", ["block_founder", "unblock_founder"])
def test_both_sides_block_and_unblock_at_the_same_time(
    engine: Engine, first: str, second: str
) -> None:
    with engine.begin() as connection:
        one, other = create_accounts(connection, 2)
        _block(connection, one, "block_founder", other)
        _block(connection, other, "block_founder", one)

    def call_concurrently() -> None:
        with engine.begin() as connection:
            _block(connection, other, second, one)

    with ThreadPoolExecutor(1) as pool, engine.connect() as blocking:
        _block(blocking, one, first, other)
        waiting = pool.submit(call_concurrently)
        _wait_for_a_blocked_statement(blocking)
        blocking.commit()
        waiting.result()
        rows = blocking.execute(
            select(FounderConnection.blocked_by_requester, FounderConnection.blocked_by_recipient)
        ).all()
    sides = (first == "block_founder", second == "block_founder")
    assert rows == ([sides] if any(sides) else [])


def test_first_blocks_of_both_sides_at_the_same_time_are_one_row(engine: Engine) -> None:
    with engine.begin() as connection:
        one, other = create_accounts(connection, 2)

    def block_concurrently() -> None:
        with engine.begin() as connection:
            _block(connection, other, "block_founder", one)

    with ThreadPoolExecutor(1) as pool, engine.connect() as blocking:
        _block(blocking, one, "block_founder", other)
        waiting = pool.submit(block_concurrently)
        _wait_for_a_blocked_statement(blocking)
        blocking.commit()
        waiting.result()
        rows = blocking.execute(
            select(FounderConnection.blocked_by_requester, FounderConnection.blocked_by_recipient)
        ).all()
    assert rows == [(True, True)]


def _block(connection: Connection, user: UUID, function: str, other: UUID) -> None:
    with acting(connection, "authenticated", user):
        connection.execute(CALLS[function](other))


def _wait_for_a_blocked_statement(connection: Connection) -> None:
    waits = text("select count(*) from pg_locks where not granted")
    while not connection.scalar(waits):
        connection.execute(text("select pg_sleep(0.01)"))
