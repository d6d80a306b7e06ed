"""Root starts the embedded server in the folder of an account that attacks it with links."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from townhall import embedded
from townhall.embedded import EmbeddedServerError, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has more rights than others")

NOBODY = pwd.getpwnam("nobody").pw_uid
ATTACKER = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid not in {0, NOBODY})
CONTENT = "root:of-root-alone\n"


class Places(NamedTuple):
    """The folder of the attacker, and that of root with a secret file."""

    home: Path
    of_root: Path

    @property
    def directory(self) -> Path:
        return self.home / ".townhall"

    @property
    def secret(self) -> Path:
        return self.of_root / "secret"

    def give(self, path: Path) -> None:
        os.chown(path, ATTACKER, ATTACKER, follow_symlinks=False)


@pytest.fixture
def places() -> Iterator[Places]:
    """Return both folders, on the same disk, so that hard links are possible."""
    home = Path(tempfile.mkdtemp(prefix="attacker-"))
    of_root = Path(tempfile.mkdtemp(prefix="root-"))
    found = Places(home, of_root)
    found.give(home)
    home.chmod(0o755)
    found.secret.write_text(CONTENT)
    found.secret.chmod(0o600)
    (of_root / "folder").mkdir(mode=0o700)
    before = snapshot(of_root)
    yield found
    for server in embedded.joined():
        if server.data_directory.is_relative_to(home):
            server.stop()
    try:
        assert snapshot(of_root) == before
    finally:
        shutil.rmtree(home)
        shutil.rmtree(of_root)


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return the owner, the permissions and the content of what is in a folder."""
    return {
        os.fspath(path.relative_to(folder)): (
            path.lstat().st_uid,
            path.lstat().st_mode,
            path.read_text() if path.is_file() else "",
        )
        for path in (folder, *folder.rglob("*"))
    }


def symbolic_link(places: Places, name: Path) -> None:
    name.symlink_to(places.secret)
    places.give(name)


def hard_link(places: Places, name: Path) -> None:
    name.hardlink_to(places.secret)


def link_to_a_folder(places: Places, name: Path) -> None:
    name.symlink_to(places.of_root / "folder")
    places.give(name)


def link_to_a_new_name(places: Places, name: Path) -> None:
    name.symlink_to(places.of_root / "new")
    places.give(name)


def fifo(places: Places, name: Path) -> None:
    os.mkfifo(name)
    places.give(name)


def moved_file(places: Places, name: Path) -> None:
    """Move a file of root's that was in the attacker's folder."""
    shutil.copy2(places.secret, name)


KINDS = [symbolic_link, hard_link, link_to_a_folder, link_to_a_new_name, fifo, moved_file]


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def attempt(directory: Path) -> str:
    """Start the server and stop it, and return the error if there is one."""
    try:
        with time_limit(60), start(directory):
            return ""
    except EmbeddedServerError as error:
        return str(error)


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        (name, plant)
        for name in ("postgresql-18.lock", "postgresql-18", "")
        for plant in KINDS
        # It is a file that nothing is read from or written to, and stays root's.
        if (name, plant) != ("postgresql-18.lock", moved_file)
    ],
)
def test_what_an_attacker_puts_in_the_place_of_a_name_is_refused(
    places: Places, name: str, plant: Callable[[Places, Path], None]
) -> None:
    if name:
        places.directory.mkdir()
        places.give(places.directory)
    planted = places.directory / name
    plant(places, planted)
    before = planted.lstat()
    error = attempt(places.directory)
    assert str(places.directory) in error
    assert CONTENT.strip() not in error
    assert (planted.lstat().st_uid, planted.lstat().st_mode) == (before.st_uid, before.st_mode)


