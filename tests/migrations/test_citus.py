"""Roles that can't migrate on Citus, and what they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.support.citus import citus_database, citus_url, str_of, workers
from townhall.domains.coaching.distribution import distribute_usage
from townhall.migrate import upgrade
from townhall.testing.databases import with_role

if TYPE_CHECKING:
    from collections.abc import Iterator


def _run(url: str, *statements: str) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture
def role() -> Iterator[str]:
    """Yield the name of a role that may not log in."""
    name = f"townhall_{uuid4().hex[:16]}"
    server = str_of(citus_url())
    _run(server, f"create role {name} nologin")
    yield name
    _run(server, f"drop role {name}")


def _as_superuser(url: str) -> str:
    return str_of(make_url(url).set(username=citus_url().username))


def test_role_that_citus_has_not_sent_to_its_machines_is_told_how(role: str) -> None:
    with citus_database() as url:
        if not workers():
            pytest.skip("a single node has no workers")
        name = make_url(url).database
        _run(str_of(citus_url()), f"alter role {role} login")  # where it was created and sent
        _run(
            _as_superuser(url),
            f"grant anon, authenticated, service_role to {role}",
            f'grant create on database "{name}" to {role}',
            f"grant create on schema public to {role}",
        )
        theirs = str_of(make_url(url).set(username=role))
        with pytest.raises(CommandError, match="alter database … owner to it on the coordinator"):
            upgrade(theirs)
        _run(_as_superuser(url), f'alter database "{name}" owner to {role}')
        upgrade(theirs)


def test_usage_is_not_distributed_by_a_role_that_cannot_log_in(role: str) -> None:
    with citus_database() as url:
        upgrade(url)
        _run(_as_superuser(url), f"grant {make_url(url).username} to {role}")
        engine = create_engine(with_role(_as_superuser(url), role), poolclass=NullPool)
        with (
            engine.connect() as connection,
            Operations.context(MigrationContext.configure(connection)),
            pytest.raises(DBAPIError, match="1 roles can't log in"),
        ):
            distribute_usage()
