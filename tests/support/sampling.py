"""Cases of which every run tries some, and an exhaustive one all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


def sampled(cases: Mapping[str, Any], every: int) -> list[ParameterSet]:
    """Return the parameters of a test, marked so that it runs with a part of its cases.

    Args:
        cases: The value by the name of the case; a tuple is several arguments.
        every: The distance of the cases that are not exhaustive, from the first.
    """
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            id=name,
            marks=() if number % every == 0 else pytest.mark.exhaustive,
        )
        for number, (name, case) in enumerate(cases.items())
    ]
