"""The environment of Alembic, which townhall runs."""

from ticketing import entities, metadata
from townhall import migrate

migrate.run(metadata=metadata, entities=entities)
