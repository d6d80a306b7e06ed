"""The objects of Supabase in a database, to assert that none of them was changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection

_QUERY = Path(__file__).with_name("fingerprint.sql").read_text()


def fingerprint(connection: Connection) -> list[str]:
    """Return a line for each object of Supabase with its properties, sorted.

    That is all in the schemas ``auth``, ``storage``, ``realtime``, ``extensions`` and
    ``graphql_public``, schema ``public`` itself, its roles, extensions, publications, event
    triggers and default privileges. A foreign key or a view of ours on any of it doesn't count.

    Args:
        connection: A connection of psycopg 3 to the database.
    """
    objects = connection.exec_driver_sql(_QUERY)
    return sorted(f"{row.thing}: {_in_words(row.facts)}" for row in objects)


def _in_words(facts: dict[str, Any]) -> str:
    # Granting again what was revoked changes the order of an access control list alone.
    if facts.get("privileges"):
        facts["privileges"].sort()
    return json.dumps({name: fact for name, fact in facts.items() if fact is not None})
