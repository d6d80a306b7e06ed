"""What it costs to keep the counters of posts while 10,000 reactions come in one statement.

    DATABASE_URL=… python -m tests.benchmarks.community

makes a database of its own on that server and drops it again. The same insert is timed without
triggers, with ours, which count a statement at once, and with the usual ones, which count row by
row. The variants take turns, each is rolled back, and the best of several rounds counts.
"""

from __future__ import annotations

import sys
import time

from sqlalchemy import Connection, NullPool, create_engine, text

from townhall.migrate import resolve_url, upgrade
from townhall.testing.databases import Databases

REACTIONS = 10_000
POSTS = (1, 100, REACTIONS)
ROUNDS = 7

SET_UP = (
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
REACT = """
    insert into public.social_feed_reactions (post_id, user_id)
    select f.id, r.id
    from readers as r join feed as f on f.n = 1 + r.n % :posts
"""
WITHOUT = "alter table public.social_feed_reactions disable trigger keep_reaction_count_on_insert"
BY_ROW = (
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
VARIANTS = {
    "without triggers": (WITHOUT,),
    "townhall": (),
    "row by row": (WITHOUT, *BY_ROW),
}


def main() -> None:
    """Print a line for each number of posts that the reactions are to."""
    server = resolve_url().render_as_string(hide_password=False)
    with Databases(server).create() as url:
        upgrade(url)
        with create_engine(url, poolclass=NullPool).connect() as connection:
            report("posts", *VARIANTS)
            for posts in POSTS:
                best = measure(connection, posts)
                floor = best["without triggers"]
                ratios = (f"{each * 1000:.0f} ms ({each / floor:.2f})" for each in best.values())
                report(str(posts), *ratios)


def measure(connection: Connection, posts: int) -> dict[str, float]:
    """Return the seconds of each variant, the best of all rounds.

    Args:
        connection: A connection to a migrated database.
        posts: To how many posts the reactions are.
    """
    rounds = [
        {name: seconds(connection, posts, changes) for name, changes in VARIANTS.items()}
        for _ in range(ROUNDS)
    ]
    return {name: min(each[name] for each in rounds) for name in VARIANTS}


def seconds(connection: Connection, posts: int, changes: tuple[str, ...]) -> float:
    """Return how long the insert takes after some changes, and undo all of it."""
    sizes = {"reactions": REACTIONS, "posts": posts}
    with connection.begin() as transaction:
        for statement in (*SET_UP, *changes):
            connection.execute(text(statement), sizes)
        start = time.perf_counter()
        connection.execute(text(REACT), sizes)
        taken = time.perf_counter() - start
        transaction.rollback()
    return taken


def report(*cells: str) -> None:
    """Print a line of the table."""
    sys.stdout.write("  ".join(cell.ljust(18) for cell in cells).rstrip() + "\n")


if __name__ == "__main__":
    main()
