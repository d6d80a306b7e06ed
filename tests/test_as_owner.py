"""Commands that root runs in the folder of another account write with that account's rights."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.support.alembic import alembic
from townhall.as_owner import as_owner_of
from townhall.cli import main
from townhall.migrate.write.placement import write_beside_own_revisions
from townhall.pull.staging import put_in_place, staged

if TYPE_CHECKING:
    from collections.abc import Iterator

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has more rights than others")
NOBODY = pwd.getpwnam("nobody").pw_uid
OTHER = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid not in {0, NOBODY})


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder of another account, or of this one where it is not root's."""
    folder = Path(tempfile.mkdtemp(prefix="other-"))
    if os.geteuid() == 0:
        os.chown(folder, OTHER, OTHER)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def of_root() -> Iterator[Path]:
    """Return a folder that only this account can enter, with a file that must stay."""
    folder = Path(tempfile.mkdtemp(prefix="root-"))
    (folder / "file").write_text("of root")
    yield folder
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"file": "of root"}
    shutil.rmtree(folder)


def test_application_belongs_to_the_owner_of_its_folder(home: Path) -> None:
    assert main(["init", str(home / "shop")]) == 0
    made = [home / "shop", *(home / "shop").rglob("*")]
    assert {path.lstat().st_uid for path in made} == {home.stat().st_uid}
    assert os.geteuid() == os.getuid()


@AS_ROOT
@pytest.mark.parametrize("name", ["alembic.ini", "migrations", "migrations/env.py", "shop", ""])
def test_init_writes_nothing_where_a_link_of_the_owner_leads(
    home: Path, of_root: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    link = home / "app" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(of_root / ("new" if "." in name else ""))
    for path in (home / "app", *(home / "app").rglob("*")):
        os.chown(path, OTHER, OTHER, follow_symlinks=False)
    assert main(["init", str(home / "app"), "--package", "shop"]) == 2
    assert capsys.readouterr().err.startswith("townhall: ")


@AS_ROOT
def test_pull_moves_no_file_where_a_link_of_the_owner_leads(home: Path, of_root: Path) -> None:
    (home / ".townhall-pull").mkdir()
    (home / ".townhall-pull" / "former").symlink_to(of_root)
    (home / "models.py").symlink_to(of_root / "new")
    for path in home.rglob("*"):
        os.chown(path, OTHER, OTHER, follow_symlinks=False)
    with staged(home) as new:
        (new / "models.py").write_text("models")
        put_in_place(home, new, [])
    assert not (home / "models.py").is_symlink()
    assert (home / "models.py").stat().st_uid == OTHER


@AS_ROOT
def test_block_has_no_group_of_root(home: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from townhall.as_owner import as_owner_of\n"
        "os.setgroups([0, 7])\n"
        "with as_owner_of(Path(sys.argv[1])):\n"
        "    print(os.geteuid(), os.getgroups())\n"
        "print(os.geteuid(), sorted(os.getgroups()))\n"
    )
    told = subprocess.run(  # noqa: S603 - our own
        (sys.executable, "-c", code, home), check=True, capture_output=True, text=True
    )
    assert told.stdout == f"{OTHER} []\n0 [0, 7]\n"


def test_own_folder_changes_nothing(tmp_path: Path) -> None:
    before = os.geteuid(), os.getegid(), os.getgroups()
    with as_owner_of(tmp_path / "new"):
        assert (os.geteuid(), os.getegid(), os.getgroups()) == before


def folders_of_revisions(home: Path) -> tuple[ScriptDirectory, Path]:
    """Return the folders of an application's revisions, and the one that is its own."""
    assert main(["init", str(home / "shop")]) == 0
    config = Config(home / "shop" / "alembic.ini")
    return ScriptDirectory.from_config(config), home / "shop" / "migrations" / "versions"


def test_revision_belongs_to_the_owner_of_its_folder(home: Path) -> None:
    script, versions = folders_of_revisions(home)
    write_beside_own_revisions(Config(home / "shop" / "alembic.ini"), script)
    script.generate_revision("0a", "more", refresh=True)
    (made,) = versions.glob("*.py")
    assert made.stat().st_uid == home.stat().st_uid
    assert os.geteuid() == os.getuid()


@AS_ROOT
def test_revision_follows_no_link_that_is_put_there_while_it_is_written(
    home: Path, of_root: Path
) -> None:
    script, versions = folders_of_revisions(home)

    def generate(*_: object, **__: object) -> None:
        versions.rmdir()
        versions.symlink_to(of_root)
        (versions / "more.py").write_text("more")

    vars(script)["generate_revision"] = generate
    write_beside_own_revisions(Config(home / "shop" / "alembic.ini"), script)
    with pytest.raises(PermissionError):
        script.generate_revision("0a", "more")


@pytest.mark.thorough
@AS_ROOT
def test_revision_is_not_written_where_a_link_of_the_owner_leads(
    home: Path, of_root: Path, empty_database: str
) -> None:
    assert main(["init", str(home / "shop")]) == 0
    versions = home / "shop" / "migrations" / "versions"
    versions.rmdir()
    versions.symlink_to(of_root)
    os.chown(versions, OTHER, OTHER, follow_symlinks=False)
    words = ("revision", "-m", "more")
    done = alembic(*words, url=empty_database, directory=home / "shop", check=False)
    assert "FAILED: versions is a link of another account than root" in done.stdout
