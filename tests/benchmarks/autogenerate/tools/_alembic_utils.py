"""What alembic-utils and its fork have in common: nearly all but the name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.benchmarks.autogenerate.tools import Declared
from tests.benchmarks.autogenerate.workload import (
    COLUMNS,
    POLICIES,
    ROLE,
    STAMP,
    Workload,
    total_of,
    views,
)


def declare(package: str, workload: Workload) -> Declared:
    """Declare everything but row level security itself, which there is no word for.

    Args:
        package: The package whose words to use.
        workload: The schema.
    """
    entities = [each for table in workload.tables for each in _entities(package, table)]
    registry = import_module(f"{package}.replaceable_entity").registry
    registry.clear()
    registry.register(entities, entity_types={type(entity) for entity in entities})
    return Declared(workload.metadata(), len(entities), {})


def _entities(package: str, table: str) -> list[Any]:
    function = import_module(f"{package}.pg_function").PGFunction
    grant = import_module(f"{package}.pg_grant_table").PGGrantTable
    policy = import_module(f"{package}.pg_policy").PGPolicy
    trigger = import_module(f"{package}.pg_trigger").PGTrigger
    view = import_module(f"{package}.pg_view").PGView
    return [
        function(
            "public", f"stamp_{table}()", f"returns trigger language plpgsql as $$\n{STAMP}\n$$"
        ),
        function(
            "public",
            f"total_of_{table}(owner uuid)",
            f"returns numeric language sql stable as $$\n{total_of(table)}\n$$",
        ),
        grant("public", table, ROLE, "SELECT", COLUMNS),
        *(
            policy("public", f"owners_{command}", _policy(command, *conditions), f"public.{table}")
            for command, conditions in POLICIES.items()
        ),
        trigger(
            "public",
            f"stamp_{table}",
            f"before update on public.{table} for each row execute function public.stamp_{table}()",
            f"public.{table}",
        ),
        *(view("public", name, query) for name, query in views(table).items()),
    ]


def _policy(command: str, using: str | None, check: str | None) -> str:
    clauses = [f"using ({using})" if using else "", f"with check ({check})" if check else ""]
    return f"as permissive for {command} to {ROLE} {' '.join(clauses)}"
