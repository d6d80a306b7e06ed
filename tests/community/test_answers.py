"""Answers to comments: their depth, and what can't get around its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from tests.community.accounts_and_posts import create_posts, posts_with_wrong_counters
from tests.community.data import FOUNDER, PEER, PERSONAS, PRIVATE_COMMENT, PUBLIC_POST, STRANGER
from townhall import SocialFeedComment
from townhall.testing import Outcome, acting, delete_account, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = dict[str, Any]

DEEPEST = 20
TOO_DEEP = "ck_social_feed_comments_depth_bounded"


def _row(key: UUID, parent: UUID | None, author: UUID) -> Row:
    return {
        "id": key,
        "post_id": PUBLIC_POST,
        "author_id": author,
        "content": "Yes",
        "parent_comment_id": parent,
    }


def _chain(length: int, author: UUID = STRANGER) -> list[Row]:
    """Return the rows of comments, each an answer to the one before."""
    keys = [uuid4() for _ in range(length)]
    return [_row(key, parent, author) for key, parent in zip(keys, [None, *keys[:-1]], strict=True)]


def _depths(connection: Connection, rows: list[Row]) -> list[int]:
    found = select(SocialFeedComment.id, SocialFeedComment.depth)
    depths = {row.id: row.depth for row in connection.execute(found)}
    return [depths[row["id"]] for row in rows if row["id"] in depths]


def test_answers_have_the_depth_of_what_they_answer_plus_one(connection: Connection) -> None:
    rows = _chain(DEEPEST + 1)
    with acting(connection, PERSONAS["stranger"]):
        for row in rows:
            connection.execute(insert(SocialFeedComment).values(row))
        assert _depths(connection, rows) == list(range(DEEPEST + 1))
        too_deep = insert(SocialFeedComment).values(_row(uuid4(), rows[-1]["id"], STRANGER))
        with pytest.raises(IntegrityError, match=TOO_DEEP), connection.begin_nested():
            connection.execute(too_deep)


@pytest.mark.parametrize("order", ["top first", "deepest first", "deepest last"])
def test_chain_of_one_statement_is_bounded_in_any_order(connection: Connection, order: str) -> None:
    rows = _chain(DEEPEST + 2)
    if order == "deepest first":
        rows.reverse()
    elif order == "deepest last":
        rows = [*rows[1:-1], rows[0], rows[-1]]
    with (
        acting(connection, PERSONAS["stranger"]),
        pytest.raises(IntegrityError, match=rf"{TOO_DEEP}|does not exist"),
        connection.begin_nested(),
    ):
        connection.execute(insert(SocialFeedComment).values(rows))
    assert _depths(connection, rows) == []


def test_two_answers_to_each_other_are_refused(connection: Connection) -> None:
    one, other = uuid4(), uuid4()
    rows = [_row(one, other, STRANGER), _row(other, one, STRANGER)]
    for cycle in (rows, [_row(one, one, STRANGER)]):
        with (
            acting(connection, PERSONAS["stranger"]),
            pytest.raises(IntegrityError, match="does not exist"),
            connection.begin_nested(),
        ):
            connection.execute(insert(SocialFeedComment).values(cycle))


def test_answer_to_a_comment_of_another_post_is_refused(connection: Connection) -> None:
    with (
        acting(connection, PERSONAS["stranger"]),
        pytest.raises(IntegrityError, match="fk_social_feed_comments_parent_comment"),
        connection.begin_nested(),
    ):
        connection.execute(
            insert(SocialFeedComment).values(_row(uuid4(), PRIVATE_COMMENT, STRANGER))
        )


def test_client_can_not_write_the_depth(connection: Connection) -> None:
    row = _row(uuid4(), None, STRANGER)
    with acting(connection, PERSONAS["stranger"]):
        with_depth = insert(SocialFeedComment).values({**row, "depth": 0})
        assert outcome(connection, with_depth) is Outcome.PERMISSION_DENIED
        connection.execute(insert(SocialFeedComment).values(row))
        written = update(SocialFeedComment).values(depth=0)
        assert outcome(connection, written) is Outcome.PERMISSION_DENIED


def test_depth_that_the_service_writes_is_corrected(connection: Connection) -> None:
    rows = _chain(3)
    with acting(connection, PERSONAS["service"]):
        connection.execute(insert(SocialFeedComment).values([{**row, "depth": 7} for row in rows]))
        assert _depths(connection, rows) == [0, 1, 2]
        connection.execute(update(SocialFeedComment).values(depth=9))
    assert _depths(connection, rows) == [0, 1, 2]


def test_answers_move_with_their_comment(connection: Connection) -> None:
    upper, lower = _chain(5), _chain(DEEPEST - 4)
    connection.execute(insert(SocialFeedComment).values([*upper, *lower]))
    move = update(SocialFeedComment).where(SocialFeedComment.id == lower[0]["id"])
    with acting(connection, PERSONAS["service"]):
        connection.execute(move.values(parent_comment_id=upper[-1]["id"]))
        assert _depths(connection, lower) == list(range(5, DEEPEST + 1))
        (post,) = create_posts(connection, FOUNDER, 1)
        top = update(SocialFeedComment).where(SocialFeedComment.id == upper[0]["id"])
        connection.execute(top.values(post_id=post))
        assert _depths(connection, [*upper, *lower]) == list(range(DEEPEST + 1))
        connection.execute(move.values(parent_comment_id=None))
    assert _depths(connection, lower) == list(range(DEEPEST - 4))
    assert posts_with_wrong_counters(connection) == []


@pytest.mark.parametrize("by", ["a level too many", "a cycle"])
def test_service_can_not_move_comments_below_the_bound(connection: Connection, by: str) -> None:
    upper, lower = _chain(5), _chain(DEEPEST - 3)
    connection.execute(insert(SocialFeedComment).values([*upper, *lower]))
    moved, parent = (lower[0], upper[-1]) if by == "a level too many" else (upper[0], upper[-1])
    statement = (
        update(SocialFeedComment)
        .where(SocialFeedComment.id == moved["id"])
        .values(parent_comment_id=parent["id"])
    )
    with (
        acting(connection, PERSONAS["service"]),
        pytest.raises(DBAPIError, match=TOO_DEEP),
        connection.begin_nested(),
    ):
        connection.execute(statement)
    assert _depths(connection, upper) == list(range(5))


def test_account_with_the_deepest_chains_can_be_deleted(connection: Connection) -> None:
    for _ in range(20):
        connection.execute(insert(SocialFeedComment).values(_chain(DEEPEST + 1)))
        connection.execute(insert(SocialFeedComment).values(_chain(DEEPEST + 1, PEER)))
    delete_account(connection, STRANGER)
    delete_account(connection, PEER)
    assert posts_with_wrong_counters(connection) == []
    delete_account(connection, FOUNDER)
    assert connection.scalar(select(func.count()).select_from(SocialFeedComment)) == 0


def test_depth_of_a_new_answer_is_loaded(connection: Connection) -> None:
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        comment = SocialFeedComment(post_id=PUBLIC_POST, author_id=PEER, content="One")
        session.add(comment)
        session.flush()
        answer = SocialFeedComment(
            post_id=PUBLIC_POST, author_id=PEER, content="Two", parent_comment_id=comment.id
        )
        session.add(answer)
        session.flush()
        assert (comment.depth, answer.depth) == (0, 1)
        answer.parent_comment_id = None
        session.flush()
        assert answer.depth == 0


def test_comments_with_their_answers_are_deleted(connection: Connection) -> None:
    rows = _chain(DEEPEST + 1)
    connection.execute(insert(SocialFeedComment).values(rows))
    with acting(connection, PERSONAS["stranger"]):
        connection.execute(delete(SocialFeedComment).where(SocialFeedComment.id == rows[0]["id"]))
    assert _depths(connection, rows) == []
    assert posts_with_wrong_counters(connection) == []
