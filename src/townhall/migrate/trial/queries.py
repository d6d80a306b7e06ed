"""Queries of PL/pgSQL functions, in which PostgreSQL looks up no name before they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from alembic.operations import MigrateOperation
from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.migrate.faults import reason_of
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.savepoints import NO_PRIVILEGE, attempt, rolled_back, run_script, sqlstate
from townhall.pg import CreateEntityOp, Entity, Function, ReplaceEntityOp

# A single statement without variables, as membership() declares it. What else is returned may have
# another type than in an SQL function.
_RETURNED = re.compile(
    r"\s*(?:#.*\n\s*)?begin\s+return\s+(?:query\s+(?=select\b|with\b)|(?=exists\b))"
    r"(?P<sql>[^;]*);\s*end;?\s*",
    re.IGNORECASE,
)


def refuse_wrong_queries(connection: Connection, operations: Iterable[MigrateOperation]) -> None:
    """Look up the names in the queries of functions that operations have created or changed.

    Each query is made a temporary SQL function, in which PostgreSQL looks them up at once.

    Args:
        connection: A connection within a transaction, after the operations.
        operations: The operations.

    Raises:
        CommandError: A query has a name that there is not; the message says which.
    """
    done = [*operations]
    if any(isinstance(each, UndecidedOp) for each in done):
        return  # what did not run may be what a query reads
    for operation in done:
        if isinstance(operation, CreateEntityOp | ReplaceEntityOp):
            _refuse_wrong_query(connection, operation.target)


def _refuse_wrong_query(connection: Connection, function: Entity) -> None:
    if not isinstance(function, Function) or function.language != "plpgsql":
        return
    returned = _RETURNED.fullmatch(function.body)
    if returned is None:
        return
    query = returned["sql"]
    body = query if function.returns_set else f"select {query}"
    probe = replace(function, schema="pg_temp", language="sql", body=body, comment=None)
    statements = ["set local check_function_bodies = on", next(iter(probe.create_statements()))]
    with rolled_back(connection):
        error = attempt(connection, partial(run_script, connection, statements))
    if error is not None and sqlstate(error) != NO_PRIVILEGE:
        raise CommandError(
            f"no revision is written, because each call of {function.identity} would fail:"
            f" {reason_of(error)}"
        )
