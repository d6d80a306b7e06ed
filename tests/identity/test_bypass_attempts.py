"""What somebody tries who reads the rules for their gaps."""

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
    ],
    ids=["key", "created_at", "updated_at", "inserted created_at", "inserted updated_at"],
)
def test_nobody_writes_what_the_database_keeps_of_a_profile(
    connection: Connection, statement: Executable
) -> None:
    with acting(connection, PERSONAS["guest"]):
        assert outcome(connection, statement) is DENIED
    assert connection.scalars(select(Profile.id)).all() == [GUEST]


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
def test_an_owner_moves_no_member_and_writes_no_time(
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
def test_nobody_but_an_owner_changes_a_role_their_own_included(
    connection: Connection, persona: str, user: UUID, role: OrganizationRole
) -> None:
    mine = OrganizationMember.user_id == user
    with acting(connection, PERSONAS[persona]):
        promotion = update(OrganizationMember).where(mine).values(role=OrganizationRole.OWNER)
        assert outcome(connection, promotion) is Outcome.NO_ROWS
    assert _membership(connection, user) == (ORGANIZATION, role)


def test_nobody_lets_themselves_in(connection: Connection) -> None:
    for role in OrganizationRole:
        entry = insert(OrganizationMember).values(
            organization_id=ORGANIZATION, user_id=STRANGER, role=role
        )
        with acting(connection, PERSONAS["stranger"]):
            assert outcome(connection, entry) is Outcome.VIOLATES_POLICY
    assert _membership(connection, STRANGER) is None


def test_an_owner_governs_no_other_organization(connection: Connection) -> None:
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


def test_an_insert_that_meets_a_hidden_row_does_not_change_it(connection: Connection) -> None:
    """``on conflict do update`` is an update too, and the row is not theirs."""
    takeover = text(
        """
        insert into public.organization_members (id, organization_id, user_id)
        values (:id, :elsewhere, :outsider)
        on conflict (id) do update set role = 'owner'
        """
    ).bindparams(id=VIEWER_MEMBERSHIP, elsewhere=OTHER_ORGANIZATION, outsider=OUTSIDER)
    with acting(connection, PERSONAS["outsider"]):
        assert outcome(connection, takeover) is Outcome.VIOLATES_POLICY
    assert _membership(connection, VIEWER) == (ORGANIZATION, OrganizationRole.VIEWER)


def test_a_stranger_learns_of_no_account_by_a_foreign_key(connection: Connection) -> None:
    """The policy answers before the foreign key could: alike for who exists and who doesn't."""
    with acting(connection, PERSONAS["stranger"]):
        for user in (VIEWER, uuid4()):
            probe = insert(OrganizationMember).values(organization_id=ORGANIZATION, user_id=user)
            assert outcome(connection, probe) is Outcome.VIOLATES_POLICY
            profile = insert(Profile).values(id=user)
            assert outcome(connection, profile) is Outcome.VIOLATES_POLICY


def test_an_owner_learns_whether_an_account_exists(connection: Connection) -> None:
    """What remains of trap 12, and is in the docs: the key of an account is a random UUID."""
    probe = insert(OrganizationMember).values(organization_id=ORGANIZATION, user_id=uuid4())
    with acting(connection, PERSONAS["owner"]), pytest.raises(IntegrityError):
        outcome(connection, probe)


def test_a_join_shows_no_more_than_its_tables(connection: Connection) -> None:
    joined = (
        select(Organization.name, OrganizationMember.user_id)
        .join(Organization.members)
        .order_by(Organization.name)
    )
    with acting(connection, PERSONAS["viewer"]):
        assert {row.user_id for row in connection.execute(joined)} == {OWNER, MANAGER, VIEWER}
    with acting(connection, PERSONAS["outsider"]):
        assert connection.execute(joined).all() == [("Elsewhere", OUTSIDER)]
    with acting(connection, PERSONAS["stranger"]):
        assert outcome(connection, joined) is Outcome.NO_ROWS


def test_a_condition_that_fails_sees_no_hidden_row(connection: Connection) -> None:
    """The policy comes before whatever the reader asks, however cheap."""
    probe = text("select count(*) from public.profiles where 1 / length(left(full_name, 0)) = 1")
    with acting(connection, PERSONAS["stranger"]):
        assert connection.scalar(probe) == 0
    with acting(connection, PERSONAS["guest"]), pytest.raises(DBAPIError, match="division"):
        connection.scalar(probe)


def test_explaining_a_change_does_not_make_it(connection: Connection) -> None:
    promotion = text("explain analyze update public.organization_members set role = 'owner'")
    with acting(connection, PERSONAS["viewer"]):
        connection.execute(promotion)
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, promotion) is DENIED
    assert _membership(connection, VIEWER) == (ORGANIZATION, OrganizationRole.VIEWER)


def test_the_statistics_of_a_protected_table_are_hidden(connection: Connection) -> None:
    connection.execute(text("analyze public.profiles"))
    values = text("select 1 from pg_stats where schemaname = 'public' and tablename = 'profiles'")
    assert connection.scalar(values) == 1
    with acting(connection, PERSONAS["guest"]):
        assert outcome(connection, values) is Outcome.NO_ROWS


@pytest.mark.parametrize("command", ["truncate", "open", "allow"])
@pytest.mark.parametrize("table", ["profiles", "organizations", "organization_members"])
def test_nobody_goes_around_the_policies(connection: Connection, table: str, command: str) -> None:
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
def test_the_helpers_tell_of_the_caller_alone(connection: Connection, helper: str) -> None:
    mine = select(getattr(func.private, helper)())
    with acting(connection, PERSONAS["owner"]):
        assert connection.scalars(mine).all() == [ORGANIZATION]
    with acting(connection, PERSONAS["outsider"]):
        assert connection.scalars(mine).all() == [OTHER_ORGANIZATION]
    with acting(connection, PERSONAS["no_sub"]):
        assert connection.scalars(mine).all() == []
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, mine) is DENIED
