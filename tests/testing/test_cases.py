"""Access tables."""

from __future__ import annotations

import pytest

from townhall.testing import AccessCase, Outcome, access_cases


def test_every_cell_is_a_case() -> None:
    cases = access_cases(
        """
        events  anonymous          manager
        select  permission_denied  allowed
        insert  permission_denied  violates_policy
        """
    )
    assert cases == [
        AccessCase("events", "select", "anonymous", Outcome.PERMISSION_DENIED),
        AccessCase("events", "select", "manager", Outcome.ALLOWED),
        AccessCase("events", "insert", "anonymous", Outcome.PERMISSION_DENIED),
        AccessCase("events", "insert", "manager", Outcome.VIOLATES_POLICY),
    ]


def test_an_empty_line_begins_another_table() -> None:
    cases = access_cases(
        """
        events  manager
        select  allowed

        tracks  stranger
        select  no_rows
        """
    )
    assert cases == [
        AccessCase("events", "select", "manager", Outcome.ALLOWED),
        AccessCase("tracks", "select", "stranger", Outcome.NO_ROWS),
    ]


@pytest.mark.parametrize("cells", ["allowed", "allowed allowed allowed"])
def test_a_line_has_an_outcome_for_every_persona(cells: str) -> None:
    with pytest.raises(ValueError, match=r"events, select: \d outcomes for 2 personas"):
        access_cases(f"events anonymous manager\nselect {cells}")


def test_an_outcome_is_one_of_the_four() -> None:
    with pytest.raises(ValueError, match="'denied' is not a valid Outcome"):
        access_cases("events manager\nselect denied")
