"""A second pull that fails or is killed: every file is as it was."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.util import CommandError

from townhall.pull.staging import put_in_place, staged
from townhall.termination import FAILED
from townhall.testing.databases import Databases


def texts(folder: Path) -> dict[str, str]:
    """Return every file below a folder."""
    return {
        each.relative_to(folder).as_posix(): each.read_text()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


def write(folder: Path, **files: str) -> Path:
    """Write files and return their folder; ``__`` separates the parts of a path."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_new_files_take_the_place_of_former_ones(tmp_path: Path) -> None:
    write(tmp_path, a="old", b__first="old", b__mine="mine")
    with staged(tmp_path) as new:
        write(new, a="new", b__second="new")
        assert texts(tmp_path)["a"] == "old"
        put_in_place(tmp_path, new, [tmp_path / "b" / "first"])
    assert texts(tmp_path) == {"a": "new", "b/mine": "mine", "b/second": "new"}
    assert not (tmp_path / ".townhall-pull").exists()


def test_failure_while_files_are_written_leaves_the_former_ones(tmp_path: Path) -> None:
    write(tmp_path, a="old", b="old")
    with pytest.raises(IsADirectoryError), staged(tmp_path) as new:
        write(new, a="new", b__c="new").joinpath("b").write_text("")
    assert texts(tmp_path) == {"a": "old", "b": "old"}


def test_failure_while_files_are_put_in_place_brings_the_former_ones_back(tmp_path: Path) -> None:
    write(tmp_path, a="old", first="old", z__is_a_folder="mine")
    with staged(tmp_path) as new:
        write(new, a="new", z="new")
        with pytest.raises(IsADirectoryError):
            put_in_place(tmp_path, new, [tmp_path / "first"])
    assert texts(tmp_path) == {"a": "old", "first": "old", "z/is_a_folder": "mine"}


class Killed(BaseException):
    """The end of the process, after which nothing of it runs."""


def kill_while_files_are_put_in_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, after: int
) -> None:
    """Replace ``a`` and ``b``, remove ``first``, add ``c``, and be killed after some of these."""
    steps = iter(range(after))
    replace = Path.replace

    def replace_or_die(self: Path, target: Path) -> Path:
        if next(steps, None) is None:
            raise Killed
        return replace(self, target)

    with staged(folder) as new, monkeypatch.context() as patch:
        write(new, a="new", b="new", c="new")
        patch.setattr(Path, "replace", replace_or_die)
        patch.setattr("townhall.pull.staging._bring_back", lambda _folder: None)
        with pytest.raises(Killed):
            put_in_place(folder, new, [folder / "first"])


@pytest.mark.parametrize("after", range(3))
def test_former_files_come_back_with_the_pull_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    former = {"a": "old", "b": "old", "first": "old", "mine": "mine"}
    write(tmp_path, **former)
    kill_while_files_are_put_in_place(tmp_path, monkeypatch, after=after)
    assert (texts(tmp_path)["a"] == "new") == (after > 0)
    with staged(tmp_path):
        assert texts(tmp_path) == former
    assert not (tmp_path / ".townhall-pull").exists()


def test_files_of_a_first_pull_that_was_killed_go_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_while_files_are_put_in_place(tmp_path, monkeypatch, after=2)
    assert {"a", "b"} <= texts(tmp_path).keys()
    with staged(tmp_path):
        assert texts(tmp_path) == {}


@pytest.mark.parametrize("changed", ["a", "b", "c"])
def test_file_that_was_changed_after_a_kill_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    write(tmp_path, a="old", b="old", first="old")
    kill_while_files_are_put_in_place(tmp_path, monkeypatch, after=1)
    write(tmp_path, **{changed: "by hand"})
    before = texts(tmp_path)
    for _ in range(2):
        with pytest.raises(CommandError) as refused, staged(tmp_path):
            pass
        assert f"{changed}: changed since a pull" in str(refused.value)
        assert str(tmp_path / ".townhall-pull" / "former") in str(refused.value)
        assert texts(tmp_path) == before
    # As the message says.
    shutil.rmtree(tmp_path / ".townhall-pull")
    with staged(tmp_path):
        assert texts(tmp_path)[changed] == "by hand"


@pytest.mark.exhaustive
def test_second_pull_on_a_full_disk_leaves_what_is_there(
    empty_database: str, townhall_databases: Databases, tmp_path: Path
) -> None:
    scratch = townhall_databases.server.render_as_string(hide_password=False)
    words = ["--url", empty_database, "--into", "shop", "--force", "--scratch", scratch]

    def pull(largest: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - a command of ours
            (sys.executable, "-m", "townhall", "pull", str(tmp_path), *words),
            capture_output=True,
            text=True,
            check=False,
            # A file that grows beyond this is refused like one on a full disk.
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
        )

    assert pull(1_000_000).returncode == 0
    (tmp_path / "shop" / "__init__.py").write_text("mine")
    before = texts(tmp_path)
    for largest in (300, 600, 1000):
        done = pull(largest)
        assert done.returncode == FAILED
        assert done.stderr.startswith("townhall: ")
        assert done.stderr.endswith("can't be read or written: File too large\n")
        assert texts(tmp_path) == before
