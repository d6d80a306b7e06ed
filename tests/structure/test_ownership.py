"""What tests run on is owned by an ordinary role, as in production.

A function with its owner's rights may do everything where its owner is a superuser, and would pass
a test that fails in production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

OWNERS = {
    "schemas": "select nspowner from pg_namespace where nspname in ('private', 'auth')",
    "relations": """
        select relowner from pg_class
        where relnamespace::regnamespace::text in ('public', 'private', 'auth')
    """,
    "functions": """
        select proowner from pg_proc
        where pronamespace::regnamespace::text in ('public', 'private', 'auth')
    """,
    "database": "select datdba from pg_database where datname = current_database()",
}


def _superusers(connection: Connection, owners: str) -> list[str]:
    query = f"select rolname from pg_roles where rolsuper and oid in ({owners})"
    return list(connection.scalars(text(query)))


@pytest.mark.parametrize("kind", OWNERS)
def test_superuser_owns_nothing_in_a_shared_database(
    townhall_connection: Connection, kind: str
) -> None:
    assert _superusers(townhall_connection, OWNERS[kind]) == []


@pytest.mark.parametrize("kind", OWNERS)
def test_superuser_owns_nothing_in_a_database_of_a_test(townhall_engine: Engine, kind: str) -> None:
    with townhall_engine.connect() as connection:
        assert _superusers(connection, OWNERS[kind]) == []
