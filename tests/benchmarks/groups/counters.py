"""What it costs to keep the counters of posts while 10,000 reactions come in one statement.

The same insert is timed with the triggers of townhall, which count a statement at once, without
triggers, and with the usual ones, which count row by row. Each turn is rolled back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine, text

from tests.benchmarks.frame import Bench, Comparisons, Measurement, Side, Taken
from townhall.migrate import upgrade

_SET_UP = (
    """
    create temporary table readers on commit drop as
    select gen_random_uuid() as id, n from generate_series(1, :reactions) as n
    """,
    """
    create temporary table feed on commit drop as
    select gen_random_uuid() as id, n from generate_series(1, :posts) as n
    """,
    "insert into auth.users (id, email) select r.id, r.id || '@example.org' from readers as r",
    """
    insert into public.social_feed_posts (id, author_id, content)
    select f.id, r.id, 'Post' from feed as f join readers as r on r.n = 1
    """,
    "analyze public.social_feed_posts",
    "analyze auth.users",
)
_REACT = """
    insert into public.social_feed_reactions (post_id, user_id)
    select f.id, r.id
    from readers as r join feed as f on f.n = 1 + r.n % :posts
"""
_WITHOUT = "alter table public.social_feed_reactions disable trigger keep_reaction_count_on_insert"
_BY_ROW = (
    """
    create function pg_temp.count_row() returns trigger language plpgsql as $$
    begin
        update public.social_feed_posts as p
        set reaction_count = p.reaction_count + 1
        where p.id = new.post_id;
        return null;
    end $$
    """,
    """
    create trigger count_row after insert on public.social_feed_reactions
    for each row execute function pg_temp.count_row()
    """,
)


@contextmanager
def _measurements(bench: Bench) -> Iterator[Sequence[Measurement]]:
    reactions = min(10_000, bench.rows)
    with bench.databases.create() as url:
        upgrade(url)
        with create_engine(url, poolclass=NullPool).connect() as connection:
            yield [
                Measurement(
                    f"{reactions:,} reactions to {posts:,} posts",
                    _reacting(connection, reactions, posts),
                    _reacting(connection, reactions, posts, *changes),
                    beside,
                    goal,
                )
                for posts in sorted({1, min(100, reactions), reactions})
                for beside, changes, goal in (
                    ("without counting", (_WITHOUT,), 3.0 if posts == reactions else 1.5),
                    ("counting row by row", (_WITHOUT, *_BY_ROW), 1.0),
                )
            ]


def _reacting(connection: Connection, reactions: int, posts: int, *changes: str) -> Side:
    """Return a side that reacts after some changes, and undoes all of it."""
    sizes = {"reactions": reactions, "posts": posts}

    def side() -> Taken:
        with connection.begin() as transaction:
            for statement in (*_SET_UP, *changes):
                connection.execute(text(statement), sizes)
            begin = time.perf_counter()
            result = connection.execute(text(_REACT), sizes)
            taken = Taken(time.perf_counter() - begin, result.rowcount)
            transaction.rollback()
        return taken

    return side


GROUP = Comparisons("counters", _measurements)
