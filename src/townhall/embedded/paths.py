"""The way to a folder, on which root follows no link of another account."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from townhall.embedded.accounts import account_for
from townhall.embedded.errors import UnusableDataError
from townhall.embedded.folders import Folder

_MOST_LINKS = 40  # as Linux has it


@contextmanager
def opened(path: Path, files: Mapping[str, str] | None = None) -> Iterator[Folder]:
    """Open a folder, which has the account that runs its programs.

    Args:
        path: Its absolute path.
        files: The text of each file in it, where it is made because it is missing; None to refuse
            it then.

    Raises:
        UnusableDataError: Root would follow a link of another account.
        OSError: There is none, or it can't be opened.
    """
    with ExitStack() as stack:
        descriptor, missing = _descend(path)
        stack.callback(os.close, descriptor)
        place = _with_account(Folder(path, descriptor))
        if missing and files is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
        for name in missing[:-1]:
            os.mkdir(name, dir_fd=place.descriptor)
            place = stack.enter_context(place.subfolder(name))
        for name in missing[-1:]:
            _make(place, name, files or {})
        folder = stack.enter_context(place.subfolder(missing[-1] if missing else "."))
        yield replace(_with_account(folder), path=path)


def _with_account(folder: Folder) -> Folder:
    return replace(folder, account=account_for(folder.owner))


def _make(place: Folder, name: str, files: Mapping[str, str]) -> None:
    try:
        place.make_subfolder(name, 0o777, files)
    except OSError as error:
        # Another process made it meanwhile.
        if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
            raise


def _descend(path: Path) -> tuple[int, list[str]]:
    """Open the nearest folder on a way that is there, and return the names that are missing."""
    # O_PATH needs no right to list a folder. Only Linux has it: elsewhere no link can be looked at.
    is_linux = hasattr(os, "O_PATH")
    search = os.O_PATH if is_linux else os.O_RDONLY | os.O_DIRECTORY
    names = list(reversed((path if is_linux else path.resolve()).parts))
    links = 0
    here = os.open(names.pop(), search)
    try:
        while names:
            try:
                found = os.open(names[-1], search | os.O_NOFOLLOW, dir_fd=here)
            except FileNotFoundError:
                break
            name = names.pop()
            if stat.S_ISLNK(os.fstat(found).st_mode):
                links += 1
                target = _target(found, name, links)
                names += reversed(target.parts)
                if target.is_absolute():
                    here = _replace(here, os.open(names.pop(), search))
            else:
                here = _replace(here, found)
    except BaseException:
        os.close(here)
        raise
    return here, names[::-1]


def _replace(descriptor: int, other: int) -> int:
    os.close(descriptor)
    return other


def _target(link: int, name: str, count: int) -> Path:
    """Return where an open link leads to, and close it."""
    try:
        owner = os.fstat(link).st_uid
        if os.geteuid() == 0 != owner:
            raise UnusableDataError(
                f"{name} is a link of another account than root, which root does not follow; name"
                " the folder that it leads to"
            )
        if count > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
        return Path(os.readlink("", dir_fd=link))
    finally:
        os.close(link)
