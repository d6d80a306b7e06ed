"""What Alembic runs; townhall does the work."""

from ticketing import entities, metadata
from townhall import migrate

migrate.run(metadata=metadata, entities=entities)
