"""A small application for white-label coaching: every request acts as its caller.

Run it with::

    DATABASE_URL=… JWT_SECRET=… uvicorn --factory app:from_environment
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response, status
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import coach
import pages
import participants
from townhall import AsyncSessionFactory
from townhall.migrate import resolve_url

STATIC = Path(__file__).parent / "static"

ERRORS = {"42501": status.HTTP_403_FORBIDDEN, "23514": status.HTTP_409_CONFLICT}
"""The status for an SQLSTATE: insufficient_privilege and check_violation."""


def create_app(engine: AsyncEngine, jwt_secret: str) -> FastAPI:
    """Return the application.

    Args:
        engine: The database, with a login role that is a member of the API roles.
        jwt_secret: The secret that tokens are signed with.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(title="Coaching", lifespan=lifespan)
    app.state.jwt_secret = jwt_secret
    app.state.sessions = AsyncSessionFactory(engine)
    app.mount("/tenants", StaticFiles(directory=STATIC / "tenants"))
    app.add_exception_handler(DBAPIError, refused)
    for part in (pages, participants, coach):
        app.include_router(part.router)
    return app


async def refused(_: Request, error: Exception) -> Response:
    """Answer an error of the database with a status, without the database's message."""
    code = ERRORS.get(getattr(getattr(error, "orig", None), "sqlstate", ""))
    if code is None:
        raise error
    return JSONResponse({"detail": "not permitted, or not in this state"}, code)


def from_environment() -> FastAPI:
    """Return the application that the environment variables configure."""
    return create_app(create_async_engine(resolve_url()), os.environ["JWT_SECRET"])
