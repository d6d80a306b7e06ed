"""Which sessions act, and the error for an actor in the info of any other session.

An actor in the info of a session that does not act would have no effect, and the session would
read as the login role. Only a listener on SQLAlchemy's ``Session`` can notice that, and importing a
module must not add one. So it is added when the first actor of the process is created: until then
no session can have one. It reads the info of a session, does not create it where there is none, and
does nothing unless an actor is in it.
"""

from __future__ import annotations

from functools import cache
from typing import Self
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Connection, event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from townhall.session.errors import ActorError

ACTOR_KEY = "actor"
"""Where the actor of a session is in its ``info``."""

acting_sessions: WeakSet[Session] = WeakSet()
"""The sessions that act: those of our class, and those that ``act_as`` was called with."""

_refused: WeakKeyDictionary[SessionTransaction, list[Connection]] = WeakKeyDictionary()


class ActorValue:
    """A value that is an error in ``session.info["actor"]`` of a session that does not act."""

    __slots__ = ()

    def __new__(cls, *_arguments: object, **_fields: object) -> Self:
        """Create the value, also where it is copied or unpickled."""
        _refuse_in_other_sessions()
        return super().__new__(cls)


def is_rollback_to_savepoint(statement: str) -> bool:
    """Tell whether a statement undoes work, which is never refused."""
    return statement.startswith("ROLLBACK TO SAVEPOINT")


@cache
def _refuse_in_other_sessions() -> None:
    event.listen(Session, "after_transaction_create", _check)
    event.listen(Session, "after_begin", _check_begin)
    event.listen(Session, "do_orm_execute", _check_execute)
    event.listen(Session, "before_commit", _check)
    event.listen(Session, "after_transaction_end", _release)


def _check(session: Session, *_: object) -> None:
    info = vars(session).get("info")  # the attribute itself would create it
    if info and isinstance(info.get(ACTOR_KEY), ActorValue) and session not in acting_sessions:
        raise ActorError(
            "session.info['actor'] has no effect on this session, which would run as the login"
            " role: call townhall.act_as(session, actor), or use a SessionFactory"
        )


def _check_begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    try:
        _check(session)
    except ActorError:
        # The transaction has its connection by now, which must not be used either.
        _refused.setdefault(transaction, []).append(connection)
        event.listen(connection, "before_cursor_execute", _refuse_statement)
        raise


def _check_execute(state: ORMExecuteState) -> None:
    _check(state.session)


def _refuse_statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    if not is_rollback_to_savepoint(statement):
        raise ActorError("this transaction did not begin as the session's actor: roll back first")


def _release(_session: Session, transaction: SessionTransaction) -> None:
    for connection in _refused.pop(transaction, ()):
        event.remove(connection, "before_cursor_execute", _refuse_statement)
