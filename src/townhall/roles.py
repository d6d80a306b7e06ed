"""The roles that an application's requests act as, and how the database knows the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from townhall.input_error import InputError

CALLER_TYPES: dict[type[Any], str] = {UUID: "uuid", int: "bigint", str: "text"}
"""The types of a caller's id: what Python has, and what PostgreSQL has."""

LONGEST_NAME = 63
"""The bytes of a name that PostgreSQL keeps."""


def refused_role(name: object) -> str | None:
    """Return why no transaction can act as a role of this name, and what to do, or None.

    Args:
        name: What is given as the name, perhaps without a type checker.
    """
    if not isinstance(name, str):
        return "the name of a role is a text"
    if not 0 < len(name.encode()) <= LONGEST_NAME:
        return f"PostgreSQL cuts a longer name: give the role one of 1 to {LONGEST_NAME} bytes"
    if "\0" in name:
        return "a name can't hold the character U+0000: leave it out"
    if name in {"none", "public"} or name.startswith("pg_"):
        return (
            "PostgreSQL reserves 'none', which stands for the login role, 'public', which stands"
            " for every role, and names that begin with pg_: give the role another name"
        )
    if " with grant option" in name:
        return "the words 'with grant option' belong to a privilege: give the role another name"
    return None


def _is_sql(given: object) -> bool:
    return isinstance(given, str) and given.strip() != ""


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
        """Refuse names that PostgreSQL would refuse or cut, and unknown types of ids.

        Raises:
            InputError: A name is one that :func:`refused_role` refuses or is used twice, the caller
                is no SQL, or ids can't have the type.
        """
        for parameter in ("anonymous", "user", "service"):
            name = getattr(self, parameter)
            if name is not None and (why := refused_role(name)):
                raise InputError(f"Roles({parameter}={name!r}): {why}")
        if len({*self.names}) < len(self.names):
            names = ", ".join(map(repr, self.names))
            raise InputError(f"the roles {names} must have different names")
        if not _is_sql(self.caller):
            raise InputError(
                f"Roles(caller={self.caller!r}): the caller is an SQL expression that gives the id"
                " of the calling user, such as 'auth.uid()'"
            )
        if self.caller_type not in CALLER_TYPES:
            types = ", ".join(each.__name__ for each in CALLER_TYPES)
            raise InputError(f"the caller's id is of one of the types {types}")

    @property
    def names(self) -> tuple[str, ...]:
        """The roles that there are."""
        every = (self.anonymous, self.user, self.service)
        return tuple(name for name in every if name is not None)


SUPABASE = Roles()
"""The roles of a Supabase project, which are the defaults."""

HELPER_SCHEMA = "private"
"""The default name of the schema of helper functions, which clients don't see."""
