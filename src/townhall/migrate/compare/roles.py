"""Roles for which privileges are declared, and which do not exist."""

from __future__ import annotations

from alembic.util import CommandError
from sqlalchemy import Connection, text

from townhall.migrate.compare.entities import Declared


def refuse_missing_roles(connection: Connection, declared: Declared) -> None:
    """Refuse to compare privileges of roles that don't exist.

    Args:
        connection: A connection to the database.
        declared: What is declared.

    Raises:
        CommandError: Privileges are declared, and one of the roles does not exist.
    """
    if not any(hasattr(entity, "api_roles") for entity in declared.entities):
        return
    missing = connection.scalar(text(_MISSING), {"names": list(declared.api_roles)})
    if missing:
        raise CommandError(
            f"the roles {missing} do not exist, and have declared privileges. Create them in a"
            " revision, with create_roles(Roles(...)) of townhall.migrate.safety, and run it; or"
            " pass the roles that exist: townhall.migrate.run(roles=Roles(...))."
        )


_MISSING = """
    select string_agg(n.name, ', ' order by n.position)
    from unnest(cast(:names as text[])) with ordinality as n (name, position)
    where not exists (select from pg_catalog.pg_roles as r where r.rolname = n.name)
"""
