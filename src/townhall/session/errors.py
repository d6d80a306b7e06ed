"""The errors of sessions that act."""

from __future__ import annotations


class ActorError(RuntimeError):
    """A session may not go on, since it would not act as its actor."""


class RoleNotGranted(ActorError):  # noqa: N818  the name says what is missing
    """The login role may not take the actor's role; the message names the missing grant."""
