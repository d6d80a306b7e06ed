"""The roles that an application's requests act as, and how the database knows the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

CALLER_TYPES: dict[type[Any], str] = {UUID: "uuid", int: "bigint", str: "text"}
"""The types of a caller's id: what Python has, and what PostgreSQL has."""


@dataclass(frozen=True)
class Roles:
    """The names of the roles, any of which may be absent, and the function that gives the caller.

    The defaults are those of Supabase.

    Attributes:
        anonymous: The role of a request without a token.
        user: The role of a signed-in user.
        service: The role of the application itself, which sees every row.
        caller: An SQL expression that gives the id of the calling user: ``auth.uid()``.
        caller_type: The type of that id: ``uuid.UUID``, ``int`` (bigint) or ``str`` (text).
    """

    anonymous: str | None = "anon"
    user: str | None = "authenticated"
    service: str | None = "service_role"
    caller: str = "auth.uid()"
    caller_type: type[UUID | int | str] = UUID

    def __post_init__(self) -> None:
        """Refuse what no database could have.

        Raises:
            ValueError: A name is empty or used twice, or ids can't have the type.
        """
        names = self.names
        if "" in names or len({*names}) < len(names):
            raise ValueError(f"the roles {', '.join(map(repr, names))} must have different names")
        if self.caller_type not in CALLER_TYPES:
            types = ", ".join(each.__name__ for each in CALLER_TYPES)
            raise ValueError(f"the caller's id is of one of the types {types}")

    @property
    def names(self) -> tuple[str, ...]:
        """The roles that there are."""
        every = (self.anonymous, self.user, self.service)
        return tuple(name for name in every if name is not None)


SUPABASE = Roles()
"""The roles of a Supabase project, which are the defaults."""

HELPER_SCHEMA = "private"
"""The default name of the schema of helper functions, which clients don't see."""
