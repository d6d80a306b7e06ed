"""What makes the pages readable on a narrow screen: pictures of their own, and labelled cells.

A narrow screen shows ``images/NAME-narrow.svg`` in place of ``images/NAME.svg``, where there is
one. Each cell of a table has the heading of its column in ``data-label``, which the style sheet
shows where the cells stand below each other; an empty cell has none, and is left out there.
"""

from __future__ import annotations

from html import escape
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.writers.html5 import HTML5Translator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

NARROW = "(max-width: 45em)"
"""When a screen is narrow, as in ``_static/reading.css``."""


class Translator(HTML5Translator):
    """Sphinx's writer of HTML with these two additions."""

    def visit_image(self, node: nodes.image) -> None:
        """Write a picture, and the one for narrow screens where there is one."""
        narrow = _narrow(str(node["uri"]))
        known = self.builder.env.images.get(narrow)
        if known is None:
            super().visit_image(node)
            return
        self.builder.images[narrow] = known[1]
        path = f"{self.builder.imgpath}/{known[1]}"
        self.body.append(f'<picture><source media="{NARROW}" srcset="{escape(path)}">')
        super().visit_image(node)
        self.body.append("</picture>")

    def visit_entry(self, node: nodes.entry) -> None:
        """Write a cell with the heading of its column."""
        super().visit_entry(node)
        label = node.get("label", "")
        if label and self.body[-1].startswith("<td"):
            self.body[-1] = self.body[-1].replace("<td", f'<td data-label="{escape(label)}"', 1)


def _narrow(uri: str) -> str:
    path = PurePosixPath(uri)
    return str(path.with_name(f"{path.stem}-narrow{path.suffix}"))


def _prepare(app: Sphinx, document: nodes.document) -> None:
    for image in document.findall(nodes.image):
        narrow = _narrow(str(image["uri"]))
        if (Path(app.srcdir) / narrow).is_file():
            app.env.images.add_file(app.env.docname, narrow)
    for table in document.findall(nodes.tgroup):
        _label(table)


def _label(table: nodes.Element) -> None:
    heads = [cell.astext() for cell in _cells(table, nodes.thead)]
    for row in table.findall(nodes.row):
        if isinstance(row.parent, nodes.tbody):
            for label, cell in zip(heads, row.findall(nodes.entry), strict=False):
                if cell.astext():
                    cell["label"] = label or "\u00a0"


def _cells(table: nodes.Element, part: type[nodes.Element]) -> Iterator[nodes.Element]:
    for each in table.findall(part):
        yield from each.findall(nodes.entry)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add it to Sphinx."""
    app.set_translator("html", Translator)
    app.connect("doctree-read", _prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
