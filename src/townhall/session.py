"""Sessions that act as a user, as the service or as nobody, so that the database enforces access.

At the begin of every transaction one statement sets the role and the claims for this transaction
alone (``set_config(…, true)``, which is ``set local``): after a commit the next transaction sets
its own, a savepoint keeps them, and nothing of them outlives the transaction, neither in
SQLAlchemy's pool nor in one outside. Each of them is set each time, so that no other actor that was
left on the connection shows through, and no temporary table or type stands for one of the
application's. What a program sets for its connection by itself stays there, as with any pool.

Connections are those of psycopg 3, sync or async. Behind PgBouncer in transaction mode, or on the
transaction port of Supabase's pooler, switch off its prepared statements, which belong to a server
connection that is another one in the next transaction::

    engine = create_engine(url, connect_args={"prepare_threshold": None})

PgBouncer from 1.22 on can carry prepared statements along, where ``max_prepared_statements`` is set
and psycopg has libpq 17; Supabase's pooler can't.

What this does not do is confine code: whoever can run SQL in a session can also run ``reset role``
and be the login role again, or set other claims. So let the login role be one that has nothing of
its own: ``noinherit``, no superuser, owner of no table, only a member of the API roles.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from psycopg import BaseConnection, ConnectionInfo

_Context = TypeVar("_Context")


class ActorError(RuntimeError):
    """A session may not go on, since it would not act as its actor."""


class RoleNotGranted(ActorError):  # noqa: N818  the name says what is missing
    """The login role may not take the actor's role; the message names the missing grant."""


class _Quiet(str):
    """A text that logs, tracebacks and SQLAlchemy's errors don't show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who a transaction acts as. Made by :meth:`user`, :meth:`service` or :meth:`anonymous`.

    ``session.info["actor"] = actor`` puts one on any session, sync or async, before its first
    statement or between two transactions. Importing this module is what makes that work. Within a
    transaction another actor, or none any more, stops the session with an :class:`ActorError`.

    Attributes:
        role: The role of PostgreSQL to take.
        claims: The JSON of the token's claims, which ``auth.uid()`` and ``auth.jwt()`` read.
        user_id: The claim ``sub``, empty where there is none.
        email: The claim ``email``, empty where there is none.
        request_headers: The JSON of the request's headers, names in lower case.
    """

    role: str
    claims: str = field(repr=False)
    user_id: str = field(default=_Quiet(), repr=False)
    email: str = field(default=_Quiet(), repr=False)
    request_headers: str = field(default=_Quiet("{}"), repr=False)

    @classmethod
    def user(
        cls,
        user_id: UUID | str,
        claims: Mapping[str, Any] | None = None,
        request_headers: Mapping[str, str] | None = None,
    ) -> Actor:
        """Return a signed-in user: role ``authenticated``.

        Args:
            user_id: The key of the account in ``auth.users``.
            claims: More claims, or all of a token that was verified. ``sub`` and ``role`` are the
                actor's own and can only be repeated.
            request_headers: Headers of the request, which the consent audit reads.

        Raises:
            ValueError: The user id is not a UUID, the claims are about somebody else, or what
                either mapping holds can't be PostgreSQL's JSON.
            TypeError: The claims or the headers are no mapping from names.
        """
        own = {"sub": _canonical(user_id), "role": "authenticated"}
        given = _by_name(claims, "claims")
        for name, value in own.items():
            if name in given and not _means(given[name], value):
                raise ValueError(f"the claim {name!r} contradicts the actor's own")
        email = given.get("email")
        of_request = _by_name(request_headers, "request_headers")
        headers = {name.lower(): value for name, value in of_request.items()}
        return cls(
            role="authenticated",
            claims=_json({**given, **own}),
            user_id=_Quiet(own["sub"]),
            email=_Quiet(email if isinstance(email, str) else ""),
            request_headers=_json(headers),
        )

    @classmethod
    def service(cls) -> Actor:
        """Return the service: role ``service_role``, which sees all rows."""
        return cls(role="service_role", claims=_json({"role": "service_role"}))

    @classmethod
    def anonymous(cls) -> Actor:
        """Return nobody: role ``anon``, that of a request without a token."""
        return cls(role="anon", claims=_json({"role": "anon"}))


