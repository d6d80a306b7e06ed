"""Errors of statements that are raised once their work is committed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Result
from sqlalchemy.orm import ORMExecuteState

RAISE_AFTER_COMMIT = "raise_after_commit"
"""The execution option of a statement part of whose work can fail without an error.

Its value takes the rows of the result and returns the exception to raise, or None. A session of our
factories raises it from ``commit()``, after the commit, unless the work is rolled back.
"""


def collect_errors(state: ORMExecuteState, errors: list[Exception]) -> Result[Any] | None:
    """Run a statement with the option, and add its error to those to raise.

    Args:
        state: The execution of any statement of a session.
        errors: The errors to raise after the commit.
    """
    error_of = state.execution_options.get(RAISE_AFTER_COMMIT)
    if error_of is None:
        return None
    result = state.invoke_statement().freeze()
    error = error_of(result().all())
    if error is not None:
        errors.append(error)
    return result()
