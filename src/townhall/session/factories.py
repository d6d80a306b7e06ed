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
from townhall.session.cells import Cells
from townhall.session.read_only import Reading, ReadOnlySession
from townhall.session.registry import ACTOR_KEY
from townhall.session.replica import (
    Limits,
    Replica,
    checked_position,
    current_position,
    without_transaction,
)
from townhall.session.settings import refuse_other_driver

_Context = TypeVar("_Context")

_OPTIONS: dict[str, Any] = {
    # In a transaction that is not the session's own, its commit and rollback concern its own work.
    "join_transaction_mode": "create_savepoint",
    # Objects can be used after the block, and under asyncio after a commit within it: reading an
    # attribute needs no statement.
    "expire_on_commit": False,
}

# In a transaction that goes on after the session, nothing else could end that it only reads.
_OF_READERS: dict[str, Any] = {"join_transaction_mode": "create_savepoint"}


class _Factory(ABC, Generic[_Context]):
    """What both factories offer: a block in which a new session acts.

    At its end the block commits; an exception rolls back what was not committed inside of it. After
    it the session can't be used, and the objects that it loaded can. The session connects with its
    first statement, and only then is the role taken: a login role that may not take it gets a
    :class:`RoleNotGranted`, any other obstacle is an :class:`ActorError`.

    With ``read_only=True`` the session changes nothing: a flush, and a statement of SQLAlchemy that
    would change rows or tables, is refused before it is sent, with a :class:`ReadOnlyError`, and
    PostgreSQL refuses any other. Each of its transactions goes to the factory's replica, or to the
    primary where there is none, where it can't be reached, and where it is too far behind.
    ``after=position`` reads what the caller has written before: ``position()`` of the factory tells
    how far the primary is, and the transaction waits until the replica is as far, or goes to the
    primary.
    """

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    @abstractmethod
    def acting(
        self, actor: Actor, *, read_only: bool = False, after: str | None = None
    ) -> _Context:
        """Open a session that acts as an actor.

        Args:
            actor: The actor of each of the session's transactions.
            read_only: Whether the session only reads.
            after: What ``position()`` returned, of a session that only reads.

        Raises:
            InputError: The position is none, or the session does not only read.
        """

    def as_user(
        self,
        user_id: UUID | int | str,
        claims: Mapping[str, Any] | None = None,
        request_headers: Mapping[str, str] | None = None,
        *,
        read_only: bool = False,
        after: str | None = None,
    ) -> _Context:
        """Open a session that acts as a signed-in user; see :meth:`Actor.user`.

        Args:
            user_id: The user's id, of the type ``roles.caller_type``: by default a UUID, the key of
                the account in ``auth.users``.
            claims: More claims of the user's token.
            request_headers: Headers of the request.
            read_only: Whether the session only reads.
            after: What ``position()`` returned, of a session that only reads.

        Raises:
            InputError: The user id is not of the type, the claims or headers are not acceptable, or
                the factory's roles have none for users; or as for :meth:`acting`.
            TypeError: The claims or the headers are no mapping from names.
        """
        actor = Actor.user(user_id, claims, request_headers, self._roles)
        return self.acting(actor, read_only=read_only, after=after)

    def as_service(self, *, read_only: bool = False, after: str | None = None) -> _Context:
        """Open a session that acts as the service.

        Args:
            read_only: Whether the session only reads.
            after: What ``position()`` returned, of a session that only reads.

        Raises:
            InputError: The factory's roles have none for the service; or as for :meth:`acting`.
        """
        return self.acting(Actor.service(self._roles), read_only=read_only, after=after)

    def as_anonymous(self, *, read_only: bool = False, after: str | None = None) -> _Context:
        """Open a session that acts as a caller without a token.

        Args:
            read_only: Whether the session only reads.
            after: What ``position()`` returned, of a session that only reads.

        Raises:
            InputError: The factory's roles have none for anonymous callers; or as for
                :meth:`acting`.
        """
        return self.acting(Actor.anonymous(self._roles), read_only=read_only, after=after)


class SessionFactory(_Factory[AbstractContextManager[Session]]):
    """Makes sessions that act, on an engine."""

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        engine: Engine | Connection,
        roles: Roles = SUPABASE,
        *,
        replica: Engine | None = None,
        max_lag: float | None = 10.0,
        max_wait: float = 1.0,
        cells: Mapping[Any, Engine] | None = None,
        **session_options: Any,  # noqa: ANN401  SQLAlchemy's
    ) -> None:
        """Bind the factory.

        Args:
            engine: Where the sessions connect. In a connection's own transaction, as in tests
                that roll everything back, sessions restore the role and settings at their end.
            roles: The names of the roles to act as, and the type of user ids.
            replica: The engine of a hot standby, for the sessions that only read.
            max_lag: How many seconds the replica may be behind; None for any number.
            max_wait: How many seconds a transaction waits for the replica to be as far as
                ``after``.
            cells: The engines of other whole databases, each by the keys of what is in it; see
                :meth:`cell`.
            **session_options: Options of ``sqlalchemy.orm.Session``. ``expire_on_commit``
                is false unless given, so that objects can be used after the block.

        Raises:
            ActorError: An engine is not of psycopg 3.
            TypeError: An engine is none, or an async one.
            InputError: ``autobegin=False``, since a block begins its transactions implicitly, or
                ``binds`` beside a replica.
        """
        super().__init__(roles)
        options = _checked_options(engine, (Engine, Connection), session_options)
        _check_replica(replica, Engine, options)
        limits = Limits(max_lag, max_wait)
        reading = Reading(None if replica is None else Replica(replica, limits))
        self._engine = engine
        self._sessions = sessionmaker(engine, class_=ActingSession, **options)
        self._readers = sessionmaker(
            engine, class_=ReadOnlySession, reading=reading, **options | _OF_READERS
        )
        self._cells: Cells[Engine, SessionFactory] = Cells(
            cells or {}, lambda each: SessionFactory(each, roles, **session_options)
        )

    def cell(self, key: object) -> SessionFactory:
        """Return the factory of the cell that has a key, with the same roles and options.

        Args:
            key: A key of the mapping ``cells``, such as a tenant's id.

        Raises:
            InputError: No cell has it.
        """
        return self._cells.of(key)

    def acting(
        self, actor: Actor, *, read_only: bool = False, after: str | None = None
    ) -> AbstractContextManager[Session]:
        """Open a session that acts as the actor."""
        return self._acting(actor, _reading_options(read_only=read_only, after=after))

    @contextmanager
    def _acting(self, actor: Actor, reading: dict[str, Any] | None) -> Iterator[Session]:
        info = {ACTOR_KEY: actor}
        with (
            self._sessions(info=info) if reading is None else self._readers(info=info, **reading)
        ) as session:
            try:
                yield session
                session.commit()
            finally:
                session.end()

    def position(self) -> str:
        """Return how far the primary is: ``after`` it is read what is committed by now."""
        if isinstance(self._engine, Connection):
            return current_position(self._engine)
        with without_transaction(self._engine).connect() as connection:
            return current_position(connection)


