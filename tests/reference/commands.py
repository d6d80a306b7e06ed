"""The page of the commands, from their parsers, and of the options of Alembic's commands."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import townhall.migrate
from townhall.cli import COMMANDS

X_OPTIONS = {
    "url": "The database, before `DATABASE_URL` and `sqlalchemy.url` of `alembic.ini`.",
    "lock_timeout": "How long a statement waits for a lock before the revision is given up, as"
    " PostgreSQL writes durations; for a comparison how long each attempt waits.",
    "wait": "How long a command waits for another migration of the database: seconds, or a duration"
    " as PostgreSQL writes it. 0 is not to wait.",
    "live": "`no`: a generated revision changes tables as Alembic does, without regard to locks.",
}
"""The options that follow ``-x`` of Alembic's commands, with what they are for."""

_HEAD = """\
# Commands

Every command of `townhall` with its options and exit status, made from the parsers by
`make reference`. The database is the first that is named: by `--url`, by `DATABASE_URL`, by
`sqlalchemy.url` of `alembic.ini`; else it is the embedded server.

## Exit status

| status | meaning |
|---|---|
| 0 | The command did what it was asked for. |
| 1 | Only of commands below that say so; or a fault of the program, with its traceback. |
| 2 | It failed, which one paragraph explains, or its arguments are wrong. |
| 128 and more | A signal ended it: 130 for Ctrl-C, 143 for a request to end. |
"""

_RETURNS = re.compile(r"Returns:\n(.*?)(?:\n\n|\Z)", re.DOTALL)


def page() -> str:
    """Return the text of the page."""
    lines = [_HEAD, *(line for name in COMMANDS for line in _command(name)), *_of_alembic()]
    return "".join(f"{line}\n" for line in lines).rstrip("\n") + "\n"


def used_x_options() -> set[str]:
    """Return the names of the options that the package reads from ``-x``."""
    package = Path(townhall.migrate.__file__).parent
    return {
        node.args[0].value
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "arguments.get"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def _command(name: str) -> Iterator[str]:
    module, summary = COMMANDS[name]
    command = importlib.import_module(module)
    parser = argparse.ArgumentParser(prog=f"townhall {name}", add_help=False)
    command.add_arguments(parser)
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    yield f"## townhall {name}\n\n{summary}\n\n```text\n{usage}\n```\n"
    rows = [_option(action) for action in parser._actions]  # noqa: SLF001 - there is no public list
    if rows:
        yield "| argument | what it is |\n|---|---|"
        yield from rows
        yield ""
    returns = _RETURNS.search(inspect.getdoc(getattr(command, name)) or "")
    if returns is not None:
        yield f"Exit status: {' '.join(returns[1].split())}\n"


def _option(action: argparse.Action) -> str:
    value = ""
    if action.nargs != 0:
        choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else None
        given = action.metavar or choices or action.dest.upper()
        value = str(given)
    names = ", ".join(
        f"`{' '.join(filter(None, (each, value)))}`" for each in action.option_strings
    )
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
    return f"| {names or f'`{value}`'} | {text[:1].upper()}{text[1:]}. |".replace("..", ".")


def _of_alembic() -> Iterator[str]:
    yield (
        "## alembic -x\n\nAlembic's own commands take these as `alembic -x NAME=VALUE …`,"
        " where `env.py` calls `townhall.migrate.run()`.\n\n| option | what it is |\n|---|---|"
    )
    for name, text in sorted(X_OPTIONS.items()):
        yield f"| `{name}` | {text} |"
    yield (
        "\nExit status: as Alembic's, 0 or 1; `alembic check` has 1 where there are differences.\n"
    )
