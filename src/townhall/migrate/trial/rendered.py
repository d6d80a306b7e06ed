"""The functions of a revision as Python, exactly as they are going to be written."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from types import TracebackType
from typing import Any

import sqlalchemy
from alembic import op
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation
from alembic.operations.ops import MigrationScript, OpContainer
from alembic.runtime.migration import MigrationContext

from townhall.migrate.write.rendering import render_body, render_item

_FILE = "<revision>"
_DEFAULTS: dict[str, Any] = {
    "alembic_module_prefix": "op.",
    "sqlalchemy_module_prefix": "sa.",
    "user_module_prefix": None,
    "render_as_batch": False,
    "render_item": render_item,
}
"""Alembic's defaults, which a context without an ``env.py`` does not have."""


@dataclass(frozen=True)
class Step:
    """An operation as it is written.

    Attributes:
        operation: The operation.
        source: Its Python statements, each line indented as in the function.
    """

    operation: MigrateOperation
    source: str


@dataclass(frozen=True)
class Function:
    """``upgrade()`` or ``downgrade()``.

    Attributes:
        steps: Its steps, in order.
        imports: The imports of the revision, beside ``op`` and ``sa``.
    """

    steps: Sequence[Step]
    imports: str

    @cached_property
    def source(self) -> str:
        """The Python that defines ``run()``."""
        body = "\n".join(step.source for step in self.steps) or "    pass"
        return f"def run():\n{body}\n"

    def run(self) -> None:
        """Execute the function with Alembic's current ``op``."""
        namespace: dict[str, Any] = {"op": op, "sa": sqlalchemy}
        exec(self.imports, namespace)  # noqa: S102 - what is going to be written is tried
        exec(compile(self.source, _FILE, "exec"), namespace)  # noqa: S102 - likewise
        namespace["run"]()

    def failed_step(self, traceback: TracebackType | None) -> Step | None:
        """Return the step in which an error was raised.

        Args:
            traceback: The traceback of the error.
        """
        line = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == _FILE:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        if line is None:
            return None
        ends = accumulate((step.source.count("\n") + 1 for step in self.steps), initial=1)
        return next(
            (step for step, end in zip(self.steps, list(ends)[1:], strict=True) if line <= end),
            None,
        )


def rendered(
    context: MigrationContext, script: MigrationScript, operations: OpContainer
) -> Function:
    """Return a function of a revision as Alembic is going to write it.

    Args:
        context: The context of the run.
        script: The revision.
        operations: The operations of its upgrade or downgrade.
    """
    autogen = AutogenContext(context, opts={**_DEFAULTS, **context.opts}, autogenerate=False)
    autogen.imports = set(script.imports or ())
    steps = _steps(autogen, operations)
    return Function(steps, "\n".join(sorted(autogen.imports)))


def _steps(autogen: AutogenContext, operations: OpContainer) -> list[Step]:
    return [
        Step(operation, source)
        for operation in operations.ops
        if (source := _source(autogen, operation))
    ]


def _source(autogen: AutogenContext, operation: MigrateOperation) -> str:
    return textwrap.indent(render_body(autogen, [operation]), "    ")
