"""The server for tests that the environment names."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from psycopg.pq import Conninfo

from townhall.input_error import InputError
from townhall.migrate.urls import psycopg_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import URL

FOR_TESTS = "TOWNHALL_TEST_URL"
"""The variable that names a server for tests, wherever it is."""

OF_THE_APPLICATION = "DATABASE_URL"
"""The variable that names the application's database; its server is used if it is local."""


def named_server(environment: Mapping[str, str]) -> URL | None:
    """Return the URL of the server for tests.

    Args:
        environment: The variables of the environment.

    Returns:
        The URL with the driver; None where no variable names a server.

    Raises:
        InputError: A URL is malformed or not for PostgreSQL, or ``DATABASE_URL`` is on another
            machine.
    """
    if environment.get(FOR_TESTS):
        return psycopg_url(environment[FOR_TESTS], FOR_TESTS)
    if not environment.get(OF_THE_APPLICATION):
        return None
    url = psycopg_url(environment[OF_THE_APPLICATION], OF_THE_APPLICATION)
    remote = [host for host in _hosts(url) if not _is_local(host)]
    if remote:
        raise InputError(
            f"{OF_THE_APPLICATION} names a server on another machine, {remote[0]}, where the tests"
            f" would create databases and roles: unset it to use the embedded server, or put the"
            f" URL of a server for tests into {FOR_TESTS}"
        )
    return url


def _hosts(url: URL) -> Iterator[str]:
    """Yield where libpq would connect to, which takes from its own variables what a URL lacks."""
    defaults = {each.keyword.decode(): each.val for each in Conninfo.get_defaults()}
    of_libpq = {name: (value or b"").decode() for name, value in defaults.items()}
    values = {**of_libpq, **url.get_dialect()().create_connect_args(url)[1]}
    if "service" in url.query:  # of a file that libpq reads
        yield f"service {values['service']}"
    yield from str(values["hostaddr"] or values["host"]).split(",")


def _is_local(host: str) -> bool:
    if not host or host[0] in "/@" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
