"""What ``alembic/env.py`` calls: configuration, comparison, rendering and safety."""

from __future__ import annotations

from townhall.migrate.commands import alembic_config, downgrade, upgrade
from townhall.migrate.environment import run
from townhall.migrate.settings import SETTINGS, Settings
from townhall.migrate.urls import resolve_url

__all__ = ["SETTINGS", "Settings", "alembic_config", "downgrade", "resolve_url", "run", "upgrade"]
