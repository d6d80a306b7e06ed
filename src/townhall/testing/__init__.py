"""The pytest plugin: a migrated database for every test, and tests of access rules.

The names of its fixtures begin with ``townhall_``; pytest finds them where townhall is installed.
"""

from __future__ import annotations

from townhall.testing.access import Outcome, acting, outcome
from townhall.testing.accounts import create_account, delete_account, managing_accounts
from townhall.testing.cases import OUTCOME_CODES, AccessCase, access_cases
from townhall.testing.fixtures import (
    townhall_async_engine,
    townhall_connection,
    townhall_database,
    townhall_databases,
    townhall_engine,
    townhall_migrate,
    townhall_owner,
    townhall_parallel_sessions,
    townhall_roles,
    townhall_server,
    townhall_session,
    townhall_sessions,
    townhall_shared_engine,
    townhall_template,
)

__all__ = [
    "OUTCOME_CODES",
    "AccessCase",
    "Outcome",
    "access_cases",
    "acting",
    "create_account",
    "delete_account",
    "managing_accounts",
    "outcome",
    "townhall_async_engine",
    "townhall_connection",
    "townhall_database",
    "townhall_databases",
    "townhall_engine",
    "townhall_migrate",
    "townhall_owner",
    "townhall_parallel_sessions",
    "townhall_roles",
    "townhall_server",
    "townhall_session",
    "townhall_sessions",
    "townhall_shared_engine",
    "townhall_template",
]
