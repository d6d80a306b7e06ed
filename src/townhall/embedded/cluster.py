"""One version's server: started by the first process that joins, stopped by the last to leave."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from townhall.embedded.accounts import Account, account_for, run_as
from townhall.embedded.data import (
    UnusableDataError,
    create_data,
    holds_data,
    remove_incomplete_data,
    remove_reused_process_file,
)
from townhall.embedded.errors import EmbeddedServerError, reason_in, reason_of
from townhall.embedded.locks import exclusive, is_free, share
from townhall.embedded.programs import programs_for
from townhall.embedded.sockets import PORT, remove_link, socket_directory

_WORKING_DIRECTORY = "/proc/self/cwd" if Path("/proc/self/cwd").is_dir() else "."
_LOG = "server.log"
_STARTING_UP = 1  # status of pg_isready
_TIMEOUT = 300  # seconds for a server to recover, or to write all of its memory to disk
_LINES_OF_OUTPUT = 12  # in an error


@dataclass(frozen=True)
class Cluster:
    """The data of one version below a directory, and the programs that work on it.

    Attributes:
        directory: The folder of ours.
        version: The major version of PostgreSQL.
        programs: The folder of the installed programs.
    """

    directory: Path
    version: int
    programs: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.directory / f"postgresql-{self.version}"

    @property
    def _lock(self) -> Path:
        return self.data.with_name(f"{self.data.name}.lock")

    @property
    def _users(self) -> Path:
        return self.data.with_name(f"{self.data.name}.users")

    @cached_property
    def _account(self) -> Account | None:
        return account_for(self.data, self.directory)

    @cached_property
    def _executables(self) -> Path:
        return programs_for(self._account, self.programs)

    def join(self) -> int:
        """Start the server unless it runs, and return the descriptor that keeps it running.

        Raises:
            EmbeddedServerError: The server can't be started.
        """
        with self._explaining_errors():
            self._create_directory()
            with exclusive(self._lock, self._account):
                if not self._answers():
                    self._launch()
                return share(self._users, self._account)

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
        with self._explaining_errors(), exclusive(self._lock, self._account):
            os.close(presence)
            if is_free(self._users, self._account):
                if self._answers():
                    self._run("pg_ctl", "-w", "-t", str(_TIMEOUT), "-m", "fast", "stop")
                remove_link(self.data)

    def _create_directory(self) -> None:
        if self.directory.is_dir():
            return
        account = self._account
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / ".gitignore").write_text("*\n", encoding="utf-8")
        if account is not None:
            os.chown(self.directory, *account)

    def _answers(self) -> bool:
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
            status = run_as(None, command, self.directory).returncode
            if status != _STARTING_UP:
                return status == 0
            time.sleep(0.1)
        raise self._error(f"it was not ready within {_TIMEOUT} seconds", self._read_log())

    def _launch(self) -> None:
        remove_incomplete_data(self.data)
        if not holds_data(self.data, self.version, self._account):
            create_data(self.data, self.version, self._account, self._run_initdb)
        remove_reused_process_file(self.data)
        (self.data / _LOG).unlink(missing_ok=True)
        self._run("pg_ctl", "-w", "-t", str(_TIMEOUT), "-l", _LOG, "start")

    def _run_initdb(self, folder: Path, arguments: list[str]) -> None:
        self._run("initdb", *arguments, folder=folder)

    def _run(self, program: str, *arguments: str, folder: Path | None = None) -> None:
        """Run a program on the data folder, or on another one, as the account that may."""
        executable = str(self._executables / program)
        command = (executable, "-D", _WORKING_DIRECTORY, *arguments)
        done = run_as(self._account, command, folder or self.data)
        if done.returncode != 0:
            output = done.stdout + ("" if folder else self._read_log())
            raise self._error(reason_in(output, program, self.directory), output)

    def _read_log(self) -> str:
        log = self.data / _LOG
        return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""

    @contextmanager
    def _explaining_errors(self) -> Iterator[None]:
        try:
            yield
        except UnusableDataError as error:
            raise self._error(str(error)) from None
        except OSError as error:
            raise self._error(reason_of(error), str(error)) from error

    def _error(self, reason: str, output: str = "") -> EmbeddedServerError:
        lines = [f"  {line}" for line in output.splitlines() if line.strip()]
        return EmbeddedServerError(
            "\n".join(
                (
                    f"PostgreSQL {self.version} can't be used in {self.data}: {reason}.",
                    *lines[-_LINES_OF_OUTPUT:],
                    "Choose another folder, or name a server with DATABASE_URL.",
                )
            )
        )
