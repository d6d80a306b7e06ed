"""People and organizations as an application handles them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session, selectinload

from tests.support.stage import ELSEWHERE, GUEST, HOUSE, MANAGER, OWNER, STRANGER, VIEWER
from townhall import Organization, OrganizationMember, OrganizationRole, Profile, User
from townhall.session import SessionFactory
from townhall.testing import managing_accounts

if TYPE_CHECKING:
    from sqlalchemy import Connection


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    return SessionFactory(connection)


def test_a_person_makes_and_changes_their_profile(sessions: SessionFactory) -> None:
    with sessions.as_user(STRANGER) as session:
        profile = Profile(id=STRANGER, full_name="נועה זר", stage="seed")
        session.add(profile)
        session.flush()
        assert profile.created_at == profile.updated_at
        profile.industry = "health"
    with sessions.as_user(STRANGER) as session:
        assert session.scalars(select(Profile.industry)).all() == ["health"]


def test_an_update_is_stamped(connection: Connection) -> None:
    connection.execute(text("alter table public.profiles disable trigger user"))
    connection.execute(update(Profile).values(updated_at=text("now() - interval '1 day'")))
    connection.execute(text("alter table public.profiles enable trigger user"))
    connection.execute(update(Profile).values(stage="growth"))
    assert connection.scalar(select(Profile.updated_at == text("now()"))) is True


def test_an_owner_appoints_and_dismisses(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        member = OrganizationMember(organization_id=HOUSE, user_id=STRANGER)
        session.add(member)
        session.flush()
        assert member.role is OrganizationRole.MANAGER
        member.role = OrganizationRole.VIEWER
    with sessions.as_user(STRANGER) as session:
        house = session.scalars(select(Organization).options(selectinload(Organization.members)))
        roles = {member.user_id: member.role for member in house.one().members}
    assert roles == {
        OWNER: OrganizationRole.OWNER,
        MANAGER: OrganizationRole.MANAGER,
        VIEWER: OrganizationRole.VIEWER,
        STRANGER: OrganizationRole.VIEWER,
    }
    with sessions.as_user(OWNER) as session:
        of_stranger = OrganizationMember.user_id == STRANGER
        session.delete(session.scalars(select(OrganizationMember).where(of_stranger)).one())
    with sessions.as_user(STRANGER) as session:
        assert session.scalars(select(Organization)).all() == []


def test_nobody_belongs_twice(connection: Connection) -> None:
    again = insert(OrganizationMember).values(organization_id=HOUSE, user_id=OWNER)
    with pytest.raises(IntegrityError, match="uq_organization_members_organization_id_user_id"):
        connection.execute(again)


def test_an_address_belongs_to_one_organization(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="uq_organizations_slug"):
        connection.execute(insert(Organization).values(name="Other", slug="house"))


def test_settings_are_an_object(connection: Connection) -> None:
    wrong = update(Organization).values(settings=["he"])
    with pytest.raises(IntegrityError, match="ck_organizations_settings_is_object"):
        connection.execute(wrong)


def test_a_role_is_one_of_three(connection: Connection) -> None:
    with pytest.raises(StatementError, match="'queen' is not a valid OrganizationRole"):
        connection.execute(update(OrganizationMember).values(role="queen"))
    with pytest.raises(IntegrityError, match="ck_organization_members_role_known"):
        connection.execute(text("update public.organization_members set role = 'queen'"))


def test_members_go_with_their_organization(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        session.delete(session.get_one(Organization, HOUSE))
        session.flush()
        left = session.scalars(select(OrganizationMember.organization_id)).all()
    assert left == [ELSEWHERE]


def test_a_profile_is_an_accounts(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="pk_profiles"):
        connection.execute(insert(Profile).values(id=GUEST))


def test_whatever_signs_people_up_makes_accounts_by_orm(connection: Connection) -> None:
    with (
        managing_accounts(connection),
        Session(connection, join_transaction_mode="create_savepoint") as session,
    ):
        user = User(email="new@example.org", raw_user_meta_data={"name": "New"})
        session.add(user)
        session.flush()
        assert user.created_at == user.updated_at
        assert session.get_one(User, user.id) is user
