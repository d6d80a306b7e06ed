"""The frame of all benchmarks: what is measured beside what, in turns, with which goal."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from townhall.testing.databases import Databases

# A turn may take less than what else the machine does in between, so there are many.
_MOST_TURNS, _LEAST_TURNS = 301, 3


class Taken(NamedTuple):
    """What one run took.

    Attributes:
        seconds: How long it took.
        result: What it returned; both sides of a measurement return the same.
    """

    seconds: float
    result: object = None


Side = Callable[[], Taken]
"""One of the two that are compared. What it prepares and undoes is not in its seconds."""


@dataclass(frozen=True)
class Bench:
    """Where the benchmarks run, and how large they are.

    Attributes:
        databases: A server, as its superuser; databases are made on it, and dropped again.
        rows: How many rows the largest tables have: a million, or ten million with ``LONG=yes``.
        seconds: How long the turns of one measurement may take.
    """

    databases: Databases
    rows: int = 1_000_000
    seconds: float = 5.0


@dataclass(frozen=True)
class Measurement:
    """One line of a table.

    Attributes:
        name: What is done, in words, with the number of rows.
        ours: What townhall does.
        comparison: The same by other means.
        beside: Those means in words: ``by hand``.
        goal: How many times as long ours may take; None where there is no goal.
        why: Why it takes longer than that, where it is known, in half a sentence.
    """

    name: str
    ours: Side
    comparison: Side
    beside: str
    goal: float | None = None
    why: str = ""


class Figure(NamedTuple):
    """What came of a measurement.

    Attributes:
        name: As in :class:`Measurement`.
        beside: As in :class:`Measurement`.
        ours: Seconds, the median of all turns.
        comparison: The same of the other side.
        goal: As in :class:`Measurement`.
        why: As in :class:`Measurement`.
    """

    name: str
    beside: str
    ours: float
    comparison: float
    goal: float | None = None
    why: str = ""

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours / self.comparison

    @property
    def is_short(self) -> bool:
        """Whether it falls short of its goal."""
        return self.goal is not None and self.ratio > self.goal


Curves = Mapping[str, Mapping[str, Mapping[int, float]]]
"""Seconds by number of things, for each line of each panel."""


@dataclass(frozen=True)
class Outcome:
    """What came of a group.

    Attributes:
        figures: Its figures, in the order of its measurements.
        text: Tables of its own, in Markdown.
        curves: What is drawn of it; without any, the ratios are.
    """

    figures: Sequence[Figure]
    text: str = ""
    curves: Curves = field(default_factory=dict)

    @property
    def worst(self) -> Figure | None:
        """The figure that is the farthest above its goal, or the nearest to it."""
        with_goal = [each for each in self.figures if each.goal]
        return max(with_goal, key=lambda each: each.ratio / (each.goal or 1), default=None)


class Group(Protocol):
    """A table of the documentation, or several, with a drawing."""

    @property
    def name(self) -> str:
        """The name of its place in the documentation and of its drawing."""
        ...

    def run(self, bench: Bench) -> Outcome:
        """Measure."""
        ...


@dataclass(frozen=True)
class Comparisons:
    """A group of measurements that are each a line of one table.

    Attributes:
        name: As in :class:`Group`.
        measurements: Makes what is measured, which ends with the block, and gives the measurements.
    """

    name: str
    measurements: Callable[[Bench], AbstractContextManager[Iterable[Measurement]]]

    def run(self, bench: Bench) -> Outcome:
        """Measure one after the other."""
        with self.measurements(bench) as measurements:
            return Outcome([measured(each, bench.seconds) for each in measurements])


def timed(run: Callable[[], object]) -> Side:
    """Return a side that is nothing but a call."""

    def side() -> Taken:
        begin = time.perf_counter()
        result = run()
        return Taken(time.perf_counter() - begin, result)

    return side


def measured(measurement: Measurement, seconds: float) -> Figure:
    """Let both sides take turns, and return their medians.

    The first turn warms up, and tells whether both have the same result.

    Args:
        measurement: What is measured.
        seconds: How long all turns may take; there are at least three.

    Raises:
        RuntimeError: The results differ, so that the figures would say nothing.
    """
    expected, found = measurement.comparison().result, measurement.ours().result
    if expected != found:
        raise RuntimeError(f"{measurement.name}: {found!r:.200}, and beside it {expected!r:.200}")
    ours: list[float] = []
    comparison: list[float] = []
    begin = time.perf_counter()
    with _few_objects():
        while len(ours) < _LEAST_TURNS or (
            len(ours) < _MOST_TURNS and time.perf_counter() - begin < seconds
        ):
            ours.append(_seconds(measurement.ours))
            comparison.append(_seconds(measurement.comparison))
    figure = Figure(
        measurement.name,
        measurement.beside,
        statistics.median(ours),
        statistics.median(comparison),
        measurement.goal,
        measurement.why,
    )
    tell(f"{figure.ratio:8.2f}  {figure.ours * 1000:10.2f} ms  {figure.name}")
    return figure


@contextmanager
def _few_objects() -> Iterator[None]:
    """Leave what exists before the block out of Python's garbage collections."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _seconds(side: Side) -> float:
    """Run a side from the same state of the garbage collector as the other.

    A collection comes after so many objects. Where each turn makes as many, it would otherwise fall
    on the same side in all turns, and with 10,000 rows take longer than the query.
    """
    gc.collect()
    return side().seconds


def tell(line: str) -> None:
    """Print a line at once, so that a long run shows that it lives."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
