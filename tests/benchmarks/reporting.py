"""The figures as text and as a drawing."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from sqlalchemy import URL, NullPool, create_engine, text

from tests.benchmarks.measuring import COMPLETE, FIRST_REVISION, NO_CHANGE, Commands, Figures

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = _DOCS / "performance.md"
_DRAWING = _DOCS / "images" / "autogenerate.svg"
_BEGIN, _END = "<!-- autogenerate: begin -->\n", "<!-- autogenerate: end -->\n"

_OURS, _THEIRS, _FLOOR = "with_townhall", "with_alembic_utils", "floor"
_NAMES = {
    "floor": "the floor",
    "alembic_alone": "Alembic, tables only",
    "with_townhall": "townhall",
    "with_declarative_extensions": "sqlalchemy-declarative-extensions",
    "with_alembic_utils": "alembic-utils",
    "with_alembic_utils_extended": "alembic-utils-extended",
}
_COLOURS = {
    "floor": "0.6",
    "alembic_alone": "0.35",
    "with_townhall": "tab:green",
    "with_declarative_extensions": "tab:blue",
    "with_alembic_utils": "tab:red",
    "with_alembic_utils_extended": "tab:orange",
}


def text_of(server: URL, figures: Figures, commands: Commands) -> str:
    """Return the figures as Markdown.

    Args:
        server: The server they were taken on.
        figures: The seconds of each comparison.
        commands: The seconds of Alembic's commands.
    """
    parts = [
        f"Seconds, the fastest of up to {COMPLETE} comparisons, on {_machine(server)}:",
        *(_table(figures, situation) for situation in (NO_CHANGE, FIRST_REVISION)),
        *_conclusions(figures),
        _of_commands(commands),
    ]
    return "\n\n".join(parts) + "\n"


def _of_commands(commands: Commands) -> str:
    return (
        f"On townhall's own schema `alembic check` takes {commands.check:.2f} s as a process, and"
        " `alembic current`, which only connects and looks at the version,"
        f" {commands.current:.2f} s: {commands.check / commands.current:.1f} times as long."
    )


def _machine(server: URL) -> str:
    with create_engine(server, poolclass=NullPool).connect() as connection:
        postgresql = connection.scalar(text("select current_setting('server_version')"))
    libraries = ", ".join(f"{each} {version(each.lower())}" for each in ("Alembic", "SQLAlchemy"))
    return (
        f"PostgreSQL {postgresql}, Python {platform.python_version()} and {libraries} with"
        f" {os.cpu_count()} processors"
    )


def _table(figures: Figures, situation: str) -> str:
    sizes = sorted({size for _, each, size in figures if each == situation})
    lines = [
        f"| {situation} | {' | '.join(map(str, sizes))} |",
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


def _conclusions(figures: Figures) -> Iterable[str]:
    changes = [
        f"{_times(figures, _THEIRS, situation, size):.0f} times as fast as alembic-utils"
        f" {'when nothing has changed' if situation == NO_CHANGE else 'in a first revision'} of"
        f" {size} entities"
        for situation, size in ((NO_CHANGE, 200), (FIRST_REVISION, 100))
        if (_THEIRS, situation, size) in figures
    ]
    if changes:
        yield f"townhall is {', and '.join(changes)}."
    if (_FLOOR, NO_CHANGE, 200) in figures:
        floor = 1 / _times(figures, _FLOOR, NO_CHANGE, 200)
        yield f"With 200 entities and no change it takes {floor:.1f} times the floor."


def _times(figures: Figures, tool: str, situation: str, size: int) -> float:
    return min(figures[tool, situation, size]) / min(figures[_OURS, situation, size])


def write(figures_as_text: str) -> None:
    """Put the figures into the documentation, in place of the last ones."""
    page = _PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    _PAGE.write_text(f"{before}{_BEGIN}\n{figures_as_text}\n{_END}{after}", encoding="utf-8")


def draw(figures: Figures) -> None:
    """Draw the figures into the documentation."""
    mpl.rcParams["svg.hashsalt"] = "townhall"
    drawing, axes = plt.subplots(1, 2, figsize=(10, 4.5), sharey=True, layout="constrained")
    for axis, situation in zip(axes, (NO_CHANGE, FIRST_REVISION), strict=True):
        sizes = sorted({size for _, each, size in figures if each == situation})
        for tool in dict.fromkeys(tool for tool, _, _ in figures):
            points = [size for size in sizes if (tool, situation, size) in figures]
            axis.plot(
                points,
                [min(figures[tool, situation, size]) for size in points],
                color=_COLOURS[tool],
                label=_NAMES[tool],
                linestyle="--" if tool in {_FLOOR, "alembic_alone"} else "-",
                marker="o",
                markersize=4,
            )
        axis.set(title=situation, xlabel="entities", xscale="log", yscale="log")
        axis.set_xticks(sizes, labels=map(str, sizes))
        axis.minorticks_off()
        axis.grid(visible=True, color="0.9")
    axes[0].set_ylabel("seconds")
    axes[1].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    _DRAWING.parent.mkdir(exist_ok=True)
    drawing.savefig(_DRAWING, metadata={"Date": None})
