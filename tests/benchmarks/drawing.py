"""The figures as drawings that can be read on a light and on a dark page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import LogLocator

from tests.benchmarks.frame import Curves, Figure, Outcome
from tests.benchmarks.page import ratio

# Each has a contrast of at least 3 with white and with a dark page (#131416).
_INK, _GRID = "#808080", "#80808040"
_GOOD, _SHORT = "#2e9e4f", "#d9534f"
_LINES = ("#808080", "#8a6fd1", "#2e9e4f", "#3b8fd4", "#d9534f", "#c77d1a")
_NARROW_NAME = 46
"""How many characters of a name stand in one line on a narrow screen."""

_STYLE: Any = {
    "svg.hashsalt": "townhall",
    "savefig.transparent": True,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _GRID,
}


def draw(outcome: Outcome, path: Path) -> None:
    """Draw what came of a group, once more as ``NAME-narrow.svg`` for a narrow screen.

    Args:
        outcome: The outcome.
        path: The file, an SVG.
    """
    path.parent.mkdir(exist_ok=True)
    for is_narrow, file in ((False, path), (True, path.with_stem(f"{path.stem}-narrow"))):
        with mpl.rc_context(_STYLE):
            drawing = (
                _curves(outcome.curves, is_narrow=is_narrow)
                if outcome.curves
                else _ratios(outcome.figures, is_narrow=is_narrow)
            )
            drawing.savefig(file, metadata={"Date": None})
            plt.close(drawing)


def _curves(curves: Curves, *, is_narrow: bool) -> Drawing:
    rows, columns = (len(curves), 1) if is_narrow else (1, len(curves))
    drawing, panels = plt.subplots(
        rows,
        columns,
        figsize=(4.2, 3.6 * rows + 1.4) if is_narrow else (10, 4.5),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, (title, lines) in zip(panels.flat, curves.items(), strict=True):
        for colour, (name, points) in zip(_LINES, lines.items(), strict=False):
            axis.plot(
                list(points), list(points.values()), color=colour, label=name, marker="o", ms=4
            )
        axis.set(title=title, xlabel="number", xscale="log", yscale="log")
        numbers = sorted({number for points in lines.values() for number in points})
        axis.set_xticks(numbers, labels=map(str, numbers))
        axis.minorticks_off()
        axis.grid(visible=True)
    for row in panels:
        row[0].set_ylabel("seconds")
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.18)}
    beside = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
    panels[-1][-1].legend(frameon=False, **(below if is_narrow else beside))
    return drawing


def _ratios(rows: Sequence[Figure], *, is_narrow: bool) -> Drawing:
    # On a narrow screen a name stands above its line, and the goal beside the line alone.
    size = (4.2, 0.9 + 0.64 * len(rows)) if is_narrow else (10, 0.9 + 0.32 * len(rows))
    above, below = (0.12, 0.2) if is_narrow else (0.35, 0.35)
    drawing, axis = plt.subplots(figsize=size, layout="constrained")
    places = range(len(rows))
    axis.hlines(places, 1, [each.ratio for each in rows], color=_GRID, linewidth=6)
    colours = [_SHORT if each.is_short else _GOOD for each in rows]
    axis.scatter([each.ratio for each in rows], places, color=colours, zorder=3)
    for place, each in zip(places, rows, strict=True):
        if each.goal is not None:
            axis.plot([each.goal] * 2, [place - above, place + below], color=_INK, linewidth=2)
        # Behind the goal, where that would cross the number.
        is_close = each.goal is not None and each.ratio <= each.goal <= 2 * each.ratio
        right = (each.goal if is_close else each.ratio, place)
        axis.annotate(ratio(each.ratio), right, (7, 0), textcoords="offset points", va="center")
    axis.set(xscale="log", xlabel="times as long as the comparison\n(the bar is the goal)")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    names = [each.name for each in rows]
    axis.set_yticks(places, labels=[] if is_narrow else names)
    if is_narrow:
        axis.tick_params(axis="y", length=0)
        for place, name in zip(places, names, strict=True):
            words = textwrap.fill(name, _NARROW_NAME)
            where = axis.get_yaxis_transform()
            axis.text(0.01, place - 0.2, words, transform=where, size=9, va="bottom")
    axis.set_ylim(len(rows) - 0.4, -0.9 if is_narrow else -0.6)
    axis.margins(x=0.15)
    axis.grid(visible=True, axis="x")
    return drawing
