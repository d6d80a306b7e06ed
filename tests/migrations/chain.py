"""The revisions of this package, in their order."""

from __future__ import annotations

from alembic.script import Script, ScriptDirectory

from townhall.migrate import alembic_config

SCRIPTS = ScriptDirectory.from_config(alembic_config())
REVISIONS: tuple[Script, ...] = tuple(reversed(list(SCRIPTS.walk_revisions())))
"""From the first to the last."""

HEAD = REVISIONS[-1].revision
