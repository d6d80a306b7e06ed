"""The groups of measurements, each a module that declares one."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.frame import Group
from tests.benchmarks.groups import autogenerate, counters, reads, usage, writes

GROUPS: Sequence[Group] = (
    autogenerate.GROUP,
    reads.GROUP,
    writes.GROUP,
    counters.GROUP,
    usage.GROUP,
)