class AsyncSessionFactory(_Factory[AbstractAsyncContextManager[AsyncSession]]):
    """Makes async sessions that act, on an async engine."""

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        engine: AsyncEngine | AsyncConnection,
        roles: Roles = SUPABASE,
        *,
        replica: AsyncEngine | None = None,
        max_lag: float | None = 10.0,
        max_wait: float = 1.0,
        cells: Mapping[Any, AsyncEngine] | None = None,
        **session_options: Any,  # noqa: ANN401  SQLAlchemy's
    ) -> None:
        """Bind the factory.

        Args:
            engine: Where the sessions connect; see :class:`SessionFactory`.
            roles: The names of the roles to act as, and the type of user ids.
            replica: The engine of a hot standby; see :class:`SessionFactory`.
            max_lag: How many seconds the replica may be behind; None for any number.
            max_wait: How many seconds to wait for the replica.
            cells: The engines of other whole databases; see :class:`SessionFactory`.
            **session_options: Options of ``sqlalchemy.ext.asyncio.AsyncSession``; see
                :class:`SessionFactory`.

        Raises:
            ActorError: An engine is not of psycopg 3.
            TypeError: An engine is none, or a sync one.
            InputError: ``autobegin=False``, since a block begins its transactions implicitly, or
                ``binds`` beside a replica.
        """
        super().__init__(roles)
        options = _checked_options(engine, (AsyncEngine, AsyncConnection), session_options)
        _check_replica(replica, AsyncEngine, options)
        limits = Limits(max_lag, max_wait)
        reading = Reading(None if replica is None else Replica(replica.sync_engine, limits))
        self._engine = engine
        self._sessions = async_sessionmaker(engine, sync_session_class=ActingSession, **options)
        self._readers = async_sessionmaker(
            engine, sync_session_class=ReadOnlySession, reading=reading, **options | _OF_READERS
        )
        self._cells: Cells[AsyncEngine, AsyncSessionFactory] = Cells(
            cells or {}, lambda each: AsyncSessionFactory(each, roles, **session_options)
        )

    def cell(self, key: object) -> AsyncSessionFactory:
        """Return the factory of the cell that has a key; see :meth:`SessionFactory.cell`.

        Raises:
            InputError: No cell has it.
        """
        return self._cells.of(key)

    def acting(
        self, actor: Actor, *, read_only: bool = False, after: str | None = None
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session that acts as the actor."""
        return self._acting(actor, _reading_options(read_only=read_only, after=after))

    @asynccontextmanager
    async def _acting(
        self, actor: Actor, reading: dict[str, Any] | None
    ) -> AsyncIterator[AsyncSession]:
        info = {ACTOR_KEY: actor}
        async with (
            self._sessions(info=info) if reading is None else self._readers(info=info, **reading)
        ) as session:
            try:
                yield session
                await session.commit()
            finally:
                cast("ActingSession", session.sync_session).end()

    async def position(self) -> str:
        """Return how far the primary is: ``after`` it is read what is committed by now."""
        if isinstance(self._engine, AsyncConnection):
            return await self._engine.run_sync(current_position)
        engine = AsyncEngine(without_transaction(self._engine.sync_engine))
        async with engine.connect() as connection:
            return await connection.run_sync(current_position)


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


def _check_replica(
    replica: object, kind: type[Engine | AsyncEngine], options: Mapping[str, Any]
) -> None:
    if replica is None:
        return
    if options.get("binds"):
        raise InputError("a factory with binds, of several databases, can't have one replica")
    if not isinstance(replica, kind):
        raise TypeError(f"a replica is an {kind.__name__}, not {type(replica).__name__}")
    refuse_other_driver(replica.dialect)


def _reading_options(*, read_only: bool, after: str | None) -> dict[str, Any] | None:
    """Return the options of a session that only reads, or None for one that may write.

    Raises:
        InputError: There is a position for one that may write, or the position is none.
    """
    if read_only:
        return {"after": None if after is None else checked_position(after)}
    if after is not None:
        raise InputError("after is for sessions that only read: add read_only=True")
    return None
