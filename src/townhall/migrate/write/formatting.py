"""Formatting of new revisions with ruff, where it is installed."""

from __future__ import annotations

import importlib.util

from alembic.config import Config
from alembic.script import ScriptDirectory

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
