"""Where the boxes of a drawing are, and how lines run between them: by Graphviz.

Graphviz is told the sizes of the boxes and measures no text, so that a layout
depends on no font.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from townhall.input_error import InputError

Point = tuple[float, float]
Size = tuple[float, float]

_POINTS_PER_INCH = 72
_MARGIN = 4
_GAP = 16


@dataclass(frozen=True)
class Layout:
    """The places of what a drawing shows, in user units from its upper left corner.

    Attributes:
        width: The width of the drawing.
        height: The height of the drawing.
        corners: The upper left corner of each box.
        lines: The control points of each line, from its first box to its second.
    """

    width: float
    height: float
    corners: Mapping[str, Point]
    lines: Mapping[tuple[str, str], tuple[Point, ...]]


def arrange(sizes: Mapping[str, Size], lines: Iterable[tuple[str, str]], width: float) -> Layout:
    """Return a layout of boxes in rows, from the top to the bottom.

    What lines connect is laid out by Graphviz, each part for itself; the parts are stacked, and
    boxes without a line fill columns below them.

    Args:
        sizes: The width and height of each box in user units, in their order.
        lines: From which box to which there are lines.
        width: How wide a row is at most; a box that is wider has a row alone.

    Raises:
        InputError: Graphviz is not installed.
    """
    lines = tuple(dict.fromkeys(lines))
    parts = _parts(sizes, lines)
    alone = [part[0] for part in parts if len(part) == 1]
    blocks = [_connected(sizes, part, lines, width) for part in parts if len(part) > 1]
    if alone:
        blocks.append(in_columns(sizes, alone, width))
    return _stacked(blocks)


def _parts(names: Iterable[str], lines: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the boxes that lines connect, part by part and in their order."""
    part_of = {name: [name] for name in names}
    for ends in lines:
        first, second = (part_of[end] for end in ends)
        if first is not second:
            first.extend(second)
            part_of.update(dict.fromkeys(second, first))
    order = {name: number for number, name in enumerate(part_of)}
    unique = {id(part): sorted(part, key=order.__getitem__) for part in part_of.values()}
    return list(unique.values())


def _connected(
    sizes: Mapping[str, Size], part: Sequence[str], lines: Iterable[tuple[str, str]], width: float
) -> Layout:
    own = {name: sizes[name] for name in part}
    between = [ends for ends in lines if ends[0] in own]
    names = {name: f"b{number}" for number, name in enumerate(own)}
    found = _laid_out("\n".join(_graph(own, _rows(own, width), between, names)))
    return _read(found, own, {short: name for name, short in names.items()})


def _rows(sizes: Mapping[str, Size], width: float) -> list[list[str]]:
    rows: list[list[str]] = []
    taken = width + 1
    for name, (needed, _) in sizes.items():
        if taken + needed > width:
            rows.append([])
            taken = 0
        rows[-1].append(name)
        taken += needed + _GAP
    return rows


def in_columns(sizes: Mapping[str, Size], names: Sequence[str], width: float) -> Layout:
    """Return a layout of boxes without lines, each in the column that is the shortest.

    Args:
        sizes: The width and height of each box in user units.
        names: The boxes in their order.
        width: How wide the columns are together at most.
    """
    if not names:
        return Layout(0, 0, {}, {})
    widest = max(sizes[name][0] for name in names)
    count = min(len(names), max(1, int((width + _GAP) // (widest + _GAP))))
    heights = [0.0] * count
    corners: dict[str, Point] = {}
    for name in names:
        column = heights.index(min(heights))
        corners[name] = (column * (widest + _GAP) + _MARGIN, heights[column] + _MARGIN)
        heights[column] += sizes[name][1] + _GAP
    full = count * (widest + _GAP) - _GAP
    return Layout(full + 2 * _MARGIN, max(heights) - _GAP + 2 * _MARGIN, corners, {})


def _stacked(blocks: Sequence[Layout]) -> Layout:
    """Return layouts below each other, each in the middle."""
    full = max((block.width for block in blocks), default=0)
    top = 0.0
    corners: dict[str, Point] = {}
    lines: dict[tuple[str, str], tuple[Point, ...]] = {}
    for block in blocks:
        left = (full - block.width) / 2
        corners |= {name: (x + left, y + top) for name, (x, y) in block.corners.items()}
        for ends, points in block.lines.items():
            lines[ends] = tuple((x + left, y + top) for x, y in points)
        top += block.height + _GAP
    return Layout(full, max(top - _GAP, 0), corners, lines)


def _graph(
    sizes: Mapping[str, Size],
    rows: Sequence[Sequence[str]],
    lines: Iterable[tuple[str, str]],
    names: Mapping[str, str],
) -> Iterator[str]:
    """Yield the lines of a description in Graphviz's language."""
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    yield "digraph {"
    yield "graph [rankdir=TB, nodesep=0.22, ranksep=0.36, splines=spline, outputorder=nodesfirst];"
    yield 'node [shape=box, fixedsize=true, label=""]; edge [dir=none];'
    for name, (width, height) in sizes.items():
        inches = f"width={width / _POINTS_PER_INCH:.4f}, height={height / _POINTS_PER_INCH:.4f}"
        yield f"{names[name]} [{inches}];"
    for row in rows:
        yield f"{{ rank=same; {'; '.join(names[name] for name in row)}; }}"
    for upper, lower in pairwise(rows):
        yield f"{names[upper[0]]} -> {names[lower[0]]} [style=invis, weight=1];"
    for first, second in lines:
        ends = sorted((first, second), key=row_of.__getitem__)
        yield f"{names[ends[0]]} -> {names[ends[1]]};"
    yield "}"


def _laid_out(graph: str) -> str:
    try:
        import pygraphviz  # noqa: PLC0415 - of an extra, and takes a while to load
    except ImportError:
        raise InputError(
            "Graphviz, which lays out a diagram, is not installed: pip install 'townhall[diagrams]'"
        ) from None
    plain = pygraphviz.AGraph(string=graph).draw(format="plain", prog="dot")
    return str(plain or b"", "utf-8")


def _read(plain: str, sizes: Mapping[str, Size], names: Mapping[str, str]) -> Layout:
    """Return the layout in what Graphviz wrote, whose lengths are inches from the lower left."""
    height = 0.0
    width = 0.0
    corners: dict[str, Point] = {}
    lines: dict[tuple[str, str], tuple[Point, ...]] = {}
    for line in plain.splitlines():
        kind, *fields = shlex.split(line)
        if kind == "graph":
            width, height = (float(field) * _POINTS_PER_INCH for field in fields[1:3])
        elif kind == "node":
            middle = _points(fields[1:3], height)[0]
            name = names[fields[0]]
            size = sizes[name]
            corners[name] = (middle[0] - size[0] / 2, middle[1] - size[1] / 2)
        elif kind == "edge" and fields[-2] != "invis":
            count = int(fields[2])
            ends = (names[fields[0]], names[fields[1]])
            lines[ends] = _points(fields[3 : 3 + 2 * count], height)
    return Layout(width + 2 * _MARGIN, height + 2 * _MARGIN, corners, lines)


def _points(fields: Sequence[str], height: float) -> tuple[Point, ...]:
    numbers = [float(field) * _POINTS_PER_INCH for field in fields]
    return tuple(
        (x + _MARGIN, height - y + _MARGIN)
        for x, y in zip(numbers[::2], numbers[1::2], strict=True)
    )
