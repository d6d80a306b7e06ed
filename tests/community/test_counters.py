"""The counters of a post always equal the numbers of its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tests.community.accounts_and_posts import (
    create_accounts,
    create_posts,
    posts_with_wrong_counters,
)
from tests.community.data import (
    FOUNDER,
    PEER,
    PERSONAS,
    PRIVATE_POST,
    PUBLIC_COMMENT,
    PUBLIC_POST,
    STRANGER,
)
from townhall import (
    Milestone,
    ReactionType,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
)
from townhall.testing import Outcome, acting, delete_account, outcome

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection, Executable, Insert

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
REACTION_COUNT = SocialFeedPost.reaction_count
COMMENT_COUNT = SocialFeedPost.comment_count

COUNT_UPDATES = """
    create temporary table updates (post_id uuid);
    grant insert on updates to public;
    create function pg_temp.note() returns trigger language plpgsql as
        $$ begin insert into pg_temp.updates values (new.id); return null; end $$;
    create trigger note after update on public.social_feed_posts
        for each row execute function pg_temp.note();
"""
WITHIN_PAGE = text(
    "select pg_stat_get_xact_tuples_hot_updated('public.social_feed_posts'::regclass)"
)


def _counters(connection: Connection, post: UUID = PUBLIC_POST) -> tuple[int, int]:
    found = connection.execute(
        select(REACTION_COUNT, COMMENT_COUNT).where(SocialFeedPost.id == post)
    ).one()
    return found.reaction_count, found.comment_count


def _react(post: UUID, user: UUID, kind: ReactionType = ReactionType.CELEBRATE) -> Insert:
    return insert(SocialFeedReaction).values(post_id=post, user_id=user, reaction_type=kind)


def _comment(post: UUID, author: UUID, **more: Any) -> Insert:  # noqa: ANN401  columns
    return insert(SocialFeedComment).values(post_id=post, author_id=author, content="Yes", **more)


def test_reader_who_cannot_update_a_post_changes_its_counters_by_reacting(
    connection: Connection,
) -> None:
    assert _counters(connection) == (1, 1)
    with acting(connection, PERSONAS["stranger"]):
        connection.execute(_react(PUBLIC_POST, STRANGER))
        connection.execute(_comment(PUBLIC_POST, STRANGER))
        assert _counters(connection) == (2, 2)
        change = update(SocialFeedPost).where(SocialFeedPost.id == PUBLIC_POST)
        assert outcome(connection, change.values(content="Mine")) is Outcome.NO_ROWS
        connection.execute(delete(SocialFeedReaction).where(SocialFeedReaction.user_id == STRANGER))
        connection.execute(delete(SocialFeedComment).where(SocialFeedComment.author_id == STRANGER))
        assert _counters(connection) == (1, 1)


@pytest.mark.parametrize("counter", ["reaction_count", "comment_count", "view_count"])
def test_client_cannot_write_a_counter(connection: Connection, counter: str) -> None:
    with acting(connection, PERSONAS["founder"]):
        mine = update(SocialFeedPost).where(SocialFeedPost.id == PUBLIC_POST)
        assert outcome(connection, mine.values({counter: 99})) is Outcome.PERMISSION_DENIED
        new = insert(SocialFeedPost).values({"author_id": FOUNDER, "content": "Loved", counter: 99})
        assert outcome(connection, new) is Outcome.PERMISSION_DENIED
    assert _counters(connection) == (1, 1)


def test_inserted_post_has_counters_of_zero_whatever_is_given(connection: Connection) -> None:
    with acting(connection, PERSONAS["service"]):
        found = connection.execute(
            insert(SocialFeedPost)
            .values(
                author_id=FOUNDER, content="Old", reaction_count=7, comment_count=7, view_count=7
            )
            .returning(REACTION_COUNT, COMMENT_COUNT, SocialFeedPost.view_count)
        ).one()
    assert tuple(found) == (0, 0, 7)


def test_change_of_a_counter_leaves_updated_at(connection: Connection) -> None:
    def updated_at() -> datetime | None:
        return connection.scalar(
            select(SocialFeedPost.updated_at).where(SocialFeedPost.id == PUBLIC_POST)
        )

    one = update(SocialFeedPost).where(SocialFeedPost.id == PUBLIC_POST)
    connection.execute(one.values(updated_at=LONG_AGO))
    connection.execute(_react(PUBLIC_POST, STRANGER))
    connection.execute(_comment(PUBLIC_POST, STRANGER))
    connection.execute(one.values(view_count=SocialFeedPost.view_count + 1))
    connection.execute(delete(SocialFeedReaction))
    assert updated_at() == LONG_AGO
    with acting(connection, PERSONAS["founder"]):
        connection.execute(one.values(content="Changed"))
    assert updated_at() == connection.scalar(select(func.now()))


@pytest.mark.parametrize(
    "change",
    [
        {"post_type": "shoutout"},
        {"title": "Changed"},
        {"content": "Changed"},
        {"milestone_id": "another"},
        {"metadata_": {"changed": True}},
        {"is_public": False},
        {"author_id": PEER},
    ],
    ids=lambda change: next(iter(change)),
)
def test_change_of_content_sets_updated_at(connection: Connection, change: dict[str, Any]) -> None:
    connection.execute(insert(Milestone).values(id="another", user_id=FOUNDER, title="Another"))
    connection.execute(update(SocialFeedPost).values(updated_at=LONG_AGO))
    found = connection.scalar(
        update(SocialFeedPost)
        .where(SocialFeedPost.id == PUBLIC_POST)
        .values(change)
        .returning(SocialFeedPost.updated_at)
    )
    assert found == connection.scalar(select(func.now()))


@pytest.mark.thorough
def test_statement_updates_each_post_once(connection: Connection) -> None:
    readers = create_accounts(connection, 200)
    posts = create_posts(connection, FOUNDER, 5)
    connection.execute(text(COUNT_UPDATES))

    def updates(statement: Executable) -> int:
        connection.execute(text("truncate updates"))
        connection.execute(statement)
        assert posts_with_wrong_counters(connection) == []
        return connection.scalar(text("select count(*) from updates")) or 0

    reactions = [{"post_id": post, "user_id": user} for post in posts for user in readers]
    assert updates(insert(SocialFeedReaction).values(reactions)) == 5
    assert _counters(connection, posts[0]) == (200, 0)
    comments = [{"post_id": posts[0], "author_id": user, "content": "Yes"} for user in readers]
    assert updates(insert(SocialFeedComment).values(comments)) == 1
    on_first = SocialFeedReaction.post_id == posts[0]
    kind = {"reaction_type": ReactionType.INSIGHTFUL}
    assert updates(update(SocialFeedReaction).where(on_first).values(kind)) == 0
    assert updates(update(SocialFeedReaction).where(on_first).values(post_id=PUBLIC_POST)) == 2
    assert _counters(connection) == (201, 1)
    of_theirs = SocialFeedReaction.user_id.in_(readers)
    assert updates(delete(SocialFeedReaction).where(of_theirs)) == 5
    assert updates(update(SocialFeedComment).values(content="Changed")) == 0
    assert updates(delete(SocialFeedComment)) == 5


def test_a_counter_is_updated_within_the_page(connection: Connection) -> None:
    posts = create_posts(connection, FOUNDER, 200)[::10]
    before = connection.scalar(WITHIN_PAGE) or 0
    reactions = [{"post_id": post, "user_id": PEER} for post in posts]
    connection.execute(insert(SocialFeedReaction).values(reactions))
    assert connection.scalar(WITHIN_PAGE) == before + len(posts)


def test_rows_that_swap_posts_update_no_post(connection: Connection) -> None:
    one, other = create_accounts(connection, 2)
    first, second = create_posts(connection, FOUNDER, 2)
    connection.execute(_react(first, one))
    connection.execute(_react(second, other))
    connection.execute(text(COUNT_UPDATES))
    connection.execute(
        text(
            """
            update public.social_feed_reactions
            set post_id = case post_id when :first then cast(:second as uuid) else :first end
            where post_id in (:first, :second)
            """
        ),
        {"first": first, "second": second},
    )
    assert connection.scalar(text("select count(*) from updates")) == 0
    assert posts_with_wrong_counters(connection) == []


def test_comment_moves_to_another_post_with_its_replies(connection: Connection) -> None:
    (post,) = create_posts(connection, FOUNDER, 1)
    answer = connection.scalar(
        _comment(PUBLIC_POST, STRANGER, parent_comment_id=PUBLIC_COMMENT).returning(
            SocialFeedComment.id
        )
    )
    connection.execute(_comment(PUBLIC_POST, PEER, parent_comment_id=answer))
    connection.execute(
        update(SocialFeedComment).where(SocialFeedComment.id == PUBLIC_COMMENT).values(post_id=post)
    )
    assert _counters(connection) == (1, 0)
    assert _counters(connection, post) == (0, 3)
    assert posts_with_wrong_counters(connection) == []


def test_replies_are_deleted_with_their_comment_and_not_counted(connection: Connection) -> None:
    for author in create_accounts(connection, 3):
        connection.execute(_comment(PUBLIC_POST, author, parent_comment_id=PUBLIC_COMMENT))
    assert _counters(connection) == (1, 4)
    with acting(connection, PERSONAS["peer"]):
        connection.execute(delete(SocialFeedComment).where(SocialFeedComment.id == PUBLIC_COMMENT))
    assert _counters(connection) == (1, 0)


def test_rows_of_a_deleted_account_are_not_counted(connection: Connection) -> None:
    guests = create_accounts(connection, 3)
    posts = [
        PUBLIC_POST,
        *create_posts(connection, FOUNDER, 3),
        *create_posts(connection, guests[0], 2),
    ]
    for user in (*guests, PEER):
        for post in posts:
            connection.execute(_react(post, user))
            comment = connection.scalar(_comment(post, user).returning(SocialFeedComment.id))
            connection.execute(_comment(post, FOUNDER, parent_comment_id=comment))
    for user in (guests[0], PEER):
        delete_account(connection, user)
        assert posts_with_wrong_counters(connection) == []
    assert _counters(connection) == (2, 4)


def test_deleting_a_post_deletes_its_reactions_and_comments(connection: Connection) -> None:
    with acting(connection, PERSONAS["founder"]):
        connection.execute(delete(SocialFeedPost).where(SocialFeedPost.author_id == FOUNDER))
    for model in (SocialFeedPost, SocialFeedReaction, SocialFeedComment):
        assert connection.scalar(select(func.count()).select_from(model)) == 0


def test_rolled_back_rows_are_not_counted(connection: Connection) -> None:
    savepoint = connection.begin_nested()
    connection.execute(_react(PUBLIC_POST, STRANGER))
    connection.execute(_comment(PUBLIC_POST, STRANGER))
    assert _counters(connection) == (2, 2)
    savepoint.rollback()
    assert _counters(connection) == (1, 1)
    assert posts_with_wrong_counters(connection) == []


def test_upsert_of_an_existing_row_is_not_counted_again(connection: Connection) -> None:
    reaction = upsert(SocialFeedReaction).values(post_id=PUBLIC_POST, user_id=STRANGER)
    for statement in (
        reaction.on_conflict_do_nothing(),
        reaction.on_conflict_do_nothing(),
        reaction.on_conflict_do_update(
            index_elements=["post_id", "user_id", "reaction_type"],
            set_={"reaction_type": ReactionType.INSIGHTFUL},
        ),
    ):
        connection.execute(statement)
        assert _counters(connection) == (2, 1)


def test_statement_that_inserts_and_deletes_is_counted(connection: Connection) -> None:
    either = SocialFeedReaction.post_id.in_([PUBLIC_POST, PRIVATE_POST])
    gone = (
        delete(SocialFeedReaction).where(either).returning(SocialFeedReaction.user_id).cte("gone")
    )
    added = insert(SocialFeedReaction).from_select(
        ["post_id", "user_id", "reaction_type"],
        select(
            select(SocialFeedPost.id).where(SocialFeedPost.id == PRIVATE_POST).scalar_subquery(),
            gone.c.user_id,
            text("'insightful'"),
        ),
    )
    connection.execute(added)
    assert _counters(connection) == (0, 1)
    assert _counters(connection, PRIVATE_POST) == (2, 1)


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ("social_feed_reactions", (0, 1)),
        ("social_feed_comments", (1, 0)),
        ("social_feed_reactions, social_feed_comments", (0, 0)),
    ],
)
def test_truncate_of_counted_tables_resets_the_counters(
    connection: Connection, tables: str, expected: tuple[int, int]
) -> None:
    with acting(connection, PERSONAS["service"]):
        connection.execute(text(f"truncate {tables}"))
    assert _counters(connection) == expected
    assert posts_with_wrong_counters(connection) == []


def test_truncate_cascade_of_posts_succeeds(connection: Connection) -> None:
    with acting(connection, PERSONAS["service"]):
        connection.execute(text("truncate social_feed_posts cascade"))
    assert connection.scalar(select(func.count()).select_from(SocialFeedReaction)) == 0


def test_account_with_rows_loaded_without_triggers_can_be_deleted(connection: Connection) -> None:
    connection.execute(text("set local session_replication_role = replica"))
    connection.execute(_react(PUBLIC_POST, STRANGER))
    connection.execute(_comment(PUBLIC_POST, STRANGER))
    connection.execute(_comment(PUBLIC_POST, STRANGER))
    connection.execute(text("set local session_replication_role = origin"))
    assert _counters(connection) == (1, 1)
    delete_account(connection, STRANGER)
    assert _counters(connection) == (0, 0)


@pytest.mark.parametrize("function", ["keep_reaction_count", "reset_comment_count"])
def test_trigger_functions_cannot_be_called(connection: Connection, function: str) -> None:
    for persona in ("anon", "founder", "service"):
        with acting(connection, PERSONAS[persona]):
            call = text(f"select private.{function}()")
            assert outcome(connection, call) is Outcome.PERMISSION_DENIED


POST, READER = st.integers(0, 3), st.integers(0, 3)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("react"), POST, READER, st.sampled_from(ReactionType)),
        st.tuples(st.just("unreact"), POST),
        st.tuples(st.just("comment"), POST, READER),
        st.tuples(st.just("answer"), READER),
        st.tuples(st.just("uncomment"), READER),
        st.tuples(st.just("move reactions"), POST, POST),
        st.tuples(st.just("move comments"), POST, POST),
        st.tuples(st.just("delete post"), POST),
        st.tuples(st.just("delete account"), READER),
    ),
    max_size=12,
)


@pytest.mark.thorough
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=CHANGES, is_rolled_back=st.lists(st.booleans(), min_size=12, max_size=12))
def test_counters_are_correct_after_any_sequence_of_statements(
    connection: Connection, changes: list[tuple[Any, ...]], is_rolled_back: list[bool]
) -> None:
    everything = connection.begin_nested()
    readers = create_accounts(connection, 4)
    posts = create_posts(connection, FOUNDER, 4)
    for (kind, *values), is_undone in zip(changes, is_rolled_back, strict=False):
        step = connection.begin_nested()
        connection.execute(_STATEMENTS[kind], _parameters(posts, readers, values))
        assert posts_with_wrong_counters(connection) == []
        if is_undone:
            step.rollback()
            assert posts_with_wrong_counters(connection) == []
        else:
            step.commit()
    everything.rollback()


def _parameters(posts: list[UUID], readers: list[UUID], values: list[Any]) -> dict[str, Any]:
    numbers = [value for value in values if not isinstance(value, ReactionType)]
    kinds = [value for value in values if isinstance(value, ReactionType)]
    return {
        "post": posts[numbers[0]],
        "reader": readers[numbers[-1]],
        "other": posts[numbers[-1]],
        "kind": kinds[0] if kinds else None,
    }


_STATEMENTS = {
    kind: text(statement)
    for kind, statement in {
        "react": """
            insert into public.social_feed_reactions (post_id, user_id, reaction_type)
            select p.id, u.id, :kind
            from public.social_feed_posts as p, auth.users as u
            where p.id = :post and u.id = :reader
            on conflict do nothing
        """,
        "unreact": "delete from public.social_feed_reactions where post_id = :post",
        "comment": """
            insert into public.social_feed_comments (post_id, author_id, content)
            select p.id, u.id, 'Yes'
            from public.social_feed_posts as p, auth.users as u, generate_series(1, 3)
            where p.id = :post and u.id = :reader
        """,
        "answer": """
            insert into public.social_feed_comments (post_id, author_id, content, parent_comment_id)
            select c.post_id, u.id, 'No', c.id
            from public.social_feed_comments as c, auth.users as u
            where u.id = :reader and c.author_id <> u.id
        """,
        "uncomment": "delete from public.social_feed_comments where author_id = :reader",
        "move reactions": """
            update public.social_feed_reactions as r
            set post_id = :other
            where r.post_id = :post
                and exists (select from public.social_feed_posts as p where p.id = :other)
                and not exists (
                    select from public.social_feed_reactions as x where x.post_id = :other
                )
        """,
        "move comments": """
            update public.social_feed_comments as c
            set post_id = :other
            where c.post_id = :post
                and c.parent_comment_id is null
                and exists (select from public.social_feed_posts as p where p.id = :other)
        """,
        "delete post": "delete from public.social_feed_posts where id = :post",
        "delete account": "delete from auth.users where id = :reader",
    }.items()
}
