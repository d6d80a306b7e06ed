"""What a revision leaves out where its result is there.

In a second run the objects are as the revision has made them. One that it creates in the end may
use what it drops or changes in the beginning, and PostgreSQL refuses that step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO

from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from townhall.pg import sql
from townhall.pg.catalog import TRACES
from townhall.pg.current import as_current
from townhall.pg.dialect import quote_reserved_words
from townhall.pg.operations import run_unchanged
from townhall.pg.requirements import Requirement, guarded
from townhall.pg.script_context import script_context

_SETTING = "townhall.result_is_found"
_LINES = f"select thing || ' ' || trait from ({TRACES}) as t"


def find_result(*made: str, gone: Iterable[str] = ()) -> None:
    """Look whether the result of a revision is there; call it before its first step.

    Args:
        made: What its result has and the state before it has not, all of which is looked for:
            ``view public.seats uses table column public.events.id``.
        gone: What the state before it has and its result has not, none of which may be there.
    """
    block = (
        "\nbegin\n"
        "perform pg_catalog.set_config(\n"
        f"    {sql.literal(_SETTING)},\n"
        f"    (select {_array(made)} <@ t.lines and not {_array(gone)} && t.lines\n"
        f"    from (select array({_LINES}) as lines) as t)::text,\n"
        "    false\n"
        ");\n"
        "end\n"
    )
    run_unchanged(op.get_context(), [f"do {sql.dollar_quoted(block)}"])


def _array(lines: Iterable[str]) -> str:
    return f"array[{', '.join(map(sql.literal, lines))}]::text[]"


@contextmanager
def unless_found() -> Iterator[None]:
    """Leave out the steps within the block where ``find_result`` has found the result.

    A script has them in one statement that looks by itself.
    """
    context = op.get_context()
    if not context.as_sql and not _is_found(context):
        yield
        return
    script = StringIO()
    with as_current(Operations(_context_of_script(context, script))):
        yield
    if context.as_sql and (statements := script.getvalue().strip().removesuffix(";")):
        run_unchanged(context, [guarded(_NOT_FOUND, [statements])])


_NOT_FOUND = Requirement(
    "state before this revision",
    f"pg_catalog.current_setting({sql.literal(_SETTING)}, true) is distinct from 'true'",
)


def _is_found(context: MigrationContext) -> bool:
    assert context.connection is not None  # noqa: S101 - it is no script
    query = f"select not ({_NOT_FOUND.condition})"
    return bool(context.connection.exec_driver_sql(query).scalar())


def _context_of_script(context: MigrationContext, script: StringIO) -> MigrationContext:
    of_script = script_context(script, context.opts)
    quote_reserved_words(of_script.impl.dialect)
    return of_script
