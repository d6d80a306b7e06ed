"""The info of a session that acts, which holds its actor."""

from __future__ import annotations

from collections import UserDict
from typing import Any
from weakref import ref

from sqlalchemy.orm import Session

from townhall.session import guard
from townhall.session.errors import ActorError
from townhall.session.registry import ACTOR_KEY


class ActorInfo(UserDict[Any, Any]):
    """The info of a session, whose actor changes between two transactions only.

    With the actor go the objects that were loaded as the former one: ``session.get`` would hand
    them out without asking the database whether the new actor may read them.
    """

    def __init__(self, session: Session) -> None:
        """Take over what the session's info has."""
        self._session = ref(session)
        super().__init__()
        self.data = dict(session.info)

    def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401  a dictionary's
        """Set a value; another actor only between two transactions.

        Raises:
            ActorError: The session's transaction has begun, or has changes that the former actor
                made.
        """
        if key == ACTOR_KEY:
            self._change_actor(value)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:  # noqa: ANN401  a dictionary's
        """Delete a value; the actor only between two transactions.

        Raises:
            ActorError: As for another actor.
        """
        if key == ACTOR_KEY:
            self._change_actor(None)
        super().__delitem__(key)

    def _change_actor(self, actor: object) -> None:
        session, former = self._session(), self.data.get(ACTOR_KEY)
        if session is None or actor == former:
            return
        guard.check_begun(session, actor)
        if session.dirty or session.deleted or (session.new and former is not None):
            raise ActorError(
                "the session has changes that its former actor made: commit or roll back first"
            )
        for loaded in session.identity_map.values():
            session.expunge(loaded)
