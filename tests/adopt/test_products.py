"""Products are adopted with all their rows on every platform, and given back by a downgrade."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from tests.adopt.contents import assert_kept, connected, parts_of, rows_of
from tests.adopt.decided import decisions_for
from tests.adopt.places import EVERY, Place, Platform, make_place
from tests.adopt.products import Product, load, psql
from tests.support.dump import dump
from tests.support.fingerprint import fingerprint
from townhall.adopt import adopt, script
from townhall.check import check
from townhall.migrate import alembic_config, downgrade
from townhall.testing.databases import Databases


@pytest.mark.exhaustive
def test_starter_is_adopted_once_and_given_back(townhall_databases: Databases) -> None:
    with make_place(townhall_databases, Platform.PLAIN) as place:
        adopt_and_give_back(Product.STARTER, place)


@pytest.mark.exhaustive
@pytest.mark.parametrize("place", EVERY, indirect=True)
@pytest.mark.parametrize("product", Product)
def test_product_is_adopted_once_and_given_back(product: Product, place: Place) -> None:
    adopt_and_give_back(product, place)


def adopt_and_give_back(product: Product, place: Place) -> None:
    url, scratch = place.url, place.scratch
    load(url, product)
    before, parts, platform = rows_of(url), parts_of(url), of_platform(place)
    decisions = decisions_for(product, url, scratch)

    done = adopt(url, decisions, scratch=scratch)
    assert done.done
    assert done.differences == []
    command.check(alembic_config(url))
    report = check(url, scratch=scratch)
    assert [each for each in report.findings if each.is_drift] == []
    assert_kept(before, rows_of(url))
    assert of_platform(place) == platform
    assert made_twice(url) == []

    again = adopt(url, decisions, scratch=scratch)
    assert again.done == []

    downgrade(url, "base")
    assert_kept(before, rows_of(url))
    assert rows_of(url).keys() == before.keys()
    assert parts_of(url) == parts
    assert of_platform(place) == platform


def of_platform(place: Place) -> list[str]:
    """Return what belongs to Supabase, which an adoption leaves as it is."""
    if place.platform is Platform.PLAIN:
        return []
    with connected(place.superuser) as connection:
        return fingerprint(connection)


def made_twice(url: str) -> list[str]:
    """Return the constraints and indexes of a table that say the same."""
    with connected(url) as connection:
        return [*connection.scalars(_MADE_TWICE)]


_MADE_TWICE = text("""
    select string_agg(k.conname, ' = ')
    from pg_catalog.pg_constraint as k
    where k.connamespace = 'public'::regnamespace and k.conparentid = 0
    group by k.conrelid, pg_catalog.pg_get_constraintdef(k.oid)
    having count(*) > 1
    union all
    select string_agg(i.indexrelid::regclass::text, ' = ')
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indrelid
    where c.relnamespace = 'public'::regnamespace
    group by
        i.indrelid,
        i.indkey::text,
        i.indclass::text,
        i.indoption::text,
        pg_catalog.pg_get_expr(i.indexprs, i.indrelid),
        pg_catalog.pg_get_expr(i.indpred, i.indrelid)
    having count(*) > 1
""")


@pytest.mark.exhaustive
@pytest.mark.parametrize("place", EVERY, indirect=True)
@pytest.mark.parametrize("product", Product)
def test_script_makes_the_same_of_a_database_as_an_adoption(
    product: Product, place: Place, tmp_path: Path
) -> None:
    load(place.url, product)
    before = rows_of(place.url)
    with place.copy() as scripted:
        decisions = decisions_for(product, place.url, place.scratch)
        written = tmp_path / "adopt.sql"
        written.write_text(script(scripted.url, decisions, scratch=place.scratch))
        done = psql(scripted.url, written)
        assert done.returncode == 0, done.stderr
        adopt(place.url, decisions, scratch=place.scratch)
        assert dump(scripted.superuser) == dump(place.superuser)
        assert rows_of(scripted.url).keys() == rows_of(place.url).keys()
        assert_kept(before, rows_of(scripted.url))
        assert adopt(scripted.url, decisions, scratch=place.scratch).done == []
