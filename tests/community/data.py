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
    ConnectionStatus,
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
MODERATOR = _key(5)
"""A moderator of the private community."""
BLOCKED = _key(6)
"""A user whom the founder blocked, after they had reacted to a post, commented and written."""
OUTSIDER = _key(7)
"""A user without a session or rows."""

PERSONAS = {
    "anon": Actor.anonymous(),
    "no_sub": WITHOUT_SUBJECT,
    "stranger": Actor.user(STRANGER),
    "anonymous_sign_in": anonymous_sign_in(STRANGER),
    "former": Actor.user(FORMER_MEMBER),
    "peer": Actor.user(PEER),
    "moderator": Actor.user(MODERATOR),
    "blocked": Actor.user(BLOCKED),
    "founder": Actor.user(FOUNDER),
    "service": Actor.service(),
}

PRIVATE_COMMUNITY = _key(11)
"""A private community of the founder's."""
PUBLIC_COMMUNITY = _key(12)
"""A public community, created by the service."""
PEER_MEMBERSHIP = _key(13)
"""The peer's membership in the private community."""
MODERATOR_MEMBERSHIP = _key(14)
"""The moderator's membership in the private community."""
COHORT = _key(21)
PEER_COHORT_MEMBERSHIP = _key(22)
"""The peer's membership in the cohort."""
FORMER_COHORT_MEMBERSHIP = _key(23)
"""The former member's membership in the cohort, which has ended."""
SPONSOR = _key(31)
PRIVATE_POST = _key(41)
"""A private post of the founder's."""
PRIVATE_REACTION = _key(42)
"""The founder's on it."""
PRIVATE_COMMENT = _key(43)
HIDDEN_POST = _key(44)
"""A post of the founder's, who made it private after the peer's reaction and comment."""
HIDDEN_REACTION = _key(45)
HIDDEN_COMMENT = _key(46)
PUBLIC_POST = _key(51)
"""A public post of the founder's."""
PUBLIC_REACTION = _key(52)
"""The peer's on it."""
PUBLIC_COMMENT = _key(53)
POST_BEFORE_BLOCK = _key(54)
"""A public post of the founder's, with a reaction and a comment of the blocked user's."""
REACTION_OF_BLOCKED = _key(55)
COMMENT_OF_BLOCKED = _key(56)
MESSAGE = _key(61)
"""From the founder to the peer."""
MESSAGE_OF_BLOCKED = _key(62)
"""From the blocked user to the founder."""
REQUEST = _key(71)
"""The founder asked the peer for a connection."""
ACCEPTED_REQUEST = _key(72)
"""The moderator asked the founder, who accepted."""
DECLINED_REQUEST = _key(73)
"""The former member asked the founder, who declined."""
WITHDRAWN_REQUEST = _key(74)
"""The peer asked the former member, and withdrew the request."""
BLOCK = _key(75)
"""The founder blocks the blocked user."""
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
    for account in (FOUNDER, PEER, FORMER_MEMBER, STRANGER, MODERATOR, BLOCKED, OUTSIDER):
        create_account(connection, user_id=account)
    _insert_communities(connection)
    _insert_posts(connection)
    _insert_rows_of_the_founder(connection)
    _insert_rows_of_two(connection)


def _insert_communities(connection: Connection) -> None:
    private = {"community_id": PRIVATE_COMMUNITY}
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
        insert(CommunityMember),
        [
            {"id": PEER_MEMBERSHIP, "user_id": PEER, "role": CommunityRole.MEMBER, **private},
            {
                "id": MODERATOR_MEMBERSHIP,
                "user_id": MODERATOR,
                "role": CommunityRole.MODERATOR,
                **private,
            },
        ],
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
            {"id": HIDDEN_POST, "author_id": FOUNDER, "content": "Was open", "is_public": False},
            {"id": POST_BEFORE_BLOCK, "author_id": FOUNDER, "content": "Old", "is_public": True},
        ],
    )
    connection.execute(
        insert(SocialFeedReaction),
        [
            {"id": PRIVATE_REACTION, "post_id": PRIVATE_POST, "user_id": FOUNDER},
            {"id": HIDDEN_REACTION, "post_id": HIDDEN_POST, "user_id": PEER},
            {"id": PUBLIC_REACTION, "post_id": PUBLIC_POST, "user_id": PEER},
            {"id": REACTION_OF_BLOCKED, "post_id": POST_BEFORE_BLOCK, "user_id": BLOCKED},
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
            {
                "id": HIDDEN_COMMENT,
                "post_id": HIDDEN_POST,
                "author_id": PEER,
                "content": "To you",
            },
            {
                "id": COMMENT_OF_BLOCKED,
                "post_id": POST_BEFORE_BLOCK,
                "author_id": BLOCKED,
                "content": "No",
            },
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
    ):
        connection.execute(statement)


def _insert_rows_of_two(connection: Connection) -> None:
    connection.execute(
        insert(FounderMessage),
        [
            {"id": MESSAGE, "sender_id": FOUNDER, "recipient_id": PEER, "content": "Hello"},
            {
                "id": MESSAGE_OF_BLOCKED,
                "sender_id": BLOCKED,
                "recipient_id": FOUNDER,
                "content": "Answer",
            },
        ],
    )
    for key, requester, recipient, status, by in (
        (REQUEST, FOUNDER, PEER, ConnectionStatus.PENDING, {}),
        (ACCEPTED_REQUEST, MODERATOR, FOUNDER, ConnectionStatus.ACCEPTED, {}),
        (
            DECLINED_REQUEST,
            FORMER_MEMBER,
            FOUNDER,
            ConnectionStatus.DECLINED,
            {"declined_by": FOUNDER},
        ),
        (
            WITHDRAWN_REQUEST,
            PEER,
            FORMER_MEMBER,
            ConnectionStatus.DECLINED,
            {"declined_by": PEER},
        ),
        (BLOCK, FOUNDER, BLOCKED, ConnectionStatus.BLOCKED, {"blocked_by_requester": True}),
    ):
        connection.execute(
            insert(FounderConnection).values(
                id=key, requester_id=requester, recipient_id=recipient, status=status, **by
            )
        )
