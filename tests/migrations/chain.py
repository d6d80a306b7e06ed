"""The revisions of this package, in their order."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from alembic.script import Script, ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

from townhall.migrate import alembic_config

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = ScriptDirectory.from_config(alembic_config())
REVISIONS: tuple[Script, ...] = tuple(reversed(list(SCRIPTS.walk_revisions())))
"""From the first to the last."""

HEAD = REVISIONS[-1].revision


def sql_script(direction: Callable[..., None], revisions: str) -> str:
    """Return what ``--sql`` writes.

    Args:
        direction: ``command.upgrade``, ``command.downgrade`` or ``command.stamp``.
        revisions: From where to where: ``townhall_0003:head``.
    """
    buffer = StringIO()
    config = alembic_config()
    config.output_buffer = buffer
    direction(config, revisions, sql=True)
    return buffer.getvalue()


def revision_of(url: str) -> str | None:
    """Return the revision that a database says it is at."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        revision: str | None = connection.scalar(text("select version_num from alembic_version"))
        return revision
