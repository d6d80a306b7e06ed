"""Taking the figures: what runs where, in which order, and how often."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import URL, NullPool, create_engine, text

from tests.benchmarks.autogenerate.tools import floor
from tests.benchmarks.autogenerate.worker import FLOOR, Measurement
from tests.benchmarks.autogenerate.workload import Workload
from tests.benchmarks.frame import Side, tell, timed
from townhall.migrate.savepoints import run_script

TOOLS = (
    FLOOR,
    "alembic_alone",
    "with_townhall",
    "with_declarative_extensions",
    "with_alembic_utils",
    "with_alembic_utils_extended",
)
NO_CHANGE, FIRST_REVISION = "no change", "first revision"
_ROOT = Path(__file__).parents[3]
COMPLETE = 10  # comparisons of each kind, or as many as fit into
_MOST_SECONDS = 10.0  # seconds for the repetitions of one figure
_LONGEST = 60.0  # seconds that a comparison may take; twice the size is expected to take
_GROWTH = 4.0  # times as long, as the slow ones do

Comparison = tuple[str, str, int]
"""A tool, a situation and a number of entities."""

Figures = Mapping[Comparison, Sequence[float]]
"""The seconds of processor time of each comparison."""


class Worker:
    """A tool in a process of its own."""

    def __init__(self, tool: str) -> None:
        """Start the process.

        Args:
            tool: A module of :mod:`tests.benchmarks.autogenerate.tools`.
        """
        self._process = subprocess.Popen(  # noqa: S603 - the program is ours
            (sys.executable, "-m", "tests.benchmarks.autogenerate.worker", tool),
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
    """Return the seconds of processor time of each comparison.

    The tools take turns, each in a process of its own that has compared something before.

    Args:
        server: A server, as its superuser.
        tools: Modules of :mod:`tests.benchmarks.autogenerate.tools`.
        sizes: Numbers of entities, from the smallest.
    """
    figures: dict[Comparison, list[float]] = defaultdict(list)
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
                        tell(f"{situation:16}{size:5} {tool:30}{measured.seconds:9.3f} s")
    return {comparison: taken for comparison, taken in figures.items() if taken}


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


def command(url: str, name: str) -> Side:
    """Return a side that runs a command of Alembic on townhall's own schema, as a process.

    Args:
        url: A database at head.
        name: The command: ``check``, or ``current``, which only connects and looks at the version.
    """

    def run() -> int:
        return subprocess.run(  # noqa: S603 - the program is ours
            (sys.executable, "-m", "alembic", name),
            env=os.environ | {"DATABASE_URL": url},
            cwd=_ROOT,
            check=True,
            capture_output=True,
        ).returncode

    return timed(run)
