"""Personas that tests of every domain have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from townhall.session import Actor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from townhall.testing import AccessCase, Outcome

WITHOUT_SUBJECT = Actor(role="authenticated", claims='{"role": "authenticated"}')
"""A token without the claim ``sub``, which names no user."""


def anonymous_sign_in(user_id: UUID) -> Actor:
    """Return a user of Supabase's anonymous sign-in: an account that proved no identity.

    Args:
        user_id: The account.
    """
    return Actor.user(user_id, claims={"is_anonymous": True})


def with_anonymous_sign_in(
    cases: Iterable[AccessCase], refused: Mapping[tuple[str, str], Outcome] | None = None
) -> list[AccessCase]:
    """Return the cases of a matrix, and those of the stranger for the anonymous sign-in as well.

    The persona ``anonymous_sign_in`` is the stranger's account, with another token: the rules are
    the same for both, except for what needs an account.

    Args:
        cases: The cases, with a persona ``stranger``.
        refused: What needs an account, by target and command, and the outcome without one.
    """
    given = list(cases)
    of_stranger = {
        (case.target, case.command): case._replace(persona="anonymous_sign_in")
        for case in given
        if case.persona == "stranger"
    }
    for needs_account, outcome in (refused or {}).items():
        of_stranger[needs_account] = of_stranger[needs_account]._replace(expected=outcome)
    return [*given, *of_stranger.values()]
