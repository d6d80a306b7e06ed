"""A diagram of tables as SVG, as Markdown and as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from townhall.pictures import svg
from townhall.pictures.layout import Layout, Point, Size, arrange
from townhall.pictures.tables import ColumnShown, Diagram, TableShown
from townhall.printing import printable


class Detail(StrEnum):
    """Which columns a diagram shows."""

    ALL = "all"
    """Every column."""
    KEYS = "keys"
    """The primary key and the foreign keys."""
    NAMES = "names"
    """No column, but the tables that it refers to without a line."""


@dataclass(frozen=True)
class _Row:
    """A line of a box: a mark, a name, and what follows it."""

    mark: str
    name: str
    rest: str


@dataclass(frozen=True)
class _Box:
    """A table as it is drawn."""

    name: str
    rows: tuple[_Row, ...]

    @property
    def indent(self) -> int:
        """The characters from the left to what follows the names."""
        return max((len(row.name) for row in self.rows), default=0) + 3

    @property
    def size(self) -> Size:
        """The width and the height."""
        longest = max((self.indent + len(row.rest) for row in self.rows), default=0)
        width = max(longest, len(self.name)) * svg.CHARACTER + 2 * svg.PADDING
        return width, svg.height_of_box(len(self.rows))


def as_svg(diagram: Diagram, title: str, *, detail: Detail = Detail.ALL, width: float = 720) -> str:
    """Return a diagram as a file of SVG.

    Args:
        diagram: The diagram.
        title: What it shows, for those who can't see it.
        detail: Which columns are shown.
        width: How wide a row of tables is at most, in pixels; one that is wider has a row alone.

    Raises:
        InputError: Graphviz is not installed.
    """
    boxes = {table.name: _boxed(table, diagram, detail) for table in diagram.tables}
    sizes = {name: each.size for name, each in boxes.items()}
    layout = arrange(sizes, diagram.drawn, width)
    drawn = [
        *_lines(diagram, layout),
        *(part for name, each in boxes.items() for part in _drawn(each, layout.corners[name])),
    ]
    legend = [] if detail is Detail.NAMES else ["# primary key   → foreign key   ? may be null"]
    height = layout.height + svg.LINE * len(legend)
    notes = [svg.words(4, layout.height + 12, line, "soft") for line in legend]
    widest = max([layout.width, *(len(line) * svg.CHARACTER + 8 for line in legend)])
    return svg.document(widest, height, title, [*drawn, *notes])


def as_markdown(diagram: Diagram, *, detail: Detail = Detail.ALL) -> str:
    """Return a diagram as a block of Mermaid, which many sites draw.

    Args:
        diagram: The diagram.
        detail: Which columns are shown.
    """
    return "".join(
        f"{printable(line)}\n" for line in ["```mermaid", *_mermaid(diagram, detail), "```"]
    )


def as_text(diagram: Diagram, *, detail: Detail = Detail.ALL) -> str:
    """Return a diagram as text: each table with its columns and what they refer to.

    Args:
        diagram: The diagram.
        detail: Which columns are shown.
    """
    return "\n".join(
        "".join(f"{printable(line)}\n" for line in _as_text(table, detail))
        for table in diagram.tables
    )


def _boxed(table: TableShown, diagram: Diagram, detail: Detail) -> _Box:
    lines = {other for name, other in diagram.drawn if name == table.name}
    if detail is Detail.NAMES:
        named = [other for other in table.refers_to if other not in lines]
        return _Box(table.name, tuple(_Row("→", other, "") for other in named))
    return _Box(
        table.name,
        tuple(
            _Row(_mark(column), column.name, " → ".join([_type(column), *_named(column, lines)]))
            for column in _columns(table, detail)
        ),
    )


def _columns(table: TableShown, detail: Detail) -> Sequence[ColumnShown]:
    if detail is Detail.ALL:
        return table.columns
    if detail is Detail.NAMES:
        return [column for column in table.columns if column.refers_to]
    return [column for column in table.columns if column.is_key or column.refers_to]


def _mark(column: ColumnShown) -> str:
    return "#" if column.is_key else "→" if column.refers_to else " "


def _type(column: ColumnShown) -> str:
    return f"{column.type}?" if column.is_nullable else column.type


def _named(column: ColumnShown, lines: Iterable[str]) -> list[str]:
    return [name for name in column.refers_to if name not in lines]


def _lines(diagram: Diagram, layout: Layout) -> Iterator[str]:
    for name, other in diagram.drawn:
        points = layout.lines.get((name, other)) or layout.lines[(other, name)][::-1]
        yield from svg.arrow(points)


def _drawn(each: _Box, corner: Point) -> Iterator[str]:
    x, y = corner
    yield from svg.titled_box(corner, each.size, each.name)
    for number, row in enumerate(each.rows):
        line = svg.base_line(y, number)
        if row.mark.strip():
            yield svg.words(x + svg.PADDING, line, row.mark, "soft")
        yield svg.words(x + svg.PADDING + 2 * svg.CHARACTER, line, row.name)
        if row.rest:
            yield svg.words(x + svg.PADDING + each.indent * svg.CHARACTER, line, row.rest, "soft")


def _mermaid(diagram: Diagram, detail: Detail) -> Iterator[str]:
    yield "erDiagram"
    for table in diagram.tables:
        yield f'    "{table.name}" {{'
        for column in _columns(table, detail):
            keys = ", ".join(
                word
                for word, is_one in (("PK", column.is_key), ("FK", bool(column.refers_to)))
                if is_one
            )
            kind = "_".join("".join(c if c.isalnum() else " " for c in column.type).split())
            yield f"        {kind} {column.name} {keys}".rstrip()
        yield "    }"
    names = {table.name for table in diagram.tables}
    for table in diagram.tables:
        for column in table.columns:
            for other in column.refers_to:
                if other in names:
                    one = "|o" if column.is_nullable else "||"
                    yield f'    "{other}" {one}--o{{ "{table.name}" : "{column.name}"'


def _as_text(table: TableShown, detail: Detail) -> Iterator[str]:
    yield table.name
    columns = _columns(table, detail)
    names = max((len(column.name) for column in columns), default=0)
    types = max((len(_type(column)) for column in columns), default=0)
    for column in columns:
        target = f"→ {', '.join(column.refers_to)}" if column.refers_to else ""
        key = "#" if column.is_key else " "
        line = f"  {key} {column.name:{names}}  {_type(column):{types}}  {target}"
        yield line.rstrip()
