"""The context of a script in memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from io import StringIO
from typing import Any

from alembic.runtime import migration
from alembic.runtime.migration import MigrationContext


def script_context(script: StringIO, options: Mapping[str, Any] | None = None) -> MigrationContext:
    """Return a context whose operations are written down and not run.

    Alembic logs each context that is made; of this one the command line does not tell.

    Args:
        script: What is written.
        options: Further options of the context.
    """
    log = logging.getLogger(migration.__name__)
    was_disabled, log.disabled = log.disabled, True
    try:
        return MigrationContext.configure(
            dialect_name="postgresql",
            dialect_opts={"paramstyle": "named"},
            opts={
                **(options or {}),
                "as_sql": True,
                "literal_binds": True,
                "output_buffer": script,
            },
        )
    finally:
        log.disabled = was_disabled
