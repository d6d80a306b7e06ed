"""Roles that do not exist, which no comparison can create."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.util import CommandError
from sqlalchemy import Connection, text


def refuse_missing_roles(connection: Connection, names: Sequence[str]) -> None:
    """Refuse a comparison because roles of the application do not exist.

    Args:
        connection: A connection to the database.
        names: The roles that requests act as.

    Raises:
        CommandError: One of them does not exist.
    """
    missing = connection.scalar(text(_MISSING), {"names": list(names)})
    if missing:
        raise CommandError(
            f"the roles {missing} do not exist, so that privileges can't be granted to them or"
            " revoked from them. Create them in a revision, with create_roles(Roles(...)) of"
            " townhall.migrate.safety, and run it; or pass the roles that exist:"
            " townhall.migrate.run(roles=Roles(...))."
        )


_MISSING = """
    select string_agg(n.name, ', ' order by n.position)
    from unnest(cast(:names as text[])) with ordinality as n (name, position)
    where not exists (select from pg_catalog.pg_roles as r where r.rolname = n.name)
"""