@pytest.mark.exhaustive
@pytest.mark.parametrize("plant", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "postgresql-18.users",
        ".gitignore",
        "postgresql-18-new-left",
        "postgresql-18/PG_VERSION",
        "postgresql-18/postmaster.pid",
        "postgresql-18/server.log",
    ],
)
def test_no_file_of_root_is_read_or_changed_for_a_name_in_the_data(
    places: Places, data: Path, name: str, plant: Callable[[Places, Path], None]
) -> None:
    subprocess.run(("cp", "-a", data, places.directory), check=True)  # noqa: S603, S607
    planted = places.directory / name
    planted.unlink(missing_ok=True)
    plant(places, planted)
    assert CONTENT.strip() not in attempt(places.directory)


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """Return a folder with data of the attacker."""
    home = Path(tempfile.mkdtemp(prefix="template-"))
    os.chown(home, ATTACKER, ATTACKER)
    with start(home / ".townhall"):
        pass
    yield home / ".townhall"
    shutil.rmtree(home)


@pytest.mark.parametrize("target", ["folder", "new"])
def test_folder_that_is_replaced_once_it_was_made_is_not_given_away(
    places: Places, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir

    def make_and_replace(path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        make(path, mode, dir_fd=dir_fd)
        if dir_fd is not None and os.fstat(dir_fd).st_uid == ATTACKER:
            os.rename(path, f"{path}-moved", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            os.symlink(places.of_root / target, path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", make_and_replace)
    assert str(places.directory) in attempt(places.directory)


@pytest.mark.thorough
def test_folder_of_root_that_is_moved_to_a_made_one_is_not_given_away(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = places.home / "of-root"
    moved.mkdir(mode=0o700)
    (moved / "key").write_text(CONTENT)
    make = os.mkdir

    def make_and_replace(path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        make(path, mode, dir_fd=dir_fd)
        if dir_fd is not None and os.fstat(dir_fd).st_uid == ATTACKER and moved.exists():
            os.rename(path, f"{path}-moved", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            os.rename(moved, path, dst_dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", make_and_replace)
    attempt(places.directory)
    (key,) = places.home.rglob("key")
    assert key.stat().st_uid == key.parent.stat().st_uid == 0
    assert key.read_text() == CONTENT


def test_root_follows_its_own_links_on_the_way_and_no_other(places: Places) -> None:
    way = places.home / "way"
    way.symlink_to(places.of_root)
    places.give(way)
    assert "way is a link of another account" in attempt(way / ".townhall")
    os.chown(way, 0, 0, follow_symlinks=False)
    (places.of_root / "folder" / "file").write_text("")
    try:
        assert "a file is where a folder should be" in attempt(way / "folder" / "file" / "below")
    finally:
        (places.of_root / "folder" / "file").unlink()


def test_links_that_lead_to_each_other_are_an_error(places: Places) -> None:
    first, second = places.home / "first", places.home / "second"
    first.symlink_to("second")
    second.symlink_to("first")
    assert "can't be used" in attempt(first / ".townhall")


# Exchanges the folder and a link to root's folder until it is killed.
SWAPPER = """
import os, sys
home, target, account = sys.argv[1:]
os.setgroups([])
os.setgid(int(account))
os.setuid(int(account))
os.chdir(home)
while True:
    for name in os.listdir("."):
        try:
            if os.path.islink(name):
                os.unlink(name)
            else:
                os.rename(name, f"/proc/self/cwd/.{os.urandom(4).hex()}")
            os.symlink(target, name)
        except OSError:
            pass
"""


@pytest.mark.exhaustive
def test_attacker_who_swaps_names_all_the_time_gets_nothing(places: Places) -> None:
    places.directory.mkdir()
    places.give(places.directory)
    for target in (places.secret, places.of_root / "folder", places.of_root / "new"):
        with subprocess.Popen(  # noqa: S603 - our own
            (sys.executable, "-c", SWAPPER, places.directory, target, str(ATTACKER))
        ) as swapper:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                with suppress(OSError):
                    attempt(places.directory)
            swapper.kill()


@pytest.mark.thorough
def test_folder_and_what_is_made_in_it_belong_to_its_owner(places: Places) -> None:
    with start(places.directory):
        made = [places.directory, *places.directory.iterdir()]
        assert {path.lstat().st_uid for path in made} == {ATTACKER}
        assert stat.S_IMODE((places.directory / "postgresql-18.lock").stat().st_mode) == 0o600
    assert [path.name for path in places.home.iterdir()] == [".townhall"]
