"""The files of a pull, written aside and put in place of former ones when all of them are there.

The former files are kept aside while they are replaced. Where that is interrupted, even by a kill,
they come back: at once, or with the next pull, unless a file was changed by hand in the meantime.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError

from townhall.as_owner import as_owner_of

_ASIDE = ".townhall-pull"
_NEW, _MOVED, _COPIES, _FORMER = "new", "moved", "copies", "former"


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for new files, which is removed in the end.

    It is none in the folder that they are for, which another account may own.

    Args:
        folder: The folder that the files are for.

    Raises:
        CommandError: A file was changed since a pull was killed.
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
    (aside / _COPIES).mkdir(parents=True)
    for name in dict.fromkeys([*new, *gone]):
        if _can_be_copied(folder / name):
            _copy(folder / name, aside / _COPIES / name)
    (aside / _COPIES).rename(aside / _FORMER)
    try:
        for name in new:
            _put(aside / _NEW / name, aside / _MOVED / name, folder / name)
        for name in gone:
            if name not in new:
                (folder / name).unlink()
    except BaseException:
        _bring_back(folder)
        raise
    # Not former ones any more, before they are removed one by one.
    (aside / _FORMER).rename(aside / _COPIES)


def _bring_back(folder: Path) -> None:
    # Ends as it should also where it is killed itself, and run again.
    aside = folder / _ASIDE
    if not (aside / _FORMER).exists():
        return
    new, former = _files(aside / _NEW), _files(aside / _FORMER)
    _refuse_changed(folder, sorted({*new, *former}))
    for name in former:
        _put(aside / _FORMER / name, aside / _MOVED / name, folder / name)
    for name in new:
        if name not in former and (folder / name).is_file():
            (folder / name).unlink()
    shutil.rmtree(aside / _COPIES, ignore_errors=True)
    (aside / _FORMER).rename(aside / _COPIES)


def _refuse_changed(folder: Path, names: Iterable[Path]) -> None:
    aside = folder / _ASIDE
    changed = [
        name.as_posix()
        for name in names
        if (folder / name).is_file()
        and (folder / name).read_bytes()
        not in [
            (each / name).read_bytes()
            for each in (aside / _NEW, aside / _FORMER)
            if (each / name).is_file()
        ]
    ]
    if changed:
        raise CommandError(
            f"{', '.join(changed)}: changed since a pull was interrupted while it replaced files in"
            f" {folder.resolve()}. The former files are in {(aside / _FORMER).resolve()}. Copy what"
            f" you need from there, remove the folder {_ASIDE}, and pull again; or undo the"
            " changes, and the pull brings the former files back."
        )


def _put(source: Path, aside: Path, target: Path) -> None:
    _copy(source, aside)
    _make_parent(target)
    aside.replace(target)


def _copy(source: Path, target: Path) -> None:
    _make_parent(target)
    shutil.copy2(source, target)


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
