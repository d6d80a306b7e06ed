"""Drawings as SVG: readable in light and dark, and without the fonts that a text is measured with.

A drawing has no background, and its colours follow ``prefers-color-scheme``. Text is monospaced: in
every common font each character is 0.6 of the font's size wide. Coordinates are rounded, so that a
drawing is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from townhall.printing import printable

FONT_SIZE = 12
"""The size of text in user units, which are pixels where nothing scales the picture."""

CHARACTER = 0.6 * FONT_SIZE
"""The width of a character in user units."""

LINE = 17
"""The height of a line of text in user units."""

HEAD = 22
"""The height of the head of a titled box in user units."""

PADDING = 8
"""The space between the edge of a titled box and its text in user units."""

_STYLE = """\
svg { color: #1f2328; }
text { fill: currentColor; white-space: pre; \
font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.strong { font-weight: 700; }
.soft { fill: #59636e; }
.box { fill: #8080801a; stroke: #8c959f; }
.head { fill: #0969da26; stroke: #8c959f; }
.line { fill: none; stroke: #59636e; }
.tip { fill: #59636e; }
.all { fill: #1a7f37; stroke: #1a7f37; }
.some { fill: #0969da; stroke: #0969da; }
.none { fill: none; stroke: #8c959f; }
.mark { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
svg { color: #e6edf3; }
.soft, .tip { fill: #9ea7b3; }
.line { stroke: #9ea7b3; }
.box, .head, .none { stroke: #6e7681; }
.head { fill: #4493f840; }
.all { fill: #3fb950; stroke: #3fb950; }
.some { fill: #4493f8; stroke: #4493f8; }
.mark { fill: #0d1117; }
}"""


def document(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """Return a drawing as a file.

    Args:
        width: Its width in user units.
        height: Its height in user units.
        title: What it shows, for those who can't see it.
        parts: What is on it, in the order in which it is drawn.
    """
    size = f'width="{number(width)}" height="{number(height)}"'
    view = f'viewBox="0 0 {number(width)} {number(height)}"'
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">',
        f"<title>{escape(printable(title))}</title>",
        f"<style>{_STYLE}</style>",
        *parts,
        "</svg>",
    )
    return "".join(f"{line}\n" for line in lines)


def number(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def words(x: float, y: float, text: str, style: str = "", *, anchor: str = "") -> str:
    """Return a line of text.

    Args:
        x: Where it begins, or its middle or end where it is anchored there.
        y: Its base line.
        text: The text.
        style: The classes of its style.
        anchor: ``middle`` or ``end``.
    """
    classes = f' class="{style}"' if style else ""
    place = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{number(x)}" y="{number(y)}"{classes}{place}>{escape(printable(text))}</text>'


def box(corner: tuple[float, float], size: tuple[float, float], style: str = "box") -> str:
    """Return a rectangle with rounded corners.

    Args:
        corner: Its upper left corner.
        size: Its width and height.
        style: The class of its style.
    """
    (x, y), (width, height) = corner, size
    return (
        f'<rect class="{style}" x="{number(x)}" y="{number(y)}" width="{number(width)}"'
        f' height="{number(height)}" rx="4"/>'
    )


def titled_box(corner: tuple[float, float], size: tuple[float, float], title: str) -> Iterator[str]:
    """Yield a rectangle with a title in its head.

    Args:
        corner: Its upper left corner.
        size: Its width and height, with the head.
        title: The title.
    """
    (x, y), (width, _) = corner, size
    yield box(corner, size)
    yield box(corner, (width, HEAD), "head")
    yield words(x + PADDING, y + 15, title, "strong")


def height_of_box(lines: int) -> float:
    """Return the height of a titled box.

    Args:
        lines: The number of the lines of text below its head.
    """
    return HEAD + (lines * LINE + PADDING if lines else 0)


def base_line(top: float, number: int) -> float:
    """Return the base line of a line of text in a titled box.

    Args:
        top: The top of the box.
        number: The number of the line, from 0.
    """
    return top + HEAD + (number + 1) * LINE - 2


def arrow(points: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Yield a smooth line with a tip at its end.

    Args:
        points: The control points of a cubic B-spline, as Graphviz gives them: the first, and three
            for each piece.
    """
    first, *rest = (f"{number(x)},{number(y)}" for x, y in points)
    yield f'<path class="line" d="M{first} C{" ".join(rest)}"/>'
    yield _tip(points[-2], points[-1])


def _tip(before: tuple[float, float], end: tuple[float, float], size: float = 7) -> str:
    """Return a triangle at the end of a line."""
    across, down = end[0] - before[0], end[1] - before[1]
    length = (across**2 + down**2) ** 0.5 or 1
    across, down = across / length * size, down / length * size
    corners = (
        end,
        (end[0] - across + down / 2.5, end[1] - down - across / 2.5),
        (end[0] - across - down / 2.5, end[1] - down + across / 2.5),
    )
    return f'<path class="tip" d="M{" L".join(f"{number(x)},{number(y)}" for x, y in corners)} Z"/>'
