"""The actor of a transaction: a user, the service or an anonymous caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from townhall.input_error import InputError
from townhall.roles import SUPABASE, Roles, refused_role
from townhall.session.claims import (
    HiddenText,
    canonical_user_id,
    checked_mapping,
    is_same_user,
    to_json,
)
from townhall.session.registry import ActorValue

_NO_HEADERS = HiddenText("{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor(ActorValue):
    """The actor of a transaction. Made by :meth:`user`, :meth:`service` or :meth:`anonymous`.

    The factories' ``as_user`` and its siblings make one for a block, and ``act_as(session, actor)``
    gives one to a session that an application makes itself.

    Attributes:
        role: The role of PostgreSQL to take.
        claims: The JSON of the token's claims, which ``auth.uid()`` and ``auth.jwt()`` read.
        user_id: The claim ``sub``, empty where there is none.
        email: The claim ``email``, empty where there is none.
        request_headers: The JSON of the request's headers, names in lower case.
        is_service: Whether it is the service, which acts with more rights than a caller.
    """

    role: str
    claims: str = field(repr=False)
    user_id: str = field(default=HiddenText(), repr=False)
    email: str = field(default=HiddenText(), repr=False)
    request_headers: str = field(default=_NO_HEADERS, repr=False)
    is_service: bool = field(default=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a role that a transaction can't act as; ``none`` would be the login role.

        Raises:
            InputError: The role is one that :func:`townhall.roles.refused_role` refuses.
        """
        if why := refused_role(self.role):
            raise InputError(f"an actor can't have the role {self.role!r}: {why}")

    @classmethod
    def user(
        cls,
        user_id: UUID | int | str,
        claims: Mapping[str, Any] | None = None,
        request_headers: Mapping[str, str] | None = None,
        roles: Roles = SUPABASE,
    ) -> Actor:
        """Return a signed-in user: role ``authenticated``, unless the roles name another.

        Args:
            user_id: The user's id, of the type ``roles.caller_type``: by default a UUID, the key of
                the account in ``auth.users``. A UUID and an integer may also be given as text.
            claims: More claims, or all claims of a verified token. ``sub`` and ``role`` are the
                actor's own and can only be repeated.
            request_headers: Headers of the request, which the consent audit reads.
            roles: The names of the roles and the type of user ids.

        Raises:
            InputError: The user id is not of the type, ``sub`` or ``role`` among the claims is
                another one, the claims or headers are not valid JSON for PostgreSQL, or there is no
                role for users.
            TypeError: The claims or the headers are no mapping from names.
        """
        role = _existing(roles.user, "signed-in users", "user")
        subject = canonical_user_id(user_id, roles.caller_type)
        given = checked_mapping(claims, "claims")
        if "sub" in given and not is_same_user(given["sub"], subject, roles.caller_type):
            raise InputError("the claim 'sub' contradicts the actor's own")
        if given.get("role", role) != role:
            raise InputError("the claim 'role' contradicts the actor's own")
        email = given.get("email")
        of_request = checked_mapping(request_headers, "request_headers")
        headers = {name.lower(): value for name, value in of_request.items()}
        return cls(
            role=role,
            claims=to_json({**given, "sub": subject, "role": role}),
            user_id=HiddenText(subject),
            email=HiddenText(email if isinstance(email, str) else ""),
            request_headers=to_json(headers) if headers else _NO_HEADERS,
        )

    @classmethod
    def service(cls, roles: Roles = SUPABASE) -> Actor:
        """Return the service, which sees all rows: role ``service_role``, unless named otherwise.

        Args:
            roles: The names of the roles.

        Raises:
            InputError: There is no role for the service.
        """
        actor = cls._without_subject(_existing(roles.service, "the service", "service"))
        return replace(actor, is_service=True)

    @classmethod
    def anonymous(cls, roles: Roles = SUPABASE) -> Actor:
        """Return a caller without a token: role ``anon``, unless the roles name another.

        Args:
            roles: The names of the roles.

        Raises:
            InputError: There is no role for anonymous callers.
        """
        return cls._without_subject(_existing(roles.anonymous, "anonymous callers", "anonymous"))

    @classmethod
    def _without_subject(cls, role: str) -> Actor:
        return cls(role=role, claims=to_json({"role": role}))


def _existing(role: str | None, whose: str, parameter: str) -> str:
    if role is None:
        raise InputError(f"there is no role for {whose}: name it with Roles({parameter}=…)")
    return role
