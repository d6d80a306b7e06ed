"""Alembic's entry point; the work is in :mod:`townhall.migrate`."""

from townhall import migrate

migrate.run()
