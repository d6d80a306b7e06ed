"""What becomes of a person's rows when the account goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, func, insert, select

from tests.support.organizations import GUEST, MANAGER, ORGANIZATION, OWNER, STRANGER, VIEWER
from townhall import Organization, OrganizationMember, OrganizationRole, Profile
from townhall.testing import delete_account

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection


def _members_of(organization: UUID) -> Select[UUID]:
    return select(OrganizationMember.user_id).where(
        OrganizationMember.organization_id == organization
    )


def test_profile_and_memberships_go_with_the_account(connection: Connection) -> None:
    connection.execute(
        insert(OrganizationMember).values(
            organization_id=ORGANIZATION, user_id=GUEST, role=OrganizationRole.VIEWER
        )
    )
    delete_account(connection, GUEST)
    assert connection.scalars(select(Profile.id)).all() == []
    assert set(connection.scalars(_members_of(ORGANIZATION))) == {OWNER, MANAGER, VIEWER}


def test_an_organization_outlives_its_last_owner(connection: Connection) -> None:
    delete_account(connection, OWNER)
    assert set(connection.scalars(_members_of(ORGANIZATION))) == {MANAGER, VIEWER}
    assert (
        connection.scalar(select(Organization.name).where(Organization.id == ORGANIZATION))
        == "House"
    )


def test_the_account_of_somebody_without_rows_goes_too(connection: Connection) -> None:
    delete_account(connection, STRANGER)
    members = select(func.count()).select_from(OrganizationMember)
    assert connection.scalar(members) == 4
