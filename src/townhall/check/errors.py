"""The error of a check that can't be made."""

from __future__ import annotations

from townhall.printed_error import PrintedError


class CheckError(PrintedError):
    """A database can't be checked; the message says why and what to do."""
