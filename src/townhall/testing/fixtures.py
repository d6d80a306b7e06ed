"""The pytest fixtures, for this project and for applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from townhall.testing.databases import Databases


@pytest.fixture(scope="session")
def townhall_databases(townhall_server: str) -> Databases:
    """Make further databases on the test server, dropped again when their block ends."""
    from townhall.testing.databases import Databases  # noqa: PLC0415  a plugin starts cheaply

    return Databases(townhall_server)
