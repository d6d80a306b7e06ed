"""The examples on the page about coaching run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from tests.coaching.data import OWNER, PARTICIPANT, SESSION, TENANT
from tests.support.blocks import blocks_of, run_blocks
from townhall import ClientStatus, ParticipantSession, TenantProfile, UsageEvent

if TYPE_CHECKING:
    from sqlalchemy import Engine

EXAMPLES = blocks_of("docs/coaching.md", "python")


def test_examples_of_the_page_run(committed: Engine) -> None:
    names: dict[str, Any] = run_blocks(
        EXAMPLES,
        engine=committed,
        owner_id=OWNER,
        participant_id=PARTICIPANT,
        session_id=SESSION,
        tenant_id=TENANT,
    )
    with committed.connect() as connection:
        brand = select(TenantProfile.brand_config).where(TenantProfile.id == TENANT)
        stored = connection.execute(brand).scalar_one()
        assert stored is not None
        assert stored.tagline == "Grow"
        status = select(ParticipantSession.client_status).where(ParticipantSession.id == SESSION)
        assert connection.scalar(status) is ClientStatus.COMPLETED
        logged = select(UsageEvent.tokens_used).where(UsageEvent.model_used == "large")
        assert connection.scalar(logged) == 1200
    old = [
        {"event_type": "old", "created_at": datetime(2026, 9, 30, 23, 59, 59, 999999, UTC)},
        {"event_type": "kept", "created_at": datetime(2026, 10, 1, tzinfo=UTC)},
    ]
    with committed.begin() as connection:
        connection.execute(insert(UsageEvent), old)
    names["delete_usage_before"](date(2026, 10, 31))
    with committed.connect() as connection:
        left = set(connection.scalars(select(UsageEvent.event_type)))
        assert left >= {"kept", "chat"}
        assert "old" not in left
