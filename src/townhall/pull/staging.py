"""The files of a pull, written aside and put in place of former ones when all of them are there.

The former files are kept aside while they are replaced. Where that is interrupted, even by a kill,
they come back: at once, or with the next pull.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from townhall.as_owner import as_owner_of

_ASIDE = ".townhall-pull"
_NEW, _COPIES, _FORMER = "new", "copies", "former"


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for new files, which is removed in the end.

    It is none in the folder that they are for, which another account may own.

    Args:
        folder: The folder that the files are for.
    """
    with as_owner_of(folder):
        _bring_back(folder)
        shutil.rmtree(folder / _ASIDE, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="townhall-pull-") as new:
        yield Path(new)


def put_in_place(folder: Path, new: Path, obsolete: Iterable[Path]) -> None:
    """Move the new files to their places, all of them or none.

    Args:
        folder: The folder that they are for; it is created where it does not exist.
        new: The folder that has them.
        obsolete: Former files that go, as far as no new one takes their place.
    """
    contents = {name: (new / name).read_bytes() for name in _files(new)}
    with as_owner_of(folder):
        try:
            for name, content in contents.items():
                _make_parent(folder / _ASIDE / _NEW / name)
                (folder / _ASIDE / _NEW / name).write_bytes(content)
            _exchange(folder, obsolete)
        finally:
            if not (folder / _ASIDE / _FORMER).exists():
                shutil.rmtree(folder / _ASIDE, ignore_errors=True)


def _exchange(folder: Path, obsolete: Iterable[Path]) -> None:
    aside = folder / _ASIDE
    new = _files(aside / _NEW)
    gone = [each.relative_to(folder) for each in obsolete]
    for name in dict.fromkeys([*new, *gone]):
        if _can_be_copied(folder / name):
            _make_parent(aside / _COPIES / name)
            shutil.copy2(folder / name, aside / _COPIES / name)
    if (aside / _COPIES).exists():
        (aside / _COPIES).rename(aside / _FORMER)
    try:
        for name in new:
            _make_parent(folder / name)
            (aside / _NEW / name).replace(folder / name)
        for name in gone:
            if name not in new:
                (folder / name).unlink()
    except BaseException:
        _bring_back(folder)
        raise
    # Not former ones any more, before they are removed one by one.
    if (aside / _FORMER).exists():
        (aside / _FORMER).rename(aside / _COPIES)


def _bring_back(folder: Path) -> None:
    former = folder / _ASIDE / _FORMER
    for name in _files(former):
        _make_parent(folder / name)
        (former / name).replace(folder / name)
    shutil.rmtree(former, ignore_errors=True)


def _files(folder: Path) -> Sequence[Path]:
    return sorted(each.relative_to(folder) for each in folder.rglob("*") if each.is_file())


def _make_parent(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)


def _can_be_copied(path: Path) -> bool:
    """Tell whether there is a file, and not a link to one that the owner can't read."""
    try:
        return path.exists()
    except PermissionError:
        if path.is_symlink():
            return False
        raise
