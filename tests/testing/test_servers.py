"""Servers of every version that can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

from tests.support.servers import NAMED

if TYPE_CHECKING:
    import pytest

    from townhall.testing.databases import Databases


def test_a_server_is_of_its_version(server: Databases, request: pytest.FixtureRequest) -> None:
    version = request.node.callspec.params["server"]
    with server.create() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            found = connection.scalar(text("show server_version_num"))
        engine.dispose()
    assert version in {NAMED, str(int(found) // 10_000)}
