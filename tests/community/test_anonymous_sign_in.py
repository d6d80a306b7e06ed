"""What a user of an anonymous sign-in may do in the community, with rows of their own or without.

The stranger's cells are in the access matrix. These are the founder, the peer and the moderator,
whose rows are there already, with the token of an anonymous sign-in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError, ProgrammingError

from tests.community.data import CONSENT, FOUNDER, MODERATOR, PEER, PRIVATE_COMMUNITY, STRANGER
from tests.community.test_access import TARGETS as OF_THE_MATRIX
from tests.support.access_matrix import TableRow, Target, check_access
from tests.support.personas import anonymous_sign_in
from townhall import (
    Community,
    CommunityMember,
    ConnectionStatus,
    ConsentCategory,
    ConsentPreference,
    FounderConnection,
    SocialFeedPost,
)
from townhall.errors import Kind, explain
from townhall.session import Actor
from townhall.testing import AccessCase, Outcome, access_cases, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Executable

    from townhall.session import SessionFactory

GUESTS = {
    "founder": anonymous_sign_in(FOUNDER),
    "peer": anonymous_sign_in(PEER),
    "moderator": anonymous_sign_in(MODERATOR),
}

# The pending request is the founder's to the peer: an update accepts it, or declines it.
CASES = access_cases(
    """
    communities  founder peer moderator
    select       +       +    +
    insert       !       !    !
    update       0       0    0
    delete       x       x    x

    community_members  founder peer moderator
    select             +       +    +
    insert             !       !    !
    update             0       0    0
    delete             0       +    0

    public_post  founder peer moderator
    select       +       +    +
    insert       !       !    !
    update       0       0    0
    delete       +       0    0

    public_reaction  founder peer moderator
    select           +       +    +
    insert           !       !    !
    update           x       x    x
    delete           0       +    0

    public_comment  founder peer moderator
    select          +       +    +
    insert          !       !    !
    update          0       0    0
    delete          0       +    0

    founder_messages  founder peer moderator
    select            +       +    0
    insert            !       !    !
    update            x       x    x
    delete            x       x    x

    founder_connections  founder peer moderator
    select               +       +    0
    insert               !       !    !
    update               !       !    0
    delete               +       0    0

    declining  founder peer moderator
    select     +       +    0
    insert     !       !    !
    update     +       +    0
    delete     +       0    0

    community_profiles  founder peer moderator
    select              +       +    +
    insert              !       !    !
    update              0       0    0
    delete              +       0    0

    expert_listings  founder peer moderator
    select           +       +    +
    insert           !       !    !
    update           0       0    0
    delete           +       0    0

    consent_preferences  founder peer moderator
    select               +       0    0
    insert               !       !    !
    update               0       0    0
    delete               +       0    0

    milestones  founder peer moderator
    select      +       0    0
    insert      !       !    !
    update      +       0    0
    delete      +       0    0

    functions           founder peer moderator
    block_founder       r       r    r
    unblock_founder     +       +    +
    directory_page      +       +    +
    mark_messages_read  0       +    0
    """
)

ASKING = OF_THE_MATRIX["founder_connections"]
assert isinstance(ASKING, TableRow)
TARGETS: dict[str, Target] = {
    **OF_THE_MATRIX,
    "declining": replace(ASKING, change={"status": ConnectionStatus.DECLINED}),
}
POST = insert(SocialFeedPost).values(author_id=FOUNDER, content="Hello")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_others_see_needs_an_account_and_ending_it_needs_none(
    connection: Connection, case: AccessCase
) -> None:
    check_access(connection, TARGETS, GUESTS, case)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"is_anonymous": True}, Outcome.VIOLATES_POLICY),
        ({"is_anonymous": "true"}, Outcome.VIOLATES_POLICY),
        (
            {"is_anonymous": True, "user_metadata": {"is_anonymous": False}},
            Outcome.VIOLATES_POLICY,
        ),
        ({"is_anonymous": True, "app_metadata": {"provider": "email"}}, Outcome.VIOLATES_POLICY),
        ({"is_anonymous": False}, Outcome.ALLOWED),
        ({"is_anonymous": None}, Outcome.ALLOWED),
        ({"user_metadata": {"is_anonymous": True}}, Outcome.ALLOWED),
        ({}, Outcome.ALLOWED),
    ],
    ids=str,
)
def test_claim_of_the_token_itself_decides(
    connection: Connection, claims: dict[str, Any], expected: Outcome
) -> None:
    with acting(connection, Actor.user(FOUNDER, claims=claims)):
        assert outcome(connection, POST) is expected


def test_session_of_an_anonymous_sign_in_adds_no_post(sessions: SessionFactory) -> None:
    with sessions.as_user(FOUNDER, claims={"is_anonymous": True}) as session:
        session.add(SocialFeedPost(author_id=FOUNDER, content="Hello"))
        with pytest.raises(ProgrammingError, match="row-level security") as raised:
            session.flush()
        session.rollback()
    found = explain(raised.value)
    assert found is not None
    assert (found.kind, found.table) == (Kind.DENIED, "social_feed_posts")


@pytest.mark.parametrize(
    "given",
    [
        upsert(ConsentPreference)
        .values(user_id=FOUNDER, category=ConsentCategory.BENCHMARKS, enabled=True)
        .on_conflict_do_update(
            index_elements=["user_id", "category"], set_={"enabled": text("excluded.enabled")}
        ),
        text(
            f"""
            merge into public.consent_preferences as c
            using (values ('{CONSENT}'::uuid)) as v (id)
            on c.id = v.id
            when matched then update set enabled = true
            when not matched then
                insert (user_id, category, enabled) values ('{FOUNDER}', 'benchmarks', true)
            """
        ),
    ],
    ids=["upsert", "merge"],
)
def test_consent_is_not_given_by_an_upsert_or_a_merge(
    connection: Connection, given: Executable
) -> None:
    """A consent that the service noted as refused stays so."""
    consent = select(ConsentPreference.enabled).where(ConsentPreference.id == CONSENT)
    connection.execute(text("update public.consent_preferences set enabled = false"))
    with acting(connection, GUESTS["founder"]):
        assert outcome(connection, given) is not Outcome.ALLOWED
    assert connection.scalar(consent) is False


def test_connection_to_others_is_not_made_by_a_block_of_theirs(connection: Connection) -> None:
    before = connection.scalars(select(FounderConnection.id)).all()
    with acting(connection, anonymous_sign_in(STRANGER)):
        outcome(connection, text(f"select public.block_founder('{FOUNDER}')"))
        outcome(connection, text(f"select private.block_founder('{FOUNDER}')"))
    assert connection.scalars(select(FounderConnection.id)).all() == before


def test_last_owner_does_not_leave_without_an_account(connection: Connection) -> None:
    leaving = delete(CommunityMember).where(CommunityMember.user_id == FOUNDER)
    with (
        pytest.raises(IntegrityError, match="would have no owner"),
        acting(connection, GUESTS["founder"]),
    ):
        connection.execute(leaving)


def test_community_of_an_owner_without_an_account_is_locked_before_its_members_change(
    connection: Connection,
) -> None:
    """Of two owners who leave at the same time the second waits, with an account or without."""
    with acting(connection, GUESTS["founder"]):
        connection.execute(text("delete from public.community_members where false"))
    locked = text("select xmax <> '0'::xid from public.communities where id = :id")
    assert connection.scalar(locked, {"id": PRIVATE_COMMUNITY})


@pytest.mark.parametrize(
    ("table", "column"), [("social_feed_posts", "content"), ("community_profiles", "bio")]
)
def test_claim_is_read_once_per_statement(connection: Connection, table: str, column: str) -> None:
    statement = f"explain (verbose, costs off) update public.{table} set {column} = 'Changed'"
    with acting(connection, Actor.user(FOUNDER)):
        plan = "\n".join(connection.scalars(text(statement)))
    reading = [line.strip() for line in plan.splitlines() if "is_anonymous" in line]
    assert "InitPlan" in plan
    assert reading
    assert all(line.startswith("Output: ") for line in reading), plan


def test_guest_reads_a_public_community(connection: Connection) -> None:
    with acting(connection, anonymous_sign_in(STRANGER)):
        assert connection.scalars(select(Community.id).where(~Community.is_private)).all()
