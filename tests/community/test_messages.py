"""Messages: they do not change, but for the recipient's having read them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from tests.community.accounts_and_posts import create_accounts
from tests.community.data import FOUNDER, MESSAGE, PEER, PERSONAS, STRANGER
from townhall import FounderMessage
from townhall.domains.community import mark_messages_read
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

TO_PEER = {"sender_id": FOUNDER, "recipient_id": PEER, "content": "And?"}
MESSAGES = cast("Table", FounderMessage.__table__)
IS_READ = select(FounderMessage.is_read).where(FounderMessage.id == MESSAGE)


@pytest.mark.parametrize("persona", ["founder", "peer"])
@pytest.mark.parametrize("column", MESSAGES.columns.keys())
def test_a_message_does_not_change(connection: Connection, persona: str, column: str) -> None:
    same = {column: MESSAGES.c[column]}
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, update(MESSAGES).values(same)) is Outcome.PERMISSION_DENIED
        assert outcome(connection, delete(FounderMessage)) is Outcome.PERMISSION_DENIED


@pytest.mark.parametrize(
    "values",
    [
        {"is_read": True},
        {"is_read": False},
        {"is_fred_facilitated": True},
        {"created_at": func.now()},
        {"id": uuid4()},
    ],
    ids="-".join,
)
def test_a_sender_says_no_more_than_is_theirs(
    connection: Connection, values: dict[str, object]
) -> None:
    with acting(connection, PERSONAS["founder"]):
        message = insert(MESSAGES).values({**TO_PEER, **values})
        assert outcome(connection, message) is Outcome.PERMISSION_DENIED
        plain = insert(MESSAGES).values({**TO_PEER, "metadata": {"tone": "kind"}})
        assert outcome(connection, plain) is Outcome.ALLOWED


def test_a_sender_gets_back_what_the_database_made_of_it(connection: Connection) -> None:
    with acting(connection, PERSONAS["founder"]):
        message = insert(FounderMessage).values(TO_PEER).returning(MESSAGES)
        row = connection.execute(message).one()
    assert (row.is_read, row.is_fred_facilitated, row.metadata) == (False, False, {})


@pytest.mark.parametrize(
    ("persona", "expected"), [("peer", 1), ("founder", 0), ("stranger", 0), ("no_sub", 0)]
)
def test_the_recipient_alone_marks_a_message_as_read(
    connection: Connection, persona: str, expected: int
) -> None:
    with acting(connection, PERSONAS[persona]):
        assert connection.scalar(mark_messages_read([MESSAGE])) == expected
        assert connection.scalar(mark_messages_read([MESSAGE])) == 0
    assert connection.scalar(IS_READ) is bool(expected)


@pytest.mark.parametrize("schema", ["public", "private"])
@pytest.mark.parametrize("persona", ["anon", "service"])
def test_who_is_nobody_marks_nothing(connection: Connection, persona: str, schema: str) -> None:
    mark = text(f"select {schema}.mark_messages_read(array[]::uuid[])")
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, mark) is Outcome.PERMISSION_DENIED


def test_many_are_marked_at_once_and_only_ones_own(connection: Connection) -> None:
    mine, others = (
        list(
            connection.scalars(
                insert(FounderMessage).returning(FounderMessage.id),
                [
                    {"sender_id": FOUNDER, "recipient_id": recipient, "content": str(number)}
                    for number in range(20)
                ],
            )
        )
        for recipient in (PEER, STRANGER)
    )
    with acting(connection, PERSONAS["peer"]):
        marked = [*mine[:15], *mine[:3], *others, uuid4()]
        assert connection.scalar(mark_messages_read(marked)) == 15
        assert connection.scalar(mark_messages_read([])) == 0
    read = connection.scalars(select(FounderMessage.id).where(FounderMessage.is_read))
    assert set(read) == set(mine[:15])


def test_two_windows_mark_the_same_messages_at_once(engine: Engine) -> None:
    with engine.begin() as connection:
        sender, recipient = create_accounts(connection, 2)
        messages = list(
            connection.scalars(
                insert(FounderMessage).returning(FounderMessage.id),
                [
                    {"sender_id": sender, "recipient_id": recipient, "content": str(number)}
                    for number in range(200)
                ],
            )
        )

    def mark(these: list[UUID]) -> int:
        with engine.begin() as connection, acting(connection, "authenticated", recipient):
            return int(connection.scalar(mark_messages_read(these)) or 0)

    with ThreadPoolExecutor(4) as pool:
        marked = pool.map(mark, [messages, messages[::-1], messages[::2], messages])
        assert sum(marked) == 200
