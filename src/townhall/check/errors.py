"""The error of a check that can't be made."""


class CheckError(Exception):
    """A database can't be checked; the message says why and what to do."""
