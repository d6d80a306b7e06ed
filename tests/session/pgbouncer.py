"""A real PgBouncer in front of one database."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import URL

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_CONFIGURATION = """
[databases]
{database} = {target}

[pgbouncer]
unix_socket_dir = {directory}
listen_port = {port}
auth_type = any
pool_mode = {mode}
default_pool_size = {pool_size}
max_client_conn = 100
server_tls_sslmode = prefer
query_wait_timeout = 5
server_round_robin = {round_robin}
"""
_PORT = 6432


@contextmanager
def pgbouncer(
    server: URL,
    pool_size: int,
    *,
    mode: str = "transaction",
    round_robin: bool = False,
    settings: str = "",
) -> Iterator[URL]:
    """Run PgBouncer on a socket of its own.

    Args:
        server: The database to stand in front of, and the role with which it logs in there.
        pool_size: How many connections to the server all clients share.
        mode: After what a connection serves another client: transaction, statement or session.
        round_robin: Whether the connections are used in turn.
        settings: Further lines of its section ``pgbouncer``, which count more than those before.

    Yields:
        The URL for clients.
    """
    with TemporaryDirectory(prefix="pgbouncer-") as name, ExitStack() as stack:
        directory = Path(name)
        target, account, working_directory = _target(server)
        (directory / "ini").write_text(
            _CONFIGURATION.format(
                database=server.database,
                target=target,
                directory=directory,
                port=_PORT,
                pool_size=pool_size,
                mode=mode,
                round_robin=int(round_robin),
            )
            + settings
        )
        if account:
            for path in (directory, directory / "ini"):
                shutil.chown(path, account)
        log = stack.enter_context((directory / "log").open("wb"))
        process = subprocess.Popen(  # noqa: S603  found by ourselves
            [str(PROGRAM), directory / "ini"],
            user=account,
            cwd=working_directory,
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait, timeout=10)
        stack.callback(process.terminate)
        url = server.set(host=None, port=_PORT, password=None, query={"host": name})
        _wait(process, url, directory / "log")
        yield url


def _target(server: URL) -> tuple[str, str | None, str]:
    """Return the address of the server for PgBouncer, and PgBouncer's account and folder.

    It refuses to run as root. Another account can reach a socket in a folder of root's only by
    standing in it.
    """
    known = ("host", "port", "dbname", "user", "password")
    target = {name: value for name, value in _arguments(server).items() if name in known}
    account, working_directory = None, "/"
    if os.geteuid() == 0:
        account = "nobody"
        if target["host"].startswith("/"):
            working_directory = target["host"]
            account = Path(working_directory).owner()
            target["host"] = "/proc/self/cwd"
    return (
        " ".join(f"{name}='{value}'" for name, value in target.items()),
        account,
        working_directory,
    )


def _arguments(url: URL) -> Mapping[str, Any]:
    return url.get_dialect()().create_connect_args(url)[1]


def _wait(process: subprocess.Popen[bytes], url: URL, log: Path) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        try:
            psycopg.connect(**_arguments(url), connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PgBouncer does not answer:\n{log.read_text()}")
