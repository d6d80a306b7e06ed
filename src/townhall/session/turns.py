"""Which of the sessions that share a connection acts on it.

Sessions share a connection one within the other, each in a savepoint of the earlier one's
transaction. The role and the claims are those of the session that began last, until its transaction
ends; a statement of an earlier one would run as that other actor, and is refused.
"""

from __future__ import annotations

from weakref import ref

from sqlalchemy import Connection

from townhall.session.errors import ActorError

_KEY = "townhall_turns"
"""Where the info of a connection has its turns, which hold for the connection of the driver."""


class Turn:
    """The time in which a transaction of a session acts on a connection."""

    def __init__(self, connection: Connection, role: str) -> None:
        """Begin the turn.

        Args:
            connection: The connection.
            role: The role that the transaction acts as, for messages.
        """
        self._role = role
        self._is_undone = False
        # In the order in which they began. A session that was not closed is not kept alive by them.
        self._turns: list[ref[Turn]] = connection.info.setdefault(_KEY, [])
        self._turns[:] = [turn for turn in self._turns if turn() is not None]
        self._turns.append(ref(self))

    def check(self) -> None:
        """Refuse a statement of the session while another one acts.

        Raises:
            ActorError: It would run as the actor of another session, or as the login role.
        """
        if self._is_undone:
            raise ActorError(
                "this transaction was undone together with the one of another session on the same"
                " connection, which began before it: roll back first"
            )
        acting = self._later()[-1:]
        if acting:
            raise ActorError(
                f"another session acts on this connection, with the role {acting[0]._role}, and the"  # noqa: SLF001
                " statement would run as its actor: commit or roll back that session first, or"
                " give each session a connection of its own"
            )

    def undo_later(self) -> None:
        """End the turns that began after this one: a rollback of its savepoint undoes them."""
        for turn in self._later():
            turn._is_undone = True  # noqa: SLF001
            self._turns.remove(ref(turn))

    def end(self) -> None:
        """End the turn, so that the session before it acts again."""
        if not self._is_undone:
            self.undo_later()
            self._turns.remove(ref(self))

    def _later(self) -> list[Turn]:
        turns = [turn for reference in self._turns if (turn := reference()) is not None]
        return turns[turns.index(self) + 1 :]
