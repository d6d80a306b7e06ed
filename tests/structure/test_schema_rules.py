"""No object of the schema violates a rule that can be checked in the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.structure.schema_rules import (
    BOUNDS,
    EXAMPLE_TABLE,
    FUNCTIONS,
    INDEXES,
    POLICIES,
    TABLES,
    SchemaRule,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult

RULES = (*TABLES, *BOUNDS, *INDEXES, *POLICIES, *FUNCTIONS)


def _run(connection: Connection, statement: str) -> CursorResult[Any]:
    """Run a text without bound parameters: colons and percent signs are literal."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _violations(connection: Connection, rule: SchemaRule) -> set[str]:
    return set(_run(connection, rule.violations).scalars())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.title)
def test_schema_has_no_violation(townhall_connection: Connection, rule: SchemaRule) -> None:
    assert _violations(townhall_connection, rule) == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.title)
def test_example_of_a_violation_is_found(townhall_connection: Connection, rule: SchemaRule) -> None:
    for statement in f"{EXAMPLE_TABLE};{rule.example}".split(";"):
        _run(townhall_connection, statement)
    assert len(_violations(townhall_connection, rule)) == 1
