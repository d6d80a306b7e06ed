"""The pages of a coach: pipeline and usage of their tenant."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel

from caller import TheSession, TheUser
from townhall.domains.coaching import pipeline_of, tenant_for_user, usage_summary

router = APIRouter(prefix="/coach")


class Lead(BaseModel):
    """A participant in the pipeline."""

    id: UUID
    name: str | None
    email: str | None


class Usage(BaseModel, from_attributes=True):
    """The usage of a month, for a kind of event and a model."""

    event_type: str
    model_used: str | None
    events: int
    tokens_used: int
    cost_cents: Decimal


@router.get("/pipeline")
async def pipeline(session: TheSession, user: TheUser) -> dict[str, list[Lead]]:
    """Return the caller's pipeline: the participants by client status, in its order."""
    tenant = await session.scalar(tenant_for_user(UUID(user.user_id)).limit(1))
    if tenant is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "you own no tenant")
    rows = await session.scalars(pipeline_of(tenant.id))
    return {
        stage: [
            Lead(id=row.id, name=row.stakeholder_name, email=row.stakeholder_email) for row in leads
        ]
        for stage, leads in groupby(rows, lambda row: row.client_status.value)
    }


@router.get("/usage")
async def usage(session: TheSession, month: date | None = None) -> list[Usage]:
    """Return the usage of the caller's tenant in the month of a day, by default of today."""
    summary = usage_summary(month or datetime.now(UTC).date())
    return [Usage.model_validate(row) for row in await session.execute(summary)]
