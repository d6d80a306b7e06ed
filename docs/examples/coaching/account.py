"""What the database holds about the caller, and the end of the account."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from caller import TheUser, sessions_of
from townhall.people import AccountState, erase_person, export_person

router = APIRouter(prefix="/me")


class Remaining(BaseModel, from_attributes=True):
    """What remains of the caller, and why."""

    table: str
    count: int
    why: str


class Erased(BaseModel, from_attributes=True):
    """What became of the caller's data."""

    account: AccountState
    remaining: list[Remaining]


@router.get("/data")
async def my_data(request: Request, user: TheUser) -> dict[str, list[dict[str, Any]]]:
    """Return the caller's rows, by table."""
    async with sessions_of(request).as_service() as session:
        return await session.run_sync(export_person, user.user_id)


@router.delete("")
async def delete_my_account(request: Request, user: TheUser) -> Erased:
    """Delete the caller's account, and clear what stays of the caller.

    Where the account remains, as on Supabase, delete it by the API of the accounts after this.
    """
    async with sessions_of(request).as_service() as session:
        erasure = await session.run_sync(erase_person, user.user_id)
    return Erased.model_validate(erasure)
