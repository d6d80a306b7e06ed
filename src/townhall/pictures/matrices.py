"""An access matrix as SVG, as Markdown and as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from townhall.pictures import svg
from townhall.pictures.access import COMMANDS, EVERY_ROW, Accessed, Reach
from townhall.pictures.layout import Size, in_columns
from townhall.printing import printable

_VERBS = {"select": "read", "insert": "insert", "update": "update", "delete": "delete"}
_WIDTH = 372
_CELL = 15
_STEP = 18
_LEGEND = ("R read  I insert  U update  D delete", "green: every row   blue: the rows named")


def as_svg(accessed: Sequence[Accessed], title: str, *, width: float = _WIDTH) -> str:
    """Return an access matrix as a file of SVG.

    Args:
        accessed: The tables and views.
        title: What it shows, for those who can't see it.
        width: How wide it may be, in pixels; tables are side by side where there is room.
    """
    blocks = {each.name: _Block(each) for each in accessed}
    sizes = {name: block.size for name, block in blocks.items()}
    layout = in_columns(sizes, list(sizes), width)
    legend = len(_LEGEND) * svg.LINE + 8
    parts = [
        svg.words(4, number * svg.LINE + 14, line, "soft") for number, line in enumerate(_LEGEND)
    ]
    for name, (x, y) in layout.corners.items():
        parts += blocks[name].drawn(x, y + legend)
    return svg.document(layout.width, layout.height + legend, title, parts)


def as_markdown(accessed: Iterable[Accessed]) -> str:
    """Return an access matrix as a table of Markdown.

    Args:
        accessed: The tables and views.
    """
    head = "".join(f" {_VERBS[command]} |" for command in COMMANDS)
    lines = [f"| table | role |{head}", f"|---|---|{'---|' * len(COMMANDS)}"]
    for each in accessed:
        for number, reach in enumerate(each.reaches):
            cells = "".join(
                f" {reach.words.get(command, 'no').replace('|', chr(92) + '|')} |"
                for command in COMMANDS
            )
            name = f" `{each.name}` " if number == 0 else "  "
            lines.append(f"|{name}| `{reach.role}` |{cells}")
    return "".join(f"{printable(line)}\n" for line in lines)


def as_text(accessed: Iterable[Accessed]) -> str:
    """Return an access matrix as text: for each table the commands of each role.

    Args:
        accessed: The tables and views.
    """
    return "\n".join(
        "".join(f"{printable(line)}\n" for line in (_titled(each), *_lines_of(each)))
        for each in accessed
    )


def _titled(each: Accessed) -> str:
    return each.name if each.kind == "table" else f"{each.name} ({each.kind})"


def _lines_of(each: Accessed) -> Iterator[str]:
    roles = max((len(reach.role) for reach in each.reaches), default=0)
    for reach in each.reaches:
        groups = reach.grouped() or {"": []}
        for number, (words, commands) in enumerate(groups.items()):
            role = reach.role if number == 0 else ""
            yield f"  {role:{roles}}  {_verbs(commands) or 'nothing':28}  {words}".rstrip()


def _verbs(commands: Sequence[str]) -> str:
    return ", ".join(_VERBS[command] for command in commands)


class _Block:
    """A table of the picture: its name, and for each role four marks and what they mean."""

    def __init__(self, accessed: Accessed) -> None:
        self._accessed = accessed
        self._notes = {reach.role: tuple(_notes(reach)) for reach in accessed.reaches}

    @property
    def size(self) -> Size:
        """The width and the height."""
        lines = 1 + sum(1 + len(notes) for notes in self._notes.values())
        return _WIDTH, lines * _STEP + 12

    def drawn(self, x: float, y: float) -> Iterator[str]:
        """Yield the parts of the drawing.

        Args:
            x: The left of the block.
            y: Its top.
        """
        yield from svg.titled_box((x, y), self.size, _titled(self._accessed))
        line = y + svg.HEAD + 4
        for reach in self._accessed.reaches:
            yield svg.words(x + svg.PADDING, line + 12, reach.role)
            yield from _marks(reach, x + _WIDTH - svg.PADDING - len(COMMANDS) * _STEP, line)
            line += _STEP
            for note in self._notes[reach.role]:
                yield svg.words(x + 2 * svg.PADDING, line + 11, note, "soft")
                line += _STEP


def _notes(reach: Reach) -> Iterator[str]:
    """Yield which rows a role reaches, in lines that fit into a block."""
    longest = int((_WIDTH - 3 * svg.PADDING) / svg.CHARACTER)
    for words, commands in reach.grouped().items():
        if words != EVERY_ROW:
            yield from textwrap.wrap(
                f"{_verbs(commands)}: {words}", longest, subsequent_indent="  "
            )


def _marks(reach: Reach, x: float, y: float) -> Iterator[str]:
    for number, command in enumerate(COMMANDS):
        words = reach.words.get(command)
        style = "none" if words is None else "all" if words == EVERY_ROW else "some"
        left = x + number * _STEP
        yield svg.box((left, y), (_CELL, _CELL), style)
        if words is not None:
            letter = _VERBS[command][0].upper()
            yield svg.words(left + _CELL / 2, y + 11.5, letter, "strong mark", anchor="middle")
