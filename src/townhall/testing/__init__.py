"""The pytest plugin: a migrated database for every test, and tests of access rules.

The names of its fixtures begin with ``townhall_``; pytest finds them where townhall is installed.
"""

from __future__ import annotations

from townhall.lazy_names import names_of_stub

pytest_plugins = ("townhall.testing.fixtures",)

# Without __dir__: pytest would load each name to see whether it is a fixture.
__getattr__, _ = names_of_stub(__name__)
