"""The Python of the guides runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import insert, update

from tests.support.blocks import blocks_of, run_blocks
from townhall import Event, Organization, SessionFactory
from townhall.testing import create_account

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session


def test_guide_to_consent_runs(
    townhall_connection: Connection, townhall_sessions: SessionFactory
) -> None:
    founder = create_account(townhall_connection)
    run_blocks(blocks_of("docs/consent.md", "python"), sessions=townhall_sessions, founder=founder)


def test_guide_to_documents_runs(townhall_session: Session) -> None:
    club, event_id = uuid4(), uuid4()
    townhall_session.execute(insert(Organization).values(id=club, name="Club", slug="club"))
    event = {"id": event_id, "organization_id": club, "name": "Dinner", "settings": {"seats": 4}}
    townhall_session.execute(insert(Event).values(event))
    row = townhall_session.get_one(Event, event_id)
    names = {"Event": Event, "event": row, "event_id": event_id, "update": update}
    run_blocks(blocks_of("docs/documents.md", "python"), **names)
    townhall_session.flush()
    townhall_session.refresh(row)
    assert row.settings == {"seats": 4, "language": "he"}


def test_guide_to_async_runs(townhall_database: str) -> None:
    names: dict[str, Any] = run_blocks(blocks_of("docs/async.md", "python"), url=townhall_database)

    async def run() -> list[str]:
        found: list[str] = await names["names_of_events"](uuid4())
        await names["engine"].dispose()
        return found

    assert asyncio.run(run()) == []


def test_guide_to_pgbouncer_runs(townhall_database: str) -> None:
    names: dict[str, Any] = run_blocks(
        blocks_of("docs/pgbouncer.md", "python"), url=townhall_database
    )
    with names["engine"].connect() as connection:
        assert connection.connection.dbapi_connection.prepare_threshold is None
    names["engine"].dispose()
