"""A revision and its downgrade on a database of its own, compared by what ``pg_dump`` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool

from tests.autogenerate.lab import Lab, Revision, Schema, code
from tests.support.dump import dump
from townhall.migrate import autogenerate
from townhall.migrate.compare.expressions import render_sql_unchanged
from townhall.migrate.compare.scope import Scope
from townhall.migrate.settings import SETTINGS, Settings
from townhall.migrate.write.repeatable import make_repeatable
from townhall.migrate.write.revision import finish_revision
from townhall.testing.databases import Databases

NOTHING = Schema()


def round_trip(
    databases: Databases, script: str, declared: Schema = NOTHING, schemas: Sequence[str] = ()
) -> Revision:
    """Migrate a database to a declaration and back: ``pg_dump`` must say the same as before.

    Args:
        databases: The server.
        script: What creates the database's objects.
        declared: What is declared.
        schemas: The schemas that are compared beside public and those of what is declared.

    Returns:
        The revision.
    """
    with databases.create() as url:
        engine = sa.create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(script, execution_options={"no_parameters": True})
        before = dump(url)
        with engine.begin() as connection:
            revision = migrate(connection, declared, schemas)
            assert differences(connection, declared, schemas) == []
        with engine.begin() as connection:
            Lab(connection).run(revision.downgrade, times=2)
        assert sorted_columns(dump(url)) == sorted_columns(before)
        with engine.begin() as connection:
            Lab(connection).run(revision.upgrade, times=2)
            assert differences(connection, declared, schemas) == []
    return revision


def migrate(connection: Connection, declared: Schema, schemas: Sequence[str] = ()) -> Revision:
    """Generate the revision to a declaration and run its upgrade."""
    context = context_of(connection, declared, schemas)
    script = produce_migrations(context, declared.metadata)
    finish_revision(context, None, [script])
    make_repeatable(context, script)
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    revision = Revision(code(script.upgrade_ops, context), code(script.downgrade_ops, context))
    Lab(connection).run(revision.upgrade)
    return revision


def differences(connection: Connection, declared: Schema, schemas: Sequence[str] = ()) -> list[str]:
    """Return what autogenerate finds necessary, in words."""
    context = context_of(connection, declared, schemas)
    upgrade = produce_migrations(context, declared.metadata).upgrade_ops
    assert upgrade is not None
    return [str(difference) for difference in upgrade.as_diffs()]


def context_of(
    connection: Connection, declared: Schema, schemas: Sequence[str] = ()
) -> MigrationContext:
    """Return Alembic's context for a declaration."""
    settings = Settings.of(
        product=False, metadata=[declared.metadata], entities=declared.entities, schemas=schemas
    )
    scope = Scope(tuple(name for name in settings.scope.schemas if name != settings.helper_schema))
    context = MigrationContext.configure(
        connection,
        opts={
            "target_metadata": [declared.metadata],
            "autogenerate_plugins": autogenerate.plugins(),
            "compare_server_default": False,
            "include_schemas": True,
            "include_name": scope.name_filter(connection),
            "include_object": scope.object_filter(connection),
            SETTINGS: replace(settings, scope=scope),
        },
    )
    render_sql_unchanged(context)
    return context


def sorted_columns(dumped: str) -> list[str]:
    """Return the lines of a dump, sorted: a column that comes back is the last of its table."""
    return sorted(line.strip().rstrip(",") for line in dumped.splitlines())
