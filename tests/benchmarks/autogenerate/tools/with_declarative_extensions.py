"""sqlalchemy-declarative-extensions, which has no policies."""

from __future__ import annotations

import sys

# Where alembic-utils is installed it imports that, and with it a second comparison.
sys.modules["alembic_utils"] = None  # type: ignore[assignment]

import sqlalchemy_declarative_extensions as extensions  # noqa: E402 - after the line above
from sqlalchemy_declarative_extensions.dialects import postgresql  # noqa: E402 - as well

from tests.benchmarks.autogenerate.tools import Declared  # noqa: E402 - as well
from tests.benchmarks.autogenerate.workload import ROLE, STAMP, Workload, total_of, views  # noqa: E402 - as well

extensions.register_alembic_events()


def declare(workload: Workload) -> Declared:
    """Declare everything but policies and row level security."""
    metadata = workload.metadata()
    tables = workload.tables
    functions = [each for table in tables for each in _functions(table)]
    triggers = [
        postgresql.Trigger.before(
            "update", on=table, execute=f"stamp_{table}", name=f"stamp_{table}"
        ).for_each_row()
        for table in tables
    ]
    queries = [
        extensions.View(name, query) for table in tables for name, query in views(table).items()
    ]
    grants = [postgresql.Grant.new("select", to=ROLE).on_tables(table) for table in tables]
    extensions.declare_database(
        metadata,
        functions=extensions.Functions(ignore_unspecified=True).are(*functions),
        triggers=extensions.Triggers(ignore_unspecified=True).are(*triggers),
        views=extensions.Views(ignore_unspecified=True).are(*queries),
        grants=extensions.Grants(ignore_unspecified=True, only_defined_roles=False).are(*grants),
    )
    number = len(functions) + len(triggers) + len(queries) + len(grants)
    return Declared(metadata, number, {})


def _functions(table: str) -> list[postgresql.Function]:
    return [
        postgresql.Function(
            f"stamp_{table}", f"\n{STAMP}\n", returns="trigger", language="plpgsql"
        ),
        postgresql.Function(
            f"total_of_{table}",
            f"\n{total_of(table)}\n",
            returns="numeric",
            parameters=["owner uuid"],
            volatility=postgresql.FunctionVolatility.stable,
        ),
    ]
