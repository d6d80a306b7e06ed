"""A session that acts and only reads."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from townhall.session.acting import ActingSession
from townhall.session.errors import ReadOnlyError
from townhall.session.replica import Replica, read_only
from townhall.session.settings import begins_read_only

# In a savepoint it holds until the end of that: the caller's own transaction goes on as it was.
_SET_READ_ONLY = text("select pg_catalog.set_config('transaction_read_only', 'on', true)")


class Reading:
    """Where the sessions of a factory that only read connect.

    Attributes:
        replica: The replica, if there is one.
    """

    def __init__(self, replica: Replica | None) -> None:
        """Take the replica, if there is one."""
        self.replica = replica
        self._engines: dict[Engine, Engine] = {}

    def of_primary(self, bind: Engine | Connection) -> Engine | Connection:
        """Return what reads from an engine of the factory; a connection is its caller's.

        Args:
            bind: The engine or connection.
        """
        if isinstance(bind, Connection):
            return bind
        if bind not in self._engines:
            self._engines[bind] = read_only(bind)
        return self._engines[bind]


class ReadOnlySession(ActingSession):
    """A session that acts, and reads from the replica or from the primary in its place."""

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401  SQLAlchemy's
        reading: Reading,
        after: str | None = None,
        **options: Any,  # noqa: ANN401  SQLAlchemy's
    ) -> None:
        """Create the session.

        Args:
            *arguments: Those of ``sqlalchemy.orm.Session``.
            reading: Where it connects.
            after: The position that has to be replayed there; None for any.
            **options: Those of ``sqlalchemy.orm.Session``.
        """
        super().__init__(*arguments, **options)
        self._reading = reading
        self._after = after
        self._is_of_replica: bool | None = None

    def get_bind(self, *arguments: Any, **options: Any) -> Engine | Connection:  # noqa: ANN401  SQLAlchemy's
        """Return where the transaction connects, which its first statement decides.

        A statement may name its own, as everywhere.
        """
        if bind := options.get("bind"):
            return self._reading.of_primary(bind)
        replica = self._reading.replica
        if self._is_of_replica is None and replica is not None and replica.can_look():
            self._is_of_replica = replica.is_usable(self._after)
        if replica is not None and self._is_of_replica:
            return replica.engine
        return self._reading.of_primary(super().get_bind(*arguments, **options))

    def decide_again(self) -> None:
        """Let the next transaction decide anew."""
        self._is_of_replica = None


_connections: WeakKeyDictionary[SessionTransaction, list[Connection]] = WeakKeyDictionary()


def _begin(_session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return
    _connections.setdefault(transaction, []).append(connection)
    event.listen(connection, "before_cursor_execute", _refuse_change)
    if not begins_read_only(connection):  # it is the caller's, or has other options
        connection.execute(_SET_READ_ONLY)


def _end(session: Session, transaction: SessionTransaction) -> None:
    for connection in _connections.pop(transaction, ()):
        event.remove(connection, "before_cursor_execute", _refuse_change)
    if transaction.parent is None and isinstance(session, ReadOnlySession):
        session.decide_again()


def _refuse_flush(session: Session, *_: object) -> None:
    if session.new or session.deleted or any(map(session.is_modified, session.dirty)):
        raise _refusal("it has changes to write")


def _refuse_change(
    _connection: Connection,
    _cursor: DBAPICursor,
    _statement: str,
    _parameters: object,
    context: DefaultExecutionContext | None,
    _is_many: bool,  # noqa: FBT001  SQLAlchemy's
) -> None:
    compiled = None if context is None else context.compiled
    if context is not None and context.isddl:
        raise _refusal("a statement would define something")
    if isinstance(compiled, SQLCompiler) and _changes_rows(compiled):
        raise _refusal("a statement would change rows")


def _changes_rows(compiled: SQLCompiler) -> bool:
    """Tell whether a statement changes rows, itself or in a common table expression."""
    parts = [compiled.statement, *(each.element for each in compiled.ctes or ())]
    return any(isinstance(part, UpdateBase) for part in parts)


def _refusal(why: str) -> ReadOnlyError:
    return ReadOnlyError(
        f"this session only reads, and {why}: open a session without read_only=True for that"
    )


event.listen(ReadOnlySession, "after_begin", _begin)
event.listen(ReadOnlySession, "after_transaction_end", _end)
event.listen(ReadOnlySession, "before_flush", _refuse_flush)
