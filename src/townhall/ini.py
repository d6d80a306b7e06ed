"""The ``alembic.ini`` that a command uses where none is named."""

from __future__ import annotations

import os
from configparser import Error as ConfigError
from configparser import InterpolationError
from pathlib import Path


def default_ini() -> Path | None:
    """Return the file that ``ALEMBIC_CONFIG`` names, or ``alembic.ini`` of the working directory.

    None stands for the revisions of this package alone: there is no such file.
    """
    ini = Path(os.environ.get("ALEMBIC_CONFIG", "alembic.ini"))
    return ini if ini.is_file() else None


def can_be_read_in(folder: Path) -> bool:
    """Tell whether Alembic can read an ``alembic.ini`` in a folder, whose path it interpolates.

    Args:
        folder: The folder.
    """
    return "%" not in str(folder.resolve())


def describe_config_error(error: ConfigError, ini: Path | None) -> str:
    """Return why an ``alembic.ini`` can't be read, without its values: one may be a password.

    Args:
        error: The error.
        ini: The file.
    """
    if ini is not None and not can_be_read_in(ini.parent):
        return (
            f"{ini.resolve()} is in a folder with a % in its path, where Alembic can't read it:"
            " rename the folder"
        )
    if isinstance(error, InterpolationError):
        return f"{ini}: write %% for each % of a value"
    return str(error)
