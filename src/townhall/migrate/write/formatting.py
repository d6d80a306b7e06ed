"""What runs on new revisions: post-write hooks, or ruff where it is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

_SECTION = "post_write_hooks"
_HOOKS = {
    "townhall_imports": "check --fix-only --quiet --select F401,I REVISION_SCRIPT_FILENAME",
    "townhall_layout": "format --quiet REVISION_SCRIPT_FILENAME",
}


def format_new_revisions(config: Config, script: ScriptDirectory) -> None:
    """Have Alembic format every revision it writes.

    Where ``alembic.ini`` has post-write hooks, none is added.

    Args:
        config: Alembic's configuration, which is changed.
        script: The folder of revisions, which has already read that configuration.
    """
    if script.hooks or importlib.util.find_spec("ruff") is None:
        return
    config.set_section_option(_SECTION, "hooks", ", ".join(_HOOKS))
    for name, options in _HOOKS.items():
        config.set_section_option(_SECTION, f"{name}.type", "module")
        config.set_section_option(_SECTION, f"{name}.module", "ruff")
        config.set_section_option(_SECTION, f"{name}.options", options)
    script.hooks = config.get_hooks_list()


def refuse_missing_programs(hooks: Iterable[Mapping[str, object]]) -> None:
    """Refuse post-write hooks whose program can't be run, before a revision is written.

    Args:
        hooks: The hooks of a configuration, as Alembic has read them.

    Raises:
        CommandError: A hook names no program that can be run, or no folder to run it in.
    """
    for hook in hooks:
        folder = Path(str(hook.get("cwd", ".")))
        if not folder.is_dir():
            raise _refusal(hook, f"there is no folder {folder}")
        program = str(hook.get("executable", ""))
        # One with a folder is found from the folder that it runs in.
        path = str(folder / program) if "/" in program else program
        if hook.get("type") != "exec" or not program:
            continue
        if (found := shutil.which(path)) is None:
            raise _refusal(hook, f"there is no program {program} that can be run")
        if why := _why_not_executed(Path(found)):
            raise _refusal(hook, f"{program} {why}")


_ELF = b"\x7fELF"
_BINARIES = (_ELF, b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""How programs begin that are no scripts: of Linux, and two forms of macOS."""
_MACHINE = slice(18, 20)
"""Where the header of a program of Linux names the processor."""


def _why_not_executed(program: Path) -> str | None:
    # Unlike a shell, Alembic does not run a text as a script of the shell.
    if os.name != "posix" or not os.access(program, os.R_OK):
        return None
    head = _head(program)
    if head.startswith(b"#!"):
        interpreter, *_ = head[2:].splitlines()[0].split() or [b""]
        if shutil.which(os.fsdecode(interpreter)):
            return None
        return f"names an interpreter that can't be run: {os.fsdecode(interpreter) or 'none'}"
    own = _head(Path(sys.executable))
    is_of_others = head.startswith(_ELF) and head[_MACHINE] != own[_MACHINE]
    if head.startswith(_BINARIES) and not is_of_others:
        return None
    return "is neither a program for this machine nor a script, which begins with #!"


def _head(program: Path) -> bytes:
    with program.open("rb") as file:
        return file.read(256)


def _refusal(hook: Mapping[str, object], why: str) -> CommandError:
    return CommandError(
        f"no revision is written, because its post-write hook {hook['_hook_name']} would fail:"
        f" {why}. Install it, or correct the section {_SECTION} of alembic.ini"
    )
