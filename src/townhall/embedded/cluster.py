"""One version's server: started by the first process that joins, stopped by the last to leave."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from townhall.embedded.accounts import account_for, run_as
from townhall.embedded.data import (
    create_data,
    holds_data,
    remove_incomplete_data,
    remove_reused_process_file,
)
from townhall.embedded.errors import (
    EmbeddedServerError,
    UnusableDataError,
    reason_in,
    reason_of,
)
from townhall.embedded.folders import Folder
from townhall.embedded.locks import exclusive, is_free, share
from townhall.embedded.paths import opened
from townhall.embedded.programs import programs_for
from townhall.embedded.sockets import PORT, remove_link, socket_directory

_WORKING_DIRECTORY = "/proc/self/cwd" if Path("/proc/self/cwd").is_dir() else "."
_FILES = {".gitignore": "*\n"}
_LOG = "server.log"
_STARTING_UP = 1  # status of pg_isready
_TIMEOUT = 300  # seconds for a server to recover, or to write all of its memory to disk
_LINES_OF_OUTPUT = 12  # in an error


@dataclass(frozen=True)
class Cluster:
    """The data of one version below a directory, and the programs that work on it.

    Attributes:
        given: The folder of ours as it was named, absolute.
        version: The major version of PostgreSQL.
        programs: The folder of the installed programs.
    """

    given: Path
    version: int
    programs: Path

    @cached_property
    def data(self) -> Path:
        """The data folder, for its name in a URL and in messages."""
        return Path(os.path.realpath(self.given), self._name)

    @property
    def _name(self) -> str:
        return f"postgresql-{self.version}"

    @property
    def _lock(self) -> str:
        return f"{self._name}.lock"

    @property
    def _users(self) -> str:
        return f"{self._name}.users"

    def join(self) -> int:
        """Start the server unless it runs, and return the descriptor that keeps it running.

        Raises:
            EmbeddedServerError: The server can't be started.
        """
        with (
            self._explaining_errors(),
            self._opened(_FILES) as folder,
            exclusive(folder, self._lock),
        ):
            if not self._answers(folder):
                self._launch(folder)
            return share(folder, self._users)

    def leave(self, presence: int) -> None:
        """Close the descriptor, and stop the server if no other process uses it.

        Args:
            presence: What :meth:`join` returned.

        Raises:
            EmbeddedServerError: The server can't be stopped.
        """
        if not self.data.is_dir():
            os.close(presence)
            remove_link(self.data)
            return
        with (
            self._explaining_errors(),
            self._opened() as folder,
            exclusive(folder, self._lock),
        ):
            os.close(presence)
            if is_free(folder, self._users):
                if self._answers(folder):
                    self._control(folder, "-m", "fast", "stop")
                remove_link(self.data)

    @contextmanager
    def _opened(self, files: Mapping[str, str] | None = None) -> Iterator[Folder]:
        with opened(self.given, files) as folder:
            owner = folder.owner_of(self._name)
            account = account_for(owner, is_of_data=True) if owner else folder.account
            yield replace(folder, account=account)

    def _answers(self, folder: Folder) -> bool:
        """Tell whether the server accepts connections, waiting for one that is starting up."""
        command = (
            str(self.programs / "pg_isready"),
            f"--host={socket_directory(self.data)}",
            f"--port={PORT}",
            "--username=postgres",
            "--dbname=postgres",
        )
        until = time.monotonic() + _TIMEOUT
        while time.monotonic() < until:
            status = run_as(None, command, Path("/")).returncode
            if status != _STARTING_UP:
                return status == 0
            time.sleep(0.1)
        raise self._error(f"it was not ready within {_TIMEOUT} seconds", self._read_log(folder))

    def _launch(self, folder: Folder) -> None:
        remove_incomplete_data(folder, self._name)
        if not holds_data(folder, self._name, self.version):
            create_data(folder, self._name, self.version, self._run_initdb)
        with folder.own_subfolder(self._name) as data:
            remove_reused_process_file(data)
            data.unlink(_LOG)
        self._control(folder, "-l", _LOG, "start")

    def _run_initdb(self, folder: Folder, arguments: list[str]) -> None:
        self._run(folder, "initdb", *arguments)

    def _control(self, folder: Folder, *arguments: str) -> None:
        with folder.own_subfolder(self._name) as data:
            self._run(data, "pg_ctl", "-w", "-t", str(_TIMEOUT), *arguments)

    def _run(self, folder: Folder, program: str, *arguments: str) -> None:
        """Run a program on a data folder, as the account that may."""
        executable = programs_for(folder.account, self.programs) / program
        done = folder.run(str(executable), "-D", _WORKING_DIRECTORY, *arguments)
        if done.returncode != 0:
            output = done.stdout + folder.read(_LOG)
            raise self._error(reason_in(output, program, folder.descriptor), output)

    def _read_log(self, folder: Folder) -> str:
        with folder.own_subfolder(self._name) as data:
            return data.read(_LOG)

    @contextmanager
    def _explaining_errors(self) -> Iterator[None]:
        try:
            yield
        except UnusableDataError as error:
            raise self._error(str(error)) from None
        except OSError as error:
            raise self._error(reason_of(error), str(error)) from error

    def _error(self, reason: str, output: str = "") -> EmbeddedServerError:
        place = self.given / self._name
        lines = [f"  {line}" for line in output.splitlines() if line.strip()]
        return EmbeddedServerError(
            "\n".join(
                (
                    f"PostgreSQL {self.version} can't be used in {place}: {reason}.",
                    *lines[-_LINES_OF_OUTPUT:],
                    "Choose another folder, or name a server with DATABASE_URL.",
                )
            )
        )
