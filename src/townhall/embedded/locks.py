"""Locks on files, which end with the process that holds them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from townhall.embedded.accounts import Account

if sys.platform != "win32":
    import fcntl


@contextmanager
def exclusive(path: Path, account: Account | None) -> Iterator[None]:
    """Hold the exclusive lock on a file for a block, waiting until it is free.

    Args:
        path: The file, which is created where it is missing.
        account: Its owner; None for the account of this process.
    """
    descriptor = _open(path, account)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def share(path: Path, account: Account | None) -> int:
    """Take the shared lock on a file, and return the descriptor that holds it until closed.

    Args:
        path: The file, which is created where it is missing.
        account: Its owner; None for the account of this process.
    """
    descriptor = _open(path, account)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def is_free(path: Path, account: Account | None) -> bool:
    """Tell whether no process holds a lock on a file.

    Args:
        path: The file, which is created where it is missing.
        account: Its owner; None for the account of this process.
    """
    descriptor = _open(path, account)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _open(path: Path, account: Account | None) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if account is not None:
        os.fchown(descriptor, *account)
    return descriptor
