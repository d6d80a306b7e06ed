"""Every block of code of the documentation and of docstrings is run by a test."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.config import CommandLine

from tests.support.blocks import Block, blocks_of
from tests.support.package import ROOT
from townhall import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
MODULES = sorted(ROOT.glob("src/**/*.py"))
GENERATED = "docs/reference/commands.md"
"""The page that is written from the commands and compared as a whole."""

_OTHER_HOST = "it names a host or a password of the reader's"
_INSTALLS = "it installs from a package index; the walk installs the wheel"
_OPTIONS = "the reader's database stands in it; its options are parsed, and tests/check runs them"

NOT_RUN = {
    ("docs/adopting.md", "What the look tells", "text"): "it is the beginning of a longer report",
    ("docs/backup.md", "Backup and restore", "shell"): (
        "it needs two servers; tests/migrations/test_backup.py runs the same programs"
    ),
    ("docs/checking.md", "Checking a database", "shell"): _OPTIONS,
    ("docs/checking.md", "Dangerous rules", "shell"): _OPTIONS,
    ("docs/checking.md", "As a scheduled job", "shell"): _OPTIONS,
    ("docs/checking.md", "It only reads", "shell"): _OPTIONS,
    ("docs/checking.md", "While a database is migrated, and before", "text"): (
        "it tells of processes and times; tests/check/test_migration.py makes such lines"
    ),
    ("docs/coaching.md", "An application", "shell"): _INSTALLS,
    ("docs/deployment.md", "Connections", "ini"): "it configures PgBouncer",
    ("docs/domains.md", "Add a domain", "shell"): (
        "it writes into the checkout; tests/examples/test_domain.py adds the domain to a copy"
    ),
    ("docs/migrating.md", "Writing a revision", "shell"): (
        "it writes a revision; docs/extending.md has the same command for its application"
    ),
    ("docs/postgresql.md", "A database and its owner", "sql"): _OTHER_HOST,
    ("docs/postgresql.md", "A database and its owner", "shell"): _OTHER_HOST,
    ("docs/start.md", "With the embedded PostgreSQL", "shell"): _INSTALLS,
    ("docs/start.md", "On a database of your own", "shell"): _INSTALLS,
    ("docs/supabase.md", "Migrate", "shell"): _OTHER_HOST,
    ("docs/supabase.md", "Log in", "shell"): _OTHER_HOST,
    ("docs/supabase.md", "Compare", "shell"): _OPTIONS,
    ("docs/testing.md", "Testing", "shell"): _INSTALLS,
}
"""Why the blocks under a heading of a page are not run, by page, heading and language."""

UNUSUAL = re.compile(r"\n\n {4,}\S[^\n]*|^(?:~~~| +```|````)[^\n]*", re.MULTILINE)
"""Code that is no fence of three backticks at the margin: indented code, and other fences."""

COMMAND = re.compile(r"^(?:\w+=\S+ )?(alembic|townhall) ((?:.*\\\n)*.*)$", re.MULTILINE)
"""A command of a block, which may go on in the next line."""

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


def declared(block: Block) -> tuple[str, str, str]:
    return (block.page, block.heading, block.language)


def test_every_block_is_run_or_there_is_a_reason() -> None:
    code = [block for block in blocks() if block.language != "{literalinclude}"]
    missed = [each for each in code if str(each) not in taken() and declared(each) not in NOT_RUN]
    assert list(map(str, missed)) == []


def test_block_that_is_not_run_exists() -> None:
    assert {declared(each) for each in blocks() if str(each) not in taken()} >= NOT_RUN.keys()


@pytest.mark.parametrize("block", [each for each in blocks() if declared(each) in NOT_RUN], ids=str)
def test_commands_that_are_not_run_have_options_that_exist(block: Block) -> None:
    for program, words in COMMAND.findall(block.text if block.language == "shell" else ""):
        given = shlex.split(words, comments=True)
        if program == "alembic":
            assert CommandLine().parser.parse_args(given).cmd
        else:
            name, *options = given
            parser = argparse.ArgumentParser(allow_abbrev=False)
            importlib.import_module(cli.COMMANDS[name][0]).add_arguments(parser)
            _, rest = parser.parse_known_args(options)
            assert name == "psql" or rest == []


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
