"""alembic-utils-extended, a fork of alembic-utils."""

from __future__ import annotations

from tests.benchmarks.autogenerate.tools import Declared, _alembic_utils
from tests.benchmarks.autogenerate.workload import Workload


def declare(workload: Workload) -> Declared:
    """Declare everything but row level security itself."""
    return _alembic_utils.declare("alembic_utils_extended", workload)
