"""A schema that is changed and migrated, within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import StringIO

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import DowngradeOps, UpgradeOps
from sqlalchemy import Connection, MetaData
from sqlalchemy.dialects import postgresql

import tests
from townhall import pg
from townhall.migrate import autogenerate, safety
from townhall.migrate.compare.expressions import render_sql_unchanged
from townhall.migrate.compare.scope import Scope
from townhall.migrate.settings import LIVE_OPTION, SETTINGS, Settings
from townhall.migrate.trial.hook import finish_and_try
from townhall.migrate.write.rendering import render_item
from townhall.pg import Entity
from townhall.pg.alembic_utils import (
    PGFunction,
    PGGrantTable,
    PGMaterializedView,
    PGPolicy,
    PGTrigger,
    PGView,
    ReplaceableEntity,
)

SINCE_2_1 = pytest.mark.skipif(
    sa.__version__ < "2.1", reason="SQLAlchemy 2.0 does not have the option that is declared"
)

SCHEMA = "lab"

_ALEMBIC_UTILS = {
    each.__name__: each
    for each in (PGFunction, PGGrantTable, PGMaterializedView, PGPolicy, PGTrigger, PGView)
}


@dataclass(frozen=True)
class Schema:
    """What is declared at one time.

    Attributes:
        metadata: The tables, in the schema ``lab``.
        entities: The entities, in the order they were declared in.
    """

    metadata: MetaData = field(default_factory=MetaData)
    entities: Sequence[Entity | ReplaceableEntity] = ()


@dataclass
class Lab:
    """A database schema of its own, brought from one declaration to another.

    Attributes:
        connection: A connection within a transaction that is rolled back in the end.
        schemas: The schemas that are compared.
        live: Whether revisions change tables that exist without long locks.
    """

    connection: Connection
    schemas: tuple[str, ...] = (SCHEMA,)
    live: bool = False

    def context(self, schema: Schema) -> MigrationContext:
        """Return Alembic's context for a declaration, which sees nothing but the lab."""
        settings = Settings.of(product=False, metadata=[schema.metadata], entities=schema.entities)
        scope = Scope(self.schemas)
        context = MigrationContext.configure(
            self.connection,
            opts={
                "target_metadata": [schema.metadata],
                "autogenerate_plugins": autogenerate.plugins(),
                "include_schemas": True,
                "include_name": scope.name_filter(self.connection),
                "include_object": scope.object_filter(self.connection),
                SETTINGS: replace(settings, scope=scope),
                LIVE_OPTION: self.live,
            },
        )
        render_sql_unchanged(context)
        return context

    def operations(self, schema: Schema) -> tuple[UpgradeOps, DowngradeOps]:
        """Return what autogenerate finds necessary."""
        context = self.context(schema)
        script = produce_migrations(context, schema.metadata)
        finish_and_try(context, None, [script])
        assert script.upgrade_ops is not None
        assert script.downgrade_ops is not None
        return script.upgrade_ops, script.downgrade_ops

    def revisions(self, schema: Schema) -> list[Revision]:
        """Return the revisions to a declaration, in their order."""
        context = self.context(schema)
        scripts = [produce_migrations(context, schema.metadata)]
        finish_and_try(context, None, scripts)
        return [
            Revision(code(upgrade, context), code(downgrade, context))
            for script in scripts
            for upgrade, downgrade in zip(
                script.upgrade_ops_list, script.downgrade_ops_list, strict=True
            )
        ]

    def differences(self, schema: Schema) -> list[str]:
        """Return what autogenerate finds necessary, in words."""
        upgrade, _ = self.operations(schema)
        return [str(difference) for difference in upgrade.as_diffs()]

    def migrate(self, schema: Schema, times: int = 2) -> Revision:
        """Generate the revision to a declaration and run it; nothing may differ then.

        Args:
            schema: The declaration.
            times: How often it runs, each time over its own result.
        """
        context = self.context(schema)
        upgrade, downgrade = self.operations(schema)
        revision = Revision(code(upgrade, context), code(downgrade, context))
        self.run(revision.upgrade, times)
        assert self.differences(schema) == [], self.differences(schema)
        return revision

    def there_and_back(self, old: Schema, new: Schema, times: int = 2) -> Revision:
        """Migrate from one declaration to another, back, and there again.

        Nothing may differ on either side, and each step runs over its own result as well.

        Args:
            old: The declaration to begin with.
            new: The one to migrate to.
            times: How often each step runs.
        """
        self.migrate(old, times)
        revision = self.migrate(new, times)
        self.run(revision.downgrade, times)
        assert self.differences(old) == [], self.differences(old)
        self.run(revision.upgrade, times)
        assert self.differences(new) == [], self.differences(new)
        return revision

    def constraints(self) -> list[str]:
        """Return every constraint in the lab as PostgreSQL defines it."""
        query = """
            select conname || ' ' || pg_get_constraintdef(oid)
            from pg_constraint
            where connamespace = to_regnamespace(:schema)
            order by 1
        """
        return list(self.connection.scalars(sa.text(query), {"schema": SCHEMA}))

    def run(self, code: str, times: int = 1) -> None:
        """Run the body of a revision's function.

        Args:
            code: Its Python.
            times: How often, each time over its own result.
        """
        # Outside of a savepoint PostgreSQL 18 begins none after a change of a domain's checks.
        with self.connection.begin_nested():
            _execute(code, MigrationContext.configure(self.connection), times)

    def run_committed(self, code: str) -> None:
        """Run the body of a revision's function in a transaction of its own, as Alembic does.

        Args:
            code: Its Python, which may commit on its way.
        """
        context = MigrationContext.configure(self.connection)
        with context.begin_transaction():
            _execute(code, context)

    def script(self, code: str) -> str:
        """Return the SQL script of the body of a revision's function.

        Args:
            code: Its Python.
        """
        script = StringIO()
        options = {"as_sql": True, "output_buffer": script, "literal_binds": True}
        _execute(code, MigrationContext.configure(dialect_name="postgresql", opts=options))
        return script.getvalue()


def _execute(code: str, context: MigrationContext, times: int = 1) -> None:
    with Operations.context(context):
        exec(  # noqa: S102 - running what was generated is the point
            f"def run():\n    {code}\nfor _ in range({times}):\n    run()",
            {
                "op": op,
                "sa": sa,
                "pg": pg,
                "postgresql": postgresql,
                "safety": safety,
                "tests": tests,
                **_ALEMBIC_UTILS,
            },
        )


@dataclass(frozen=True)
class Revision:
    """The bodies of a revision's two functions."""

    upgrade: str
    downgrade: str


def code(operations: UpgradeOps | DowngradeOps, context: MigrationContext) -> str:
    return render_python_code(operations, migration_context=context, render_item=render_item)
