"""The revisions of this package, in their order."""

from __future__ import annotations

from alembic.script import Script, ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

from townhall.migrate import alembic_config

SCRIPTS = ScriptDirectory.from_config(alembic_config())
REVISIONS: tuple[Script, ...] = tuple(reversed(list(SCRIPTS.walk_revisions())))
"""From the first to the last."""

HEAD = REVISIONS[-1].revision


def revision_of(url: str) -> str | None:
    """Return the revision that a database says it is at."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        revision: str | None = connection.scalar(text("select version_num from alembic_version"))
        return revision
