"""What deleting an account deletes and keeps."""

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


def test_deleting_an_account_deletes_its_profile_and_memberships(connection: Connection) -> None:
    connection.execute(
        insert(OrganizationMember).values(
            organization_id=ORGANIZATION, user_id=GUEST, role=OrganizationRole.VIEWER
        )
    )
    delete_account(connection, GUEST)
    assert connection.scalars(select(Profile.id)).all() == []
    assert set(connection.scalars(_members_of(ORGANIZATION))) == {OWNER, MANAGER, VIEWER}


def test_organization_is_kept_when_the_account_of_its_last_owner_is_deleted(
    connection: Connection,
) -> None:
    delete_account(connection, OWNER)
    assert set(connection.scalars(_members_of(ORGANIZATION))) == {MANAGER, VIEWER}
    assert (
        connection.scalar(select(Organization.name).where(Organization.id == ORGANIZATION))
        == "House"
    )


def test_account_without_rows_can_be_deleted(connection: Connection) -> None:
    delete_account(connection, STRANGER)
    members = select(func.count()).select_from(OrganizationMember)
    assert connection.scalar(members) == 4
