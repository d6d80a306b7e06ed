"""Personas that tests of every domain have in common."""

from __future__ import annotations

from townhall.session import Actor

WITHOUT_SUBJECT = Actor(role="authenticated", claims='{"role": "authenticated"}')
"""A token without the claim ``sub``, which names no user."""
