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
_NAMES = "revisions are written with the names that they import, op, sa and pg"
_SCRIPT = "a script of --sql is written so"
_FUNCTIONS = "the functions of a revision are for one database"

ANYWAY: Mapping[str, object] = MappingProxyType(
    {
        "alembic_module_prefix": "op.",
        "compare_type": True,
        "compare_server_default": True,
        "dialect_name": "postgresql",
        "dialect_opts": {"paramstyle": "named"},
        "downgrade_token": "downgrades",
        "include_schemas": True,
        "literal_binds": True,
        "render_as_batch": False,
        "sqlalchemy_module_prefix": "sa.",
        "transaction_per_migration": True,
        "transactional_ddl": True,
        "upgrade_token": "upgrades",
        "version_table": _VERSION_TABLE,
        "version_table_pk": True,
        "version_table_schema": "public",
    }
)
"""The options that are taken, each with the only value that it can have here, or None."""

_WHY = {
    "alembic_module_prefix": _NAMES,
    "compare_type": f"types are always compared; {_LEAVES_ALONE}",
    "compare_server_default": f"defaults are always compared; {_LEAVES_ALONE}",
    "dialect_name": "the database is PostgreSQL",
    "dialect_opts": _SCRIPT,
    "downgrade_token": _FUNCTIONS,
    "include_schemas": "the schemas that are compared are those of the declarations and schemas=",
    "literal_binds": _SCRIPT,
    "render_as_batch": "batches are for SQLite, and PostgreSQL alters tables in place",
    "sqlalchemy_module_prefix": _NAMES,
    "transaction_per_migration": "each revision runs in a transaction of its own",
    "transactional_ddl": "each revision runs in a transaction of its own",
    "upgrade_token": _FUNCTIONS,
    "version_table": _ONE_TABLE,
    "version_table_pk": "the version table has a primary key",
    "version_table_schema": _ONE_TABLE,
}

_INSTEAD = {
    "autogenerate_plugins": "objects of further kinds are declared by classes, which kinds= takes",
    "connection": "give it as context.config.attributes['connection']",
    "include_symbol": "Alembic has include_name and include_object in its place",
    "target_metadata": "give it as metadata=",
    "url": "give it as context.config.attributes['url'], DATABASE_URL or sqlalchemy.url",
    "user_module_prefix": "types of the application are written as PostgreSQL's, without an import",
}
"""What takes the place of the options that are not taken."""


def refuse_others(options: Mapping[str, object]) -> None:
    """Refuse options of Alembic that would have to change what a run does.

    Args:
        options: Options as those of Alembic's ``context.configure``, by name.

    Raises:
        CommandError: An option has another value than the one in :data:`ANYWAY`, or another
            parameter takes its place.
        TypeError: An option is none of Alembic's.
    """
    for name, value in options.items():
        if name in _INSTEAD:
            raise CommandError(
                f"env.py gives migrate.run() Alembic's option {name}: {_INSTEAD[name]}. Leave it"
                " out."
            )
        if name not in ANYWAY:
            raise TypeError(f"run() got an unexpected keyword argument {name!r}")
        if value not in (None, ANYWAY[name]):
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
