"""Domains have one canonical form, and are served for the tenant that verified them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.exc import IntegrityError

from tests.coaching.data import DOMAIN, OTHER_TENANT, OUTSIDER, OWNER, PERSONAS, TENANT
from tests.support.blocked import wait_for_a_lock
from townhall import TenantProfile
from townhall.domains.coaching import (
    canonical_domain,
    tenant_branding,
    tenant_by_domain,
    verify_custom_domain,
)
from townhall.session import SessionFactory
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Engine

CANONICAL = {
    "coach.example": "coach.example",
    "Coach.EXAMPLE": "coach.example",
    "coach.example.": "coach.example",
    "coach.example:8000": "coach.example",
    "coach.example.:443": "coach.example",
    "coach.example:": "coach.example",
    "BÜCHER.example": "xn--bcher-kva.example",
    "bu\u0308cher.example": "xn--bcher-kva.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "XN--BCHER-KVA.example": "xn--bcher-kva.example",
    "bücher。example": "xn--bcher-kva.example",
    "straße.example": "xn--strae-oqa.example",
    "\u212aelvin.example": "kelvin.example",
    "\uff43oach.example": "coach.example",
    "co\u00adach.example": "coach.example",
    "例子.测试": "xn--fsqu00a.xn--0zwm56d",
    "a-b.c9": "a-b.c9",
    f"{'a' * 63}.example": f"{'a' * 63}.example",
}

NO_DOMAINS = [
    "",
    ".",
    "localhost",
    "localhost.",
    "http://coach.example",
    "coach.example/",
    "coach.example/path",
    "coach.example?x",
    "user@coach.example",
    " coach.example",
    "coach.example ",
    "coach.example\n",
    "co ach.example",
    "coach..example",
    ".coach.example",
    "coach.example..",
    "-coach.example",
    "coach-.example",
    "coa_ch.example",
    "*.example",
    "coach.example:port",
    "coach.example:80:80",
    "127.0.0.1",
    "127.1",
    "\uff1127.0.0.1",
    "coach.0x7f",
    "[::1]",
    "[::1]:80",
    "ab--cd.example",
    "xn--abc-.example",
    "xn--.example",
    "coach%2eexample",
    "coach\u2024example",
    "coach\x00.example",
    "coach\ud800.example",
    "bank\u202e.example",
    f"{'a' * 64}.example",
    f"{'a.' * 130}example",
    "a" * 100_000,
]


@pytest.mark.parametrize("host", CANONICAL, ids=ascii)
def test_host_is_brought_to_the_canonical_form(host: str) -> None:
    assert canonical_domain(host) == CANONICAL[host]


@pytest.mark.parametrize("host", NO_DOMAINS, ids=lambda host: ascii(host[:40]))
def test_host_that_is_no_domain_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is no domain"):
        canonical_domain(host)


LIKE_HOSTS = st.from_regex(
    r"(?i)([a-zäßİ0-9-]{1,9}[.。]){1,3}[a-zé]{2,5}[.]?(:[0-9]*)?", fullmatch=True
)


@pytest.mark.thorough
@given(st.text() | LIKE_HOSTS)
def test_canonical_form_of_any_text_is_its_own_or_the_text_is_refused(text: str) -> None:
    try:
        domain = canonical_domain(text)
    except ValueError as error:
        assert "is no domain" in str(error)  # noqa: PT017 - it may as well be one
    else:
        assert canonical_domain(domain) == canonical_domain(f"{domain}.:80".upper()) == domain


def _claim(connection: Connection, tenant: UUID, domain: str | None) -> None:
    claim = update(TenantProfile).where(TenantProfile.id == tenant)
    connection.execute(claim.values(custom_domain=domain))


def _claim_as(connection: Connection, persona: str, domain: str | None) -> None:
    with acting(connection, PERSONAS[persona]):
        connection.execute(update(TenantProfile).values(custom_domain=domain))


def _verify(connection: Connection, tenant: UUID, domain: str) -> None:
    with acting(connection, PERSONAS["service"]):
        connection.execute(verify_custom_domain(tenant, domain))


def _served(connection: Connection, domain: str) -> str | None:
    """Return the slug of the tenant whose brand an anonymous visitor of a domain sees."""
    with acting(connection, "anon"):
        slug: str | None = connection.scalar(tenant_branding(domain=domain))
        return slug


def _verified(connection: Connection, tenant: UUID = TENANT) -> bool:
    is_verified = TenantProfile.custom_domain_verified_at.is_not(None)
    return bool(connection.scalar(select(is_verified).where(TenantProfile.id == tenant)))


def test_canonical_domains_are_stored(connection: Connection) -> None:
    for domain in CANONICAL.values():
        _claim_as(connection, "owner", domain)


def test_domains_that_are_not_canonical_are_refused_by_the_database(connection: Connection) -> None:
    written = [host for host, domain in CANONICAL.items() if host != domain]
    storable = [host for host in NO_DOMAINS if not set(host) & {"\x00", "\ud800"}]
    invalid_punycode = {"xn--abc-.example", "xn--.example"}
    for host in {*written, *storable} - invalid_punycode:
        with (
            pytest.raises(
                IntegrityError, match=r"ck_tenant_profiles_custom_domain_(is_canonical|bounds)"
            ),
            connection.begin_nested(),
        ):
            _claim(connection, OTHER_TENANT, host)


@pytest.mark.parametrize("host", ["Coach.Green-Tree.example", f"{DOMAIN}.", f"{DOMAIN}:8000"])
def test_sql_function_brings_the_domain_to_the_canonical_form(
    connection: Connection, host: str
) -> None:
    with acting(connection, "anon"):
        asked = select(func.public.get_tenant_branding_by_domain(host))
        assert outcome(connection, asked) is Outcome.ALLOWED


def test_host_that_is_too_long_has_no_tenant(connection: Connection) -> None:
    with acting(connection, "anon"):
        asked = select(func.public.get_tenant_branding_by_domain(f"{DOMAIN}:{'0' * 300}"))
        assert outcome(connection, asked) is Outcome.NO_ROWS


@pytest.mark.parametrize("host", ["coach.example:8000", "COACH.example.", "BÜCHER.example"])
def test_queries_bring_the_domain_to_the_canonical_form(connection: Connection, host: str) -> None:
    _claim_as(connection, "owner", canonical_domain(host))
    _verify(connection, TENANT, host)
    assert _served(connection, host) == "green-tree"
    with acting(connection, PERSONAS["owner"]):
        assert connection.scalar(tenant_by_domain(host)) == TENANT


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "http://coach.example", "\x00"])
def test_queries_return_no_tenant_for_what_is_no_domain(connection: Connection, host: str) -> None:
    assert _served(connection, host) is None
    with acting(connection, PERSONAS["service"]):
        assert connection.execute(tenant_by_domain(host)).all() == []


def test_domain_is_not_served_until_it_is_verified(connection: Connection) -> None:
    _claim_as(connection, "owner", "bank.example")
    assert _served(connection, "bank.example") is None
    with acting(connection, "anon"):
        assert connection.execute(tenant_branding(slug="green-tree")).one().custom_domain is None
    with acting(connection, PERSONAS["owner"]):
        assert connection.execute(tenant_by_domain("bank.example")).all() == []
    _verify(connection, TENANT, "bank.example")
    assert _served(connection, "bank.example") == "green-tree"


def test_tenant_that_takes_a_domain_first_does_not_keep_another_from_verifying_it(
    connection: Connection,
) -> None:
    _claim_as(connection, "outsider", "bank.example")
    _claim_as(connection, "owner", "bank.example")
    _verify(connection, TENANT, "bank.example")
    assert _served(connection, "bank.example") == "green-tree"
    assert not _verified(connection, OTHER_TENANT)


def test_verified_domain_is_taken_from_the_tenant_that_verified_it_before(
    connection: Connection,
) -> None:
    _claim_as(connection, "outsider", DOMAIN)
    assert _served(connection, DOMAIN) == "green-tree"
    _verify(connection, OTHER_TENANT, DOMAIN)
    assert _served(connection, DOMAIN) == "rival"
    assert not _verified(connection)
    _verify(connection, TENANT, DOMAIN)
    assert _served(connection, DOMAIN) == "green-tree"


def test_unverified_domain_that_equals_a_verified_one_does_not_change_what_is_served(
    connection: Connection,
) -> None:
    _claim_as(connection, "outsider", DOMAIN)
    assert _served(connection, DOMAIN) == "green-tree"
    _claim_as(connection, "outsider", None)
    assert _served(connection, DOMAIN) == "green-tree"


@pytest.mark.parametrize("steps", [["other.example", DOMAIN], [None, DOMAIN]], ids=str)
def test_domain_that_was_changed_and_changed_back_is_not_verified(
    connection: Connection, steps: list[str | None]
) -> None:
    for domain in steps:
        _claim_as(connection, "owner", domain)
        assert not _verified(connection)
    assert _served(connection, DOMAIN) is None


def test_update_that_leaves_the_domain_keeps_it_verified(connection: Connection) -> None:
    with acting(connection, PERSONAS["owner"]):
        same = update(TenantProfile).values(custom_domain=DOMAIN, display_name="Renamed")
        connection.execute(same)
    assert _verified(connection)


def test_domain_changed_by_another_trigger_is_not_verified(connection: Connection) -> None:
    connection.execute(
        text(
            """
            create function public.move() returns trigger language plpgsql
            as 'begin new.custom_domain := ''bank.example''; return new; end'
            """
        )
    )
    connection.execute(
        text(
            """
            create trigger a_move before update of display_name on public.tenant_profiles
            for each row execute function public.move()
            """
        )
    )
    connection.execute(text("grant execute on function public.move() to authenticated"))
    with acting(connection, PERSONAS["owner"]):
        connection.execute(update(TenantProfile).values(display_name="Renamed"))
    assert not _verified(connection)


@pytest.mark.parametrize("persona", ["anon", "owner", "outsider"])
def test_clients_cannot_verify_a_domain(connection: Connection, persona: str) -> None:
    with acting(connection, PERSONAS[persona]):
        denied = outcome(connection, verify_custom_domain(TENANT, DOMAIN))
        assert denied is Outcome.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("tenant", "domain"),
    [(OTHER_TENANT, DOMAIN), (TENANT, "other.example"), (uuid4(), DOMAIN)],
    ids=["without a domain", "another domain", "missing"],
)
def test_domain_that_the_tenant_does_not_have_is_not_verified(
    connection: Connection, tenant: UUID, domain: str
) -> None:
    """The owner may have changed it since it was looked up; the former proof stays."""
    with (
        pytest.raises(IntegrityError, match="does not have the domain"),
        connection.begin_nested(),
    ):
        _verify(connection, tenant, domain)
    assert _served(connection, DOMAIN) == "green-tree"


@pytest.mark.parametrize("domain", ["null", "''", "'localhost'"])
def test_sql_function_verifies_no_missing_domain(connection: Connection, domain: str) -> None:
    call = text(f"select public.verify_custom_domain('{OTHER_TENANT}', {domain})")
    with (
        acting(connection, "service_role"),
        pytest.raises(IntegrityError, match="does not have the domain"),
    ):
        connection.execute(call)


def test_python_verifies_only_what_is_a_domain() -> None:
    with pytest.raises(ValueError, match="is no domain"):
        verify_custom_domain(TENANT, "localhost")


def test_domain_that_is_null_is_never_verified(connection: Connection) -> None:
    wrong = update(TenantProfile).values(custom_domain=None, custom_domain_verified_at=func.now())
    constraint = "ck_tenant_profiles_custom_domain_verified_at_has_domain"
    with acting(connection, "service_role"), pytest.raises(IntegrityError, match=constraint):
        connection.execute(wrong)


def test_two_tenants_never_have_the_same_verified_domain(connection: Connection) -> None:
    wrong = update(TenantProfile).values(custom_domain=DOMAIN, custom_domain_verified_at=func.now())
    with (
        acting(connection, "service_role"),
        pytest.raises(IntegrityError, match="uq_tenant_profiles_custom_domain"),
    ):
        connection.execute(wrong)


def test_of_two_concurrent_verifications_the_later_one_holds(committed: Engine) -> None:
    sessions = SessionFactory(committed)
    with sessions.as_user(OUTSIDER) as session:
        session.execute(update(TenantProfile).values(custom_domain="bank.example"))
    with sessions.as_user(OWNER) as session:
        session.execute(update(TenantProfile).values(custom_domain="bank.example"))

    def verify(tenant: UUID) -> None:
        with sessions.as_service() as session:
            session.execute(verify_custom_domain(tenant, "bank.example"))

    with ThreadPoolExecutor(1) as other:
        with sessions.as_service() as session:
            session.execute(verify_custom_domain(OTHER_TENANT, "bank.example"))
            second = other.submit(verify, TENANT)
            wait_for_a_lock(committed)
        second.result(timeout=30)
    with committed.connect() as connection:
        assert _served(connection, "bank.example") == "green-tree"
        assert not _verified(connection, OTHER_TENANT)


def test_domain_that_changes_while_it_is_verified_is_not_verified(committed: Engine) -> None:
    sessions = SessionFactory(committed)

    def verify() -> None:
        with sessions.as_service() as session:
            session.execute(verify_custom_domain(TENANT, DOMAIN))

    with ThreadPoolExecutor(1) as other:
        with sessions.as_user(OWNER) as session:
            session.execute(update(TenantProfile).values(custom_domain="bank.example"))
            second = other.submit(verify)
            wait_for_a_lock(committed)
        with pytest.raises(IntegrityError, match="does not have the domain"):
            second.result(timeout=30)
    with committed.connect() as connection:
        assert not _verified(connection)
