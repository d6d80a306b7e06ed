"""Autogenerate beside the other tools, from fifty entities to sixteen hundred.

The seconds are processor time of client and server: other work of the machine counts less in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise

from tests.benchmarks.autogenerate.measuring import (
    FIRST_REVISION,
    NO_CHANGE,
    TOOLS,
    Figures,
    command,
    measure_tools,
)
from tests.benchmarks.frame import Bench, Figure, Measurement, Outcome, measured
from townhall.migrate import upgrade

SIZES = (50, 100, 200, 400, 800, 1600)
_OURS, _THEIRS, _FLOOR = "with_townhall", "with_alembic_utils", "floor"
_ALEMBIC = "alembic_alone"
_NAMES = {
    "floor": "the floor",
    "alembic_alone": "Alembic, tables only",
    "with_townhall": "townhall",
    "with_declarative_extensions": "sqlalchemy-declarative-extensions",
    "with_alembic_utils": "alembic-utils",
    "with_alembic_utils_extended": "alembic-utils-extended",
}
_LEAST = "the floor, the least work of any comparison"
_BOTH = "the floor, and Alembic's comparison of the tables after it"
_LINEAR = 1.3


@dataclass(frozen=True)
class Autogenerate:
    """The tools by number of entities, and Alembic's commands on townhall's own schema.

    Attributes:
        tools: Modules of :mod:`tests.benchmarks.autogenerate.tools`.
        sizes: Numbers of entities, from the smallest.
        name: As in :class:`tests.benchmarks.frame.Group`.
    """

    tools: Sequence[str] = TOOLS
    sizes: Sequence[int] = SIZES
    name: str = "autogenerate"

    def run(self, bench: Bench) -> Outcome:
        """Measure the tools, then the commands."""
        with _commands(bench) as commands:  # whose database gives the server the roles of the API
            found = measure_tools(bench.databases.server, self.tools, self.sizes)
            figures = [*_figures(found), measured(commands, bench.seconds)]
        tables = (_table(found, situation) for situation in (NO_CHANGE, FIRST_REVISION))
        return Outcome(figures, "\n\n".join(tables), _curves(found))


@contextmanager
def _commands(bench: Bench) -> Iterator[Measurement]:
    with bench.databases.create() as url:
        upgrade(url)
        yield Measurement(
            "`alembic check` of townhall's own schema",
            command(url, "check"),
            command(url, "current"),
            "`alembic current`",
        )


def _figures(found: Figures) -> Iterator[Figure]:
    fastest = {comparison: min(taken) for comparison, taken in found.items()}
    for others, beside, situation, size, goal, why in (
        ((_FLOOR,), _LEAST, NO_CHANGE, 200, 2.0, "with Alembic's part the floor itself takes 2.1"),
        ((_FLOOR, _ALEMBIC), _BOTH, NO_CHANGE, 200, 1.25, ""),
        ((_THEIRS,), _NAMES[_THEIRS], NO_CHANGE, 200, 1 / 60, ""),
        ((_THEIRS,), _NAMES[_THEIRS], FIRST_REVISION, 100, 1 / 60, ""),
    ):
        if all((other, situation, size) in fastest for other in others):
            name = f"{situation}, {size} entities"
            ours = fastest[_OURS, situation, size]
            theirs = sum(fastest[other, situation, size] for other in others)
            yield Figure(name, beside, ours, theirs, goal, why)
    sizes = sorted({size for tool, *_, size in fastest if tool == _OURS})
    for size, double in pairwise(sizes):
        half = 2 * fastest[_OURS, NO_CHANGE, size]
        yield Figure(
            f"{NO_CHANGE}, {double} entities",
            f"{size}, times two",
            fastest[_OURS, NO_CHANGE, double],
            half,
            _LINEAR,
        )


def _table(figures: Figures, situation: str) -> str:
    sizes = sorted({size for _, each, size in figures if each == situation})
    lines = [
        f"| {situation}, seconds | {' | '.join(map(str, sizes))} |",
        f"|---|{'--:|' * len(sizes)}",
    ]
    for tool in dict.fromkeys(tool for tool, _, _ in figures):
        cells = (_cell(figures, tool, situation, size) for size in sizes)
        lines.append(f"| {_name(tool)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _name(tool: str) -> str:
    name = _NAMES[tool]
    return f"{name} {version(name)}" if tool.startswith("with_") else name


def _cell(figures: Figures, tool: str, situation: str, size: int) -> str:
    taken = figures.get((tool, situation, size))
    if taken is None:
        return "–"  # noqa: RUF001 - a dash is meant
    seconds = min(taken)
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.{1 if seconds >= 1 else 3}f}"


def _curves(figures: Figures) -> dict[str, dict[str, dict[int, float]]]:
    curves: dict[str, dict[str, dict[int, float]]] = {}
    for (tool, situation, size), taken in figures.items():
        lines = curves.setdefault(situation, {})
        lines.setdefault(_NAMES[tool], {})[size] = min(taken)
    return curves


GROUP = Autogenerate()
