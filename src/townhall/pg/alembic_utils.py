"""What is used of alembic-utils, which is imported here alone.

It registers a comparison with Alembic when it is imported, for every autogenerate of the process,
and that proposes to drop each entity of the database which was not registered with it. A program
that does not use alembic-utils must not get it by importing townhall, so it takes part only where
something was registered.
"""

from __future__ import annotations

import sys
from typing import Any

from alembic.autogenerate import comparators

_WAS_IMPORTED = "alembic_utils.replaceable_entity" in sys.modules

from alembic_utils.exceptions import SQLParseFailure  # noqa: E402 - whether others had imported it is asked first
from alembic_utils.pg_extension import PGExtension  # noqa: E402
from alembic_utils.pg_function import PGFunction  # noqa: E402
from alembic_utils.pg_grant_table import PGGrantTable  # noqa: E402
from alembic_utils.pg_materialized_view import PGMaterializedView  # noqa: E402
from alembic_utils.pg_policy import PGPolicy  # noqa: E402
from alembic_utils.pg_trigger import PGTrigger  # noqa: E402
from alembic_utils.pg_view import PGView  # noqa: E402
from alembic_utils.replaceable_entity import (  # noqa: E402
    ReplaceableEntity,
    compare_registered_entities,
    registry,
)
from alembic_utils.reversible_op import (  # noqa: E402
    CreateOp,
    DropOp,
    ReplaceOp,
    render_create_entity,
    render_drop_entity,
    render_replace_entity,
)

__all__ = [
    "COMPARISONS",
    "CreateOp",
    "DropOp",
    "PGExtension",
    "PGFunction",
    "PGGrantTable",
    "PGMaterializedView",
    "PGPolicy",
    "PGTrigger",
    "PGView",
    "ReplaceOp",
    "ReplaceableEntity",
    "SQLParseFailure",
    "compare_if_used",
    "is_used",
    "registry",
    "render_create_entity",
    "render_drop_entity",
    "render_replace_entity",
    "replace_comparison",
]


def compare_if_used(*arguments: Any) -> None:  # noqa: ANN401 - Alembic's
    """Run the comparison of alembic-utils where something was registered with it."""
    if is_used():
        compare_registered_entities(*arguments)


def is_used() -> bool:
    """Tell whether something was registered with alembic-utils."""
    return bool(registry.entities() or registry.schemas or registry.entity_types)


COMPARISONS = (compare_registered_entities, compare_if_used)
"""The comparison of alembic-utils, in both its forms."""


def replace_comparison(dispatcher: Any, replacement: Any | None) -> None:  # noqa: ANN401 - Alembic's
    """Replace the comparison of alembic-utils in a dispatcher of comparisons, or remove it.

    Args:
        dispatcher: Alembic's registry of comparisons: the one of the process, or that of a run.
        replacement: The function that takes its place; None to remove it.
    """
    for functions in dispatcher._registry.values():  # noqa: SLF001 - there is no public way
        functions[:] = [
            (replacement, *rest) if function in COMPARISONS else (function, *rest)
            for function, *rest in functions
            if replacement or function not in COMPARISONS
        ]


if not _WAS_IMPORTED:
    replace_comparison(comparators, compare_if_used)
