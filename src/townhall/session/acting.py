"""How a session gets its actor."""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import ref

from sqlalchemy import Connection, Engine, Result, event
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import ORMExecuteState, Session, scoped_session

from townhall.session import guard
from townhall.session.actor import Actor
from townhall.session.after_commit import collect_errors
from townhall.session.errors import ActorError
from townhall.session.info import ActorInfo
from townhall.session.registry import ACTOR_KEY, acting_sessions


class ActingSession(Session):
    """A session that runs nothing without an actor: it never acts as the login role.

    The sessions of the factories are of this class, and ``session.info["actor"]`` is their actor.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  SQLAlchemy's
        """Create the session; the arguments are those of ``sqlalchemy.orm.Session``."""
        super().__init__(*arguments, **options)
        self.errors_after_commit: list[Exception] = []
        self.has_ended = False
        _attach(self)

    def end(self) -> None:
        """Refuse every further statement, which would hold a connection that nothing returns."""
        self.has_ended = True

    def commit(self) -> None:
        """Commit, and then raise the error of a statement that says so by ``RAISE_AFTER_COMMIT``.

        Raises:
            Exception: The first of the errors.
        """
        super().commit()
        errors, self.errors_after_commit = self.errors_after_commit, []
        if errors:
            raise errors[0]

    def rollback(self) -> None:
        """Roll back; errors of what is undone are not raised any more."""
        super().rollback()
        self.errors_after_commit.clear()


def _collect_errors(state: ORMExecuteState) -> Result[Any] | None:
    session = state.session
    assert isinstance(session, ActingSession)  # noqa: S101 - it listens to this class alone
    return collect_errors(state, session.errors_after_commit)


event.listen(ActingSession, "do_orm_execute", _collect_errors)
guard.listen(ActingSession)


def act_as(
    session: Session | AsyncSession | scoped_session[Any] | async_scoped_session[Any],
    actor: Actor,
) -> None:
    """Let a session act as an actor in each of its transactions from now on.

    It is for a session that an application makes itself, and may be called again with another
    actor, between two transactions: the session then lets go of the objects that it loaded as the
    former one. The actor is ``session.info["actor"]``. A session that acts does not go back to the
    login role: without an actor it runs nothing. Listeners of ``after_begin`` on a class of
    sessions run before the role is taken.

    Args:
        session: The session. Of a scoped session the current one, so that after ``remove()`` the
            next one needs another call.
        actor: The actor.

    Raises:
        ActorError: The session's transaction has begun as the login role or as another actor, or
            the session has changes of another actor that were not written yet.
        TypeError: The session or the actor is not one.
    """
    if not isinstance(actor, Actor):
        raise TypeError(f"the actor is a {type(actor).__name__}, not an Actor")
    sync_session = _sync_session(session)
    if sync_session not in acting_sessions:
        guard.check_begun(sync_session, actor)
        guard.listen(sync_session, first=True)
        _attach(sync_session)
    sync_session.info[ACTOR_KEY] = actor


def _attach(session: Session) -> None:
    """Let a session notice another actor, and another session that acts on its connection."""
    acting_sessions.add(session)
    # SQLAlchemy has no event for either. Each statement asks for its bind first.
    vars(session)["info"] = ActorInfo(session)
    vars(session)["get_bind"] = partial(_get_bind, ref(session))


def _get_bind(
    reference: ref[Session],
    *arguments: Any,  # noqa: ANN401  SQLAlchemy's
    **options: Any,  # noqa: ANN401  SQLAlchemy's
) -> Engine | Connection:
    session = reference()
    assert session is not None  # noqa: S101 - it is a method of the session
    if getattr(session, "has_ended", False):
        raise ActorError(
            "the block of this session has ended: open another session for what comes after it"
        )
    guard.check_turn(session)
    return type(session).get_bind(session, *arguments, **options)


def _sync_session(session: object) -> Session:
    if isinstance(session, (scoped_session, async_scoped_session)):
        session = session()
    if isinstance(session, AsyncSession):
        session = session.sync_session
    if not isinstance(session, Session):
        raise TypeError(f"act_as takes a session, not a {type(session).__name__}")
    return session