def _canonical(user_id: UUID | str) -> str:
    try:
        return str(UUID(str(user_id)))
    except ValueError:
        raise ValueError("the user id is not a UUID") from None


def _means(claim: object, own: str) -> bool:
    """Tell whether a claim is the actor's own; a UUID is so in each of its forms."""
    try:
        return str(claim) == own or str(UUID(str(claim))) == own
    except ValueError:
        return False


def _by_name(given: object, what: str) -> Mapping[str, Any]:
    """Return a mapping that callers without a type checker may have given otherwise."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise TypeError(f"{what} must be a mapping from names, which are text")
    return given


def _json(value: Mapping[str, Any]) -> _Quiet:
    """Return the JSON of a value, refusing what PostgreSQL would refuse while it reads a policy."""
    try:
        document = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except TypeError as error:
        raise ValueError(f"claims and headers must be JSON: {error}") from None
    try:
        document.encode()
    except UnicodeEncodeError:
        raise ValueError("claims and headers must be Unicode text") from None
    if "\\u0000" in document.replace(r"\\", ""):  # else it may be a backslash and a word
        raise ValueError("claims and headers can't hold the character U+0000")
    return _Quiet(document)


class ActingSession(Session):
    """A session that begins no transaction without an actor, lest it act as the login role."""


# In a transaction that is not the session's own, its commit and rollback concern its own work.
_JOINING: dict[str, Any] = {"join_transaction_mode": "create_savepoint"}


def _options(engine: object, fit: tuple[type, type], given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a factory's sessions, refusing what would fail in their blocks."""
    if not isinstance(engine, fit):
        names = " or ".join(kind.__name__ for kind in fit)
        raise TypeError(f"a factory takes an {names}, not {type(engine).__name__}")
    if not given.get("autobegin", True):
        raise ValueError("a session that acts begins by itself: autobegin=False can't be")
    return _JOINING | given


class _Factory(ABC, Generic[_Context]):
    """What both factories offer: a block in which a new session acts as somebody.

    At its end the block commits; an exception rolls back what was not committed inside of it. The
    session connects with its first statement, and only then is the role taken: a login role that
    may not take it gets a :class:`RoleNotGranted`, any other hindrance is an :class:`ActorError`.
    """

    @abstractmethod
    def acting(self, actor: Actor) -> _Context:
        """Open a session that acts as the actor.

        Args:
            actor: Who, in each of the session's transactions.
        """

    def as_user(
        self,
        user_id: UUID | str,
        claims: Mapping[str, Any] | None = None,
        request_headers: Mapping[str, str] | None = None,
    ) -> _Context:
        """Open a session that acts as a signed-in user; see :meth:`Actor.user`.

        Args:
            user_id: The key of the account in ``auth.users``.
            claims: More claims of the user's token.
            request_headers: Headers of the request.

        Raises:
            ValueError: The user id is not a UUID, or the claims or headers are not acceptable.
            TypeError: The claims or the headers are no mapping from names.
        """
        return self.acting(Actor.user(user_id, claims, request_headers))

    def as_service(self) -> _Context:
        """Open a session that acts as the service."""
        return self.acting(Actor.service())

    def as_anonymous(self) -> _Context:
        """Open a session that acts as nobody."""
        return self.acting(Actor.anonymous())


class SessionFactory(_Factory[AbstractContextManager[Session]]):
    """Makes sessions that act as somebody, on an engine."""

    def __init__(self, engine: Engine | Connection, **session_options: Any) -> None:  # noqa: ANN401  SQLAlchemy's
        """Bind the factory.

        Args:
            engine: Where the sessions connect. In a connection's own transaction, as in tests
                that roll everything back, sessions leave role and settings as they found them.
            **session_options: Options of ``sqlalchemy.orm.Session``.

        Raises:
            TypeError: The engine is none, or an async one.
            ValueError: ``autobegin=False``; a block begins by itself, and commits at its end.
        """
        options = _options(engine, (Engine, Connection), session_options)
        self._sessions = sessionmaker(engine, class_=ActingSession, **options)

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[Session]:
        """Open a session that acts as the actor."""
        with self._sessions(info={"actor": actor}) as session:
            yield session
            session.commit()


