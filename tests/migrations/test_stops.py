"""A migration that is stopped anywhere can be completed or taken back, and no row is lost."""

from __future__ import annotations

import itertools
import json
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, make_url, text

from tests.migrations.chain import HEAD, REVISIONS
from tests.support.alembic import start_alembic
from tests.support.dump import dump
from tests.support.interruption import always, end_process, is_interrupted, nothing_is_pending
from tests.support.rows import contents, fill
from townhall.migrate import downgrade, upgrade
from townhall.testing.databases import with_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from townhall.testing.databases import Databases

Rows = dict[str, set[str]]

NAMES = ["base", *(script.revision for script in REVISIONS)]
UP = list(itertools.pairwise(NAMES))
DOWN = [(name, before) for before, name in reversed(UP)]
RENAMED = {"campaign_assignments": "participant_sessions"}
# They add columns to tables whose foreign keys the next one adds.
WITHOUT_KEYS = {"townhall_0009", "townhall_0024", "townhall_0028"}
CATALOGS = (
    "pg_class",
    "pg_constraint",
    "pg_namespace",
    "pg_policy",
    "pg_proc",
    "pg_trigger",
    "pg_type",
)
KILLS = 40
LONGEST = 3  # seconds until a kill
PAUSE = 0.02  # seconds
IS_RUNNING = text(
    """
    select exists (
        select
        from pg_stat_activity
        where application_name = 'townhall' and datname = :database
    )
    """
)


class Server(NamedTuple):
    """Where databases are made, what owns them, and the schema that they have at the head."""

    databases: Databases
    owner: str | None
    schema: str

    @contextmanager
    def create(self, template: str | None = None) -> Iterator[str]:
        with self.databases.create(template, owner=self.owner) as url:
            yield with_role(url, self.owner)


@pytest.fixture
def stops(
    townhall_databases: Databases, townhall_owner: str | None, townhall_template: str
) -> Server:
    return Server(townhall_databases, townhall_owner, dump(townhall_template))


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("start", "end", "commits"),
    [
        ("townhall_0009", "townhall_0010", 20),
        ("townhall_0024", "townhall_0025", 15),
        ("townhall_0025", "townhall_0024", 8),
        ("townhall_0029", "townhall_0028", 8),
    ],
)
def test_half_done_revision_is_completed_and_taken_back(
    start: str, end: str, commits: int, stops: Server
) -> None:
    with stops.create() as before:
        _fill(before, start)
        with stops.create(before) as stopped:
            assert _is_stopped(stopped, start, end, commits, at=nothing_is_pending)
            assert dump(stopped) != dump(before)
            _complete_and_take_back(stopped, _ids(before), stops)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("start", "end", "commits"),
    [("townhall_0009", "townhall_0010", 20), ("townhall_0024", "townhall_0025", 15)],
)
def test_half_done_upgrade_alone_is_taken_back_once_it_is_completed(
    start: str, end: str, commits: int, stops: Server
) -> None:
    """The database is at the revision before, so that a downgrade to it has nothing to do."""
    with stops.create() as before:
        _fill(before, start)
        with stops.create(before) as stopped:
            assert _is_stopped(stopped, start, end, commits, at=nothing_is_pending)
            left = dump(stopped)
            assert left != dump(before)
            downgrade(stopped, start)
            assert dump(stopped) == left
            upgrade(stopped, end)
            downgrade(stopped, start)
            assert dump(stopped) == dump(before)
            _assert_kept(_ids(before), _ids(stopped))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("start", "end"), [*UP, *DOWN])
