"""A second pull that fails or is killed: every file is as it was."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_former_files_come_back_with_the_pull_after_a_kill(tmp_path: Path) -> None:
    write(tmp_path, a="half new")
    write(tmp_path / ".townhall-pull" / "former", a="old", b__first="old")
    with staged(tmp_path):
        assert texts(tmp_path) == {"a": "old", "b/first": "old"}
    assert not (tmp_path / ".townhall-pull").exists()


@pytest.mark.thorough
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
