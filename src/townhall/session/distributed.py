"""Rows on other machines, where the claims of a session don't reach.

On a Citus coordinator the settings of a transaction stay there. The policies of a distributed table
are evaluated on the machines that have its rows, and find no claims: the answer would be empty.
"""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, text

from townhall.session.errors import ActorError

# A table without a key and without others beside it is on the coordinator itself.
_UNREACHABLE = text(
    """
    select d.logicalrelid::pg_catalog.text
    from pg_catalog.pg_dist_partition as d
    join pg_catalog.pg_class as c on c.oid = d.logicalrelid
    where c.relrowsecurity
      and not (d.partmethod = 'n' and d.repmodel <> 't' and d.colocationid = 0)
      and (
        pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update')
        or pg_catalog.has_table_privilege(c.oid, 'delete')
      )
    order by 1
    """
)

_KNOWN = 5.0  # seconds in which a role is not looked at again

_reached: WeakKeyDictionary[Engine, dict[str, float]] = WeakKeyDictionary()
"""Until when it is known of roles that their claims reach all rows, of each engine."""


def refuse_unreachable_rows(connection: Connection, role: str) -> None:
    """Refuse a role that may use tables whose policies would not find its claims.

    It is looked at every five seconds for each engine and role, since a table may be distributed
    while an application runs.

    Args:
        connection: A connection that acts as the role, to a database with Citus.
        role: The role.

    Raises:
        ActorError: The role may use such a table.
    """
    known_until = _reached.setdefault(connection.engine, {})
    now = time.monotonic()
    if now < known_until.get(role, 0):
        return
    if tables := connection.execute(_UNREACHABLE).scalars().all():
        raise ActorError(
            f"a session can't act as {role} on this database: {', '.join(tables)} is distributed,"
            " the claims of a session don't reach its rows, and every answer would be empty."
            f" Revoke what {role} may do with it, and read and write it by functions that are"
            " security definer and read the claims themselves"
        )
    known_until[role] = now + _KNOWN
