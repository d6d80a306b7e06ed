"""Access matrices."""

from __future__ import annotations

import pytest

from townhall.testing import AccessCase, Outcome, access_cases


def test_each_cell_becomes_a_case() -> None:
    cases = access_cases(
        """
        events  anon  manager
        select  x     +
        insert  x     !
        """
    )
    assert cases == [
        AccessCase("events", "select", "anon", Outcome.PERMISSION_DENIED),
        AccessCase("events", "select", "manager", Outcome.ALLOWED),
        AccessCase("events", "insert", "anon", Outcome.PERMISSION_DENIED),
        AccessCase("events", "insert", "manager", Outcome.VIOLATES_POLICY),
    ]


def test_empty_lines_separate_blocks() -> None:
    cases = access_cases(
        """

        events  manager
        select  +


        functions               stranger  no_sub
        set_networking_opt_in   0         r

        """
    )
    assert cases == [
        AccessCase("events", "select", "manager", Outcome.ALLOWED),
        AccessCase("functions", "set_networking_opt_in", "stranger", Outcome.NO_ROWS),
        AccessCase("functions", "set_networking_opt_in", "no_sub", Outcome.REFUSED),
    ]


@pytest.mark.parametrize("codes", ["+", "+ + +"])
def test_line_without_one_code_per_persona_is_refused(codes: str) -> None:
    with pytest.raises(ValueError, match=r"events, select: \d codes for 2 personas"):
        access_cases(f"events anon manager\nselect {codes}")


@pytest.mark.parametrize("code", ["allowed", "-", "++"])
def test_unknown_code_is_refused_with_the_known_ones(code: str) -> None:
    with pytest.raises(ValueError, match=r"events, select: unknown .*; an outcome is one of \+ \("):
        access_cases(f"events manager\nselect {code}")
