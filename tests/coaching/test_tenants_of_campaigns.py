"""The revision that gives campaigns the tenant of their sessions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, text

from tests.coaching.data import CAMPAIGN, OTHER_TENANT, TENANT, insert_coaching
from townhall.migrate import downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from townhall.testing.databases import Databases

BEFORE = "townhall_0027"
INSERT = text(
    "insert into public.participant_sessions (campaign_id, tenant_id) values (:campaign, :tenant)"
)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


@pytest.fixture
def database(townhall_databases: Databases, townhall_template: str) -> Iterator[str]:
    """Yield the URL of a database with two tenants, their campaigns and sessions."""
    with townhall_databases.create(townhall_template) as url:
        with _connected(url) as connection:
            insert_coaching(connection)
        yield url


def _rows(url: str) -> Sequence[Any]:
    """Return the tenants of campaigns and sessions, and when these were last updated."""
    query = text(
        """
        select c.name, c.tenant_id, c.updated_at, s.tenant_id, s.updated_at
        from public.campaigns as c
        join public.participant_sessions as s on s.campaign_id = c.id
        order by c.name, s.created_at
        """
    )
    with _connected(url) as connection:
        return connection.execute(query).all()


@pytest.mark.thorough
def test_downgrade_and_upgrade_restore_all_rows(database: str) -> None:
    before = _rows(database)
    downgrade(database, BEFORE)
    upgrade(database)
    assert _rows(database) == before


@pytest.mark.thorough
def test_session_gets_the_tenant_of_its_campaign_and_keeps_updated_at(database: str) -> None:
    downgrade(database, BEFORE)
    with _connected(database) as connection:
        connection.execute(INSERT, {"campaign": CAMPAIGN, "tenant": None})
        changed = text("select max(updated_at) from public.participant_sessions")
        last = connection.scalar(changed)
    upgrade(database)
    rows = _rows(database)
    assert [row[3] for row in rows].count(TENANT) == 2
    assert max(row[4] for row in rows) == last


@pytest.mark.thorough
def test_triggers_are_enabled_again_after_the_revision(database: str) -> None:
    downgrade(database, BEFORE)
    upgrade(database)
    before = _rows(database)
    with _connected(database) as connection:
        connection.execute(text("update public.campaigns set tenant_id = null"))
    assert all(new[2] > old[2] for new, old in zip(_rows(database), before, strict=True))


@pytest.mark.exhaustive
def test_campaign_with_sessions_of_several_tenants_stops_the_revision(database: str) -> None:
    downgrade(database, BEFORE)
    with _connected(database) as connection:
        connection.execute(INSERT, {"campaign": CAMPAIGN, "tenant": OTHER_TENANT})
    with pytest.raises(CommandError, match="the sessions of 1 campaigns are in pipelines of other"):
        upgrade(database)
    with _connected(database) as connection:
        chosen = text(
            "update public.participant_sessions set tenant_id = null where tenant_id = :other"
        )
        connection.execute(chosen, {"other": OTHER_TENANT})
    upgrade(database)
    leaders = [row for row in _rows(database) if row[0] == "Leaders"]
    assert [(row[1], row[3]) for row in leaders] == [(TENANT, TENANT)] * 2