def test_revision_stopped_before_each_statement_is_completed_and_taken_back(
    start: str, end: str, stops: Server
) -> None:
    """A copy is stopped again while nothing is committed in it.

    Stops that leave the same schema and rows are completed and taken back once.
    """
    counts = itertools.count()
    is_stopped = True
    with stops.create() as before:
        _fill(before, start)
        rows, unchanged = _ids(before), _state(before)
        with stops.create(before) as copy:
            _complete_and_take_back(copy, rows, stops)
        seen = set[str]()
        while is_stopped:
            with stops.create(before) as stopped:
                for count in counts:
                    is_stopped = _is_stopped(stopped, start, end, count, at=always)
                    if not is_stopped or _state(stopped) != unchanged:
                        break
                found = dump(stopped) + str(_state(stopped)[1:])
                if is_stopped and found not in seen:
                    seen.add(found)
                    _complete_and_take_back(stopped, rows, stops)
    assert seen


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(n, marks=pytest.mark.thorough if n < 2 else pytest.mark.exhaustive)
        for n in range(KILLS)
    ],
)
def test_migration_killed_at_a_random_moment_loses_no_row(
    seed: int, stops: Server, townhall_server: str
) -> None:
    """Even seeds upgrade and odd ones downgrade; half of each lose the process of the server."""
    chance = random.Random(seed)  # noqa: S311 - moments
    goes_up = seed % 2 == 0
    with stops.create() as url:
        _fill(url, chance.choice(NAMES[:-1]) if goes_up else HEAD)
        rows = _ids(url)
        process = start_alembic(*(("upgrade", HEAD) if goes_up else ("downgrade", "base")), url=url)
        database = {"database": make_url(url).database}
        with create_engine(townhall_server, poolclass=NullPool).connect() as watch:
            while process.poll() is None and not watch.scalar(IS_RUNNING, database):
                watch.rollback()
                time.sleep(PAUSE)
            time.sleep(chance.uniform(0, LONGEST))
            end_process(process, watch, url, by_server=seed % 4 >= 2)
        _complete_and_take_back(url, rows, stops)


def _is_stopped(
    url: str,
    start: str,
    end: str,
    count: int,
    *,
    at: Callable[[psycopg.Connection], bool],
) -> bool:
    direction = command.upgrade if NAMES.index(start) < NAMES.index(end) else command.downgrade
    engine = create_engine(url, poolclass=NullPool)
    return is_interrupted(engine, direction, end, count, at=at)


def _complete_and_take_back(stopped: str, before: Rows, stops: Server) -> None:
    left = _ids(stopped)
    _assert_kept(before, left)
    with stops.create(stopped) as taken_back:
        downgrade(taken_back, "base")
        assert "CREATE" not in dump(taken_back).replace("CREATE TABLE public.alembic_version", "")
    upgrade(stopped)
    assert dump(stopped) == stops.schema
    rows = _ids(stopped)
    assert left.keys() <= rows.keys()
    _assert_kept(left, rows)


def _assert_kept(before: Rows, after: Rows) -> None:
    """Assert that each row of a table that is still there is still there."""
    lost = {table: before[table] - after[table] for table in before.keys() & after.keys()}
    assert not any(lost.values()), lost


def _fill(url: str, revision: str) -> None:
    """Migrate to a revision, with rows that are older than it and a row in every table of it."""
    last = NAMES.index(revision)
    first = last - (2 if NAMES[last - 1] in WITHOUT_KEYS else 1)
    for name in NAMES[max(first, 1) : last + 1]:
        upgrade(url, name)
        with create_engine(url, poolclass=NullPool).begin() as connection:
            if connection.scalar(text("select to_regclass('auth.users')::text")) is not None:
                fill(connection)


def _ids(url: str) -> Rows:
    """Return the rows of each table, but for the first tenant, which revisions add and delete."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return {
            RENAMED.get(table, table): {
                row["id"]
                for row in map(json.loads, rows)
                if row.get("slug") != "leadingwithmeaning"
            }
            for table, rows in contents(connection).items()
        }


def _state(url: str) -> tuple[str, list[str], dict[str, list[str]]]:
    """Return what changes with each commit: versions of rows of the catalog, revision and rows."""
    catalog = " union all ".join(
        f"select '{name}' || c.oid || ' ' || c.xmin as line from pg_catalog.{name} as c"
        for name in CATALOGS
    )
    with create_engine(url, poolclass=NullPool).connect() as connection:
        is_versioned = connection.scalar(text("select to_regclass('public.alembic_version')::text"))
        table = "table public.alembic_version" if is_versioned else "select null where false"
        versions = connection.scalars(text(table))
        lines = connection.scalars(text(f"select line from ({catalog}) as l order by line"))
        return "\n".join(lines), list(versions), contents(connection)
