"""The counters of posts under eight concurrent connections."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.community.accounts_and_posts import (
    create_accounts,
    create_posts,
    posts_with_wrong_counters,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Error
    from sqlalchemy import Connection, Engine

CONNECTIONS = 8
STEPS = 400
DEADLOCK = "40P01"

Work = dict[str, list[UUID]]

REACT = text(
    """
    insert into public.social_feed_reactions (post_id, user_id, reaction_type)
    select p, u, kind
    from unnest(cast(:posts as uuid[])) as p,
        unnest(cast(:users as uuid[])) as u,
        unnest(array['encourage', 'celebrate', 'insightful']) as kind
    where random() < :share
    order by random()
    on conflict do nothing
    """
)
REACT_ONCE = text(
    """
    insert into public.social_feed_reactions (post_id, user_id)
    values ((cast(:posts as uuid[]))[1], (cast(:users as uuid[]))[1])
    on conflict do nothing
    """
)
UNREACT_ONCE = text(
    """
    delete from public.social_feed_reactions
    where post_id = (cast(:posts as uuid[]))[1] and user_id = (cast(:users as uuid[]))[1]
    """
)
COMMENT = text(
    """
    insert into public.social_feed_comments (post_id, author_id, content)
    select p, u, 'Yes'
    from unnest(cast(:posts as uuid[])) as p, unnest(cast(:users as uuid[])) as u
    where random() < :share
    order by random()
    """
)
MOVE = text(
    """
    update public.social_feed_comments
    set post_id = (cast(:posts as uuid[]))[1 + floor(random() * cardinality(:posts))]
    where author_id = any (:users) and random() < :share
    """
)
UNREACT = text(
    """
    delete from public.social_feed_reactions
    where user_id = any (:users) and random() < :share
    """
)
UNCOMMENT = text(
    """
    delete from public.social_feed_comments
    where author_id = any (:users) and random() < :share
    """
)
STEPS_OF_READERS = (
    REACT,
    REACT,
    REACT_ONCE,
    COMMENT,
    COMMENT,
    MOVE,
    UNREACT,
    UNREACT_ONCE,
    UNCOMMENT,
)


def _read(connection: Connection, work: Work, generator: random.Random) -> None:
    """Run one statement on all posts, or on one; sometimes roll it back."""
    posts = work["posts"] if generator.random() < 0.5 else [generator.choice(work["posts"])]
    step = generator.choice(STEPS_OF_READERS)
    share = generator.choice([0.1, 0.9])
    connection.execute(step, {"posts": posts, "users": work["users"], "share": share})
    if generator.random() < 0.1:
        connection.rollback()
    else:
        connection.commit()


def _retried(connection: Connection, step: Callable[[], None]) -> None:
    """Retry a step that PostgreSQL cancelled to resolve a deadlock."""
    while True:
        try:
            step()
        except OperationalError as error:
            connection.rollback()
            if cast("Error", error.orig).sqlstate != DEADLOCK:
                raise
        else:
            return


def _all_at_once(engine: Engine, work: Callable[[Connection, int], None]) -> None:
    def run(number: int) -> None:
        with engine.connect() as connection:
            connection.execute(text("set deadlock_timeout = '50ms'"))
            connection.commit()
            work(connection, number)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(run, range(CONNECTIONS)))


def test_single_reactions_at_once_are_all_counted(engine: Engine) -> None:
    with engine.begin() as connection:
        posts = create_posts(connection, create_accounts(connection, 1)[0], 2)
        readers = create_accounts(connection, CONNECTIONS * 4)

    def react(connection: Connection, number: int) -> None:
        for reader in readers[number::CONNECTIONS]:
            for post in posts:
                connection.execute(REACT_ONCE, {"posts": [post], "users": [reader]})
                connection.commit()
        connection.execute(UNREACT_ONCE, {"posts": posts[1:], "users": [readers[number]]})
        connection.commit()

    _all_at_once(engine, react)
    with engine.connect() as connection:
        assert posts_with_wrong_counters(connection) == []
        counts = connection.execute(
            text(
                "select reaction_count from social_feed_posts where id = any (:posts)"
                " order by reaction_count"
            ),
            {"posts": posts},
        )
        assert counts.scalars().all() == [len(readers) - CONNECTIONS, len(readers)]


@pytest.mark.exhaustive
def test_concurrent_writers_of_rows_meet_no_deadlock(engine: Engine) -> None:
    """Each statement is one transaction, and no two of them wait for each other."""
    with engine.begin() as connection:
        posts = create_posts(connection, create_accounts(connection, 1)[0], 6)
        readers = create_accounts(connection, CONNECTIONS * 3)

    def read(connection: Connection, number: int) -> None:
        generator = random.Random(number)  # noqa: S311  a test that can be repeated
        mine = {"posts": posts, "users": readers[number::CONNECTIONS]}
        for _ in range(STEPS):
            _read(connection, mine, generator)

    _all_at_once(engine, read)
    with engine.connect() as connection:
        assert posts_with_wrong_counters(connection) == []
        assert connection.scalar(text("select max(reaction_count) from social_feed_posts"))
        assert connection.scalar(text("select max(comment_count) from social_feed_posts"))


@pytest.mark.thorough
@pytest.mark.parametrize("gone", ["social_feed_posts", "users"])
def test_counters_are_correct_when_posts_and_accounts_are_deleted_concurrently(
    engine: Engine, gone: str
) -> None:
    """A cascade may deadlock with a reader; the one that PostgreSQL cancels is retried."""
    with engine.begin() as connection:
        authors = create_accounts(connection, 30)
        posts = [post for author in authors for post in create_posts(connection, author, 2)]
        readers = create_accounts(connection, 30)

    def read(connection: Connection, number: int) -> None:
        generator = random.Random(number)  # noqa: S311  a test that can be repeated
        for _ in range(40):
            mine = {"posts": generator.sample(posts, 5), "users": generator.sample(readers, 5)}
            _retried(connection, partial(_read_what_is_left, connection, mine, generator))

    def remove(connection: Connection, number: int) -> None:
        generator = random.Random(number)  # noqa: S311  a test that can be repeated
        rows = posts if gone == "social_feed_posts" else [*authors, *readers]
        for key in generator.sample(rows, 20):
            _retried(connection, partial(_remove, connection, gone, key))

    def work(connection: Connection, number: int) -> None:
        (remove if number % 4 == 0 else read)(connection, number)

    _all_at_once(engine, work)
    with engine.connect() as connection:
        assert posts_with_wrong_counters(connection) == []
        assert connection.scalar(text("select count(*) from social_feed_reactions"))


def _read_what_is_left(connection: Connection, work: Work, generator: random.Random) -> None:
    there = {
        "posts": "select id from public.social_feed_posts where id = any (:keys) for key share",
        "users": "select id from auth.users where id = any (:keys) order by id for key share",
    }
    left = {
        name: list(connection.scalars(text(there[name]), {"keys": work[name]}))
        for name in ("users", "posts")
    }
    if left["posts"] and left["users"]:
        _read(connection, left, generator)
    else:
        connection.rollback()


REMOVALS = {
    "social_feed_posts": text("delete from public.social_feed_posts where id = :key"),
    "users": text("delete from auth.users where id = :key"),
}


def _remove(connection: Connection, gone: str, key: UUID) -> None:
    connection.execute(REMOVALS[gone], {"key": key})
    connection.commit()
