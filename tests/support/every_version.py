"""For the tests of a folder to run on a server of each version, import this in its conftest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.servers import EVERY_VERSION, Servers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=EVERY_VERSION)
def townhall_server(request: pytest.FixtureRequest, townhall_server: str) -> Iterator[str]:
    """Yield the URL of a server of each version in turn; other tests have one of the newest."""
    with Servers(townhall_server) as servers:
        yield servers.url(request.param)
