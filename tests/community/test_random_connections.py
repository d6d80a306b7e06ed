"""Random statements of two founders, compared with the rules in a few lines of Python."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import Executable, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.community.data import FOUNDER, PEER, PERSONAS
from townhall import ConnectionStatus, FounderConnection, FounderMessage
from townhall.testing import acting

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

PERSONA_OF = {FOUNDER: "founder", PEER: "peer"}
OTHER = {FOUNDER: PEER, PEER: FOUNDER}
PENDING, ACCEPTED, BLOCKED, DECLINED = (
    ConnectionStatus.PENDING,
    ConnectionStatus.ACCEPTED,
    ConnectionStatus.BLOCKED,
    ConnectionStatus.DECLINED,
)
BETWEEN = FounderConnection.requester_id.in_(OTHER) & FounderConnection.recipient_id.in_(OTHER)


class Pair(NamedTuple):
    """What is between two founders."""

    requester: UUID | None = None
    status: ConnectionStatus | None = None
    declined_by: UUID | None = None
    blockers: frozenset[UUID] = frozenset()


def _after(pair: Pair, user: UUID, action: str) -> Pair:
    """Return what is between two founders after one of them did something, by the rules."""
    deleter = {PENDING: pair.requester, DECLINED: pair.declined_by, ACCEPTED: user}
    match action, pair.status:
        case "ask", None:
            return Pair(user, PENDING)
        case "accepted" | "declined", ConnectionStatus.PENDING if (
            action == "declined" or user != pair.requester
        ):
            declined_by = user if action == "declined" else None
            return pair._replace(status=ConnectionStatus(action), declined_by=declined_by)
        case "delete", ConnectionStatus() if deleter.get(pair.status) == user:
            return Pair()
        case "block_founder", _:
            return Pair(pair.requester or user, BLOCKED, pair.declined_by, pair.blockers | {user})
        case "unblock_founder", ConnectionStatus.BLOCKED:
            left = pair.blockers - {user}
            kept = pair._replace(status=BLOCKED if left else DECLINED, blockers=left)
            return kept if left or pair.declined_by == OTHER[user] else Pair()
        case _:
            return pair


def _statement(user: UUID, action: str) -> Executable:
    other = OTHER[user]
    match action:
        case "ask":
            return insert(FounderConnection).values(requester_id=user, recipient_id=other)
        case "delete":
            return delete(FounderConnection).where(BETWEEN)
        case "block_founder" | "unblock_founder":
            return text(f"select public.{action}(:other)").bindparams(other=other)
        case status:
            return update(FounderConnection).where(BETWEEN).values(status=status)


ACTIONS = ("ask", "delete", "block_founder", "unblock_founder", *ConnectionStatus)


def _found(connection: Connection) -> Pair:
    found = connection.execute(
        select(
            FounderConnection.requester_id,
            FounderConnection.recipient_id,
            FounderConnection.status,
            FounderConnection.declined_by,
            FounderConnection.blocked_by_requester,
            FounderConnection.blocked_by_recipient,
        ).where(BETWEEN)
    ).one_or_none()
    if found is None:
        return Pair()
    sides = {
        found.requester_id: found.blocked_by_requester,
        found.recipient_id: found.blocked_by_recipient,
    }
    blockers = frozenset(user for user, is_blocking in sides.items() if is_blocking)
    return Pair(found.requester_id, found.status, found.declined_by, blockers)


def _run(connection: Connection, user: UUID, statement: Executable) -> bool:
    """Run a statement of a founder, and tell whether it ran without an error."""
    with acting(connection, PERSONAS[PERSONA_OF[user]]), suppress(DBAPIError):
        with connection.begin_nested():
            connection.execute(statement)
        return True
    return False


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("seed", "steps"), [(1, 20), pytest.param(2, 600, marks=pytest.mark.thorough)]
)
def test_random_statements_of_two_founders_do_what_the_rules_say(
    connection: Connection, seed: int, steps: int
) -> None:
    choose = random.Random(seed)  # noqa: S311 - a repeatable choice
    pair = _found(connection)
    assert pair == Pair(FOUNDER, PENDING)
    for _ in range(steps):
        user, action = choose.choice([FOUNDER, PEER]), choose.choice(ACTIONS)
        expected = _after(pair, user, action)
        _run(connection, user, _statement(user, action))
        assert _found(connection) == expected, f"{action} by {PERSONA_OF[user]} after {pair}"
        pair = expected
        message = insert(FounderMessage).values(
            sender_id=user, recipient_id=OTHER[user], content="Hello"
        )
        assert _run(connection, user, message) is (pair.status != BLOCKED)
