"""Alembic's commands for an application that has no ``alembic.ini``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL

from townhall.migrate.guard.wait_limits import WAIT_LIMIT, WaitLimit

_PACKAGE = Path(__file__).parents[1]


def _script_location() -> Path:
    # A wheel contains the folder. A checkout has a link in its place, except on Windows; a source
    # distribution has none.
    inside = _PACKAGE / "alembic"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "alembic"


SCRIPT_LOCATION = _script_location()
"""The folder with ``env.py`` and the revisions."""


def alembic_config(url: str | URL | None = None) -> Config:
    """Return a configuration for the revisions of this package.

    Args:
        url: The database; by default the one that ``resolve_url`` chooses.
    """
    config = Config()
    config.set_main_option("script_location", _escaped(SCRIPT_LOCATION))
    config.set_main_option("path_separator", "os")
    if url is not None:
        text = url.render_as_string(hide_password=False) if isinstance(url, URL) else url
        config.attributes["url"] = text
    return config


def upgrade(url: str | URL, revision: str = "heads", *, wait: str | None = None) -> None:
    """Upgrade a database to a revision.

    Args:
        url: The database.
        revision: The target: a revision, ``head``, ``heads`` or a step such as ``+1``.
        wait: How long to wait for another migration of the database, as for
            :func:`townhall.migrate.run`.

    Raises:
        CommandError: As for :func:`townhall.migrate.run`.
    """
    command.upgrade(_waiting(alembic_config(url), wait), revision)


def downgrade(url: str | URL, revision: str, *, wait: str | None = None) -> None:
    """Downgrade a database to a revision.

    Args:
        url: The database.
        revision: The target: a revision, ``base`` or a step such as ``-1``.
        wait: As for :func:`upgrade`.

    Raises:
        CommandError: As for :func:`townhall.migrate.run`.
    """
    command.downgrade(_waiting(alembic_config(url), wait), revision)


def _waiting(config: Config, wait: str | None) -> Config:
    if wait is not None:
        config.attributes[WAIT_LIMIT] = WaitLimit(wait, "wait='30min'")
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
