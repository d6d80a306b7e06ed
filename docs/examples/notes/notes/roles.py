"""The roles of the application, and the function that returns the caller."""

from __future__ import annotations

from townhall.roles import Roles

ROLES = Roles(
    anonymous=None,
    user="notes_user",
    service="notes_service",
    caller="private.current_user_id()",
    caller_type=int,
)
