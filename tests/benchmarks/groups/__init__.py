"""The groups of measurements, each a module that declares one."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.frame import Group
from tests.benchmarks.groups import (
    autogenerate,
    contention,
    counters,
    growth,
    reads,
    tools,
    usage,
    writes,
)

GROUPS: Sequence[Group] = (
    autogenerate.GROUP,
    tools.GROUP,
    reads.GROUP,
    writes.GROUP,
    contention.GROUP,
    counters.GROUP,
    usage.GROUP,
)

LONG_GROUPS: Sequence[Group] = (growth.GROUP,)
"""Those that are measured in a long run only, or by their name."""
