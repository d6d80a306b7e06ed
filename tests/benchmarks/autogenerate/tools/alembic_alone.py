"""Alembic itself, which compares the tables and nothing else."""

from __future__ import annotations

from tests.benchmarks.autogenerate.tools import Declared
from tests.benchmarks.autogenerate.workload import Workload


def declare(workload: Workload) -> Declared:
    """Declare the tables."""
    return Declared(workload.metadata(), 0, {})
