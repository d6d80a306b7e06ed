"""The data of the first tenant."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, select, text
from sqlalchemy.orm import Session

from tests.support.alembic import alembic
from townhall import TenantProfile
from townhall.domains.coaching import tenant_by_slug
from townhall.migrate import downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

SLUG = "leadingwithmeaning"
BEFORE = "townhall_0030"
SLUGS = select(TenantProfile.slug)


@pytest.fixture
def database(townhall_databases: Databases, townhall_template: str) -> Iterator[str]:
    with townhall_databases.create(townhall_template) as url:
        yield url


@contextmanager
def _session(url: str) -> Iterator[Session]:
    with Session(create_engine(url, poolclass=NullPool)) as session:
        yield session
        session.commit()


def _tenant(session: Session) -> TenantProfile:
    return session.scalars(tenant_by_slug(SLUG)).one()


@pytest.mark.thorough
def test_tenant_has_a_complete_brand_and_a_reply_address(database: str) -> None:
    with _session(database) as session:
        tenant = _tenant(session)
        assert (tenant.display_name, tenant.is_active) == ("Leading with Meaning", True)
        brand, mail = tenant.brand_config, tenant.email_config
        assert brand is not None
        assert mail is not None
        assert brand.logo.url
        assert brand.logo.alt
        assert (brand.fonts.heading, brand.fonts.body) == ("Playfair Display", "Lato")
        for text_ in (brand.tagline, brand.welcome_message, brand.completion_message):
            assert text_
        assert mail.reply_to == "hello@leadingwithmeaning.example"


@pytest.mark.thorough
def test_palette_is_green_and_gold(database: str) -> None:
    with _session(database) as session:
        brand = _tenant(session).brand_config
    assert brand is not None
    for color in (brand.colors.primary, brand.colors.primary_hover):
        red, green, blue = _parts(color)
        assert green > max(red, blue)
    red, green, blue = _parts(brand.colors.secondary)
    assert red > green > blue


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def test_palette_has_sufficient_contrast_for_text(database: str) -> None:
    """WCAG 2 asks for a contrast of at least 4.5 to 1."""
    with _session(database) as session:
        brand = _tenant(session).brand_config
    assert brand is not None
    colors = brand.colors
    for ground in (colors.background, colors.background_subtle):
        for ink in (colors.text, colors.text_muted, colors.primary):
            assert _contrast(ink, ground) >= 4.5
    assert _contrast(colors.background, colors.primary) >= 4.5


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        part / 12.92 if (part := each / 255) <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for each in _parts(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.thorough
def test_running_the_revision_again_keeps_changes_of_the_owner(database: str) -> None:
    with _session(database) as session:
        tenant = _tenant(session)
        assert tenant.brand_config is not None
        tenant.brand_config = tenant.brand_config.model_copy(update={"tagline": "My own"})
        tenant.display_name = "Renamed"
        key = tenant.id
    _run_again(database)
    with _session(database) as session:
        tenant = _tenant(session)
        assert (tenant.id, tenant.display_name) == (key, "Renamed")
        assert tenant.brand_config is not None
        assert tenant.brand_config.tagline == "My own"


def _run_again(url: str) -> None:
    with _session(url) as session:
        session.execute(text("update alembic_version set version_num = :it"), {"it": BEFORE})
    upgrade(url)


@pytest.mark.thorough
def test_downgrade_deletes_an_unused_tenant(database: str) -> None:
    downgrade(database, BEFORE)
    with _session(database) as session:
        assert session.scalars(SLUGS).all() == []
    upgrade(database)
    with _session(database) as session:
        assert session.scalars(SLUGS).all() == [SLUG]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "change",
    [
        "update public.tenant_profiles set display_name = 'Renamed'",
        "insert into public.campaigns (name, tenant_id) select 'Its own', id from tenant_profiles",
        "select public.log_usage_event(id, 'chat') from public.tenant_profiles",
    ],
)
def test_downgrade_keeps_a_tenant_in_use(database: str, change: str) -> None:
    with _session(database) as session:
        session.execute(text(change))
    downgrade(database, BEFORE)
    with _session(database) as session:
        assert session.scalars(SLUGS).all() == [SLUG]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("arguments", "slugs"), [(["-x", "seed=none"], []), ([], [SLUG])], ids=["none", "default"]
)
def test_seed_can_be_skipped_by_an_argument(
    database: str, arguments: list[str], slugs: list[str]
) -> None:
    downgrade(database, BEFORE)
    alembic(*arguments, "upgrade", "head", url=database)
    with _session(database) as session:
        assert session.scalars(SLUGS).all() == slugs


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("arguments", "times"), [(["-x", "seed=none"], 0), ([], 1)], ids=["none", "default"]
)
def test_seed_can_be_skipped_in_an_sql_script(arguments: list[str], times: int) -> None:
    script = alembic(*arguments, "upgrade", f"{BEFORE}:head", "--sql").stdout
    assert script.count("insert into public.tenant_profiles") == times
    assert script.count("on conflict (slug) do nothing") == times
