"""Taking the figures: what runs where, in which order, and how often."""
# ruff: noqa: T201 - printing is how it shows that it lives

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from sqlalchemy import URL, NullPool, create_engine, text

from tests.benchmarks.tools import floor
from tests.benchmarks.worker import FLOOR, Measurement
from tests.benchmarks.workload import Workload
from townhall import migrate
from townhall.migrate.savepoints import run_script

SIZES = (50, 100, 200, 400, 800)
TOOLS = (
    FLOOR,
    "alembic_alone",
    "with_townhall",
    "with_declarative_extensions",
    "with_alembic_utils",
    "with_alembic_utils_extended",
)
NO_CHANGE, FIRST_REVISION = "no change", "first revision"
_ROOT = Path(__file__).parents[2]
COMPLETE = 10  # comparisons of each kind, or as many as fit into
_MOST_SECONDS = 60.0  # seconds for the repetitions of one figure
_LONGEST = 180.0  # seconds that a comparison may take; twice the size is expected to take
_GROWTH = 4.0  # times as long, as the slow ones do
_PROCESSES = 9

Figure = tuple[str, str, int]
"""A tool, a situation and a number of entities."""

Figures = Mapping[Figure, Sequence[float]]
"""The seconds of each comparison."""


class Commands(NamedTuple):
    """Alembic's commands on townhall's own schema, as processes.

    Attributes:
        check: Seconds of ``alembic check``.
        current: Seconds of ``alembic current``, which only connects and looks at the version.
    """

    check: float
    current: float


class Worker:
    """A tool in a process of its own."""

    def __init__(self, tool: str) -> None:
        """Start the process.

        Args:
            tool: A module of :mod:`tests.benchmarks.tools`.
        """
        self._process = subprocess.Popen(  # noqa: S603 - the program is ours
            (sys.executable, "-m", "tests.benchmarks.worker", tool),
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, entities: int, url: str) -> Measurement:
        """Compare a schema of so many entities with a database, once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([entities, url]), file=self._process.stdin, flush=True)
        return Measurement(*json.loads(self._process.stdout.readline()))

    def __enter__(self) -> Self:
        """Return the worker."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        with self._process:
            pass


def measure_tools(server: URL, tools: Sequence[str], sizes: Sequence[int]) -> Figures:
    """Return the seconds of each comparison.

    The tools take turns, each in a process of its own that has compared something before.

    Args:
        server: A server, as its superuser.
        tools: Modules of :mod:`tests.benchmarks.tools`.
        sizes: Numbers of entities, from the smallest.
    """
    figures: dict[Figure, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        workers = {tool: stack.enter_context(Worker(tool)) for tool in tools}
        for size, situation in itertools.product(sizes, (NO_CHANGE, FIRST_REVISION)):
            able = [tool for tool in tools if not _would_take_too_long(figures, tool, situation)]
            with _database(server, size, complete=situation == NO_CHANGE) as database:
                url = database.render_as_string(hide_password=False)
                for turn, tool in itertools.product(range(COMPLETE + 1), able):
                    taken = figures[tool, situation, size]
                    if taken and sum(taken) + min(taken) > _MOST_SECONDS:
                        continue
                    measured = workers[tool].measure(size, url)
                    _check(tool, situation, measured)
                    if turn or measured.seconds > _MOST_SECONDS:  # the first turn warms up
                        taken.append(measured.seconds)
                        print(
                            f"{situation:16}{size:5} {tool:30}{measured.seconds:9.3f} s", flush=True
                        )
    return {figure: taken for figure, taken in figures.items() if taken}


def _would_take_too_long(figures: Figures, tool: str, situation: str) -> bool:
    before = [
        min(taken) for (*each, _), taken in figures.items() if each == [tool, situation] and taken
    ]
    return bool(before) and before[-1] * _GROWTH > _LONGEST


def _check(tool: str, situation: str, measured: Measurement) -> None:
    # A tool that reports another difference has not done the same work.
    expected = measured.entities if situation == FIRST_REVISION and tool != FLOOR else 0
    if measured.operations != expected:
        raise RuntimeError(
            f"{tool} finds {measured.operations} operations in {situation}, not {expected}"
        )


@contextmanager
def _database(server: URL, entities: int, *, complete: bool) -> Iterator[URL]:
    name = f"bench_{entities}_{'complete' if complete else 'tables'}"
    with create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(text(f"create database {name}"))
        url = server.set(database=name)
        workload = Workload(entities)
        with create_engine(url, poolclass=NullPool).begin() as connection:
            workload.metadata().create_all(connection)
            if complete:
                run_script(connection, [floor.script(workload)])
        yield url
        admin.execute(text(f"drop database {name} with (force)"))


def measure_commands(server: URL) -> Commands:
    """Return what Alembic's commands take on townhall's own schema, as processes in turn.

    Args:
        server: A server, as its superuser; it gets the roles of the API by this.
    """
    with create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(text("create database bench_head"))
    url = server.set(database="bench_head").render_as_string(hide_password=False)
    migrate.upgrade(url)
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(_PROCESSES):
        for command in ("check", "current"):
            begin = time.perf_counter()
            subprocess.run(  # noqa: S603 - the program is ours
                (sys.executable, "-m", "alembic", command),
                env=os.environ | {"DATABASE_URL": url},
                cwd=_ROOT,
                check=True,
                capture_output=True,
            )
            seconds[command].append(time.perf_counter() - begin)
    return Commands(*(min(seconds[command]) for command in ("check", "current")))
