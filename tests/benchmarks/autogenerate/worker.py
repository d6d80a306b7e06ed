"""What runs in a tool's own process: ``python -m tests.benchmarks.autogenerate.worker TOOL``.

Each line of its input is a JSON array, the number of entities and the URL of a database; each line
of its output is a :class:`Measurement`, as a JSON array.
"""
# ruff: noqa: T201 - printing is how it answers

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from alembic.autogenerate import produce_migrations
from alembic.operations.ops import OpContainer
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine

from tests.benchmarks.autogenerate.workload import Workload

FLOOR = "floor"


class Measurement(NamedTuple):
    """One comparison.

    Attributes:
        seconds: What it took of the processors, here and on the server, without connecting.
        operations: How many operations it found.
        entities: The number of entities that the tool was given.
    """

    seconds: float
    operations: int
    entities: int


def measure(tool: str, entities: int, url: str) -> Measurement:
    """Compare a schema with a database, once.

    Args:
        tool: The module in :mod:`tests.benchmarks.autogenerate.tools`.
        entities: The size of the schema.
        url: The database; it stays as it is.
    """
    run, number = _prepared(tool, entities)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.exec_driver_sql("select 1")
        begin = _processor_time(connection)
        operations = run(connection)
        seconds = _processor_time(connection) - begin
        connection.rollback()
    return Measurement(seconds, operations, number)


def _processor_time(connection: Connection) -> float:
    """Return the seconds so far of this process and of the backend, which runs on this machine."""
    driver = connection.connection.driver_connection
    assert driver is not None
    of_backend = Path(f"/proc/{driver.info.backend_pid}/schedstat").read_text("ascii").split()[0]
    return time.process_time() + int(of_backend) / 1e9


def _prepared(tool: str, entities: int) -> tuple[Callable[[Connection], int], int]:
    module = import_module(f"tests.benchmarks.autogenerate.tools.{tool}")
    workload = Workload(entities)
    if tool == FLOOR:
        definitions = module.script(workload)
        return lambda connection: module.compare(connection, definitions) or 0, entities
    declared = module.declare(workload)

    def compare(connection: Connection) -> int:
        # Alembic's defaults; a tool asks for the first two without a default of its own.
        options = {"include_schemas": False, "target_metadata": declared.metadata}
        context = MigrationContext.configure(connection, opts=options | declared.options)
        script = produce_migrations(context, declared.metadata)
        assert script.upgrade_ops is not None
        return _count(script.upgrade_ops)

    return compare, declared.entities


def _count(container: OpContainer) -> int:
    return sum(_count(each) if isinstance(each, OpContainer) else 1 for each in container.ops)


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        print(json.dumps(measure(sys.argv[1], *json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