class AsyncSessionFactory(_Factory[AbstractAsyncContextManager[AsyncSession]]):
    """Makes async sessions that act as somebody, on an async engine."""

    def __init__(self, engine: AsyncEngine | AsyncConnection, **session_options: Any) -> None:  # noqa: ANN401  SQLAlchemy's
        """Bind the factory.

        Args:
            engine: Where the sessions connect; see :class:`SessionFactory`.
            **session_options: Options of ``sqlalchemy.ext.asyncio.AsyncSession``.

        Raises:
            TypeError: The engine is none, or a sync one.
            ValueError: ``autobegin=False``, as there.
        """
        options = _options(engine, (AsyncEngine, AsyncConnection), session_options)
        self._sessions = async_sessionmaker(engine, sync_session_class=ActingSession, **options)

    @asynccontextmanager
    async def acting(self, actor: Actor) -> AsyncIterator[AsyncSession]:
        """Open a session that acts as the actor."""
        async with self._sessions(info={"actor": actor}) as session:
            yield session
            await session.commit()


# All of them each time. Temporary objects outlive a transaction and are found first where the
# search path does not name their schema: it is named last. `auth.jwt()` and its like read the older
# `request.jwt.claim…` first.
# `num_nulls` keeps what was set out of the answer, and so out of the log of an echoing engine.
_ACT = text(
    """
    select
      set_config('role', :role, true),
      num_nulls(
        set_config(
          'search_path',
          coalesce(
            :search_path,
            concat_ws(', ', nullif(current_setting('search_path'), ''), 'pg_temp')
          ),
          true
        ),
        set_config('request.jwt.claims', :claims, true),
        set_config('request.jwt.claim', :claim, true),
        set_config('request.jwt.claim.sub', :claim_sub, true),
        set_config('request.jwt.claim.role', :claim_role, true),
        set_config('request.jwt.claim.email', :claim_email, true),
        set_config('request.headers', :headers, true)
      )
    """
)
_FOUND = text(
    """
    select
      current_setting('role') as role,
      current_setting('search_path') as search_path,
      coalesce(current_setting('request.jwt.claims', true), '') as claims,
      coalesce(current_setting('request.jwt.claim', true), '') as claim,
      coalesce(current_setting('request.jwt.claim.sub', true), '') as claim_sub,
      coalesce(current_setting('request.jwt.claim.role', true), '') as claim_role,
      coalesce(current_setting('request.jwt.claim.email', true), '') as claim_email,
      coalesce(current_setting('request.headers', true), '') as headers
    """
)
_POOLER_HINT = (
    "the connection knows other prepared statements than the session: behind a pooler in "
    "transaction mode, make the engine with connect_args={'prepare_threshold': None}"
)


