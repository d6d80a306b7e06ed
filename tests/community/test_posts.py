"""Posts with their comments and reactions: private ones are hidden with all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, func, insert, inspect, literal, literal_column, select, text, update
from sqlalchemy.exc import IntegrityError

from tests.community.accounts_and_posts import create_posts
from tests.community.data import (
    FOUNDER,
    MILESTONE,
    PEER,
    PERSONAS,
    PRIVATE_COMMENT,
    PRIVATE_POST,
    PUBLIC_COMMENT,
    PUBLIC_POST,
    STRANGER,
)
from townhall import Milestone, SocialFeedComment, SocialFeedPost, SocialFeedReaction
from townhall.domains.community import feed_page
from townhall.testing import Outcome, acting, delete_account, outcome

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

HIDE = update(SocialFeedPost).where(SocialFeedPost.author_id == FOUNDER).values(is_public=False)
ABOUT = (SocialFeedReaction, SocialFeedComment)


@pytest.mark.parametrize("persona", ["no_sub", "stranger"])
def test_post_that_becomes_private_is_hidden_with_comments_and_reactions(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS["founder"]):
        assert outcome(connection, HIDE) is Outcome.ALLOWED
        for model in ABOUT:
            assert outcome(connection, select(model.__table__)) is Outcome.ALLOWED
    with acting(connection, PERSONAS[persona]):
        for hidden in (SocialFeedPost, *ABOUT):
            assert outcome(connection, select(hidden.__table__)) is Outcome.NO_ROWS
            assert connection.scalar(select(func.count()).select_from(hidden)) == 0


def test_own_reactions_and_comments_on_a_post_that_became_private_can_be_read_and_deleted(
    connection: Connection,
) -> None:
    connection.execute(HIDE)
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, select(SocialFeedPost.__table__)) is Outcome.NO_ROWS
        assert set(connection.scalars(select(SocialFeedReaction.user_id))) == {PEER}
        assert set(connection.scalars(select(SocialFeedComment.author_id))) == {PEER}
        for model in ABOUT:
            assert outcome(connection, delete(model)) is Outcome.ALLOWED
    assert PEER not in set(connection.scalars(select(SocialFeedReaction.user_id)))
    assert PEER not in set(connection.scalars(select(SocialFeedComment.author_id)))


def test_hidden_and_missing_posts_refuse_comments_and_reactions_alike(
    connection: Connection,
) -> None:
    nowhere = STRANGER  # a key that no post has
    with acting(connection, PERSONAS["stranger"]):
        for post in (PRIVATE_POST, nowhere):
            reaction = insert(SocialFeedReaction).values(post_id=post, user_id=STRANGER)
            comment = {"post_id": post, "author_id": STRANGER, "content": "Hello?"}
            for statement in (reaction, insert(SocialFeedComment).values(comment)):
                assert outcome(connection, statement) is Outcome.VIOLATES_POLICY


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("metadata", "jsonb '{\"n\": 1e5000}'"),
        ("metadata", "cast(repeat('{\"a\":', 3000) || '1' || repeat('}', 3000) as jsonb)"),
        ("metadata", "jsonb_build_object('a', repeat('x', 1000000))"),
        ("content", "repeat('x', 20001)"),
        ("title", "repeat('x', 201)"),
    ],
)
def test_founder_cannot_post_what_would_stop_readers_of_the_feed(
    connection: Connection, column: str, value: str
) -> None:
    change = text(f"update social_feed_posts set {column} = {value} where author_id = '{FOUNDER}'")
    refused = pytest.raises(IntegrityError, match=f"ck_social_feed_posts_{column}_bounds")
    with acting(connection, PERSONAS["founder"]):
        with refused, connection.begin_nested():
            connection.execute(change)
        given: Any = literal_column(value)
        copied = select(SocialFeedPost.author_id, literal("x"), given).limit(1)
        names = ["author_id", "title" if column == "content" else "content", column]
        with refused, connection.begin_nested():
            connection.execute(insert(SocialFeedPost).from_select(names, copied))
        assert connection.execute(feed_page()).all()


@pytest.mark.parametrize(
    "values",
    [{"author_id": PEER}, {"post_id": PRIVATE_POST}, {"parent_comment_id": None}],
    ids="-".join,
)
def test_author_may_update_only_the_content_of_a_comment(
    connection: Connection, values: dict[str, Any]
) -> None:
    mine = update(SocialFeedComment).where(SocialFeedComment.id == PUBLIC_COMMENT)
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, mine.values(values)) is Outcome.PERMISSION_DENIED
        assert outcome(connection, mine.values(content="Rather no")) is Outcome.ALLOWED


def test_reply_to_a_comment_on_another_post_is_refused(connection: Connection) -> None:
    answer = {"author_id": FOUNDER, "post_id": PUBLIC_POST, "content": "See?"}
    with pytest.raises(IntegrityError, match="fk_social_feed_comments_parent_comment"):
        connection.execute(
            insert(SocialFeedComment).values({**answer, "parent_comment_id": PRIVATE_COMMENT})
        )


def test_author_of_a_post_cannot_be_changed(connection: Connection) -> None:
    with acting(connection, PERSONAS["founder"]):
        gift = update(SocialFeedPost).where(SocialFeedPost.id == PUBLIC_POST)
        assert outcome(connection, gift.values(author_id=PEER)) is Outcome.PERMISSION_DENIED


def test_post_about_a_milestone_of_another_user_is_refused_like_a_missing_one(
    connection: Connection,
) -> None:
    with acting(connection, PERSONAS["peer"]):
        for milestone in (MILESTONE, "no-such-thing"):  # which looks the same
            post = {"author_id": PEER, "content": "Look", "milestone_id": milestone}
            statement = insert(SocialFeedPost).values(post)
            assert outcome(connection, statement) is Outcome.VIOLATES_POLICY
    about = update(SocialFeedPost).where(SocialFeedPost.id == PUBLIC_POST)
    with acting(connection, PERSONAS["founder"]):
        assert outcome(connection, about.values(milestone_id=MILESTONE)) is Outcome.ALLOWED
        theirs = about.values(milestone_id="no-such-thing")
        assert outcome(connection, theirs) is Outcome.VIOLATES_POLICY


def test_keys_of_milestones_and_their_references_are_text(
    connection: Connection,
) -> None:
    found = inspect(connection)
    types = {
        name: str(column["type"])
        for table, name in (("milestones", "id"), ("social_feed_posts", "milestone_id"))
        for column in found.get_columns(table)
        if column["name"] == name
    }
    assert types == {"id": "TEXT", "milestone_id": "TEXT"}
    with acting(connection, PERSONAS["founder"]):
        connection.execute(
            insert(Milestone).values(id="עברית & ' quotes", user_id=FOUNDER, title="Any")
        )
        post = insert(SocialFeedPost).values(
            author_id=FOUNDER, content="Done", milestone_id="עברית & ' quotes"
        )
        assert outcome(connection, post) is Outcome.ALLOWED


def test_post_is_kept_when_its_milestone_is_deleted(connection: Connection) -> None:
    about = update(SocialFeedPost).where(SocialFeedPost.id == PUBLIC_POST)
    connection.execute(about.values(milestone_id=MILESTONE))
    with acting(connection, PERSONAS["founder"]):
        connection.execute(delete(Milestone).where(Milestone.id == MILESTONE))
        kept = select(SocialFeedPost.milestone_id).where(SocialFeedPost.id == PUBLIC_POST)
        assert connection.execute(kept).one() == (None,)


def test_replica_identity_is_full_for_messages_and_posts(connection: Connection) -> None:
    found = connection.scalars(
        text(
            """
            select oid::regclass::text from pg_class
            where relreplident = 'f' and relnamespace = 'public'::regnamespace
            order by 1
            """
        )
    )
    assert list(found) == ["founder_messages", "social_feed_posts"]


@pytest.mark.parametrize("user", [FOUNDER, PEER, STRANGER])
def test_deleting_an_account_leaves_no_reference_to_it(connection: Connection, user: UUID) -> None:
    create_posts(connection, FOUNDER, 2)
    delete_account(connection, user)
    references = connection.execute(
        text(
            """
            select c.conrelid::regclass::text as referring, a.attname as referring_column
            from pg_constraint as c
            join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
            where c.confrelid = 'auth.users'::regclass and c.contype = 'f'
            """
        )
    ).all()
    assert len(references) > 20
    for table, column in references:
        left = text(f"select count(*) from {table} where {column} = :user")
        assert connection.scalar(left, {"user": user}) == 0, f"{table}.{column}"
