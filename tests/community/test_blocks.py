"""A block between two founders stops what either would send the other, and hides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Executable, delete, func, insert, select, update

from tests.community.accounts_and_posts import create_posts
from tests.community.data import (
    BLOCKED,
    COMMENT_OF_BLOCKED,
    FOUNDER,
    MESSAGE_OF_BLOCKED,
    PEER,
    PERSONAS,
    POST_BEFORE_BLOCK,
    PUBLIC_POST,
)
from townhall import (
    FounderMessage,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
)
from townhall.domains.community import block_founder, unblock_founder
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

PERSONA_OF = {FOUNDER: "founder", BLOCKED: "blocked"}
BOTH_WAYS = [(FOUNDER, BLOCKED), (BLOCKED, FOUNDER)]


def _react(user: UUID, post: UUID) -> Executable:
    return insert(SocialFeedReaction).values(post_id=post, user_id=user, reaction_type="celebrate")


def _comment(user: UUID, post: UUID, parent: UUID | None = None) -> Executable:
    return insert(SocialFeedComment).values(
        id=uuid4(), post_id=post, author_id=user, content="Well", parent_comment_id=parent
    )


def _send(user: UUID, recipient: UUID) -> Executable:
    return insert(FounderMessage).values(sender_id=user, recipient_id=recipient, content="Well")


def _sent_to(connection: Connection, user: UUID, other: UUID) -> Iterator[Executable]:
    """Yield all that a user could send another: messages, reactions, comments and answers."""
    (of_other,) = create_posts(connection, other, 1)
    (of_third,) = create_posts(connection, PEER, 1)
    answered = _comment(other, of_third)
    connection.execute(answered)
    parent = connection.scalar(
        select(SocialFeedComment.id).where(
            SocialFeedComment.post_id == of_third, SocialFeedComment.author_id == other
        )
    )
    yield _send(user, other)
    yield _react(user, of_other)
    yield _comment(user, of_other)
    yield _comment(user, of_third, parent)


CALLS = {"block_founder": block_founder, "unblock_founder": unblock_founder}


def _call(connection: Connection, function: str, user: UUID, other: UUID) -> None:
    with acting(connection, PERSONAS[PERSONA_OF[user]]):
        connection.execute(CALLS[function](other))


@pytest.mark.parametrize(("user", "other"), BOTH_WAYS)
@pytest.mark.parametrize(("blocker", "blocked"), BOTH_WAYS)
def test_neither_sends_the_other_anything_while_either_blocks(
    connection: Connection, user: UUID, other: UUID, blocker: UUID, blocked: UUID
) -> None:
    _call(connection, "unblock_founder", FOUNDER, BLOCKED)
    persona = PERSONAS[PERSONA_OF[user]]
    sent = list(_sent_to(connection, user, other))
    _call(connection, "block_founder", blocker, blocked)
    with acting(connection, persona):
        for statement in sent:
            assert outcome(connection, statement) is Outcome.VIOLATES_POLICY
    _call(connection, "unblock_founder", blocker, blocked)
    with acting(connection, persona):
        for statement in sent:
            assert outcome(connection, statement) is Outcome.ALLOWED


@pytest.mark.parametrize(("user", "other"), BOTH_WAYS)
@pytest.mark.parametrize(("blocker", "blocked"), BOTH_WAYS)
def test_old_comments_to_the_other_can_be_deleted_and_not_changed_while_either_blocks(
    connection: Connection, user: UUID, other: UUID, blocker: UUID, blocked: UUID
) -> None:
    _call(connection, "unblock_founder", FOUNDER, BLOCKED)
    for comment in list(_sent_to(connection, user, other))[2:]:
        connection.execute(comment)
    mine = (SocialFeedComment.author_id == user) & (SocialFeedComment.content == "Well")
    keys = connection.scalars(select(SocialFeedComment.id).where(mine)).all()
    assert len(keys) == 2
    # Whether the author of the post hides it from the other makes no difference.
    connection.execute(
        update(SocialFeedPost).where(SocialFeedPost.author_id == other).values(is_public=False)
    )
    _call(connection, "block_founder", blocker, blocked)
    with acting(connection, PERSONAS[PERSONA_OF[user]]):
        for key in keys:
            edit = update(SocialFeedComment).where(SocialFeedComment.id == key)
            assert outcome(connection, edit.values(content="!")) is Outcome.VIOLATES_POLICY
        removal = delete(SocialFeedComment).where(SocialFeedComment.id == keys[1])
        assert outcome(connection, removal) is Outcome.ALLOWED
    _call(connection, "unblock_founder", blocker, blocked)
    with acting(connection, PERSONAS[PERSONA_OF[user]]):
        edit = update(SocialFeedComment).where(SocialFeedComment.id == keys[0])
        assert outcome(connection, edit.values(content="!")) is Outcome.ALLOWED


def test_block_does_not_stop_what_is_sent_to_others(connection: Connection) -> None:
    (of_third,) = create_posts(connection, PEER, 1)
    with acting(connection, PERSONAS["blocked"]):
        for statement in (
            _send(BLOCKED, PEER),
            _react(BLOCKED, of_third),
            _comment(BLOCKED, of_third),
        ):
            assert outcome(connection, statement) is Outcome.ALLOWED
    with acting(connection, PERSONAS["peer"]):
        for statement in (
            _react(PEER, PUBLIC_POST),
            _comment(PEER, POST_BEFORE_BLOCK, COMMENT_OF_BLOCKED),
        ):
            assert outcome(connection, statement) is Outcome.ALLOWED


def test_what_was_written_before_stays_visible_to_both(connection: Connection) -> None:
    for persona in ("founder", "blocked"):
        with acting(connection, PERSONAS[persona]):
            for model, key in (
                (SocialFeedPost, POST_BEFORE_BLOCK),
                (SocialFeedComment, COMMENT_OF_BLOCKED),
                (FounderMessage, MESSAGE_OF_BLOCKED),
            ):
                found = select(func.count()).select_from(model).where(model.id == key)
                assert connection.scalar(found) == 1
    with acting(connection, PERSONAS["founder"]):
        read = select(func.public.mark_messages_read([MESSAGE_OF_BLOCKED]))
        assert connection.scalar(read) == 1


def test_comment_is_not_moved_to_the_post_of_a_blocker(connection: Connection) -> None:
    (of_third,) = create_posts(connection, PEER, 1)
    with acting(connection, PERSONAS["blocked"]):
        connection.execute(_comment(BLOCKED, of_third))
        mine = update(SocialFeedComment).where(SocialFeedComment.author_id == BLOCKED)
        for values in ({"post_id": PUBLIC_POST}, {"parent_comment_id": COMMENT_OF_BLOCKED}):
            assert outcome(connection, mine.values(values)) is Outcome.PERMISSION_DENIED


@pytest.mark.parametrize("recipient", [PEER, FOUNDER])
def test_client_sends_no_message_to_oneself(connection: Connection, recipient: UUID) -> None:
    expected = Outcome.VIOLATES_POLICY if recipient == PEER else Outcome.ALLOWED
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, _send(PEER, recipient)) is expected
