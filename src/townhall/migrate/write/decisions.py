"""The Python of a step that needs a hand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from alembic.autogenerate import render as alembic_render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation

from townhall.migrate.operations.decisions import Answer, LaterOp, UndecidedOp
from townhall.migrate.write.python_source import quoted, render_sql

_WIDTH = 88


def render_undecided(context: AutogenContext, operation: UndecidedOp) -> list[str]:
    """Render what is undecided, its usual answers, the call that refuses, and what follows it."""
    context.imports.add("from townhall import pg")
    steps = [line for step in operation.steps for line in alembic_render.render_op(context, step)]
    call = [
        *comment(f"UNDECIDED: {operation.difference}: {operation.reason}"),
        *_way(context, operation),
        f"pg.undecided({render_sql(operation.summary, 12)})",
    ]
    return [*steps, *call] if operation.is_way_back else [*call, *steps]


def render_later(context: AutogenContext, operation: LaterOp) -> list[str]:
    """Render a comment, and nothing that runs."""
    del context
    what = f"Generate another revision after this one is run, for {operation.summary}"
    return [*comment(what), "pass"]


def _way(context: AutogenContext, operation: UndecidedOp) -> Iterable[str]:
    if operation.is_way_back:
        yield from comment("Write the opposite of what upgrade() does in place of the call.")
        return
    yield from comment(
        "Write one of these or what fits in place of the call, and its opposite in downgrade():"
    )
    for answer in operation.answers:
        yield from _answer(answer)
    if operation.refused:
        yield from comment("PostgreSQL refused:")
        for refused in operation.refused:
            yield from _source(context, refused)


def _answer(answer: Answer) -> Iterable[str]:
    yield from comment(f"- {answer.what}:" if answer.statements else f"- {answer.what}.")
    for statement in answer.statements:
        yield from (f"#     {line}" for line in f"pg.execute({quoted(statement)})".split("\n"))


def _source(context: AutogenContext, operation: MigrateOperation) -> Iterable[str]:
    text = textwrap.dedent("\n".join(alembic_render.render_op(context, operation)))
    return (f"#     {line}".rstrip() for line in text.split("\n"))


def comment(text: str) -> Iterable[str]:
    """Yield the lines of a comment.

    Args:
        text: What it says.
    """
    for line in text.split("\n"):
        yield from (f"# {part}" for part in textwrap.wrap(line, _WIDTH) or [""])
