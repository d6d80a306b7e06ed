"""townhall."""

from __future__ import annotations

from typing import cast

from tests.benchmarks.autogenerate.tools import Declared
from tests.benchmarks.autogenerate.workload import POLICIES, ROLE, STAMP, Workload, total_of, views
from townhall import pg
from townhall.migrate import autogenerate
from townhall.migrate.settings import SETTINGS, Settings
from townhall.pg.policy import Command


def declare(workload: Workload) -> Declared:
    """Declare everything."""
    metadata = workload.metadata()
    declared = entities(workload)
    options = {
        "autogenerate_plugins": autogenerate.plugins(),
        SETTINGS: Settings.of(product=False, metadata=[metadata], entities=declared),
    }
    return Declared(metadata, len(declared), options)


def entities(workload: Workload) -> list[pg.Entity]:
    """Return everything beside the tables."""
    return [entity for table in workload.tables for entity in _entities(table)]


def _entities(table: str) -> list[pg.Entity]:
    return [
        pg.Function(name=f"stamp_{table}", language="plpgsql", body=STAMP),
        pg.Function(
            name=f"total_of_{table}",
            arguments={"owner": "uuid"},
            returns="numeric",
            volatility="stable",
            body=total_of(table),
        ),
        pg.TableAccess(table=table, grants={ROLE: ("select",)}),
        *(
            pg.Policy(
                table=table,
                name=f"owners_{command}",
                command=cast("Command", command),
                roles=(ROLE,),
                using=using,
                check=check,
            )
            for command, (using, check) in POLICIES.items()
        ),
        pg.Trigger(
            table=table,
            name=f"stamp_{table}",
            timing="before",
            events=("update",),
            function=f"public.stamp_{table}",
        ),
        *(pg.View(name=name, definition=query) for name, query in views(table).items()),
    ]
