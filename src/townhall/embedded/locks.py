"""Locks on files, which end with the process that holds them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from townhall.embedded.folders import Folder

if sys.platform != "win32":
    import fcntl


@contextmanager
def exclusive(folder: Folder, name: str) -> Iterator[None]:
    """Hold the exclusive lock on a file for a block, waiting until it is free.

    Args:
        folder: The folder of the file.
        name: The name of the file, which is made where it is missing.
    """
    descriptor = folder.open_file(name)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def share(folder: Folder, name: str) -> int:
    """Take the shared lock on a file, and return the descriptor that holds it until closed.

    Args:
        folder: The folder of the file.
        name: The name of the file, which is made where it is missing.
    """
    descriptor = folder.open_file(name)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def is_free(folder: Folder, name: str) -> bool:
    """Tell whether no process holds a lock on a file.

    Args:
        folder: The folder of the file.
        name: The name of the file, which is made where it is missing.
    """
    descriptor = folder.open_file(name)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
