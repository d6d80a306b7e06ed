"""Why the embedded server can't be used, and what to do."""

from __future__ import annotations

import errno
import os
import shutil

from townhall.printed_error import PrintedError

_WAL_SEGMENT = 16 * 1024 * 1024  # bytes, of which PostgreSQL needs one to start

_REASONS = {
    errno.ENOSPC: "the disk is full; a new server takes about 50 MB",
    errno.EDQUOT: "the disk quota is used up; a new server takes about 50 MB",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "this account may not write there",
    errno.EPERM: "this account may not do that there",
    errno.ENOTDIR: "a file is where a folder should be, or a link, which is not followed",
    errno.EEXIST: "a file is where a folder should be, or a link, which is not followed",
    errno.ELOOP: "a link is where a file should be, and is not followed",
}
# Parts of the programs' output, with their reasons.
_REASONS_IN_OUTPUT = {os.strerror(number): reason for number, reason in _REASONS.items()} | {
    # After a write that found space for only a part of its data.
    "Check free disk space": _REASONS[errno.ENOSPC],
    "could not look up effective user ID": (
        "this account has no name (no entry in /etc/passwd), and new data needs an owner with one"
    ),
}


class EmbeddedServerError(PrintedError, RuntimeError):
    """The embedded server can't be used; the message says why and what to do."""


class UnusableDataError(Exception):
    """A folder or a file in it can't be used; the message says why."""


def reason_of(error: OSError) -> str:
    """Return the reason that an error of the operating system stands for."""
    return _REASONS.get(error.errno or 0, "it can't be accessed")


def reason_in(output: str, program: str, folder: int) -> str:
    """Return why a program failed.

    Args:
        output: What it printed and logged.
        program: Its name.
        folder: The descriptor of the folder that it wrote to; where the disk is full, it may have
            printed nothing about it.
    """
    for part, reason in _REASONS_IN_OUTPUT.items():
        if part in output:
            return reason
    if shutil.disk_usage(folder).free < _WAL_SEGMENT:
        return _REASONS[errno.ENOSPC]
    return f"{program} failed"
