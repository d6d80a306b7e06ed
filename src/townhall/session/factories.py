"""Factories of sessions, each of which acts for the length of a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)
from sqlalchemy.orm import Session, sessionmaker

from townhall.input_error import InputError
from townhall.roles import SUPABASE, Roles
from townhall.session.acting import ActingSession
from townhall.session.actor import Actor
from townhall.session.registry import ACTOR_KEY
from townhall.session.settings import refuse_other_driver

_Context = TypeVar("_Context")

_OPTIONS: dict[str, Any] = {
    # In a transaction that is not the session's own, its commit and rollback concern its own work.
    "join_transaction_mode": "create_savepoint",
    # Objects can be used after the block, and under asyncio after a commit within it: reading an
    # attribute needs no statement.
    "expire_on_commit": False,
}


class _Factory(ABC, Generic[_Context]):
    """What both factories offer: a block in which a new session acts.

    At its end the block commits; an exception rolls back what was not committed inside of it. After
    it the session can't be used, and the objects that it loaded can. The session connects with its
    first statement, and only then is the role taken: a login role that may not take it gets a
    :class:`RoleNotGranted`, any other obstacle is an :class:`ActorError`.
    """

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    @abstractmethod
    def acting(self, actor: Actor) -> _Context:
        """Open a session that acts as an actor.

        Args:
            actor: The actor of each of the session's transactions.
        """

    def as_user(
        self,
        user_id: UUID | int | str,
        claims: Mapping[str, Any] | None = None,
        request_headers: Mapping[str, str] | None = None,
    ) -> _Context:
        """Open a session that acts as a signed-in user; see :meth:`Actor.user`.

        Args:
            user_id: The user's id, of the type ``roles.caller_type``: by default a UUID, the key of
                the account in ``auth.users``.
            claims: More claims of the user's token.
            request_headers: Headers of the request.

        Raises:
            InputError: The user id is not of the type, the claims or headers are not acceptable, or
                the factory's roles have none for users.
            TypeError: The claims or the headers are no mapping from names.
        """
        return self.acting(Actor.user(user_id, claims, request_headers, self._roles))

    def as_service(self) -> _Context:
        """Open a session that acts as the service.

        Raises:
            InputError: The factory's roles have none for the service.
        """
        return self.acting(Actor.service(self._roles))

    def as_anonymous(self) -> _Context:
        """Open a session that acts as a caller without a token.

        Raises:
            InputError: The factory's roles have none for anonymous callers.
        """
        return self.acting(Actor.anonymous(self._roles))


class SessionFactory(_Factory[AbstractContextManager[Session]]):
    """Makes sessions that act, on an engine."""

    def __init__(
        self,
        engine: Engine | Connection,
        roles: Roles = SUPABASE,
        **session_options: Any,  # noqa: ANN401  SQLAlchemy's
    ) -> None:
        """Bind the factory.

        Args:
            engine: Where the sessions connect. In a connection's own transaction, as in tests
                that roll everything back, sessions restore the role and settings at their end.
            roles: The names of the roles to act as, and the type of user ids.
            **session_options: Options of ``sqlalchemy.orm.Session``. ``expire_on_commit``
                is false unless given, so that objects can be used after the block.

        Raises:
            ActorError: The engine is not of psycopg 3.
            TypeError: The engine is none, or an async one.
            InputError: ``autobegin=False``, since a block begins its transactions implicitly.
        """
        super().__init__(roles)
        options = _checked_options(engine, (Engine, Connection), session_options)
        self._sessions = sessionmaker(engine, class_=ActingSession, **options)

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[Session]:
        """Open a session that acts as the actor."""
        with self._sessions(info={ACTOR_KEY: actor}) as session:
            try:
                yield session
                session.commit()
            finally:
                session.end()


class AsyncSessionFactory(_Factory[AbstractAsyncContextManager[AsyncSession]]):
    """Makes async sessions that act, on an async engine."""

    def __init__(
        self,
        engine: AsyncEngine | AsyncConnection,
        roles: Roles = SUPABASE,
        **session_options: Any,  # noqa: ANN401  SQLAlchemy's
    ) -> None:
        """Bind the factory.

        Args:
            engine: Where the sessions connect; see :class:`SessionFactory`.
            roles: The names of the roles to act as, and the type of user ids.
            **session_options: Options of ``sqlalchemy.ext.asyncio.AsyncSession``; see
                :class:`SessionFactory`.

        Raises:
            ActorError: The engine is not of psycopg 3.
            TypeError: The engine is none, or a sync one.
            InputError: ``autobegin=False``, since a block begins its transactions implicitly.
        """
        super().__init__(roles)
        options = _checked_options(engine, (AsyncEngine, AsyncConnection), session_options)
        self._sessions = async_sessionmaker(engine, sync_session_class=ActingSession, **options)

    @asynccontextmanager
    async def acting(self, actor: Actor) -> AsyncIterator[AsyncSession]:
        """Open a session that acts as the actor."""
        async with self._sessions(info={ACTOR_KEY: actor}) as session:
            try:
                yield session
                await session.commit()
            finally:
                cast("ActingSession", session.sync_session).end()


def _checked_options(
    engine: Engine | Connection | AsyncEngine | AsyncConnection,
    kinds: tuple[type, type],
    options: dict[str, Any],
) -> dict[str, Any]:
    """Return the options of a factory's sessions, refusing what would fail in their blocks."""
    if not isinstance(engine, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"a factory takes an {names}, not {type(engine).__name__}")
    refuse_other_driver(engine.dialect)
    if not options.get("autobegin", True):
        raise InputError("a session that acts begins implicitly: autobegin=False is not supported")
    return _OPTIONS | options
