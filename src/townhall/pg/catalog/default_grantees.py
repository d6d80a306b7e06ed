"""The roles to which default privileges give something on what a role creates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import name_of_grantee

DefaultObjects = tuple[str | None, str]
"""A schema, or None for all of them, and a letter of ``pg_default_acl.defaclobjtype``."""


Grantees = Mapping[DefaultObjects, Sequence[str]]
"""The roles to which default privileges give something, by what these are for."""


def read_default_grantees(connection: Connection, creator: str | None = None) -> Grantees:
    """Return the roles, sorted, by what the default privileges of a role are for.

    Without a schema they replace the defaults of PostgreSQL, and the list is empty where they grant
    nothing to others.

    Args:
        connection: A connection to the database.
        creator: The role that creates objects; None for the current one.
    """
    found: dict[DefaultObjects, list[str]] = defaultdict(list)
    for row in connection.exec_driver_sql(_QUERY, {"creator": creator}):
        found[row.schema, row.letter] += [] if row.grantee is None else [row.grantee]
    return found


_QUERY = f"""
    select distinct
        n.nspname as schema,
        d.defaclobjtype::text as letter,
        {name_of_grantee("a")} as grantee
    from pg_catalog.pg_default_acl as d
    left join pg_catalog.pg_namespace as n on n.oid = d.defaclnamespace
    left join lateral pg_catalog.aclexplode(d.defaclacl) as a on a.grantee <> d.defaclrole
    where d.defaclrole = coalesce(
        pg_catalog.to_regrole(pg_catalog.quote_ident(%(creator)s)), current_user::regrole
    )
    order by 1, 2, 3
"""
