"""A picture of steps that follow each other, from the top to the bottom."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from townhall.pictures import svg
from townhall.pictures.layout import arrange


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        title: What happens, in a few words.
        lines: What there is to know about it, wrapped where it is too long.
    """

    title: str
    lines: tuple[str, ...] = ()


def as_svg(steps: Sequence[Step], title: str, *, width: float = 372) -> str:
    """Return the picture as a file of SVG.

    Args:
        steps: The steps.
        title: What it shows, for those who can't see it.
        width: The width of each step in pixels.

    Raises:
        InputError: Graphviz is not installed.
    """
    longest = int((width - 2 * svg.PADDING) / svg.CHARACTER)
    texts = {step.title: tuple(_wrapped(step, longest)) for step in steps}
    sizes = {name: (width, svg.height_of_box(len(lines))) for name, lines in texts.items()}
    names = list(sizes)
    layout = arrange(sizes, pairwise(names), width)
    parts = [part for points in layout.lines.values() for part in svg.arrow(points)]
    for name, (x, y) in layout.corners.items():
        parts += svg.titled_box((x, y), sizes[name], name)
        parts += [
            svg.words(x + svg.PADDING, svg.base_line(y, number), line, "soft")
            for number, line in enumerate(texts[name])
        ]
    return svg.document(layout.width, layout.height, title, parts)


def _wrapped(step: Step, longest: int) -> Iterator[str]:
    for line in step.lines:
        indent = " " * (len(line) - len(line.lstrip()))
        yield from textwrap.wrap(line, longest, subsequent_indent=f"{indent}  ")
