"""Every block of code of the documentation and of docstrings is run by a test."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.blocks import Block, blocks_of
from tests.support.package import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
MODULES = sorted(ROOT.glob("src/**/*.py"))
GENERATED = "docs/reference/commands.md"
"""The page that is written from the commands and compared as a whole."""

UNUSUAL = re.compile(r"\n\n {4,}\S[^\n]*|^(?:~~~| +```|````)[^\n]*", re.MULTILINE)
"""Code that is no fence of three backticks at the margin: indented code, and other fences."""

EXAMPLE = re.compile(r'"examples" / "(\w+)"')
"""The folder of an example, as the test that runs it names it."""

SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("tests/**/*.py"))}


@cache
def blocks() -> list[Block]:
    found = (str(path.relative_to(ROOT)) for path in (*PAGES, *MODULES))
    return [block for name in found if name != GENERATED for block in blocks_of(name)]


@cache
def taken() -> frozenset[str]:
    """Return the places of the blocks that a test takes."""
    return frozenset(map(str, _taken()))


def _taken() -> Iterator[Block]:
    """Yield the blocks that a test takes by arguments that can be read without running it."""
    for source in SOURCES.values():
        for node in ast.walk(ast.parse(source)) if "blocks_of(" in source else ():
            match node:
                case ast.Call(func=ast.Name("blocks_of"), args=[ast.Constant(), *_]):
                    values: list[Any] = [ast.literal_eval(each) for each in node.args]
                    named = {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
                    yield from blocks_of(*values, **named)


def test_every_block_is_run() -> None:
    code = [block for block in blocks() if block.language != "{literalinclude}"]
    assert [str(each) for each in code if str(each) not in taken()] == []


def test_file_that_is_shown_is_of_an_example_that_a_test_runs() -> None:
    run = {name for source in SOURCES.values() for name in EXAMPLE.findall(source)}
    shown = {block for block in blocks() if block.language == "{literalinclude}"}
    assert shown
    for block in shown:
        assert block.caption
        assert block.caption.split("/")[1] in run, str(block)


def test_block_names_its_language() -> None:
    assert [str(block) for block in blocks() if not block.language] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_code_is_in_fences_at_the_margin(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert UNUSUAL.findall(outside) == []
