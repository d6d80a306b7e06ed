"""The requests of a participant; each acts as the caller."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import Select, select

from caller import TheUser, sessions_of
from townhall import Actor, ParticipantSession
from townhall.domains.coaching import complete_participant_session, start_participant_session

router = APIRouter(prefix="/sessions")


class Step(BaseModel, from_attributes=True):
    """A session, as its participant can read it."""

    id: UUID
    status: str
    started_at: datetime | None
    completed_at: datetime | None


@router.get("")
async def my_sessions(request: Request, user: TheUser) -> list[Step]:
    """Return the caller's sessions, the oldest first."""
    mine = select(ParticipantSession).where(ParticipantSession.user_id == UUID(user.user_id))
    async with sessions_of(request).acting(user) as session:
        rows = await session.scalars(mine.order_by(ParticipantSession.created_at))
        return [Step.model_validate(row) for row in rows]


@router.post("/{session_id}/start")
async def start(request: Request, session_id: UUID, user: TheUser) -> Step:
    """Start one of the caller's sessions."""
    return await _moved(request, user, session_id, start_participant_session(session_id))


@router.post("/{session_id}/complete")
async def complete(request: Request, session_id: UUID, user: TheUser) -> Step:
    """Complete one of the caller's sessions."""
    return await _moved(request, user, session_id, complete_participant_session(session_id))


async def _moved(request: Request, user: Actor, session_id: UUID, move: Select[Any]) -> Step:
    async with sessions_of(request).acting(user) as session:
        await session.execute(move)
        return Step.model_validate(await session.get_one(ParticipantSession, session_id))
