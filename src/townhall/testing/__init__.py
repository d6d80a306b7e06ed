"""The pytest plugin: a migrated database for every test, and tests of who may do what.

It is loaded in every pytest run of whoever installed townhall. Fixtures therefore import what they
need when they are asked for, and all of them begin with ``townhall_``.
"""

from __future__ import annotations

from townhall.testing.fixtures import townhall_databases

__all__ = ["townhall_databases"]
