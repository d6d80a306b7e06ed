"""The errors of sessions that act."""

from __future__ import annotations

from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm.exc import StaleDataError


class ActorError(RuntimeError):
    """A session may not go on, since it would not act as its actor."""


class RoleNotGranted(ActorError):  # noqa: N818  the name says what is missing
    """The login role may not take the actor's role; the message names the missing grant."""


class NotPermitted(ProgrammingError, StaleDataError):  # noqa: N818  the name says what is missing
    """A row that exists was not deleted or updated, since no policy lets the actor do so.

    PostgreSQL leaves out such rows without an error. This is one for handlers of the database's
    errors, with the SQLSTATE of a missing privilege, and for those of SQLAlchemy's.
    """


class ReadOnlyError(ActorError):
    """A session that only reads was to change something."""
