"""Roles that do not exist, which no comparison can create."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.pg.catalog import missing_roles


def refuse_missing_roles(connection: Connection, names: Sequence[str]) -> None:
    """Refuse a comparison because roles of the application do not exist.

    Args:
        connection: A connection to the database.
        names: The roles that requests act as.

    Raises:
        CommandError: One of them does not exist.
    """
    missing = missing_roles(connection, names)
    if missing:
        raise CommandError(
            f"the roles {', '.join(missing)} do not exist, so that privileges can't be granted to"
            " them or revoked from them. Create them in a revision, with create_roles(Roles(...))"
            " of townhall.migrate.safety, and run it; or pass the roles that exist:"
            " townhall.migrate.run(roles=Roles(...))."
        )
