"""Attempts to get around the access rules on people and organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Executable, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.support.organizations import (
    GUEST,
    MANAGER,
    ORGANIZATION,
    OTHER_ORGANIZATION,
    OUTSIDER,
    OWNER,
    PERSONAS,
    STRANGER,
    VIEWER,
    VIEWER_MEMBERSHIP,
)
from townhall import Organization, OrganizationMember, OrganizationRole, Profile
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

DENIED = Outcome.PERMISSION_DENIED
YESTERDAY = func.now() - text("interval '1 day'")


def _membership(connection: Connection, user: UUID) -> tuple[UUID, OrganizationRole] | None:
    row = connection.execute(
        select(OrganizationMember.organization_id, OrganizationMember.role).where(
            OrganizationMember.user_id == user
        )
    ).one_or_none()
    return None if row is None else (row.organization_id, row.role)


@pytest.mark.parametrize(
    "statement",
    [
        update(Profile).values(id=STRANGER),
        update(Profile).values(created_at=YESTERDAY),
        update(Profile).values(updated_at=YESTERDAY),
        insert(Profile).values(id=GUEST, created_at=YESTERDAY),
        insert(Profile).values(id=GUEST, updated_at=YESTERDAY),
        update(Profile).values(tier=2),
        insert(Profile).values(id=GUEST, tier=2),
        text(
            f"insert into public.profiles (id) values ('{GUEST}')"
            " on conflict (id) do update set tier = 2"
        ),
    ],
    ids=[
        "key",
        "created_at",
        "updated_at",
        "inserted created_at",
        "inserted updated_at",
        "tier",
        "inserted tier",
        "upserted tier",
    ],
)
def test_client_cannot_write_key_timestamps_and_tier_of_a_profile(
    connection: Connection, statement: Executable
) -> None:
    with acting(connection, PERSONAS["guest"]):
        assert outcome(connection, statement) is DENIED
    assert connection.execute(select(Profile.id, Profile.tier)).all() == [(GUEST, 0)]


@pytest.mark.parametrize("tier", [-1, 3])
def test_unknown_tier_is_refused(connection: Connection, tier: int) -> None:
    with acting(connection, PERSONAS["service"]):
        connection.execute(update(Profile).values(tier=2))
        with pytest.raises(IntegrityError, match="ck_profiles_tier_known"):
            connection.execute(update(Profile).values(tier=tier))


@pytest.mark.parametrize(
    "statement",
    [
        update(Organization).values(id=uuid4()),
        update(Organization).values(created_at=YESTERDAY),
        update(Organization).values(updated_at=YESTERDAY),
        update(OrganizationMember).values(id=uuid4()),
        update(OrganizationMember).values(organization_id=OTHER_ORGANIZATION),
        update(OrganizationMember).values(user_id=STRANGER),
        update(OrganizationMember).values(created_at=YESTERDAY),
        insert(OrganizationMember).values(
            organization_id=ORGANIZATION, user_id=STRANGER, created_at=YESTERDAY
        ),
    ],
    ids=lambda statement: f"{statement.table.name}-{'-'.join(statement.compile().params)}",
)
def test_owner_cannot_move_a_membership_or_write_its_timestamps(
    connection: Connection, statement: Executable
) -> None:
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, statement) is DENIED
    assert _membership(connection, VIEWER) == (ORGANIZATION, OrganizationRole.VIEWER)


@pytest.mark.parametrize(
    ("persona", "user", "role"),
    [
        ("viewer", VIEWER, OrganizationRole.VIEWER),
        ("manager", MANAGER, OrganizationRole.MANAGER),
    ],
)
def test_members_who_are_no_owners_cannot_change_roles_even_their_own(
    connection: Connection, persona: str, user: UUID, role: OrganizationRole
) -> None:
    mine = OrganizationMember.user_id == user
    with acting(connection, PERSONAS[persona]):
        promotion = update(OrganizationMember).where(mine).values(role=OrganizationRole.OWNER)
        assert outcome(connection, promotion) is Outcome.NO_ROWS
    assert _membership(connection, user) == (ORGANIZATION, role)


def test_stranger_cannot_add_themselves_to_an_organization(connection: Connection) -> None:
    for role in OrganizationRole:
        entry = insert(OrganizationMember).values(
            organization_id=ORGANIZATION, user_id=STRANGER, role=role
        )
        with acting(connection, PERSONAS["stranger"]):
            assert outcome(connection, entry) is Outcome.VIOLATES_POLICY
    assert _membership(connection, STRANGER) is None


def test_owner_cannot_change_another_organization(connection: Connection) -> None:
    with acting(connection, PERSONAS["owner"]):
        entry = insert(OrganizationMember).values(
            organization_id=OTHER_ORGANIZATION, user_id=STRANGER
        )
        assert outcome(connection, entry) is Outcome.VIOLATES_POLICY
        seizure = (
            update(Organization).where(Organization.id == OTHER_ORGANIZATION).values(name="Mine")
        )
        assert outcome(connection, seizure) is Outcome.NO_ROWS
    assert _membership(connection, STRANGER) is None


def test_upsert_does_not_update_a_hidden_row(connection: Connection) -> None:
    """The policy on updates holds for ``on conflict do update`` too."""
    takeover = text(
        """
        insert into public.organization_members (id, organization_id, user_id)
        values (:id, :other, :outsider)
        on conflict (id) do update set role = 'owner'
        """
    ).bindparams(id=VIEWER_MEMBERSHIP, other=OTHER_ORGANIZATION, outsider=OUTSIDER)
    with acting(connection, PERSONAS["outsider"]):
        assert outcome(connection, takeover) is Outcome.VIOLATES_POLICY
    assert _membership(connection, VIEWER) == (ORGANIZATION, OrganizationRole.VIEWER)


def test_foreign_keys_do_not_reveal_to_a_stranger_which_accounts_exist(
    connection: Connection,
) -> None:
    """The policy is checked before the foreign key, with the same error for both."""
    with acting(connection, PERSONAS["stranger"]):
        for user in (VIEWER, uuid4()):
            probe = insert(OrganizationMember).values(organization_id=ORGANIZATION, user_id=user)
            assert outcome(connection, probe) is Outcome.VIOLATES_POLICY
            profile = insert(Profile).values(id=user)
            assert outcome(connection, profile) is Outcome.VIOLATES_POLICY


def test_foreign_key_reveals_to_an_owner_whether_an_account_exists(connection: Connection) -> None:
    """The documentation says so; the key of an account is a random UUID."""
    probe = insert(OrganizationMember).values(organization_id=ORGANIZATION, user_id=uuid4())
    with acting(connection, PERSONAS["owner"]), pytest.raises(IntegrityError):
        outcome(connection, probe)


def test_join_returns_only_rows_that_the_policies_of_its_tables_allow(
    connection: Connection,
) -> None:
    joined = (
        select(Organization.name, OrganizationMember.user_id)
        .join(Organization.members)
        .order_by(Organization.name)
    )
    with acting(connection, PERSONAS["viewer"]):
        assert {row.user_id for row in connection.execute(joined)} == {OWNER, MANAGER, VIEWER}
    with acting(connection, PERSONAS["outsider"]):
        assert connection.execute(joined).all() == [("Other", OUTSIDER)]
    with acting(connection, PERSONAS["stranger"]):
        assert outcome(connection, joined) is Outcome.NO_ROWS


def test_failing_condition_is_not_evaluated_on_hidden_rows(connection: Connection) -> None:
    """The policy is evaluated before conditions of the query, however cheap they are."""
    probe = text("select count(*) from public.profiles where 1 / length(left(full_name, 0)) = 1")
    with acting(connection, PERSONAS["stranger"]):
        assert connection.scalar(probe) == 0
    with acting(connection, PERSONAS["guest"]), pytest.raises(DBAPIError, match="division"):
        connection.scalar(probe)


def test_explain_analyze_of_an_update_changes_no_forbidden_row(connection: Connection) -> None:
    promotion = text("explain analyze update public.organization_members set role = 'owner'")
    with acting(connection, PERSONAS["viewer"]):
        connection.execute(promotion)
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, promotion) is DENIED
    assert _membership(connection, VIEWER) == (ORGANIZATION, OrganizationRole.VIEWER)


def test_planner_statistics_of_a_protected_table_are_hidden(connection: Connection) -> None:
    connection.execute(text("analyze public.profiles"))
    values = text("select 1 from pg_stats where schemaname = 'public' and tablename = 'profiles'")
    assert connection.scalar(values) == 1
    with acting(connection, PERSONAS["guest"]):
        assert outcome(connection, values) is Outcome.NO_ROWS


@pytest.mark.parametrize("command", ["truncate", "open", "allow"])
@pytest.mark.parametrize("table", ["profiles", "organizations", "organization_members"])
def test_client_cannot_truncate_a_table_or_change_its_row_level_security(
    connection: Connection, table: str, command: str
) -> None:
    statements = {
        "truncate": f"truncate public.{table} cascade",
        "open": f"alter table public.{table} disable row level security",
        "allow": f"create policy mine on public.{table} using (true)",
    }
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, text(statements[command])) is DENIED


@pytest.mark.parametrize(
    "helper", ["my_organization_ids", "my_managed_organization_ids", "my_owned_organization_ids"]
)
def test_helper_functions_return_only_memberships_of_the_caller(
    connection: Connection, helper: str
) -> None:
    mine = select(getattr(func.private, helper)())
    with acting(connection, PERSONAS["owner"]):
        assert connection.scalars(mine).all() == [ORGANIZATION]
    with acting(connection, PERSONAS["outsider"]):
        assert connection.scalars(mine).all() == [OTHER_ORGANIZATION]
    with acting(connection, PERSONAS["no_sub"]):
        assert connection.scalars(mine).all() == []
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, mine) is DENIED
