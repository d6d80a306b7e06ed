"""A look at whole databases: on each version, as hosted by Supabase, and on a hot standby."""

from __future__ import annotations

import pytest

from tests.adopt.products import Product, load
from tests.support.dump import dump
from tests.support.standby import migrated_pair
from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall.adopt import Finding, Weight, look
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases, with_role

_OPEN = 'policy public.profiles "Public profiles are viewable by everyone."'


def objects(findings: tuple[Finding, ...], weight: Weight) -> set[str]:
    return {each.object for each in findings if each.weight is weight}


@pytest.mark.exhaustive
def test_starter_is_looked_at_as_its_ordinary_owner(server: Databases) -> None:
    owner = server.create_owner(SUPABASE)
    scratch = server.server.render_as_string(hide_password=False)
    with server.create(owner=owner) as url:
        load(with_role(url, owner), Product.STARTER)
        found = look(with_role(url, owner), scratch=scratch)
    assert found.existing == (("public", "profiles"),)
    assert _OPEN in objects(found.findings, Weight.DECIDE)
    assert objects(found.findings, Weight.STOP) == set()


@pytest.mark.exhaustive
def test_starter_is_looked_at_on_hosted_supabase(townhall_databases: Databases) -> None:
    scratch = townhall_databases.server.render_as_string(hide_password=False)
    with supabase_database(townhall_databases, DefaultPrivileges.OPEN) as supabase:
        load(supabase.postgres, Product.STARTER)
        before = dump(supabase.superuser)
        found = look(supabase.postgres, scratch=scratch)
        assert dump(supabase.superuser) == before
    assert found.existing == (("public", "profiles"),)
    assert _OPEN in objects(found.findings, Weight.DECIDE)
    assert "trigger auth.users on_auth_user_created" in objects(found.findings, Weight.NOTE)


@pytest.mark.exhaustive
def test_hot_standby_is_looked_at() -> None:
    with migrated_pair() as pair:
        found = look(pair.standby, scratch=pair.primary)
    assert found.is_settled
    assert found.revisions
