"""Databases of a Citus coordinator, or of a single node, that ``CITUS_URL`` names."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

_OWNER = "townhall_citus_owner"

_CREATE_ROLES = (
    """
    do $$
    declare
        missing text;
    begin
        foreach missing in array array['anon', 'authenticated', 'service_role'] loop
            if to_regrole(missing) is null then
                execute format('create role %I noinherit', missing);
            end if;
        end loop;
    end
    $$
    """,
    "alter role service_role login bypassrls",
    f"""
    do $$
    begin
        if to_regrole('{_OWNER}') is null then
            create role {_OWNER};
        end if;
        alter role {_OWNER} login createrole;
    end
    $$
    """,
    f"grant anon, authenticated, service_role to {_OWNER}",
)


def citus_url() -> URL:
    """Return the URL of the coordinator, as its superuser; the test is skipped without one."""
    url = os.environ.get("CITUS_URL")
    if not url:
        pytest.skip("CITUS_URL names no coordinator of Citus")
    return make_url(url)


def workers() -> list[URL]:
    """Return the URLs of the coordinator's workers, of which a single node has none."""
    coordinator = citus_url()
    return [coordinator.set(host=host, port=port) for host, port in _run(coordinator, _WORKERS)]


@contextmanager
def citus_database() -> Iterator[str]:
    """Create a database on the coordinator and its workers, and drop all of them at the end.

    Yields:
        The URL of the one on the coordinator, as the ordinary role that owns it.
    """
    coordinator = citus_url()
    others = workers()
    for statement in _CREATE_ROLES:
        _run(coordinator, statement)
    with ExitStack() as stack:
        first = stack.enter_context(Databases(str_of(coordinator)).create(owner=_OWNER))
        name = make_url(first).database or ""
        nodes = [each.set(database=name) for each in (coordinator, *others)]
        for server in others:
            _run(server, f'create database "{name}" template template0')
            stack.callback(_run, server, f'drop database "{name}" with (force)')
        for node in nodes:
            _run(node, "create extension citus")
        if others:  # alone, it has the rows itself
            host, port = coordinator.host, coordinator.port
            _run(nodes[0], f"select citus_set_coordinator_host('{host}', {port})")
        for node in nodes[1:]:
            _run(nodes[0], f"select citus_add_node('{node.host}', {node.port})")
        # It sends the owner and the roles of requests too, which an ordinary role can't.
        _run(nodes[0], f'alter database "{name}" owner to {_OWNER}')
        yield str_of(nodes[0].set(username=_OWNER))


def str_of(url: URL) -> str:
    """Return a URL with its password."""
    return url.render_as_string(hide_password=False)


# Databases are created on each node by hand, since the extension is to be new in each.
_ALONE = "set citus.enable_create_database_propagation = off"
_WORKERS = "select nodename, nodeport from pg_dist_node where groupid > 0 order by nodeport"


def _run(url: URL, statement: str) -> list[tuple[str, int]]:
    arguments = url.get_dialect()().create_connect_args(url)[1]
    with psycopg.connect(**arguments, autocommit=True) as connection:
        connection.execute(_ALONE)
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []
