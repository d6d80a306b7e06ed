"""The blocks of code of the documentation: those of pages, and those of docstrings.

A test takes the blocks that it runs by :func:`blocks_of` with literal arguments, by which
``tests/structure/test_blocks.py`` finds out which blocks no test runs.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.support.package import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_INFO = re.compile(
    r"(?:\{code-block\} )?(?P<language>\w*)|(?P<include>\{literalinclude\}) (?P<file>\S+)"
)
_OPTIONS = re.compile(
    r"\A:caption: (?P<caption>[^\n]+)\n(?::emphasize-lines: (?P<lines>[\d,]+)\n)?\n"
)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LITERAL = re.compile(r"::\n\n(?P<text>(?:(?: {4}.*)?\n)+)")
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: The file that it is in, below the repository.
        line: The line of the file above its first one.
        heading: The heading that it is under; for a docstring, the name of what it documents.
        language: What it is written in; ``text`` is output.
        caption: The file or the terminal that it is for, if the page says so.
        text: What it consists of.
        emphasized: The numbers of the lines that are marked in it, from 1.
    """

    page: str
    line: int
    heading: str
    language: str
    caption: str | None
    text: str
    emphasized: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return where the block is."""
        return f"{self.page}:{self.line}"

    def with_values(self, values: Mapping[str, str]) -> Block:
        """Return the block with values of a test in place of those that a reader replaces.

        Args:
            values: By what the page shows, which must be in the block.
        """
        text = self.text
        for shown, value in values.items():
            assert shown in text, f"{self} has no {shown}"
            text = text.replace(shown, value)
        return replace(self, text=text)


def blocks_of(page: str, *languages: str, under: str | None = None) -> list[Block]:
    """Return the blocks of a page or of the docstrings of a module, in order.

    Args:
        page: The Markdown file or the module, below the repository.
        *languages: The languages of the blocks; all, if none is named.
        under: The heading that the blocks are under.
    """
    source = (ROOT / page).read_text(encoding="utf-8")
    found = _of_docstrings(page, source) if page.endswith(".py") else _of_page(page, source)
    return [
        block
        for block in found
        if (not languages or block.language in languages) and under in {None, block.heading}
    ]


def run_blocks(blocks: Iterable[Block], **names: object) -> dict[str, object]:
    """Run blocks of Python one after the other, each with the names of those before.

    Args:
        blocks: The blocks, which may wait as the coroutine of an application does.
        **names: Names that the blocks use without defining them.

    Returns:
        The names with their values after the last block.
    """
    for block in blocks:
        source = "\n" * block.line + block.text  # so that a traceback has the line of the page
        code = compile(
            source, block.page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
        waiting = eval(code, names)  # noqa: S307  our own documentation
        if inspect.iscoroutine(waiting):
            asyncio.run(waiting)
    return names


def _of_page(page: str, source: str) -> Iterator[Block]:
    heading, after = "", 0
    for fence in _FENCE.finditer(source):
        for each in _HEADING.finditer(source, after, fence.start()):
            heading = each[1]
        after = fence.end()
        info = _INFO.fullmatch(fence["info"])
        if info is None:  # a directive that has no code
            continue
        options = _OPTIONS.match(fence["text"])
        before = fence.start("text") + (options.end() if options else 0)
        yield Block(
            page=page,
            line=source.count("\n", 0, before),
            heading=heading,
            language=info["include"] or info["language"],
            caption=info["file"] or (options["caption"] if options else None),
            text=_OPTIONS.sub("", fence["text"]),
            emphasized=_numbers(options["lines"] if options else None),
        )


def _numbers(lines: str | None) -> tuple[int, ...]:
    return tuple(map(int, lines.split(","))) if lines else ()


def _of_docstrings(page: str, source: str) -> Iterator[Block]:
    for node in ast.walk(ast.parse(source)) if "::\n" in source else ():
        if not isinstance(node, _DOCUMENTED) or not ast.get_docstring(node):
            continue
        statement = node.body[0]
        docstring = inspect.cleandoc(ast.literal_eval(ast.unparse(statement))) + "\n"
        for match in _LITERAL.finditer(docstring):
            line = statement.lineno - 1 + docstring.count("\n", 0, match.start("text"))
            name = getattr(node, "name", "")
            text = textwrap.dedent(match["text"]).strip("\n") + "\n"
            yield Block(page, line, name, "python", None, text)
