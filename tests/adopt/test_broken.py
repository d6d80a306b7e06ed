"""Rows that break each declared constraint are counted and named, and refused until corrected."""

from __future__ import annotations

import re

import pytest
from alembic.util import CommandError
from sqlalchemy import Engine, text

from tests.adopt.broken import Rows, correct, load_broken
from tests.adopt.contents import assert_kept, connected, rows_in_order, rows_of
from tests.adopt.places import EVERY, Place
from tests.adopt.products import load_accounts
from tests.support.broken import (
    BREAKING_ROWS,
    OF_THE_PLATFORM,
    TABLES,
    breaking_rows,
    required_columns,
)
from tests.support.dump import dump
from tests.support.rows import contents, fill
from townhall import metadata
from townhall.adopt import Weight, adopt, look


def test_each_declared_table_has_rows_that_break_it_or_a_reason() -> None:
    declared = {each.fullname for each in metadata.sorted_tables}
    assert declared == {each.name for each in TABLES} | OF_THE_PLATFORM.keys()


def test_each_constraint_of_a_declared_table_has_a_row_that_breaks_it() -> None:
    for table in TABLES:
        constraints = {str(each.name) for each in table.constraints}
        indexes = {str(each.name) for each in table.indexes if each.unique}
        found = [each.object.rpartition(" ")[2] for each in breaking_rows(table)]
        assert sorted(found) == sorted(constraints | indexes)


def test_each_value_that_breaks_a_check_is_of_a_declared_one() -> None:
    declared = {str(each.name) for table in TABLES for each in table.constraints}
    assert BREAKING_ROWS.keys() <= declared


@pytest.fixture(scope="module")
def first_rows(townhall_shared_engine: Engine) -> tuple[list[str], Rows]:
    """Return the ids of accounts, and rows without faults."""
    with townhall_shared_engine.connect() as connection:
        fill(connection)
        accounts = [*connection.scalars(text("select id::text from auth.users"))]
        rows = contents(connection)
        connection.rollback()
    return accounts, rows


@pytest.mark.exhaustive
@pytest.mark.parametrize("place", EVERY, indirect=True)
def test_rows_that_break_each_constraint_are_named_and_refused_until_they_are_corrected(
    place: Place, first_rows: tuple[list[str], Rows]
) -> None:
    accounts, rows = first_rows
    with connected(place.url) as connection:
        load_accounts(connection, accounts)
        breaking = load_broken(connection, rows)
        connection.commit()
        without = {
            f"column public.{table.name}.{name}": connection.scalar(
                text(f"select count(*) from public.{table.name} where {name} is null")
            )
            for table in TABLES
            for name in required_columns(table)
        }
    before, contained = dump(place.url), rows_in_order(place.url)

    findings = look(place.url, scratch=place.scratch).findings
    stops = {each.object: each.text for each in findings if each.weight is Weight.STOP}
    assert stops.keys() == breaking.keys()
    assert all("break it" in each or "breaks it" in each for each in stops.values())
    unnamed = {each for each, ctid in breaking.items() if ctid not in stops[each]}
    assert {each for each in unnamed if " more" not in stops[each]} == set()
    assert len(unnamed) < len(TABLES)
    nulls = [each for each in findings if each.text.startswith("accepts NULL")]
    assert {each.object: _count(each.text) for each in nulls} == without

    with pytest.raises(CommandError, match="nothing was changed") as refused:
        adopt(place.url, scratch=place.scratch)
    assert "correct or delete these rows" in str(refused.value)
    assert dump(place.url) == before
    assert rows_in_order(place.url) == contained

    with connected(place.url) as connection:
        correct(connection, rows)
        connection.commit()
    kept = rows_of(place.url)
    assert {name: len(each) for name, each in kept.items()} == {
        name: len(each) for name, each in rows.items()
    }
    assert adopt(place.url, scratch=place.scratch).differences == []
    assert_kept(kept, rows_of(place.url))


def _count(sentence: str) -> int | None:
    match = re.search(r"(\d+) rows? ha", sentence)
    return None if match is None else int(match[1])
