"""Alembic itself, which compares the tables and nothing else."""

from __future__ import annotations

from benchmarks.tools import Declared
from benchmarks.workload import Workload


def declare(workload: Workload) -> Declared:
    """Declare the tables."""
    return Declared(workload.metadata(), 0, {})
