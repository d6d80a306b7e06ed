"""A small application for white-label coaching: every request acts as its caller.

Run it with::

    DATABASE_URL=… JWT_SECRET=… uvicorn --factory app:from_environment
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import account
import coach
import pages
import participants
from townhall import AsyncSessionFactory
from townhall.errors import explain
from townhall.migrate import resolve_url

STATIC = Path(__file__).parent / "static"


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
    app.add_exception_handler(SQLAlchemyError, refused)
    for part in (pages, participants, coach, account):
        app.include_router(part.router)
    return app


async def refused(_: Request, error: Exception) -> Response:
    """Answer what was refused with its status and a sentence, without the database's message."""
    explanation = explain(error)
    if explanation is None:
        raise error
    detail = {"detail": explanation.sentence, "kind": explanation.kind}
    return JSONResponse(detail, explanation.kind.http_status)


def from_environment() -> FastAPI:
    """Return the application that the environment variables configure."""
    return create_app(create_async_engine(resolve_url()), os.environ["JWT_SECRET"])
