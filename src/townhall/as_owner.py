"""What root writes in the folder of another account, it writes as that account.

The owner of a folder can put a link in the place of any name in it, at any moment. With the rights
of that owner nothing is reached that the owner could not reach.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import pwd


@contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Have only the rights of the account that owns a folder, or a folder above it, for a block.

    It has an effect where root runs, on the process as a whole: it is for commands. What the block
    needs that this account can't read, such as a module to import, has to be loaded before.

    Args:
        folder: The folder, which may not exist yet.
    """
    uid = _other_owner(folder) if sys.platform != "win32" and os.geteuid() == 0 else 0
    if uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(_group_of(uid))
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _other_owner(folder: Path) -> int:
    """Return the first account other than root that can replace something on the way; else 0."""
    for way in (Path(os.path.abspath(folder)), Path(os.path.realpath(folder))):  # noqa: PTH100
        for place in (*reversed(way.parents), way):
            try:
                owner = place.lstat().st_uid
            except OSError:
                break
            if owner != 0:
                return owner
    return 0


def _group_of(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid
