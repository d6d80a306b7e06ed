"""What an anonymous visitor can read of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Executable, select, text, update
from sqlalchemy.exc import ProgrammingError

from tests.coaching.data import BRAND, DOMAIN, PERSONAS, STORED_BRAND, TENANT
from townhall import TenantProfile
from townhall.domains.coaching import tenant_branding, tenant_by_slug
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from townhall.session import SessionFactory

PUBLIC = ("slug", "display_name", "tenant_type", "brand_config", "custom_domain")
BY_SLUG = text("select * from public.get_tenant_branding('green-tree')")
BY_DOMAIN = text("select * from public.get_tenant_branding_by_domain('coach.green-tree.EXAMPLE')")


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("asked", [BY_SLUG, BY_DOMAIN], ids=["slug", "domain"])
def test_every_persona_gets_the_five_public_columns(
    connection: Connection, persona: str, asked: Executable
) -> None:
    with acting(connection, PERSONAS[persona]):
        found = connection.execute(asked)
        assert tuple(found.keys()) == PUBLIC
        assert found.all() == [("green-tree", "Green Tree", "coach", STORED_BRAND, DOMAIN)]


def test_functions_have_the_specified_argument_names(connection: Connection) -> None:
    with acting(connection, "anon"):
        for call in (
            "get_tenant_branding(slug => 'green-tree')",
            "get_tenant_branding_by_domain(domain => 'coach.green-tree.example')",
        ):
            assert connection.scalar(text(f"select slug from public.{call}")) == "green-tree"


@pytest.mark.parametrize(
    "statement",
    [
        "select * from public.tenant_profiles",
        "select slug from public.tenant_profiles",
        "select count(*) from public.tenant_profiles",
        "table public.tenant_profiles",
        "select * from public.campaign_assignments",
        "select * from public.stakeholder_sessions",
        "select private.my_tenant_ids()",
        "copy public.tenant_profiles to stdout",
    ],
)
def test_anonymous_caller_cannot_read_the_tables(connection: Connection, statement: str) -> None:
    with acting(connection, "anon"), pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(text(statement))


@pytest.mark.parametrize("asked", [BY_SLUG, BY_DOMAIN], ids=["slug", "domain"])
def test_inactive_tenant_is_not_returned(connection: Connection, asked: Executable) -> None:
    connection.execute(update(TenantProfile).values(is_active=False))
    for persona in ("anon", "owner", "service"):
        with acting(connection, PERSONAS[persona]):
            assert outcome(connection, asked) is Outcome.NO_ROWS


@pytest.mark.parametrize(
    "call",
    [
        "get_tenant_branding('Green-Tree')",
        "get_tenant_branding('green')",
        "get_tenant_branding('%')",
        "get_tenant_branding('')",
        "get_tenant_branding(null)",
        "get_tenant_branding('x'' or true --')",
        "get_tenant_branding_by_domain('green-tree.example')",
        "get_tenant_branding_by_domain('')",
        "get_tenant_branding_by_domain(null)",
    ],
)
def test_other_slugs_and_domains_return_no_tenant(connection: Connection, call: str) -> None:
    """The other tenant has no domain; null does not match it."""
    with acting(connection, "anon"):
        assert outcome(connection, text(f"select * from public.{call}")) is Outcome.NO_ROWS


def test_functions_ignore_the_search_path_of_the_caller(
    connection: Connection,
) -> None:
    connection.execute(text("create schema evil"))
    connection.execute(
        text(
            "create table evil.tenant_profiles as"
            " select 'green-tree' as slug, 'Evil' as display_name, true as is_active"
        )
    )
    connection.execute(text("grant usage on schema evil to anon"))
    connection.execute(text("set local search_path = evil, public"))
    with acting(connection, "anon"):
        assert connection.execute(BY_SLUG).one().display_name == "Green Tree"


def test_columns_added_by_an_application_do_not_shadow_the_arguments(
    connection: Connection,
) -> None:
    connection.execute(
        text(
            """
            alter table public.tenant_profiles
                add domain text default 'coach.green-tree.example'
            """
        )
    )
    asked = text("select slug from public.get_tenant_branding_by_domain('missing.example')")
    with acting(connection, "anon"):
        assert connection.execute(asked).all() == []


def test_tenant_branding_returns_a_typed_brand(sessions: SessionFactory) -> None:
    with sessions.as_anonymous() as session:
        row = session.execute(tenant_branding(slug="green-tree")).one()
        assert tuple(row._fields) == PUBLIC
        assert row.brand_config == BRAND
        assert row == session.execute(tenant_branding(domain=DOMAIN.upper())).one()
        other = session.execute(tenant_branding(slug="rival")).one()
        assert (other.brand_config, other.custom_domain) == (None, None)
        assert session.execute(tenant_branding(slug="missing")).all() == []


@pytest.mark.parametrize("asked", [{}, {"slug": "a", "domain": "b"}], ids=str)
def test_tenant_branding_needs_either_slug_or_domain(asked: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="either slug or domain"):
        tenant_branding(**asked)


def test_owner_reads_only_their_own_tenant(sessions: SessionFactory) -> None:
    with sessions.acting(PERSONAS["owner"]) as session:
        assert session.scalars(tenant_by_slug("green-tree")).one().id == TENANT
        assert session.scalar(tenant_by_slug("rival")) is None
        assert session.scalars(select(TenantProfile.id)).all() == [TENANT]
