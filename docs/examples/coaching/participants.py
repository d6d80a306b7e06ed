"""The requests of a participant; each acts as the caller."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from caller import TheSession, TheUser
from townhall import ParticipantSession
from townhall.domains.coaching import complete_participant_session, start_participant_session

router = APIRouter(prefix="/sessions")


class Step(BaseModel, from_attributes=True):
    """A session, as its participant can read it."""

    id: UUID
    status: str
    started_at: datetime | None
    completed_at: datetime | None


@router.get("")
async def my_sessions(session: TheSession, user: TheUser) -> list[Step]:
    """Return the caller's sessions, the oldest first."""
    mine = select(ParticipantSession).where(ParticipantSession.user_id == UUID(user.user_id))
    rows = await session.scalars(mine.order_by(ParticipantSession.created_at))
    return [Step.model_validate(row) for row in rows]


@router.post("/{session_id}/start")
async def start(session: TheSession, session_id: UUID) -> Step:
    """Start one of the caller's sessions."""
    return await _moved(session, session_id, start_participant_session(session_id))


@router.post("/{session_id}/complete")
async def complete(session: TheSession, session_id: UUID) -> Step:
    """Complete one of the caller's sessions."""
    return await _moved(session, session_id, complete_participant_session(session_id))


async def _moved(session: AsyncSession, session_id: UUID, move: Select[Any]) -> Step:
    await session.execute(move)
    return Step.model_validate(await session.get_one(ParticipantSession, session_id))
