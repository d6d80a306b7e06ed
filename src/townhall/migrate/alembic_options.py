"""Options of Alembic's ``context.configure`` that an ``env.py`` may keep."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from alembic.util import CommandError

from townhall.pg import sql

_VERSION_TABLE = "alembic_version"
_ONE_TABLE = (
    "the version table is public.alembic_version; two applications share a database as two folders"
    " of revisions of one alembic.ini"
)
_LEAVES_ALONE = "an include_object leaves a column alone"

ANYWAY: Mapping[str, object] = MappingProxyType(
    {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": True,
        "render_as_batch": False,
        "transaction_per_migration": True,
        "version_table": _VERSION_TABLE,
        "version_table_schema": "public",
    }
)
"""The options that are taken, each with the only value that it can have here."""

_WHY = {
    "compare_type": f"types are always compared; {_LEAVES_ALONE}",
    "compare_server_default": f"defaults are always compared; {_LEAVES_ALONE}",
    "include_schemas": "the schemas that are compared are those of the declarations and schemas=",
    "render_as_batch": "batches are for SQLite, and PostgreSQL alters tables in place",
    "transaction_per_migration": "each revision runs in a transaction of its own",
    "version_table": _ONE_TABLE,
    "version_table_schema": _ONE_TABLE,
}


def refuse_others(options: Mapping[str, object]) -> None:
    """Refuse options of Alembic that would have to change what a run does.

    Args:
        options: Options as those of Alembic's ``context.configure``, by name.

    Raises:
        CommandError: An option has another value than the one in :data:`ANYWAY`.
        TypeError: An option is none of them.
    """
    for name, value in options.items():
        if name not in ANYWAY:
            raise TypeError(f"run() got an unexpected keyword argument {name!r}")
        if value != ANYWAY[name]:
            raise CommandError(
                f"env.py gives migrate.run() another {name} than {ANYWAY[name]!r}:"
                f" {_reason(name, options)}. Leave it out."
            )


def _reason(name: str, options: Mapping[str, object]) -> str:
    reason = _WHY[name]
    return reason + _moved(options) if reason is _ONE_TABLE else reason


def _moved(options: Mapping[str, object]) -> str:
    # Without the table Alembic would begin with the first revision.
    schema = str(options.get("version_table_schema") or "public")
    name = str(options.get("version_table") or _VERSION_TABLE)
    changes = []
    if schema != "public":
        changes.append(f"alter table {sql.qualified(schema, name)} set schema public")
    if name != _VERSION_TABLE:
        changes.append(f"alter table {sql.qualified('public', name)} rename to {_VERSION_TABLE}")
    if not changes:
        return ""
    return f". Where a database has its revision elsewhere, first run: {'; '.join(changes)}"
