"""The queries of the community, in sync and async sessions."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import NullPool, event, func, insert, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.community.bulk_data import account, insert_authors_with_posts
from tests.community.data import (
    FOUNDER,
    HIDDEN_POST,
    MESSAGE,
    PEER,
    PERSONAS,
    POST_BEFORE_BLOCK,
    PRIVATE_POST,
    PUBLIC_POST,
    STRANGER,
    insert_community,
)
from tests.support.plans import plan_of
from townhall import (
    CommunityProfile,
    ConsentAuditLog,
    ConsentCategory,
    FounderMessage,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    VisibilitySettings,
)
from townhall.domains.community import (
    benchmarks_age,
    block_founder,
    consents_of,
    conversation,
    directory_page,
    feed_page,
    mark_messages_read,
    position_text,
    refresh_benchmarks,
    set_consent,
    unblock_founder,
)
from townhall.domains.community.positions import checked
from townhall.input_error import InputError
from townhall.session import AsyncSessionFactory, SessionFactory
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from sqlalchemy import Connection, Engine, Executable

PUBLIC_POSTS = {PUBLIC_POST, POST_BEFORE_BLOCK}
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
MESSAGING = ConsentCategory.MESSAGING


@pytest.fixture
def statements(connection: Connection) -> Iterator[list[str]]:
    """Yield the statements that are sent to the server, except those that set the actor."""
    sent: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "set_config" not in statement and "current_setting" not in statement:
            sent.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


def _post(connection: Connection, author: UUID, minute: int, **values: Any) -> UUID:  # noqa: ANN401
    key: UUID | None = connection.scalar(
        insert(SocialFeedPost)
        .values(
            author_id=author,
            content=str(minute),
            created_at=NEW_YEAR + timedelta(minutes=minute),
            **values,
        )
        .returning(SocialFeedPost.id)
    )
    assert key is not None
    return key


@pytest.mark.parametrize(
    ("statement", "persona"),
    [
        (set_consent(FOUNDER, MESSAGING, True), "founder"),  # noqa: FBT003  the value itself
        (consents_of(FOUNDER), "founder"),
        (refresh_benchmarks(), "service"),
        (feed_page(), "founder"),
        (feed_page((NEW_YEAR, PUBLIC_POST)), "founder"),
        (conversation(FOUNDER, PEER), "founder"),
        (mark_messages_read([MESSAGE]), "peer"),
    ],
)
def test_each_query_is_one_statement(
    sessions: SessionFactory,
    statements: list[str],
    statement: Executable,
    persona: str,
) -> None:
    with sessions.acting(PERSONAS[persona]) as session:
        session.execute(text("select 1"))
        before = len(statements)
        session.scalars(statement).all()
        assert len(statements) == before + 1


def test_set_consent_inserts_and_then_updates(
    sessions: SessionFactory, connection: Connection
) -> None:
    with sessions.as_user(STRANGER, request_headers={"User-Agent": "Firefox"}) as session:
        first = session.scalar(set_consent(STRANGER, MESSAGING, True))  # noqa: FBT003
        assert first is not None
        assert first.enabled
        again = session.scalar(set_consent(STRANGER, MESSAGING, False))  # noqa: FBT003
        assert again is first
        assert not first.enabled
        assert session.scalars(consents_of(STRANGER)).all() == [first]
        assert session.scalars(consents_of(FOUNDER)).all() == []
    audit = select(ConsentAuditLog.user_agent).where(ConsentAuditLog.user_id == STRANGER)
    assert connection.scalars(audit).all() == ["Firefox", "Firefox"]


def test_setting_consent_of_another_user_is_refused(sessions: SessionFactory) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), sessions.as_user(PEER) as it:
        it.scalar(set_consent(FOUNDER, MESSAGING, True))  # noqa: FBT003


def test_feed_has_public_posts_and_own_ones(
    sessions: SessionFactory, connection: Connection
) -> None:
    secret = _post(connection, PEER, 1, is_public=False)
    expected = {
        FOUNDER: {*PUBLIC_POSTS, PRIVATE_POST, HIDDEN_POST},
        PEER: {*PUBLIC_POSTS, secret},
        STRANGER: PUBLIC_POSTS,
    }
    for user, posts in expected.items():
        with sessions.as_user(user) as session:
            assert {post.id for post in session.scalars(feed_page())} == posts


@pytest.mark.parametrize("as_text", [False, True])
def test_pages_of_the_feed_are_stable_while_posts_arrive(
    sessions: SessionFactory, connection: Connection, *, as_text: bool
) -> None:
    # Two posts of every minute have the same time; every fifth is private.
    for number in range(40):
        author = FOUNDER if number % 10 == 0 else PEER
        _post(connection, author, number // 2, is_public=number % 5 != 0)
    with sessions.as_user(FOUNDER) as session:
        whole = [post.id for post in session.scalars(feed_page(limit=1000))]
        positions = [post.position for post in session.scalars(feed_page(limit=1000))]
        assert positions == sorted(positions, reverse=True)
        assert len(whole) == 40 - 4 + 4
        found: list[UUID] = []
        after: Any = None
        while page := session.scalars(feed_page(after, limit=7)).all():
            found += [post.id for post in page]
            after = position_text(page[-1]) if as_text else page[-1].position
            with sessions.as_service() as meanwhile:
                meanwhile.add(SocialFeedPost(author_id=PEER, content="Just now"))
        assert found == whole


def test_feed_of_the_service_has_only_public_posts(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        assert {post.id for post in session.scalars(feed_page())} == PUBLIC_POSTS


def test_conversation_has_only_messages_between_two_users(
    sessions: SessionFactory, connection: Connection
) -> None:
    pairs = [(FOUNDER, PEER), (PEER, FOUNDER), (FOUNDER, STRANGER), (STRANGER, PEER)]
    for number in range(20):
        sender, recipient = pairs[number % 4]
        connection.execute(
            insert(FounderMessage).values(
                sender_id=sender,
                recipient_id=recipient,
                content=str(number),
                created_at=NEW_YEAR + timedelta(minutes=number),
            )
        )
    with sessions.as_user(PEER) as session:
        first = session.scalars(conversation(PEER, FOUNDER, limit=4)).all()
        assert [message.content for message in first] == ["Hello", "17", "16", "13"]
        second = session.scalars(conversation(FOUNDER, PEER, first[-1].position, limit=4)).all()
        assert [message.content for message in second] == ["12", "9", "8", "5"]
    with sessions.as_user(STRANGER) as session:
        assert session.scalars(conversation(FOUNDER, PEER)).all() == []


def test_conversation_with_oneself_has_each_message_once(
    sessions: SessionFactory,
) -> None:
    with sessions.as_service() as session:
        session.add(FounderMessage(sender_id=PEER, recipient_id=PEER, content="Buy milk"))
        session.flush()
        assert [each.content for each in session.scalars(conversation(PEER, PEER))] == ["Buy milk"]


@pytest.mark.thorough
async def test_queries_run_in_an_async_session(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_community(connection)
    async_engine = create_async_engine(engine.url, poolclass=NullPool)
    sessions = AsyncSessionFactory(async_engine)
    async with sessions.as_user(PEER) as session:
        consent = await session.scalar(set_consent(PEER, MESSAGING, True))  # noqa: FBT003
        assert consent is not None
        assert consent.enabled
        assert consent.updated_at is not None
        assert [each.id for each in await session.scalars(consents_of(PEER))] == [consent.id]
        posts = (await session.scalars(feed_page())).all()
        assert {post.id for post in posts} == PUBLIC_POSTS
        assert (await session.scalars(feed_page(position_text(posts[-1])))).all() == []
        for call in (block_founder, unblock_founder):
            await session.execute(call(STRANGER))
        assert len((await session.execute(benchmarks_age())).all()) == 2
        (message,) = await session.scalars(conversation(PEER, FOUNDER))
        assert await session.scalar(mark_messages_read([message.id])) == 1
        await session.refresh(message)
        assert message.is_read
    async with sessions.as_service() as session:
        await session.execute(refresh_benchmarks())


def test_orm_deletes_rows_that_the_database_cascades(sessions: SessionFactory) -> None:
    with sessions.as_user(FOUNDER) as session:
        post = session.get_one(SocialFeedPost, PUBLIC_POST)
        session.add(SocialFeedComment(post=post, author_id=FOUNDER, content="Also"))
        session.add(SocialFeedReaction(post=post, user_id=FOUNDER))
        session.flush()
        session.refresh(post)
        assert (post.reaction_count, post.comment_count) == (2, 2)
        session.refresh(post, ["comments", "reactions"])
        assert len(post.comments) == len(post.reactions) == 2
        session.delete(post)
        session.flush()
        assert session.scalars(select(SocialFeedComment.post_id)).all() != [PUBLIC_POST]


def test_visibility_settings_are_an_immutable_value(
    sessions: SessionFactory, connection: Connection
) -> None:
    stored = select(text("visibility_settings")).select_from(text("community_profiles"))
    of_founder = select(CommunityProfile).where(CommunityProfile.user_id == FOUNDER)
    with sessions.as_user(FOUNDER) as session:
        profile = session.scalars(of_founder).one()
        assert profile.visibility_settings == VisibilitySettings()
        profile.visibility_settings = VisibilitySettings(show_bio=False)
    assert connection.scalar(stored) == {
        "show_name": True,
        "show_stage": True,
        "show_industry": True,
        "show_bio": False,
        "show_achievements": True,
    }
    others = {"show_name": "maybe", "show_bio": True, "theme": "dark"}
    connection.execute(
        text("update community_profiles set visibility_settings = cast(:others as jsonb)"),
        {"others": json.dumps(others)},
    )
    with sessions.as_user(PEER) as session:
        shown = session.scalars(of_founder).one().visibility_settings
        assert not shown.show_name
        assert shown.show_bio
        assert shown.show_stage
        assert shown.as_stored()["theme"] == "dark"


@pytest.fixture(params=[20_000, pytest.param(1_000_000, marks=pytest.mark.exhaustive)], ids=str)
def feed(request: pytest.FixtureRequest, engine: Engine) -> Iterator[tuple[Connection, int]]:
    """Yield a connection to a large feed, and how many posts it has."""
    with engine.begin() as connection:
        insert_authors_with_posts(connection, request.param)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(
            text("vacuum analyze social_feed_posts")
        )
    with engine.connect() as connection:
        yield connection, request.param


@pytest.mark.thorough
def test_each_page_of_the_feed_costs_the_same(feed: tuple[Connection, int]) -> None:
    connection, posts = feed
    skipped = 10_000 * 20 if posts == 1_000_000 else posts // 2
    position = connection.execute(
        text(
            """
            select created_at, id from social_feed_posts
            where is_public
            order by created_at desc, id desc
            offset :skipped limit 1
            """
        ),
        {"skipped": skipped},
    ).one()
    with acting(connection, "authenticated", account(1)):
        plans = [
            plan_of(connection, feed_page(after), run=True)
            for after in (None, (position.created_at, position.id))
        ]
    for plan in plans:
        assert plan.root["Actual Rows"] == 20
        assert plan.buffers < 300
        assert plan.sequentially_scanned == set()
        scans = plan.scans("social_feed_posts")
        assert {node["Index Name"] for node in scans} == {
            "ix_social_feed_posts_created_at",
            "ix_social_feed_posts_author_id_created_at",
            "pk_social_feed_posts",
        }
        assert plan.rows_read("social_feed_posts") <= 60
        assert not any(node.get("Rows Removed by Filter") for node in scans)


@pytest.mark.thorough
def test_feed_does_not_scan_private_posts(feed: tuple[Connection, int]) -> None:
    """The newest half is private and of other users, and must not be scanned."""
    connection, _ = feed
    connection.execute(
        text(
            """
            update social_feed_posts set is_public = false
            where created_at > (
                select percentile_disc(0.5) within group (order by created_at)
                from social_feed_posts
            ) and author_id <> :me
            """
        ),
        {"me": account(1)},
    )
    with acting(connection, "authenticated", account(1)):
        plan = plan_of(connection, feed_page(), run=True)
    assert plan.root["Actual Rows"] == 20
    assert plan.rows_read("social_feed_posts") <= 60


@pytest.mark.thorough
def test_comments_and_reactions_of_a_page_are_read_through_an_index(
    feed: tuple[Connection, int],
) -> None:
    connection, _ = feed
    connection.execute(text("set local session_replication_role = replica"))
    connection.execute(
        text(
            """
            insert into social_feed_reactions (post_id, user_id)
            select p.id, p.author_id from social_feed_posts as p
            """
        )
    )
    connection.execute(text("set local session_replication_role = origin"))
    connection.execute(text("analyze social_feed_reactions"))
    with acting(connection, "authenticated", account(1)):
        page = [post for (post, *_) in connection.execute(feed_page()).all()]
        of_page = select(SocialFeedReaction).where(SocialFeedReaction.post_id.in_(page))
        plan = plan_of(connection, of_page, run=True)
    assert plan.root["Actual Rows"] == 20
    assert plan.rows_read("social_feed_posts") <= 20
    assert "pk_social_feed_posts" in plan.indexes
    assert plan.buffers < 400


@pytest.mark.thorough
def test_feed_without_a_condition_is_read_in_the_order_of_an_index(
    feed: tuple[Connection, int],
) -> None:
    connection, _ = feed
    newest = select(SocialFeedPost).order_by(SocialFeedPost.created_at.desc()).limit(20)
    with acting(connection, "authenticated", account(1)):
        plan = plan_of(connection, newest, run=True)
    assert plan.indexes == {"ix_social_feed_posts_created_at_id"}
    assert plan.rows_read("social_feed_posts") <= 30  # private ones of others are left out
    assert plan.buffers < 100


@pytest.mark.thorough
@pytest.mark.parametrize("model", [SocialFeedComment, SocialFeedReaction])
def test_post_of_many_rows_is_looked_up_once(
    feed: tuple[Connection, int], model: type[SocialFeedComment | SocialFeedReaction]
) -> None:
    """Once and by its key, whatever part of them is asked for, and whatever the caller can read."""
    connection, _ = feed
    person = "author_id, content" if model is SocialFeedComment else "user_id"
    values = "p.author_id, 'Comment'" if model is SocialFeedComment else "gen_random_uuid()"
    connection.execute(text("set local session_replication_role = replica"))
    connection.execute(
        text(
            f"""
            insert into {model.__tablename__} (post_id, {person})
            select (select id from social_feed_posts where is_public limit 1), {values}
            from social_feed_posts as p limit 5000
            """
        )
    )
    connection.execute(text("set local session_replication_role = origin"))
    connection.execute(text(f"analyze {model.__tablename__}"))
    post = connection.scalar(select(model.post_id).limit(1))
    of_post = select(model).where(model.post_id == post)
    with acting(connection, "authenticated", account(1)):
        for asked in (
            of_post.order_by(model.created_at.desc()).limit(50),
            of_post,
            select(func.count()).select_from(of_post.subquery()),
        ):
            plan = plan_of(connection, asked, run=True)
            assert plan.rows_read("social_feed_posts") == 1
            assert "pk_social_feed_posts" in plan.indexes
            assert plan.sequentially_scanned <= {model.__tablename__}


@pytest.mark.parametrize(
    "after",
    [
        (),
        (NEW_YEAR,),
        (NEW_YEAR.replace(tzinfo=None), PUBLIC_POST),
        (NEW_YEAR.isoformat(), PUBLIC_POST),
        (NEW_YEAR, str(PUBLIC_POST)),
    ],
    ids=str,
)
def test_invalid_position_in_the_feed_is_refused(after: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(ValueError, match=r"a position is .* not \("):
        feed_page(after)
    with pytest.raises(ValueError, match=r"a position is .* not \("):
        conversation(FOUNDER, PEER, after)


TEXT = position_text(SocialFeedPost(id=PUBLIC_POST, created_at=NEW_YEAR))


@pytest.mark.parametrize(
    "created_at",
    [
        NEW_YEAR,
        NEW_YEAR.replace(microsecond=1),
        NEW_YEAR.astimezone(timezone(timedelta(hours=5, minutes=30))),
        datetime(2, 1, 1, tzinfo=UTC),
        datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    ids=str,
)
def test_text_of_a_position_is_the_position(created_at: datetime) -> None:
    text = position_text(SocialFeedPost(id=PUBLIC_POST, created_at=created_at))
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", text)
    assert checked(text) == (created_at, PUBLIC_POST)


@pytest.mark.parametrize(
    "after",
    [
        "",
        "2026-01-01",
        "x" * 32,
        "שלום",
        f"{NEW_YEAR.isoformat()},{PUBLIC_POST}",
        TEXT[:-1],
        TEXT + "A",
        f" {TEXT}",
        f"{TEXT}\n",
        TEXT * 2,
        TEXT.lower()[:31] + "=",
        "'; select 1",
    ],
    ids=ascii,
)
@pytest.mark.parametrize(
    "page", [feed_page, directory_page, lambda after: conversation(FOUNDER, PEER, after)]
)
def test_text_that_is_no_position_is_refused(page: Callable[[str], object], after: str) -> None:
    with pytest.raises(InputError, match="this text is no position of a page"):
        page(after)


def test_row_without_a_time_has_no_position() -> None:
    with pytest.raises(InputError, match="a position is the time"):
        position_text(SocialFeedPost(id=PUBLIC_POST))


def test_text_leads_through_the_directory_and_a_conversation(connection: Connection) -> None:
    for user in (FOUNDER, PEER):
        connection.execute(set_consent(user, ConsentCategory.DIRECTORY, enabled=True))
    connection.execute(insert(CommunityProfile).values(user_id=PEER, display_name="Noa"))
    with acting(connection, PERSONAS["founder"]):
        (first,) = connection.execute(directory_page(limit=1))
        (second,) = connection.execute(directory_page(position_text(first)))
        assert {first.user_id, second.user_id} == {FOUNDER, PEER}
        assert connection.execute(directory_page(position_text(second))).all() == []
