"""Communities and cohorts: joining, leaving, and what members may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, func, insert, select, text, true, update
from sqlalchemy.exc import IntegrityError

from tests.community.data import (
    COHORT,
    FORMER_COHORT_MEMBERSHIP,
    FORMER_MEMBER,
    FOUNDER,
    MODERATOR,
    PEER,
    PEER_COHORT_MEMBERSHIP,
    PERSONAS,
    PRIVATE_COMMUNITY,
    PUBLIC_COMMUNITY,
    STRANGER,
)
from townhall import Cohort, CohortMember, Community, CommunityMember, CommunityRole
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

MEMBERSHIPS = {"my_community_ids": Community.id, "my_cohort_ids": Cohort.id}
COHORT_MEMBERS = select(CohortMember.user_id)
COMMUNITY_MEMBERS = select(CommunityMember.user_id).where(
    CommunityMember.community_id == PRIVATE_COMMUNITY
)
PUBLIC_COMMUNITY_ROW = select(Community.id).where(Community.id == PUBLIC_COMMUNITY)


def test_members_of_a_cohort_see_each_other(connection: Connection) -> None:
    for persona in ("founder", "peer"):
        with acting(connection, PERSONAS[persona]):
            assert set(connection.scalars(COHORT_MEMBERS)) == {FOUNDER, PEER, FORMER_MEMBER}
            assert connection.scalars(select(Cohort.id)).all() == [COHORT]


@pytest.mark.parametrize("persona", sorted(PERSONAS.keys() - {"anon"}))
def test_lookup_of_a_group_has_the_ids_of_the_caller_and_no_other(
    connection: Connection, persona: str
) -> None:
    every = {name: connection.scalars(select(key)).all() for name, key in MEMBERSHIPS.items()}
    with acting(connection, PERSONAS[persona]):
        for name, keys in every.items():
            ids = set(connection.scalars(text(f"select private.{name}()")))
            looked_up = text(f"select mine.id from private.{name}_by_id as mine")
            assert set(connection.scalars(looked_up)) == ids
            asked = text(f"select private.{name}_include(:id)")
            assert {key for key in keys if connection.scalar(asked, {"id": key})} == ids


def test_setting_tells_nothing_of_a_community_that_is_hidden(connection: Connection) -> None:
    hidden = select(Community.id).where(Community.id == PRIVATE_COMMUNITY)
    setting = select(func.current_setting("asked_for.public.communities.id", true()))
    with acting(connection, PERSONAS["stranger"]):
        assert connection.execute(hidden).all() == []
        assert not connection.scalar(setting)
    with acting(connection, PERSONAS["founder"]):
        assert connection.execute(hidden).all()
        assert connection.scalar(setting) == f"{{{PRIVATE_COMMUNITY}}}"


@pytest.mark.parametrize(
    "left", [{"is_active": False}, {"left_at": func.now()}], ids=["inactive", "left"]
)
def test_former_member_of_a_cohort_sees_only_their_own_membership_and_deletes_it(
    connection: Connection, left: dict[str, Any]
) -> None:
    connection.execute(
        update(CohortMember).where(CohortMember.id == PEER_COHORT_MEMBERSHIP).values(left)
    )
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, select(Cohort.__table__)) is Outcome.NO_ROWS
        assert connection.scalars(COHORT_MEMBERS).all() == [PEER]
    with acting(connection, PERSONAS["founder"]):
        assert PEER in set(connection.scalars(COHORT_MEMBERS))
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, delete(CohortMember)) is Outcome.ALLOWED
    assert set(connection.scalars(COHORT_MEMBERS)) == {FOUNDER, FORMER_MEMBER}


def test_former_member_cannot_rejoin_a_cohort(connection: Connection) -> None:
    mine = CohortMember.id == FORMER_COHORT_MEMBERSHIP
    with acting(connection, PERSONAS["former"]):
        again = update(CohortMember).where(mine).values(is_active=True)
        assert outcome(connection, again) is Outcome.PERMISSION_DENIED
        seat = insert(CohortMember).values(cohort_id=COHORT, user_id=FORMER_MEMBER)
        assert outcome(connection, seat) is Outcome.PERMISSION_DENIED


def test_member_leaves_a_cohort_by_deleting_only_their_own_membership(
    connection: Connection,
) -> None:
    with acting(connection, PERSONAS["peer"]):
        connection.execute(delete(CohortMember))
        assert outcome(connection, COHORT_MEMBERS) is Outcome.NO_ROWS
    assert set(connection.scalars(COHORT_MEMBERS)) == {FOUNDER, FORMER_MEMBER}


def test_members_of_a_community_see_each_other(connection: Connection) -> None:
    for persona in ("founder", "peer", "moderator"):
        with acting(connection, PERSONAS[persona]):
            assert set(connection.scalars(COMMUNITY_MEMBERS)) == {FOUNDER, PEER, MODERATOR}
    with acting(connection, PERSONAS["stranger"]):
        assert connection.scalars(COMMUNITY_MEMBERS).all() == []


def test_user_joins_and_leaves_a_public_community(connection: Connection) -> None:
    with acting(connection, PERSONAS["stranger"]):
        joined = connection.scalar(
            insert(CommunityMember)
            .values(community_id=PUBLIC_COMMUNITY, user_id=STRANGER)
            .returning(CommunityMember.role)
        )
        assert joined == CommunityRole.MEMBER
        connection.execute(delete(CommunityMember).where(CommunityMember.user_id == STRANGER))
    members = select(func.count()).select_from(CommunityMember)
    assert connection.scalar(members.where(CommunityMember.community_id == PUBLIC_COMMUNITY)) == 0


@pytest.mark.parametrize(
    "values",
    [
        {"community_id": PRIVATE_COMMUNITY},
        {"role": CommunityRole.OWNER},
        {"role": CommunityRole.MODERATOR},
        {"user_id": PEER},
    ],
    ids="-".join,
)
def test_joining_as_another_user_or_role_or_a_private_community_is_refused(
    connection: Connection, values: dict[str, Any]
) -> None:
    join = insert(CommunityMember).values(
        {"community_id": PUBLIC_COMMUNITY, "user_id": STRANGER, **values}
    )
    with acting(connection, PERSONAS["stranger"]):
        assert outcome(connection, join) is Outcome.VIOLATES_POLICY


def test_archived_community_cannot_be_joined(connection: Connection) -> None:
    connection.execute(
        update(Community).where(Community.id == PUBLIC_COMMUNITY).values(is_archived=True)
    )
    join = insert(CommunityMember).values(community_id=PUBLIC_COMMUNITY, user_id=STRANGER)
    with acting(connection, PERSONAS["stranger"]):
        assert outcome(connection, join) is Outcome.VIOLATES_POLICY


def test_archived_community_is_visible_only_to_its_creator(connection: Connection) -> None:
    private = Community.id == PRIVATE_COMMUNITY
    with acting(connection, PERSONAS["founder"]):
        archive = update(Community).where(private).values(is_archived=True)
        assert outcome(connection, archive) is Outcome.ALLOWED
    with acting(connection, PERSONAS["peer"]):
        assert outcome(connection, select(Community.id).where(private)) is Outcome.NO_ROWS
    with acting(connection, PERSONAS["founder"]):
        back = update(Community).where(private).values(is_archived=False)
        assert outcome(connection, back) is Outcome.ALLOWED
    connection.execute(
        update(Community).where(Community.id == PUBLIC_COMMUNITY).values(is_archived=True)
    )
    with acting(connection, PERSONAS["stranger"]):
        assert outcome(connection, PUBLIC_COMMUNITY_ROW) is Outcome.NO_ROWS


@pytest.mark.parametrize("persona", ["no_sub", "stranger", "peer", "founder"])
def test_signed_in_users_see_a_public_community(connection: Connection, persona: str) -> None:
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, PUBLIC_COMMUNITY_ROW) is Outcome.ALLOWED


@pytest.mark.parametrize("values", [{"created_by": PEER}, {"is_sponsored": True}], ids="-".join)
def test_creator_cannot_change_creator_or_sponsorship_of_a_community(
    connection: Connection, values: dict[str, Any]
) -> None:
    with acting(connection, PERSONAS["founder"]):
        change = update(Community).where(Community.id == PRIVATE_COMMUNITY).values(values)
        assert outcome(connection, change) is Outcome.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"parent_community_id": PRIVATE_COMMUNITY}, "ck_communities_parent_is_another"),
        ({"tier_required": 3}, "ck_communities_tier_required_known"),
        ({"tier_required": -1}, "ck_communities_tier_required_known"),
    ],
)
def test_invalid_parent_or_tier_of_a_community_is_refused(
    connection: Connection, values: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        connection.execute(
            update(Community).where(Community.id == PRIVATE_COMMUNITY).values(values)
        )


def test_deleting_a_community_deletes_its_subcommunities(connection: Connection) -> None:
    connection.execute(
        update(Community)
        .where(Community.id == PUBLIC_COMMUNITY)
        .values(parent_community_id=PRIVATE_COMMUNITY, is_private=True)
    )
    connection.execute(delete(Community).where(Community.id == PRIVATE_COMMUNITY))
    assert connection.scalar(select(func.count()).select_from(Community)) == 0
