"""The whole schema, as PostgreSQL has it, commits no offence that can be told from the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.structure.offences import EXAMPLE_TABLE, FUNCTIONS, INDEXES, POLICIES, TABLES, Offence

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult

OFFENCES = (*TABLES, *INDEXES, *POLICIES, *FUNCTIONS)


def _run(connection: Connection, statement: str) -> CursorResult[Any]:
    """Run a text as it stands, whatever colons and signs of per cent are in it."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _offenders(connection: Connection, offence: Offence) -> set[str]:
    return set(_run(connection, offence.offenders).scalars())


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.title)
def test_there_is_no(townhall_connection: Connection, offence: Offence) -> None:
    assert _offenders(townhall_connection, offence) == set()


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.title)
def test_it_would_be_found(townhall_connection: Connection, offence: Offence) -> None:
    for statement in f"{EXAMPLE_TABLE};{offence.example}".split(";"):
        _run(townhall_connection, statement)
    assert len(_offenders(townhall_connection, offence)) == 1
