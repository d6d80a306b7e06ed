"""Steps of revisions that are safe for live data: idempotent, and without long exclusive locks."""

from __future__ import annotations

from townhall.migrate.safety.batches import fill_column, update_in_batches
from townhall.migrate.safety.columns import add_identity, add_serial
from townhall.migrate.safety.conditions import only_where, refuse_if
from townhall.migrate.safety.constraints import (
    add_constraint,
    add_constraint_at_once,
    add_unique,
    rename_constraint,
    set_not_null,
)
from townhall.migrate.safety.indexes import create_index, drop_index
from townhall.migrate.safety.locks import lock_tables
from townhall.migrate.safety.removal import (
    drop_column,
    drop_constraint,
    drop_index_at_once,
    drop_table,
    take_back_table,
)
from townhall.migrate.safety.roles import create_roles, protect_version_table
from townhall.migrate.safety.tables import rename_table

__all__ = [
    "add_constraint",
    "add_constraint_at_once",
    "add_identity",
    "add_serial",
    "add_unique",
    "create_index",
    "create_roles",
    "drop_column",
    "drop_constraint",
    "drop_index",
    "drop_index_at_once",
    "drop_table",
    "fill_column",
    "lock_tables",
    "only_where",
    "protect_version_table",
    "refuse_if",
    "rename_constraint",
    "rename_table",
    "set_not_null",
    "take_back_table",
    "update_in_batches",
]
