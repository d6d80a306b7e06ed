"""Sample data: a small community."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert

from tests.support.personas import WITHOUT_SUBJECT, anonymous_sign_in
from townhall import (
    Cohort,
    CohortMember,
    Community,
    CommunityMember,
    CommunityProfile,
    CommunityRole,
    ConsentAuditLog,
    ConsentCategory,
    ConsentPreference,
    EngagementStreak,
    ExpertiseType,
    ExpertListing,
    FounderConnection,
    FounderMessage,
    InvestorReadinessScore,
    Milestone,
    ReputationEvent,
    ReputationEventType,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    SubcommunitySponsor,
)
from townhall.session import Actor
from townhall.testing import create_account

if TYPE_CHECKING:
    from sqlalchemy import Connection


def _key(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012}")


FOUNDER = _key(1)
"""The user whose rows the access matrix tries."""
PEER = _key(2)
"""A member of the same community and cohort, and the other party of messages and connections."""
FORMER_MEMBER = _key(3)
"""A user who was a member of both and left."""
STRANGER = _key(4)
"""A signed-in user without memberships."""

PERSONAS = {
    "anon": Actor.anonymous(),
    "no_sub": WITHOUT_SUBJECT,
    "stranger": Actor.user(STRANGER),
    "anonymous_sign_in": anonymous_sign_in(STRANGER),
    "former_member": Actor.user(FORMER_MEMBER),
    "peer": Actor.user(PEER),
    "founder": Actor.user(FOUNDER),
    "service": Actor.service(),
}

PRIVATE_COMMUNITY = _key(11)
"""A private community of the founder's."""
PUBLIC_COMMUNITY = _key(12)
"""A public community, created by the service."""
PEER_MEMBERSHIP = _key(13)
"""The peer's membership in the private community."""
COHORT = _key(21)
PEER_COHORT_MEMBERSHIP = _key(22)
"""The peer's membership in the cohort."""
FORMER_COHORT_MEMBERSHIP = _key(23)
SPONSOR = _key(31)
PRIVATE_POST = _key(41)
"""A private post of the founder's."""
PRIVATE_REACTION = _key(42)
"""The founder's on it."""
PRIVATE_COMMENT = _key(43)
PUBLIC_POST = _key(51)
"""A public post of the founder's."""
PUBLIC_REACTION = _key(52)
"""The peer's on it."""
PUBLIC_COMMENT = _key(53)
MESSAGE = _key(61)
"""From the founder to the peer."""
REQUEST = _key(71)
"""The founder asked the peer for a connection."""
MILESTONE = "first-customer"
SCORE = _key(81)
PROFILE = _key(82)
CONSENT = _key(83)
CHANGE = _key(84)
LISTING = _key(85)
REPUTATION = _key(86)
STREAK = _key(87)


def insert_community(connection: Connection) -> None:
    """Insert the accounts of the personas, and a row of every table."""
    for account in (FOUNDER, PEER, FORMER_MEMBER, STRANGER):
        create_account(connection, user_id=account)
    _insert_communities(connection)
    _insert_posts(connection)
    _insert_rows_of_the_founder(connection)


def _insert_communities(connection: Connection) -> None:
    connection.execute(
        insert(Community),
        [
            {
                "id": PRIVATE_COMMUNITY,
                "name": "Private",
                "slug": "private",
                "created_by": FOUNDER,
                "is_private": True,
            },
            {
                "id": PUBLIC_COMMUNITY,
                "name": "Public",
                "slug": "public",
                "created_by": None,
                "is_private": False,
            },
        ],
    )
    connection.execute(
        insert(CommunityMember).values(
            community_id=PRIVATE_COMMUNITY, user_id=FOUNDER, role=CommunityRole.OWNER
        )
    )
    connection.execute(
        insert(CommunityMember).values(
            id=PEER_MEMBERSHIP, community_id=PRIVATE_COMMUNITY, user_id=PEER
        )
    )
    connection.execute(
        insert(SubcommunitySponsor).values(
            id=SPONSOR, community_id=PRIVATE_COMMUNITY, sponsor_name="Bank"
        )
    )
    connection.execute(insert(Cohort).values(id=COHORT, name="Seed, spring"))
    connection.execute(insert(CohortMember).values(cohort_id=COHORT, user_id=FOUNDER))
    connection.execute(
        insert(CohortMember),
        [
            {"id": PEER_COHORT_MEMBERSHIP, "cohort_id": COHORT, "user_id": PEER, "is_active": True},
            {
                "id": FORMER_COHORT_MEMBERSHIP,
                "cohort_id": COHORT,
                "user_id": FORMER_MEMBER,
                "is_active": False,
            },
        ],
    )


def _insert_posts(connection: Connection) -> None:
    connection.execute(
        insert(SocialFeedPost),
        [
            {"id": PRIVATE_POST, "author_id": FOUNDER, "content": "Secret", "is_public": False},
            {"id": PUBLIC_POST, "author_id": FOUNDER, "content": "Open", "is_public": True},
        ],
    )
    connection.execute(
        insert(SocialFeedReaction),
        [
            {"id": PRIVATE_REACTION, "post_id": PRIVATE_POST, "user_id": FOUNDER},
            {"id": PUBLIC_REACTION, "post_id": PUBLIC_POST, "user_id": PEER},
        ],
    )
    connection.execute(
        insert(SocialFeedComment),
        [
            {
                "id": PRIVATE_COMMENT,
                "post_id": PRIVATE_POST,
                "author_id": FOUNDER,
                "content": "To myself",
            },
            {"id": PUBLIC_COMMENT, "post_id": PUBLIC_POST, "author_id": PEER, "content": "To all"},
        ],
    )


def _insert_rows_of_the_founder(connection: Connection) -> None:
    theirs = {"user_id": FOUNDER}
    for statement in (
        insert(Milestone).values(id=MILESTONE, title="First customer", **theirs),
        insert(InvestorReadinessScore).values(id=SCORE, overall_score=70, **theirs),
        insert(CommunityProfile).values(id=PROFILE, display_name="Dana", **theirs),
        insert(ConsentPreference).values(
            id=CONSENT, category=ConsentCategory.DIRECTORY, enabled=False, **theirs
        ),
        insert(ConsentAuditLog).values(
            id=CHANGE,
            category=ConsentCategory.DIRECTORY,
            previous_value=True,
            new_value=False,
            **theirs,
        ),
        insert(ExpertListing).values(
            id=LISTING,
            expertise_type=ExpertiseType.LEGAL,
            title="Contracts",
            description="I read yours.",
            **theirs,
        ),
        insert(ReputationEvent).values(
            id=REPUTATION, event_type=ReputationEventType.HELP_GIVEN, **theirs
        ),
        insert(EngagementStreak).values(id=STREAK, **theirs),
        insert(FounderMessage).values(
            id=MESSAGE, sender_id=FOUNDER, recipient_id=PEER, content="Hello"
        ),
        insert(FounderConnection).values(id=REQUEST, requester_id=FOUNDER, recipient_id=PEER),
    ):
        connection.execute(statement)