class _Guard:
    """Lets a statement run only while its transaction is that of the session's actor."""

    def __init__(self, session: Session, connection: Connection) -> None:
        self._session = session
        self._connection = connection
        self._began_as: object = self  # which is no actor: nothing passes before `begin` is done
        self._found: dict[str, str] | None = None

    def begin(self) -> None:
        """Let the transaction act as the session's actor."""
        actor = _actor_of(self._session)
        if actor is not None:
            _refuse_unfit(self._session, self._connection)
            if isinstance(self._session.bind, Connection):
                found = self._connection.execute(_FOUND).mappings().one()
                self._found = {name: _Quiet(value) for name, value in found.items()}
            _become(self._connection, actor)
        self._began_as = actor

    def check(self, _connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        """Refuse a statement that would run as somebody else."""
        if statement.startswith("ROLLBACK TO SAVEPOINT"):
            return
        if self._session.info.get("actor") != self._began_as:
            raise ActorError(
                "this transaction did not begin as the session's actor: commit or roll back first"
            )
        if self._began_as is not None and _status(self._connection) == "IDLE":
            raise ActorError(
                "the transaction was ended behind the session's back, and its actor with it: "
                "use the session's own commit and rollback"
            )

    def end(self) -> None:
        """Leave a connection that goes on without the session as it was found."""
        event.remove(self._connection, "before_cursor_execute", self.check)
        if self._found is not None and self._goes_on():
            self._connection.execute(_ACT, self._found)

    def _goes_on(self) -> bool:
        connection = self._connection
        if connection.invalidated or not connection.in_transaction():
            return False
        return _status(connection) == "INTRANS"


def _actor_of(session: Session) -> Actor | None:
    actor = session.info.get("actor")
    if actor is None and isinstance(session, ActingSession):
        raise ActorError("the session has no actor: set session.info['actor']")
    if actor is not None and not isinstance(actor, Actor):
        raise ActorError(f"session.info['actor'] is a {type(actor).__name__}, not an Actor")
    return actor


def _refuse_unfit(session: Session, connection: Connection) -> None:
    if connection.dialect.driver != "psycopg":
        raise ActorError("a session acts on connections of psycopg 3 alone: postgresql+psycopg://")
    if session.twophase:
        raise ActorError(
            "a session with an actor can't prepare its transaction: "
            "the actor's role would own what is prepared, and the login role couldn't commit it"
        )


def _become(connection: Connection, actor: Actor) -> None:
    """Set the actor's role and claims for the transaction, in one round trip."""
    settings = {
        "role": actor.role,
        "search_path": None,
        "claims": actor.claims,
        "claim": "",
        "claim_sub": actor.user_id,
        "claim_role": actor.role,
        "claim_email": actor.email,
        "headers": actor.request_headers,
    }
    try:
        role = connection.scalar(_ACT, settings)
    except DBAPIError as error:
        explanation = _explain(error, connection, actor.role)
        if explanation is None:
            raise
        raise explanation from error
    if role != actor.role:
        raise ActorError(_POOLER_HINT)
    if _status(connection) == "IDLE":
        raise ActorError(
            "a session can't act on a connection in AUTOCOMMIT: "
            "role and claims hold for a transaction, and there is none"
        )


def _explain(error: DBAPIError, connection: Connection, role: str) -> ActorError | None:
    """Return an error that says what to do, if that is known."""
    match getattr(error.orig, "sqlstate", None):
        case "42501":
            return RoleNotGranted(_missing_grant(connection, role))
        case "22023":
            return ActorError(f'role "{role}" does not exist here: run alembic upgrade head')
        case "08P01" | "26000" | "42P05":
            return ActorError(_POOLER_HINT)
        case _:
            return None


def _missing_grant(connection: Connection, role: str) -> str:
    info = _info(connection)
    login = info.parameter_status("session_authorization") or info.user
    quoted = connection.dialect.identifier_preparer.quote_identifier(login)
    # Since 16 a membership may lack the right to set the role, and granting it again keeps that.
    option = " with set true" if info.server_version >= 160000 else ""  # noqa: PLR2004  libpq's form
    return f"the login role may not act as {role}: grant {role} to {quoted}{option}"


def _status(connection: Connection) -> str:
    """Return what psycopg knows of the transaction: IDLE, INTRANS, INERROR …; no round trip."""
    return _info(connection).transaction_status.name


def _info(connection: Connection) -> ConnectionInfo:
    return cast("BaseConnection[Any]", connection.connection.driver_connection).info


@event.listens_for(Session, "after_begin")
def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return  # a savepoint keeps what its transaction has
    guard = _Guard(session, connection)
    session.info.setdefault(transaction, []).append(guard)
    try:
        guard.begin()
    finally:
        event.listen(connection, "before_cursor_execute", guard.check)


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    for guard in session.info.pop(transaction, ()):
        guard.end()
