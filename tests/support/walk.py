"""A page that is followed word for word: its files are written, and its commands are run."""
# ruff: noqa: S603 - the commands are those of our own pages

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.support.blocks import Block

_BASH = shutil.which("bash") or "bash"
_SECONDS = 900
_INTERRUPTED = "Until Ctrl-C"
_WRITTEN_BY_INIT = ", written by init"


class Walk:
    """A terminal, whose folder and environment last from one block to the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Begin in a folder.

        Args:
            folder: An empty folder.
            environment: The whole environment of the commands.
        """
        self._exported = folder.with_name(f"{folder.name} exported")
        self._exported.unlink(missing_ok=True)
        self._begins = folder
        self._environment = dict(environment)
        self.folder = folder

    def follow(self, blocks: Sequence[Block], statuses: Sequence[int] = (0,)) -> None:
        """Write the files and run the commands of blocks, and compare what is printed.

        Commands whose caption names another terminal run until the end of the page, those that run
        until Ctrl-C are ended once they serve. A file that a command has written is compared.

        Args:
            blocks: The blocks, in order.
            statuses: The exit statuses that the last command of a block may have.
        """
        printed = ""
        with _terminals() as terminals:
            for block in blocks:
                if block.language == "text":
                    assert matches(block.text, printed), printed
                elif block.language == "shell" and block.caption == _INTERRUPTED:
                    _interrupt(self._open(block.text, self.folder))
                elif block.language == "shell" and block.caption:
                    terminals.append(self._open(block.text, self._begins))
                elif block.language == "shell":
                    printed = self._run(block.text, statuses)
                elif is_written_by_init(block):
                    written = str(block.caption).removesuffix(_WRITTEN_BY_INIT)
                    assert block.text == (self.folder / written).read_text(encoding="utf-8")
                elif block.caption:
                    (self.folder / block.caption).write_text(block.text, encoding="utf-8")

    def _run(self, commands: str, statuses: Sequence[int]) -> str:
        at_exit = f"trap \"export -p > '{self._exported}'; pwd\" EXIT"
        done = subprocess.run(
            (_BASH, "-c", f"set -e\n{at_exit}\n{commands}"),
            cwd=self.folder,
            env=self._environment | self._assignments(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        assert done.returncode in statuses, f"{commands}\n{done.stdout}{done.stderr}"
        printed, _, folder = done.stdout.removesuffix("\n").rpartition("\n")
        self.folder = Path(folder)
        return printed

    def _assignments(self) -> dict[str, str]:
        """Return the variables that the commands before have exported."""
        if not self._exported.exists():
            return {}
        words = shlex.split(self._exported.read_text(encoding="utf-8"))
        return dict(word.split("=", 1) for word in words if "=" in word)

    def _open(self, commands: str, folder: Path) -> subprocess.Popen[str]:
        *before, last = commands.strip().splitlines()
        terminal = subprocess.Popen(
            (_BASH, "-c", "\n".join(("set -e", *before, _replacing_the_shell(last)))),
            cwd=folder,
            env=self._environment | self._assignments(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert terminal.stdout is not None
        for line in terminal.stdout:
            if "Ctrl-C" in line or "CTRL+C" in line:
                return terminal
        raise AssertionError(f"{last} ended")


def _replacing_the_shell(command: str) -> str:
    settings = re.match(r"(?:\w+=\S+ )*", command)
    assert settings is not None
    return f"exec env {command}" if settings[0] else f"exec {command}"


@contextmanager
def _terminals() -> Iterator[list[subprocess.Popen[str]]]:
    opened: list[subprocess.Popen[str]] = []
    try:
        yield opened
    finally:
        for terminal in reversed(opened):
            _interrupt(terminal)


def _interrupt(terminal: subprocess.Popen[str]) -> None:
    terminal.send_signal(signal.SIGINT)
    terminal.communicate(timeout=_SECONDS)


def is_written_by_init(block: Block) -> bool:
    """Return whether a block shows a file that ``townhall init`` has written."""
    return block.caption is not None and block.caption.endswith(_WRITTEN_BY_INIT)


def typed(blocks: Sequence[Block]) -> str:
    """Return what someone types who follows a page: of a file that is changed, the marked lines.

    Args:
        blocks: The blocks of the page.
    """
    return "".join(
        line
        for block in blocks
        if block.language != "text" and not is_written_by_init(block)
        for number, line in enumerate(block.text.splitlines(keepends=True), start=1)
        if not block.emphasized or number in block.emphasized
    )


def matches(shown: str, printed: str) -> bool:
    """Return whether a text was printed as a page shows it, with anything in place of each …."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def environment(*paths: Path, **variables: str) -> dict[str, str]:
    """Return an environment of a user whose programs are in some folders first."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = os.pathsep.join([*map(str, paths), os.environ["PATH"]])
    return {**kept, "PATH": path, **variables}
