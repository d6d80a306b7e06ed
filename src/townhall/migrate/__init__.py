"""Migrations: comparing what is declared with a database, writing revisions, running them.

``compare`` finds what differs, ``write`` turns it into a revision, ``guard`` protects a run, and
``safety`` has the steps for tables that hold data.
"""

from __future__ import annotations

from townhall.migrate.commands import alembic_config, downgrade, upgrade
from townhall.migrate.environment import run
from townhall.migrate.settings import SETTINGS, Settings
from townhall.migrate.urls import resolve_url

__all__ = ["SETTINGS", "Settings", "alembic_config", "downgrade", "resolve_url", "run", "upgrade"]
