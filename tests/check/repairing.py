"""Running the repairs of a check until it reports nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from townhall.check import Finding
from townhall.check.repair import AUTOGENERATE, DECLARE
from townhall.migrate.compare.simulation import run_in_any_order

_ROUNDS = 4


def change(connection: Connection, sql: str) -> None:
    """Run SQL as it stands."""
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def repair_all(connection: Connection, findings_of: Callable[[], Iterable[Finding]]) -> None:
    """Run every repair, retrying those that depend on others, until there is no finding.

    Another round is for the parts of an object that were not reported while it was missing.

    Args:
        connection: A connection within a transaction.
        findings_of: Returns the findings as they are now.

    Raises:
        AssertionError: A repair is no SQL, PostgreSQL refuses it, or a finding remains.
    """
    for _ in range(_ROUNDS):
        findings = list(findings_of())
        if not findings:
            return
        # What deletes rows runs last: views on a table are dropped before it.
        findings.sort(key=lambda finding: finding.repair.startswith(DECLARE))
        repairs = list(dict.fromkeys(finding.repair.removeprefix(DECLARE) for finding in findings))
        assert AUTOGENERATE not in repairs, findings
        if len(repairs) == 1:  # without a savepoint, in which PostgreSQL 18 alters no domain twice
            change(connection, *repairs)
            continue
        _, failures = run_in_any_order(connection, repairs, lambda sql: change(connection, sql))
        assert not failures, [(failure.step, failure.message) for failure in failures]
    assert list(findings_of()) == []
