"""Servers of every version that is installed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.support.servers import NAMED
from townhall.testing.servers import server_directory

if TYPE_CHECKING:
    from townhall.testing.databases import Databases


def test_server_has_the_requested_version(
    server: Databases, request: pytest.FixtureRequest
) -> None:
    version = request.node.callspec.params["server"]
    with server.create() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            found = connection.scalar(text("show server_version_num"))
        engine.dispose()
    assert version in {NAMED, str(int(found) // 10_000)}


_SERVE = """
import time
from townhall.testing.servers import serve
with serve() as url:
    print(url, flush=True)
    time.sleep(60)
"""


@pytest.mark.exhaustive
def test_server_stops_when_its_process_is_killed() -> None:
    with subprocess.Popen(  # noqa: S603  our own Python
        (sys.executable, "-c", _SERVE), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        directory = Path(str(make_url(process.stdout.readline()).query["host"])).parent
        assert directory.is_dir()
        process.send_signal(signal.SIGKILL)
    for _ in range(300):
        if not directory.exists():
            break
        time.sleep(0.1)
    assert not directory.exists()


def test_folder_is_removed_at_the_end_of_its_block() -> None:
    with server_directory() as directory:
        (directory / "data").mkdir()
    assert not directory.exists()
