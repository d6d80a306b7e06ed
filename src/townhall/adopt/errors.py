"""The error of decisions that can't be used."""

from __future__ import annotations

from townhall.printed_error import PrintedError


class DecisionError(PrintedError):
    """Decisions can't be used; the message says why and what to do."""
