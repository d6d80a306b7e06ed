"""Lets the statements of a transaction run only while it acts as the session's actor."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import Connection, event
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.orm import Session, SessionTransaction

from townhall.session.actor import Actor
from townhall.session.errors import ActorError
from townhall.session.registry import ACTOR_KEY, is_rollback_to_savepoint
from townhall.session.settings import (
    become,
    read_settings,
    refuse_other_driver,
    refuse_traps,
    restore_settings,
    transaction_status,
)
from townhall.session.turns import Turn
from townhall.session.unmatched import check_matched


class _Guard:
    """The guard of one transaction on one connection.

    It must not keep its session alive, and refers to it weakly.
    """

    def __init__(
        self, session: Session, transaction: SessionTransaction, connection: Connection
    ) -> None:
        self._connection = connection
        self._session = ref(session)
        self._is_of_caller = not _is_closed_with(transaction, connection)
        self._settings: dict[str, str] | None = None
        self._turn: Turn | None = None
        self._failure: BaseException | None = None
        self._watches_rows = False
        self.began_as: Actor | None = None

    def begin(self, session: Session) -> None:
        """Let the transaction act.

        Raises:
            ActorError: The session has no actor, or can't act on the connection.
        """
        try:
            actor = _actor_of(session)
            _refuse_unsupported(session, self._connection)
            if self._is_of_caller:
                self._settings = read_settings(self._connection)
            if actor.is_service:
                refuse_traps(self._connection)
            become(self._connection, actor)
        except BaseException as error:
            self._failure = error
            raise
        self._turn = Turn(self._connection, actor.role)
        self.began_as = actor

    def check(
        self,
        _connection: Connection,
        _cursor: object,
        statement: str,
        _parameters: object,
        context: DefaultExecutionContext | None,
        _is_many: bool,  # noqa: FBT001  SQLAlchemy's
    ) -> None:
        """Refuse a statement that would not run as the session's actor."""
        if is_rollback_to_savepoint(statement):
            return
        if self._failure is not None:
            cause = getattr(self._failure, "orig", None) or self._failure
            raise ActorError(
                "this transaction did not begin as the session's actor, since that failed with"
                f" {type(cause).__name__}: roll back first"
            ) from self._failure
        if transaction_status(self._connection) == "IDLE":
            raise ActorError(
                "the transaction was ended by a statement or by the driver, and with it the"
                " actor's role and claims: use the session's commit and rollback"
            )
        # Most transactions only read, and adding and removing a listener takes 17 µs.
        if context is not None and (context.isupdate or context.isdelete):
            self._watch_rows()

    def _watch_rows(self) -> None:
        if not self._watches_rows:
            event.listen(self._connection, "after_cursor_execute", self.check_matched)
            self._watches_rows = True

    def check_matched(
        self,
        connection: Connection,
        cursor: DBAPICursor,
        _statement: str,
        _parameters: object,
        context: DefaultExecutionContext | None,
        _is_many: bool,  # noqa: FBT001  SQLAlchemy's
    ) -> None:
        """Refuse that rows of a flush were left out without an error."""
        session = self._session()
        if session is not None and context is not None:
            check_matched(session, connection, cursor.rowcount, context)

    def check_turn(self) -> None:
        """Refuse a statement of the session while another one acts on the connection."""
        if self._turn is not None:
            self._turn.check()

    def undo_later(self) -> None:
        """Take note that a savepoint was undone, and with it what other sessions began in it."""
        if self._turn is not None:
            self._turn.undo_later()

    def end(self) -> None:
        """Restore the settings of a connection that goes on after the session's transaction."""
        event.remove(self._connection, "before_cursor_execute", self.check)
        if self._watches_rows:
            event.remove(self._connection, "after_cursor_execute", self.check_matched)
        if self._settings is not None and self._is_usable():
            restore_settings(self._connection, self._settings)
        if self._turn is not None:
            self._turn.end()

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
    event.listen(target, "before_flush", _check_flush)  # a refusal within it would roll back
    event.listen(target, "before_commit", check_turn)
    event.listen(target, "after_transaction_end", _end)


def check_begun(session: Session, actor: object) -> None:
    """Refuse another actor for a session within a transaction.

    Raises:
        ActorError: The session's transaction has a connection on which it does not act as the
            actor.
    """
    transaction = session.get_transaction()
    if transaction is not None and _has_begun_otherwise(transaction, actor):
        raise ActorError(
            "the session's transaction has begun as another actor, or as the login role:"
            " commit or roll back first"
        )


def _has_begun_otherwise(transaction: SessionTransaction, actor: object) -> bool:
    guards = _guards.get(transaction)
    if guards is None:
        return bool(transaction._connections)  # noqa: SLF001  nothing public tells
    return any(guard.began_as != actor for guard in guards)


def check_turn(session: Session) -> None:
    """Refuse what a session is about to run while another one acts on its connection.

    Raises:
        ActorError: Another session acts on a connection of the session's transaction.
    """
    for guard in _guards_of(session):
        guard.check_turn()


def _check_flush(session: Session, *_: object) -> None:
    check_turn(session)


def _guards_of(session: Session) -> list[_Guard]:
    transaction = session.get_transaction()
    return [] if transaction is None else _guards.get(transaction, [])


def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return  # a savepoint has the settings of its transaction
    guard = _Guard(session, transaction, connection)
    _guards.setdefault(transaction, []).append(guard)
    try:
        guard.begin(session)
    finally:
        event.listen(connection, "before_cursor_execute", guard.check)


def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        for guard in _guards_of(session):
            guard.undo_later()
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
    refuse_other_driver(connection.dialect)
    if session.twophase:
        raise ActorError(
            "a session with an actor can't prepare its transaction: "
            "the actor's role would own what is prepared, and the login role couldn't commit it"
        )
