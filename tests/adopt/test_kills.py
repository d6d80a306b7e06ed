"""An adoption that is killed at any moment goes on or is given back, and no row is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import NullPool, create_engine

from tests.adopt.contents import Rows, assert_kept, parts_of, rows_of
from tests.adopt.decided import decisions_for
from tests.adopt.places import Place, Platform, make_place
from tests.adopt.products import Product, load
from tests.adopt.writing import write
from tests.support.dump import dump
from tests.support.interruption import end_process
from townhall.adopt import Decisions, adopt
from townhall.migrate import downgrade
from townhall.testing.databases import Databases

PRODUCTS = (Product.NETWORKING, Product.FOUNDERS, Product.DRAFTS, Product.TENANTS, Product.HALF)
KILLS = 60


class Undisturbed(NamedTuple):
    """A product, and what an adoption makes of it that nothing disturbs.

    Attributes:
        product: The database of the product, which is copied.
        decisions: What is decided about it.
        schema: The schema that the adoption makes.
        rows: The rows that the product had.
        parts: The parts of its tables.
        titles: How many steps are told.
        duration: How long the steps take, in seconds.
    """

    product: Place
    decisions: Decisions
    schema: str
    rows: Rows
    parts: list[str]
    titles: int
    duration: float


@pytest.fixture(scope="module")
def undisturbed(townhall_databases: Databases) -> Iterator[Callable[[Product], Undisturbed]]:
    """Yield a function that gives a product, which is adopted when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def undisturbed(product: Product) -> Undisturbed:
            place = stack.enter_context(make_place(townhall_databases, Platform.PLAIN))
            load(place.url, product)
            decisions = decisions_for(product, place.url, place.scratch)
            began: list[float] = []
            with place.copy() as copy:
                adopt(
                    copy.url,
                    decisions,
                    scratch=place.scratch,
                    tell=lambda _: began.append(time.monotonic()),
                )
                duration = time.monotonic() - began[0]
                schema = dump(copy.superuser)
            rows, parts = rows_of(place.url), parts_of(place.url)
            return Undisturbed(place, decisions, schema, rows, parts, len(began), duration)

        yield undisturbed


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(KILLS))
def test_adoption_killed_at_a_random_moment_goes_on_and_is_given_back(
    seed: int, undisturbed: Callable[[Product], Undisturbed], tmp_path: Path
) -> None:
    """Half of the moments are random steps; in half of the runs the server ends the sessions."""
    chance = random.Random(seed)  # noqa: S311 - moments
    known = undisturbed(PRODUCTS[seed % len(PRODUCTS)])
    with known.product.copy() as place:
        decisions = write(tmp_path / "file.toml", known.decisions)
        process = start(place, decisions)
        assert process.stdout is not None
        if seed % 2:
            for _ in range(chance.randrange(1, known.titles)):
                process.stdout.readline()
            time.sleep(chance.uniform(0, 0.1))
        else:
            process.stdout.readline()
            time.sleep(chance.uniform(0, known.duration))
        with create_engine(place.scratch, poolclass=NullPool).connect() as watch:
            end_process(process, watch, place.url, by_server=seed % 4 >= 2)
        assert_kept(known.rows, rows_of(place.url))

        with place.copy() as given_back:
            downgrade(given_back.url, "base")
            rows = rows_of(given_back.url)
            assert rows.keys() == known.rows.keys()
            assert_kept(known.rows, rows)
            assert parts_of(given_back.url) == known.parts

        assert adopt(place.url, known.decisions, scratch=place.scratch).differences == []
        assert dump(place.superuser) == known.schema
        assert_kept(known.rows, rows_of(place.url))


def start(place: Place, decisions: str) -> subprocess.Popen[str]:
    """Start an adoption in a process of its own."""
    options = ("--url", place.url, "--scratch", place.scratch, "--decisions", decisions, "--apply")
    return subprocess.Popen(  # noqa: S603  the interpreter, and no shell
        (sys.executable, "-m", "townhall", "adopt", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
