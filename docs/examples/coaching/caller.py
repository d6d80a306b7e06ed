"""The caller of a request: anonymous, or the user of a token as Supabase issues it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import jwt
from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from townhall import Actor, AsyncSessionFactory

_bearer = HTTPBearer(auto_error=False)


def sessions_of(request: Request) -> AsyncSessionFactory:
    """Return the application's session factory."""
    factory: AsyncSessionFactory = request.app.state.sessions
    return factory


def verified(token: str, secret: str) -> dict[str, Any]:
    """Return the claims of a token.

    Args:
        token: A JSON Web Token, signed with HS256.
        secret: The project's JWT secret.

    Raises:
        jwt.InvalidTokenError: The token is not for a signed-in user, has expired, lacks a claim,
            or has another signature.
    """
    claims: dict[str, Any] = jwt.decode(
        token,
        secret,
        algorithms=["HS256"],
        audience="authenticated",
        options={"require": ["aud", "exp", "sub", "role"]},
    )
    if claims["role"] != "authenticated":
        raise jwt.InvalidTokenError("the token is not a signed-in user's")
    return claims


async def the_user(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Actor:
    """Return the user that a request acts as.

    Raises:
        HTTPException: There is no valid token.
    """
    try:
        claims = verified(bearer.credentials if bearer else "", request.app.state.jwt_secret)
        return Actor.user(claims["sub"], claims, dict(request.headers))
    except (jwt.InvalidTokenError, ValueError):
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, "sign in first", {"WWW-Authenticate": "Bearer"}
        ) from None


TheUser = Annotated[Actor, Depends(the_user)]


async def session_of_the_user(request: Request, user: TheUser) -> AsyncIterator[AsyncSession]:
    """Yield a session that acts as the caller, and commit what the route did."""
    async with sessions_of(request).acting(user) as session:
        yield session


TheSession = Annotated[AsyncSession, Depends(session_of_the_user, scope="function")]
"""A session that acts as the caller; it commits before the answer is sent."""
