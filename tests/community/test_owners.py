"""The members of a community: who adds, removes and promotes them, and who joins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import Executable, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.community.data import (
    FOUNDER,
    MODERATOR,
    MODERATOR_MEMBERSHIP,
    PEER,
    PEER_MEMBERSHIP,
    PERSONAS,
    PRIVATE_COMMUNITY,
    PUBLIC_COMMUNITY,
    STRANGER,
    insert_community,
)
from tests.support.blocked import wait_for_a_lock
from townhall import Community, CommunityMember, CommunityRole, Profile
from townhall.testing import Outcome, acting, delete_account, outcome

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection, Engine

OF_PRIVATE = CommunityMember.community_id == PRIVATE_COMMUNITY
JOIN = insert(CommunityMember).values(community_id=PUBLIC_COMMUNITY, user_id=STRANGER)
LEAVES = delete(CommunityMember).where(OF_PRIVATE, CommunityMember.user_id == FOUNDER)


def _owners(connection: Connection, community: UUID = PRIVATE_COMMUNITY) -> set[UUID]:
    owned = CommunityMember.role == CommunityRole.OWNER
    of_community = CommunityMember.community_id == community
    return set(connection.scalars(select(CommunityMember.user_id).where(of_community, owned)))


def _set_role(user: UUID, role: CommunityRole) -> Executable:
    return (
        update(CommunityMember).where(OF_PRIVATE, CommunityMember.user_id == user).values(role=role)
    )


def _add(user: UUID, role: CommunityRole, community: UUID = PRIVATE_COMMUNITY) -> Executable:
    return insert(CommunityMember).values(community_id=community, user_id=user, role=role)


@pytest.mark.parametrize("is_private", [True, False])
def test_creator_of_a_community_is_its_owner(connection: Connection, *, is_private: bool) -> None:
    with acting(connection, PERSONAS["stranger"]):
        created = connection.scalar(
            insert(Community)
            .values(name="Mine", slug="mine", created_by=STRANGER, is_private=is_private)
            .returning(Community.id)
        )
        assert created is not None
        assert _owners(connection, created) == {STRANGER}
        renamed = update(Community).where(Community.id == created).values(name="Ours")
        assert outcome(connection, renamed) is Outcome.ALLOWED


def test_community_without_a_creator_has_no_members(connection: Connection) -> None:
    assert _owners(connection, PUBLIC_COMMUNITY) == set()


@pytest.mark.parametrize("values", [{"is_archived": True}, {"tier_required": 2}, {"name": "New"}])
@pytest.mark.parametrize(
    ("persona", "expected"), [("founder", True), ("moderator", False), ("peer", False)]
)
def test_only_owners_update_a_community(
    connection: Connection, persona: str, values: dict[str, Any], *, expected: bool
) -> None:
    change = update(Community).where(Community.id == PRIVATE_COMMUNITY).values(values)
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, change) is (Outcome.ALLOWED if expected else Outcome.NO_ROWS)


def test_second_owner_manages_the_community_and_the_creator_can_leave(
    connection: Connection,
) -> None:
    private = Community.id == PRIVATE_COMMUNITY
    connection.execute(_set_role(PEER, CommunityRole.OWNER))
    with acting(connection, PERSONAS["founder"]):
        assert outcome(connection, LEAVES) is Outcome.ALLOWED
        # The creator still reads it, and changes nothing of it.
        assert outcome(connection, select(Community.__table__).where(private)) is Outcome.ALLOWED
        rename = update(Community).where(private).values(name="Mine again")
        assert outcome(connection, rename) is Outcome.NO_ROWS
        assert outcome(connection, _add(FOUNDER, CommunityRole.OWNER)) is Outcome.VIOLATES_POLICY
    with acting(connection, PERSONAS["peer"]):
        archive = update(Community).where(private).values(is_archived=True)
        assert outcome(connection, archive) is Outcome.ALLOWED
        back = update(Community).where(private).values(is_archived=False)
        assert outcome(connection, back) is Outcome.ALLOWED


@pytest.mark.parametrize("role", CommunityRole)
def test_owner_of_a_private_community_adds_and_promotes_and_removes_members(
    connection: Connection, role: CommunityRole
) -> None:
    with acting(connection, PERSONAS["founder"]):
        assert outcome(connection, _add(STRANGER, role)) is Outcome.ALLOWED
        for promoted in set(CommunityRole) - {role}:
            assert outcome(connection, _set_role(STRANGER, promoted)) is Outcome.ALLOWED
        of_stranger = CommunityMember.user_id == STRANGER
        removed = delete(CommunityMember).where(OF_PRIVATE, of_stranger)
        assert outcome(connection, removed) is Outcome.ALLOWED


@pytest.mark.parametrize("role", CommunityRole)
@pytest.mark.parametrize("persona", ["moderator", "peer", "stranger", "anonymous_sign_in"])
def test_who_is_no_owner_adds_and_promotes_nobody(
    connection: Connection, persona: str, role: CommunityRole
) -> None:
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, _add(STRANGER, role)) is Outcome.VIOLATES_POLICY
        for user in (PEER, MODERATOR, FOUNDER):
            assert outcome(connection, _set_role(user, role)) is Outcome.NO_ROWS


def test_owner_of_one_community_manages_no_other(connection: Connection) -> None:
    add = _add(STRANGER, CommunityRole.MEMBER, PUBLIC_COMMUNITY)
    move = (
        update(CommunityMember)
        .where(CommunityMember.id == PEER_MEMBERSHIP)
        .values(community_id=PUBLIC_COMMUNITY)
    )
    with acting(connection, PERSONAS["founder"]):
        assert outcome(connection, add) is Outcome.VIOLATES_POLICY
        assert outcome(connection, move) is Outcome.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("role", "is_removed"),
    [
        (CommunityRole.MEMBER, True),
        (CommunityRole.MODERATOR, False),
        (CommunityRole.OWNER, False),
    ],
)
def test_moderator_removes_members_and_nobody_else(
    connection: Connection, role: CommunityRole, *, is_removed: bool
) -> None:
    connection.execute(_set_role(PEER, role))
    remove = delete(CommunityMember).where(CommunityMember.id == PEER_MEMBERSHIP)
    with acting(connection, PERSONAS["moderator"]):
        expected = Outcome.ALLOWED if is_removed else Outcome.NO_ROWS
        assert outcome(connection, remove) is expected
        leave = delete(CommunityMember).where(CommunityMember.id == MODERATOR_MEMBERSHIP)
        assert outcome(connection, leave) is Outcome.ALLOWED
        assert outcome(connection, remove) is Outcome.NO_ROWS


@pytest.mark.parametrize(
    "statement",
    [
        LEAVES,
        delete(CommunityMember),
        _set_role(FOUNDER, CommunityRole.MODERATOR),
        _set_role(FOUNDER, CommunityRole.MEMBER),
        update(CommunityMember).values(role=CommunityRole.MEMBER),
    ],
    ids=["leave", "all", "moderator", "member", "all members"],
)
def test_last_owner_is_neither_removed_nor_made_less_by_a_client(
    connection: Connection, statement: Executable
) -> None:
    with (
        acting(connection, PERSONAS["founder"]),
        pytest.raises(IntegrityError, match="would have no owner"),
        connection.begin_nested(),
    ):
        connection.execute(statement)
    assert _owners(connection) == {FOUNDER}
    with acting(connection, PERSONAS["service"]):
        connection.execute(statement)
    assert _owners(connection) == set()


def test_owner_passes_the_role_on_in_one_statement(connection: Connection) -> None:
    connection.execute(_set_role(PEER, CommunityRole.MODERATOR))
    swap = text(
        """
        update public.community_members
        set role = case user_id when :owner then 'member' else 'owner' end
        where user_id in (:owner, :peer)
        """
    ).bindparams(owner=FOUNDER, peer=PEER)
    with acting(connection, PERSONAS["founder"]):
        connection.execute(swap)
    assert _owners(connection) == {PEER}


def test_account_of_the_last_owner_and_the_community_can_be_deleted(
    connection: Connection,
) -> None:
    below = insert(Community).values(
        name="Below",
        slug="below",
        is_private=True,
        created_by=FOUNDER,
        parent_community_id=PRIVATE_COMMUNITY,
    )
    connection.execute(below)
    delete_account(connection, FOUNDER)
    assert _owners(connection) == set()
    with acting(connection, PERSONAS["service"]):
        connection.execute(delete(Community).where(Community.id == PRIVATE_COMMUNITY))
    assert connection.scalar(select(func.count()).select_from(CommunityMember)) == 0


def test_of_two_owners_who_leave_at_the_same_time_the_second_stays(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_community(connection)
        connection.execute(_set_role(PEER, CommunityRole.OWNER))

    def leave_concurrently() -> None:
        with engine.begin() as connection, acting(connection, PERSONAS["peer"]):
            connection.execute(delete(CommunityMember).where(CommunityMember.user_id == PEER))

    with ThreadPoolExecutor(1) as pool, engine.connect() as blocking:
        with acting(blocking, PERSONAS["founder"]):
            blocking.execute(LEAVES)
        waiting = pool.submit(leave_concurrently)
        wait_for_a_lock(engine)
        blocking.commit()
        with pytest.raises(DBAPIError, match="would have no owner"):
            waiting.result()
        assert _owners(blocking) == {PEER}


@pytest.mark.parametrize("tier", [None, 0, 1, 2])
@pytest.mark.parametrize("required", [0, 1, 2])
def test_user_joins_a_public_community_only_with_its_tier(
    connection: Connection, required: int, tier: int | None
) -> None:
    connection.execute(
        update(Community).where(Community.id == PUBLIC_COMMUNITY).values(tier_required=required)
    )
    if tier is not None:
        connection.execute(insert(Profile).values(id=STRANGER, tier=tier))
    suffices = (tier or 0) >= required
    with acting(connection, PERSONAS["stranger"]):
        expected = Outcome.ALLOWED if suffices else Outcome.VIOLATES_POLICY
        assert outcome(connection, JOIN) is expected


def test_client_can_not_write_the_tier_of_a_profile(connection: Connection) -> None:
    with acting(connection, PERSONAS["stranger"]):
        with_tier = insert(Profile).values(id=STRANGER, tier=2)
        assert outcome(connection, with_tier) is Outcome.PERMISSION_DENIED
        assert outcome(connection, insert(Profile).values(id=STRANGER)) is Outcome.ALLOWED
        raised = update(Profile).values(tier=2)
        assert outcome(connection, raised) is Outcome.PERMISSION_DENIED
    with acting(connection, PERSONAS["service"]):
        connection.execute(raised.where(Profile.id == STRANGER))
        with (
            pytest.raises(IntegrityError, match="ck_profiles_tier_known"),
            connection.begin_nested(),
        ):
            connection.execute(update(Profile).values(tier=3))


def test_member_who_joined_can_not_take_another_role(connection: Connection) -> None:
    with acting(connection, PERSONAS["stranger"]):
        for role in (CommunityRole.OWNER, CommunityRole.MODERATOR):
            assert outcome(connection, JOIN.values(role=role)) is Outcome.VIOLATES_POLICY
        assert outcome(connection, JOIN) is Outcome.ALLOWED
        mine = CommunityMember.user_id == STRANGER
        promote = update(CommunityMember).where(mine).values(role=CommunityRole.OWNER)
        assert outcome(connection, promote) is Outcome.NO_ROWS
        for attempt in ("do update set role = 'owner'", "do nothing"):
            again = text(
                f"""
                insert into public.community_members (id, community_id, user_id, role)
                values ('{uuid4()}', '{PUBLIC_COMMUNITY}', '{STRANGER}', 'owner')
                on conflict (community_id, user_id) {attempt}
                """
            )
            with pytest.raises(DBAPIError), connection.begin_nested():
                connection.execute(again)
    assert _owners(connection, PUBLIC_COMMUNITY) == set()
