"""Lets the statements of a transaction run only while it acts as the session's actor."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from townhall.session.actor import Actor
from townhall.session.errors import ActorError
from townhall.session.registry import ACTOR_KEY, is_rollback_to_savepoint
from townhall.session.settings import (
    become,
    read_settings,
    restore_settings,
    transaction_status,
)

WRONG_ACTOR = "this transaction did not begin as the session's actor: commit or roll back first"


class _Guard:
    """The guard of one transaction on one connection.

    It refers to the info of its session and not to the session, which it must not keep alive.
    """

    def __init__(
        self, session: Session, transaction: SessionTransaction, connection: Connection
    ) -> None:
        self._info = session.info
        self._connection = connection
        self._is_of_caller = not _is_closed_with(transaction, connection)
        self._settings: dict[str, str] | None = None
        self.began_as: object = self  # no actor: every statement is refused until `begin` is done

    def begin(self, actor: Actor) -> None:
        """Let the transaction act."""
        if self._is_of_caller:
            self._settings = read_settings(self._connection)
        become(self._connection, actor)
        self.began_as = actor

    def check(self, _connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        """Refuse a statement that would not run as the session's actor."""
        if is_rollback_to_savepoint(statement):
            return
        if self._info.get(ACTOR_KEY) != self.began_as:
            raise ActorError(WRONG_ACTOR)
        if transaction_status(self._connection) == "IDLE":
            raise ActorError(
                "the transaction was ended by a statement or by the driver, and with it the"
                " actor's role and claims: use the session's commit and rollback"
            )

    def end(self) -> None:
        """Restore the settings of a connection that goes on after the session's transaction."""
        event.remove(self._connection, "before_cursor_execute", self.check)
        if self._settings is not None and self._is_usable():
            restore_settings(self._connection, self._settings)

    def _is_usable(self) -> bool:
        connection = self._connection
        if connection.invalidated or not connection.in_transaction():
            return False
        return transaction_status(connection) == "INTRANS"


_guards: WeakKeyDictionary[SessionTransaction, list[_Guard]] = WeakKeyDictionary()


def listen(target: Any, *, first: bool = False) -> None:  # noqa: ANN401  what SQLAlchemy listens to
    """Guard the transactions of a session, or of all sessions of a class of ours.

    Args:
        target: The session or the class.
        first: Whether to run before the listeners that it has.
    """
    event.listen(target, "after_begin", _begin, insert=first)
    event.listen(target, "after_transaction_end", _end)


def has_begun_otherwise(transaction: SessionTransaction, actor: Actor) -> bool:
    """Tell whether a transaction has a connection on which it does not act as the actor."""
    guards = _guards.get(transaction)
    if guards is None:
        return bool(transaction._connections)  # noqa: SLF001  nothing public tells
    return any(guard.began_as != actor for guard in guards)


def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return  # a savepoint has the settings of its transaction
    guard = _Guard(session, transaction, connection)
    _guards.setdefault(transaction, []).append(guard)
    try:
        actor = _actor_of(session)
        _refuse_unsupported(session, connection)
        guard.begin(actor)
    finally:
        event.listen(connection, "before_cursor_execute", guard.check)


def _end(_session: Session, transaction: SessionTransaction) -> None:
    for guard in _guards.pop(transaction, ()):
        guard.end()


def _is_closed_with(transaction: SessionTransaction, connection: Connection) -> bool:
    # The session's bind does not tell: `binds`, `bind_arguments` and `get_bind` name others.
    *_, is_closed = transaction._connections[connection]  # noqa: SLF001  nothing public tells
    return is_closed


def _actor_of(session: Session) -> Actor:
    actor = session.info.get(ACTOR_KEY)
    if actor is None:
        raise ActorError("the session has no actor: call townhall.act_as(session, actor)")
    if not isinstance(actor, Actor):
        raise ActorError(f"session.info['actor'] is a {type(actor).__name__}, not an Actor")
    return actor


def _refuse_unsupported(session: Session, connection: Connection) -> None:
    if connection.dialect.driver != "psycopg":
        raise ActorError(
            "a session can act on connections of psycopg 3 only: postgresql+psycopg://"
        )
    if session.twophase:
        raise ActorError(
            "a session with an actor can't prepare its transaction: "
            "the actor's role would own what is prepared, and the login role couldn't commit it"
        )
