"""Messages: immutable, except that the recipient marks them as read."""

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
def test_message_cannot_be_updated_or_deleted(
    connection: Connection, persona: str, column: str
) -> None:
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
def test_sender_cannot_write_columns_that_the_database_sets(
    connection: Connection, values: dict[str, object]
) -> None:
    with acting(connection, PERSONAS["founder"]):
        message = insert(MESSAGES).values({**TO_PEER, **values})
        assert outcome(connection, message) is Outcome.PERMISSION_DENIED
        plain = insert(MESSAGES).values({**TO_PEER, "metadata": {"tone": "kind"}})
        assert outcome(connection, plain) is Outcome.ALLOWED


def test_insert_returns_the_defaults_to_the_sender(connection: Connection) -> None:
    with acting(connection, PERSONAS["founder"]):
        message = insert(FounderMessage).values(TO_PEER).returning(MESSAGES)
        row = connection.execute(message).one()
    assert (row.is_read, row.is_fred_facilitated, row.metadata) == (False, False, {})


@pytest.mark.parametrize(
    ("persona", "expected"), [("peer", 1), ("founder", 0), ("stranger", 0), ("no_sub", 0)]
)
def test_only_the_recipient_marks_a_message_as_read(
    connection: Connection, persona: str, expected: int
) -> None:
    with acting(connection, PERSONAS[persona]):
        assert connection.scalar(mark_messages_read([MESSAGE])) == expected
        assert connection.scalar(mark_messages_read([MESSAGE])) == 0
    assert connection.scalar(IS_READ) is bool(expected)


@pytest.mark.parametrize("schema", ["public", "private"])
@pytest.mark.parametrize("persona", ["anon", "service"])
def test_anonymous_caller_and_service_cannot_mark_messages(
    connection: Connection, persona: str, schema: str
) -> None:
    mark = text(f"select {schema}.mark_messages_read(array[]::uuid[])")
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, mark) is Outcome.PERMISSION_DENIED


def test_many_messages_are_marked_at_once_and_only_those_to_the_caller(
    connection: Connection,
) -> None:
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


def test_same_messages_are_marked_concurrently_without_deadlock(engine: Engine) -> None:
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
