"""Alembic's entry point: the engine alone, with the application's own roles."""

from notes import ENTITIES, ROLES, metadata
from townhall import migrate

migrate.run(product=False, metadata=[metadata], entities=ENTITIES, roles=ROLES)
