"""Running a revision's functions within one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event

from townhall.migrate.contexts import connection_of
from townhall.pg.current import as_current
from townhall.pg.operations import WITHOUT_DATA

_CONCURRENTLY = re.compile(
    r"^(?P<before>\s*(?:create\s+(?:unique\s+)?index|drop\s+index|reindex\s+\S+))\s+concurrently\b",
    re.IGNORECASE,
)


class _TrialContext(MigrationContext):
    """A context whose steps all stay within one transaction."""

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Run the block in the transaction."""
        yield


@contextmanager
def trial_operations(context: MigrationContext) -> Iterator[None]:
    """Let Alembic's ``op`` run within the current transaction.

    What PostgreSQL runs outside of a transaction only, a concurrent build, runs in its plain form;
    the rows of materialized views are not computed.

    Args:
        context: The context of the run.
    """
    connection = connection_of(context)
    options = {**context.opts, WITHOUT_DATA: True, "as_sql": False}
    trial = _TrialContext(context.dialect, connection, options)
    event.listen(connection, "before_cursor_execute", _in_plain_form, retval=True)
    try:
        with as_current(Operations(trial)):
            yield
    finally:
        event.remove(connection, "before_cursor_execute", _in_plain_form)


def _in_plain_form(
    _connection: Connection,
    _cursor: Any,  # noqa: ANN401 - SQLAlchemy's
    statement: str,
    parameters: Any,  # noqa: ANN401 - SQLAlchemy's
    _context: object,
    _executemany: bool,  # noqa: FBT001 - SQLAlchemy's
) -> tuple[str, Any]:
    return _CONCURRENTLY.sub(r"\g<before>", statement), parameters
