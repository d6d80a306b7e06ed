"""Each kind of difference is complete: what is found of it, and what decisions name."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isabstract

import pytest

from townhall.adopt.differences import Difference
from townhall.adopt.tables import finding_of


def kinds(base: type[Difference] = Difference) -> Iterator[type[Difference]]:
    for kind in base.__subclasses__():
        if not isabstract(kind) and not kind.__name__.startswith("_"):
            yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", [*kinds()])
def test_each_kind_of_difference_has_a_finding(kind: type[Difference]) -> None:
    assert finding_of.dispatch(kind) is not finding_of.dispatch(object)
