"""The error of decisions that can't be used."""

from __future__ import annotations


class DecisionError(Exception):
    """Decisions can't be used; the message says why and what to do."""
