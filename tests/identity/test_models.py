"""The models of people and organizations, as an application uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import cast, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Session, selectinload

from tests.support.organizations import (
    GUEST,
    MANAGER,
    ORGANIZATION,
    OTHER_ORGANIZATION,
    OWNER,
    STRANGER,
    VIEWER,
)
from townhall import Base, Organization, OrganizationMember, OrganizationRole, Profile, User
from townhall.session import SessionFactory
from townhall.testing import managing_accounts
from townhall.types import Document

if TYPE_CHECKING:
    from sqlalchemy import Connection


@pytest.fixture
def sessions(connection: Connection) -> SessionFactory:
    return SessionFactory(connection)


def test_user_inserts_and_updates_their_profile(sessions: SessionFactory) -> None:
    with sessions.as_user(STRANGER) as session:
        profile = Profile(id=STRANGER, full_name="נועה זר", stage="seed")
        session.add(profile)
        session.flush()
        assert profile.created_at == profile.updated_at
        profile.industry = "health"
    with sessions.as_user(STRANGER) as session:
        assert session.scalars(select(Profile.industry)).all() == ["health"]


def test_update_sets_updated_at(connection: Connection) -> None:
    connection.execute(text("alter table public.profiles disable trigger user"))
    connection.execute(update(Profile).values(updated_at=text("now() - interval '1 day'")))
    connection.execute(text("alter table public.profiles enable trigger user"))
    connection.execute(update(Profile).values(stage="growth"))
    assert connection.scalar(select(Profile.updated_at == text("now()"))) is True


def test_owner_adds_changes_and_removes_members(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        member = OrganizationMember(organization_id=ORGANIZATION, user_id=STRANGER)
        session.add(member)
        session.flush()
        assert member.role is OrganizationRole.VIEWER
        member.role = OrganizationRole.MANAGER
    with sessions.as_user(STRANGER) as session:
        house = session.scalars(select(Organization).options(selectinload(Organization.members)))
        roles = {member.user_id: member.role for member in house.one().members}
    assert roles == {
        OWNER: OrganizationRole.OWNER,
        MANAGER: OrganizationRole.MANAGER,
        VIEWER: OrganizationRole.VIEWER,
        STRANGER: OrganizationRole.MANAGER,
    }
    with sessions.as_user(OWNER) as session:
        of_stranger = OrganizationMember.user_id == STRANGER
        session.delete(session.scalars(select(OrganizationMember).where(of_stranger)).one())
    with sessions.as_user(STRANGER) as session:
        assert session.scalars(select(Organization)).all() == []


def test_duplicate_membership_is_refused(connection: Connection) -> None:
    again = insert(OrganizationMember).values(organization_id=ORGANIZATION, user_id=OWNER)
    with pytest.raises(IntegrityError, match="uq_organization_members_organization_id_user_id"):
        connection.execute(again)


def test_duplicate_slug_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="uq_organizations_slug"):
        connection.execute(insert(Organization).values(name="Other", slug="house"))


def test_settings_that_are_no_object_are_refused_by_a_constraint(connection: Connection) -> None:
    wrong = update(Organization).values(settings=["he"])
    with pytest.raises(IntegrityError, match="ck_organizations_settings_is_object"):
        connection.execute(wrong)


def _stored(session: Session) -> dict[str, Any]:
    """Return the settings that the database has."""
    found = session.execute(text("select settings from organizations where slug = 'new'"))
    stored: dict[str, Any] = found.scalar_one()
    return stored


def test_change_of_settings_in_place_is_saved(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        organization = Organization(name="New", slug="new")
        session.add(organization)
        session.flush()
        organization.settings["language"] = "he"
        session.commit()
        assert _stored(session) == {"language": "he"}
        organization.settings |= {"currency": "ILS"}
        del organization.settings["language"]
        session.commit()
        assert _stored(session) == {"currency": "ILS"}
        organization.settings = {"currency": "EUR"}
        organization.settings.update(language="en")
        session.commit()
        assert _stored(session) == {"currency": "EUR", "language": "en"}


def test_settings_accept_an_sql_expression(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        organization = Organization(name="New", slug="new")
        organization.settings = cast({"language": "he"}, JSONB)
        session.add(organization)
        session.flush()
        organization.settings = Organization.settings.op("||")(cast({"currency": "ILS"}, JSONB))
        session.flush()
        organization.settings["first_day"] = "Sunday"
        session.flush()
        assert _stored(session) == organization.settings
        assert set(organization.settings) == {"language", "currency", "first_day"}


def test_settings_that_are_no_object_are_refused_on_assignment() -> None:
    with pytest.raises(ValueError, match="'settings' does not accept"):
        Organization(settings=["he"])


def test_every_jsonb_object_tracks_changes_in_place() -> None:
    found = [
        (mapper.class_, attribute.key)
        for mapper in Base.registry.mappers
        for attribute in mapper.column_attrs
        if type(attribute.columns[0].type) is Document and mapper.class_ is not User
    ]
    assert (Organization, "settings") in found
    for row, key in found:
        assert isinstance(getattr(row(**{key: {}}), key), MutableDict), (row, key)


def test_unknown_role_is_refused(connection: Connection) -> None:
    with pytest.raises(StatementError, match="'queen' is not a valid OrganizationRole"):
        connection.execute(update(OrganizationMember).values(role="queen"))
    with pytest.raises(IntegrityError, match="ck_organization_members_role_known"):
        connection.execute(text("update public.organization_members set role = 'queen'"))


def test_deleting_an_organization_deletes_its_memberships(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        session.delete(session.get_one(Organization, ORGANIZATION))
        session.flush()
        left = session.scalars(select(OrganizationMember.organization_id)).all()
    assert left == [OTHER_ORGANIZATION]


def test_second_profile_of_an_account_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="pk_profiles"):
        connection.execute(insert(Profile).values(id=GUEST))


def test_owner_of_accounts_inserts_one_by_orm(connection: Connection) -> None:
    with (
        managing_accounts(connection),
        Session(connection, join_transaction_mode="create_savepoint") as session,
    ):
        user = User(email="new@example.org", raw_user_meta_data={"name": "New"})
        session.add(user)
        session.flush()
        assert user.created_at == user.updated_at
        assert session.get_one(User, user.id) is user
