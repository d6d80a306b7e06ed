"""Importing townhall changes nothing for others who use Alembic in the same process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations.ops import DropIndexOp, DropTableOp, ModifyTableOps
from sqlalchemy import Engine, MetaData

SNAPSHOT = """
import logging, os, sys, warnings
import alembic.context, alembic.op, sqlalchemy.orm
from alembic.autogenerate.api import AutogenContext
from alembic.ddl.impl import _impls
from alembic.migration import MigrationContext

def comparators(*plugins):
    opts = {"autogenerate_plugins": list(plugins)} if plugins else {}
    context = AutogenContext(MigrationContext.configure(dialect_name="postgresql", opts=opts))
    return sorted(
        f"{key} {function.__module__}.{function.__qualname__}"
        for key, entries in context.comparators._registry.items()
        for function, _ in entries
    )

def snapshot():
    return {
        "implementations": dict(_impls),
        "comparisons": comparators(),
        "log handlers": logging.root.handlers[:],
        "log levels": {
            name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:])
            for name in ("", "alembic", "sqlalchemy", "sqlalchemy.engine")
        },
        "warnings": warnings.filters[:],
        "environment": dict(os.environ),
        "exit hook": sys.excepthook,
    }
"""


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["townhall.migrate", "townhall.migrate.safety", "townhall.pg"])
def test_importing_townhall_changes_no_state_of_alembic(name: str) -> None:
    run(
        f"{SNAPSHOT}\n"
        "before = snapshot()\n"
        f"import {name}\n"
        "after = snapshot()\n"
        "added = [each for each in after['comparisons'] if each not in before['comparisons']]\n"
        "assert all(each.endswith('townhall.pg.alembic_utils.compare_if_used') for each in added)\n"
        "before['comparisons'] = after['comparisons'] = []\n"
        "for key in before:\n"
        "    assert before[key] == after[key], (key, before[key], after[key])\n"
    )


@pytest.mark.thorough
def test_comparison_of_alembic_utils_stays_for_a_program_that_had_imported_it() -> None:
    run(
        f"{SNAPSHOT}\n"
        "import alembic_utils.replaceable_entity\n"
        "before = snapshot()\n"
        "import townhall.migrate\n"
        "assert snapshot() == before\n"
    )


def run(program: str) -> None:
    done = subprocess.run(  # noqa: S603 - a program of ours
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("plugins", [["alembic.autogenerate.*"], ["*"]])
def test_env_without_townhall_proposes_to_drop_only_tables(
    plugins: list[str], townhall_shared_engine: Engine
) -> None:
    with townhall_shared_engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "autogenerate_plugins": plugins,
            },
        )
        script = produce_migrations(context, MetaData())
    assert script.upgrade_ops is not None
    kinds = {type(operation) for operation in script.upgrade_ops.ops}
    assert DropTableOp in kinds
    assert kinds <= {DropTableOp, DropIndexOp, ModifyTableOps}
