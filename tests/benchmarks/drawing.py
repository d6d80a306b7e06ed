"""The figures as drawings that can be read on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure as Drawing

from tests.benchmarks.frame import Curves, Figure, Outcome
from tests.benchmarks.page import ratio

# Each has a contrast of at least 3 with white and with a dark page (#131416).
_INK, _GRID = "#808080", "#80808040"
_GOOD, _SHORT = "#2e9e4f", "#d9534f"
_LINES = ("#808080", "#8a6fd1", "#2e9e4f", "#3b8fd4", "#d9534f", "#c77d1a")
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
    """Draw what came of a group.

    Args:
        outcome: The outcome.
        path: The file, an SVG.
    """
    with mpl.rc_context(_STYLE):
        drawing = _curves(outcome.curves) if outcome.curves else _ratios(outcome.figures)
        path.parent.mkdir(exist_ok=True)
        drawing.savefig(path, metadata={"Date": None})
        plt.close(drawing)


def _curves(curves: Curves) -> Drawing:
    drawing, panels = plt.subplots(
        1, len(curves), figsize=(10, 4.5), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, lines) in zip(panels[0], curves.items(), strict=True):
        for colour, (name, points) in zip(_LINES, lines.items(), strict=False):
            axis.plot(
                list(points), list(points.values()), color=colour, label=name, marker="o", ms=4
            )
        axis.set(title=title, xlabel="number", xscale="log", yscale="log")
        numbers = sorted({number for points in lines.values() for number in points})
        axis.set_xticks(numbers, labels=map(str, numbers))
        axis.minorticks_off()
        axis.grid(visible=True)
    panels[0][0].set_ylabel("seconds")
    panels[0][-1].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return drawing


def _ratios(rows: Sequence[Figure]) -> Drawing:
    drawing, axis = plt.subplots(figsize=(10, 0.9 + 0.32 * len(rows)), layout="constrained")
    places = range(len(rows))
    axis.hlines(places, 1, [each.ratio for each in rows], color=_GRID, linewidth=6)
    colours = [_SHORT if each.is_short else _GOOD for each in rows]
    axis.scatter([each.ratio for each in rows], places, color=colours, zorder=3)
    for place, each in zip(places, rows, strict=True):
        if each.goal is not None:
            axis.plot([each.goal] * 2, [place - 0.35, place + 0.35], color=_INK, linewidth=2)
        axis.annotate(
            ratio(each.ratio), (each.ratio, place), (7, 0), textcoords="offset points", va="center"
        )
    axis.set(xscale="log", xlabel="times as long as the comparison; the bar is the goal")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("{x:g}")
    axis.set_yticks(places, labels=[each.name for each in rows])
    axis.invert_yaxis()
    axis.margins(x=0.1)
    axis.grid(visible=True, axis="x")
    return drawing
