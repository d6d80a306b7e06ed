"""Access to communities, posts, messages, connections, consents and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.community.data import (
    ACCEPTED_REQUEST,
    BLOCK,
    BLOCKED,
    CHANGE,
    COHORT,
    COMMENT_OF_BLOCKED,
    CONSENT,
    DECLINED_REQUEST,
    FORMER_COHORT_MEMBERSHIP,
    FOUNDER,
    HIDDEN_COMMENT,
    HIDDEN_POST,
    HIDDEN_REACTION,
    LISTING,
    MESSAGE,
    MESSAGE_OF_BLOCKED,
    MILESTONE,
    MODERATOR_MEMBERSHIP,
    OUTSIDER,
    PEER,
    PEER_COHORT_MEMBERSHIP,
    PEER_MEMBERSHIP,
    PERSONAS,
    POST_BEFORE_BLOCK,
    PRIVATE_COMMENT,
    PRIVATE_COMMUNITY,
    PRIVATE_POST,
    PRIVATE_REACTION,
    PROFILE,
    PUBLIC_COMMENT,
    PUBLIC_COMMUNITY,
    PUBLIC_POST,
    PUBLIC_REACTION,
    REACTION_OF_BLOCKED,
    REPUTATION,
    REQUEST,
    SCORE,
    SPONSOR,
    STRANGER,
    STREAK,
    WITHDRAWN_REQUEST,
)
from tests.support.access_matrix import Functions, TableRow, Target, Views, check_access
from tests.support.personas import with_anonymous_sign_in
from townhall import (
    Cohort,
    CohortMember,
    CohortRole,
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
    MilestoneStatus,
    ReactionType,
    ReputationEvent,
    ReputationEventType,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    SubcommunitySponsor,
)
from townhall.testing import AccessCase, Outcome, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The community is private and the founder's; the peer is a member of it and of the cohort, and the
# former member no longer. The stranger would be added to a community.
COMMUNITIES = access_cases(
    """
    communities  anon no_sub stranger former peer moderator blocked founder service
    select       x    0      0        0      +    +         0       +       +
    insert       x    !      !        !      !    !         !       +       +
    update       x    0      0        0      0    0         0       +       +
    delete       x    x      x        x      x    x         x       x       +

    community_members  anon no_sub stranger former peer moderator blocked founder service
    select             x    0      0        0      +    +         0       +       +
    insert             x    !      +        !      !    !         !       !       +
    update             x    0      0        0      0    0         0       +       +
    delete             x    0      0        0      +    +         0       +       +

    membership_of_moderator  anon no_sub stranger former peer moderator blocked founder service
    select                   x    0      0        0      +    +         0       +       +
    insert                   x    !      !        !      !    !         !       +       +
    update                   x    0      0        0      0    0         0       +       +
    delete                   x    0      0        0      0    +         0       +       +

    subcommunity_sponsors  anon no_sub stranger former peer moderator blocked founder service
    select                 x    +      +        +      +    +         +       +       +
    insert                 x    x      x        x      x    x         x       x       +
    update                 x    x      x        x      x    x         x       x       +
    delete                 x    x      x        x      x    x         x       x       +

    cohorts  anon no_sub stranger former peer moderator blocked founder service
    select   x    0      0        0      +    0         0       +       +
    insert   x    x      x        x      x    x         x       x       +
    update   x    x      x        x      x    x         x       x       +
    delete   x    x      x        x      x    x         x       x       +

    cohort_members  anon no_sub stranger former peer moderator blocked founder service
    select          x    0      0        0      +    0         0       +       +
    insert          x    x      x        x      x    x         x       x       +
    update          x    x      x        x      x    x         x       x       +
    delete          x    0      0        0      +    0         0       0       +

    ended_cohort_membership  anon no_sub stranger former peer moderator blocked founder service
    select                   x    0      0        +      +    0         0       +       +
    insert                   x    x      x        x      x    x         x       x       +
    update                   x    x      x        x      x    x         x       x       +
    delete                   x    0      0        +      0    0         0       0       +
    """
)

# The posts are the founder's. On the public one the reaction and the comment are the peer's; so are
# those on a post that became private. The blocked user has reacted, commented and written to the
# founder before, and would again.
POSTS = access_cases(
    """
    private_post  anon no_sub stranger former peer moderator blocked founder service
    select        x    0      0        0      0    0         0       +       +
    insert        x    !      !        !      !    !         !       +       +
    update        x    0      0        0      0    0         0       +       +
    delete        x    0      0        0      0    0         0       +       +

    public_post  anon no_sub stranger former peer moderator blocked founder service
    select       x    +      +        +      +    +         +       +       +
    insert       x    !      !        !      !    !         !       +       +
    update       x    0      0        0      0    0         0       +       +
    delete       x    0      0        0      0    0         0       +       +

    private_reaction  anon no_sub stranger former peer moderator blocked founder service
    select            x    0      0        0      0    0         0       +       +
    insert            x    !      !        !      !    !         !       +       +
    update            x    x      x        x      x    x         x       x       +
    delete            x    0      0        0      0    0         0       +       +

    hidden_reaction  anon no_sub stranger former peer moderator blocked founder service
    select           x    0      0        0      +    0         0       +       +
    insert           x    !      !        !      !    !         !       !       +
    update           x    x      x        x      x    x         x       x       +
    delete           x    0      0        0      +    0         0       0       +

    public_reaction  anon no_sub stranger former peer moderator blocked founder service
    select           x    +      +        +      +    +         +       +       +
    insert           x    !      +        !      !    !         !       !       +
    update           x    x      x        x      x    x         x       x       +
    delete           x    0      0        0      +    0         0       0       +

    reaction_of_blocked  anon no_sub stranger former peer moderator blocked founder service
    select               x    +      +        +      +    +         +       +       +
    insert               x    !      !        !      !    !         !       !       +
    update               x    x      x        x      x    x         x       x       +
    delete               x    0      0        0      0    0         +       0       +

    private_comment  anon no_sub stranger former peer moderator blocked founder service
    select           x    0      0        0      0    0         0       +       +
    insert           x    !      !        !      !    !         !       +       +
    update           x    0      0        0      0    0         0       +       +
    delete           x    0      0        0      0    0         0       +       +

    hidden_comment  anon no_sub stranger former peer moderator blocked founder service
    select          x    0      0        0      +    0         0       +       +
    insert          x    !      !        !      !    !         !       !       +
    update          x    0      0        0      +    0         0       0       +
    delete          x    0      0        0      +    0         0       0       +

    public_comment  anon no_sub stranger former peer moderator blocked founder service
    select          x    +      +        +      +    +         +       +       +
    insert          x    !      +        !      !    !         !       !       +
    update          x    0      0        0      +    0         0       0       +
    delete          x    0      0        0      +    0         0       0       +

    comment_of_blocked  anon no_sub stranger former peer moderator blocked founder service
    select              x    +      +        +      +    +         +       +       +
    insert              x    !      !        !      !    !         !       !       +
    update              x    0      0        0      0    0         !       0       +
    delete              x    0      0        0      0    0         +       0       +
    """
)

# The founder wrote to the peer, and asked them for a connection. The peer would ask the stranger.
# The moderator asked the founder, who accepted; the former member asked the founder, who declined;
# the peer asked the former member and withdrew; the founder blocks a user. Updates answer.
TWO_PARTIES = access_cases(
    """
    founder_messages  anon no_sub stranger former peer moderator blocked founder service
    select            x    0      0        0      +    0         0       +       +
    insert            x    !      !        !      +    !         !       !       +
    update            x    x      x        x      x    x         x       x       +
    delete            x    x      x        x      x    x         x       x       +

    message_of_blocked  anon no_sub stranger former peer moderator blocked founder service
    select              x    0      0        0      0    0         +       +       +
    insert              x    !      !        !      !    !         !       !       +
    update              x    x      x        x      x    x         x       x       +
    delete              x    x      x        x      x    x         x       x       +

    founder_connections  anon no_sub stranger former peer moderator blocked founder service
    select               x    0      0        0      +    0         0       +       +
    insert               x    !      !        !      +    !         !       !       +
    update               x    0      0        0      +    0         0       !       +
    delete               x    0      0        0      0    0         0       +       +

    accepted_request  anon no_sub stranger former peer moderator blocked founder service
    select            x    0      0        0      0    +         0       +       +
    insert            x    !      !        !      +    !         !       !       +
    update            x    0      0        0      0    0         0       0       +
    delete            x    0      0        0      0    +         0       +       +

    declined_request  anon no_sub stranger former peer moderator blocked founder service
    select            x    0      0        +      0    0         0       +       +
    insert            x    !      !        !      +    !         !       !       +
    update            x    0      0        0      0    0         0       0       +
    delete            x    0      0        0      0    0         0       +       +

    withdrawn_request  anon no_sub stranger former peer moderator blocked founder service
    select             x    0      0        +      +    0         0       0       +
    insert             x    !      !        !      +    !         !       !       +
    update             x    0      0        0      0    0         0       0       +
    delete             x    0      0        0      +    0         0       0       +

    block   anon no_sub stranger former peer moderator blocked founder service
    select  x    0      0        0      0    0         +       +       +
    insert  x    !      !        !      +    !         !       !       +
    update  x    0      0        0      0    0         0       0       +
    delete  x    0      0        0      0    0         0       0       +
    """
)

# The rows are the founder's, and those that are inserted would be the stranger's.
OWN_ROWS = access_cases(
    """
    community_profiles  anon no_sub stranger former peer moderator blocked founder service
    select              x    +      +        +      +    +         +       +       +
    insert              x    !      +        !      !    !         !       !       +
    update              x    0      0        0      0    0         0       +       +
    delete              x    0      0        0      0    0         0       +       +

    expert_listings  anon no_sub stranger former peer moderator blocked founder service
    select           x    +      +        +      +    +         +       +       +
    insert           x    !      +        !      !    !         !       !       +
    update           x    0      0        0      0    0         0       +       +
    delete           x    0      0        0      0    0         0       +       +

    milestones  anon no_sub stranger former peer moderator blocked founder service
    select      x    0      0        0      0    0         0       +       +
    insert      x    !      +        !      !    !         !       !       +
    update      x    0      0        0      0    0         0       +       +
    delete      x    0      0        0      0    0         0       +       +

    consent_preferences  anon no_sub stranger former peer moderator blocked founder service
    select               x    0      0        0      0    0         0       +       +
    insert               x    !      +        !      !    !         !       !       +
    update               x    0      0        0      0    0         0       +       +
    delete               x    0      0        0      0    0         0       +       +

    investor_readiness_scores  anon no_sub stranger former peer moderator blocked founder service
    select                     x    0      0        0      0    0         0       +       +
    insert                     x    x      x        x      x    x         x       x       +
    update                     x    x      x        x      x    x         x       x       +
    delete                     x    x      x        x      x    x         x       x       +

    consent_audit_log  anon no_sub stranger former peer moderator blocked founder service
    select             x    0      0        0      0    0         0       +       +
    insert             x    x      x        x      x    x         x       x       +
    update             x    x      x        x      x    x         x       x       +
    delete             x    x      x        x      x    x         x       x       +

    reputation_events  anon no_sub stranger former peer moderator blocked founder service
    select             x    0      0        0      0    0         0       +       +
    insert             x    x      x        x      x    x         x       x       +
    update             x    x      x        x      x    x         x       x       +
    delete             x    x      x        x      x    x         x       x       +

    engagement_streaks  anon no_sub stranger former peer moderator blocked founder service
    select              x    0      0        0      0    0         0       +       +
    insert              x    x      x        x      x    x         x       x       +
    update              x    x      x        x      x    x         x       x       +
    delete              x    x      x        x      x    x         x       x       +
    """
)

# The message that is marked as read is from the founder to the peer.
VIEWS_AND_FUNCTIONS = access_cases(
    """
    views                         anon no_sub stranger former peer moderator blocked founder service
    benchmark_stage_aggregates    x    +      +        +      +    +         +       +       +
    benchmark_industry_aggregates x    +      +        +      +    +         +       +       +

    functions                    anon no_sub stranger former peer moderator blocked founder service
    block_founder                x    r      +        +      +    +         +       +       x
    directory_page               x    +      +        +      +    +         +       +       +
    unblock_founder              x    r      +        +      +    +         +       +       x
    mark_messages_read           x    0      0        0      +    0         0       0       x
    refresh_benchmark_aggregates x    x      x        x      x    x         x       x       +
    """
)

REACTION = {"reaction_type": ReactionType.INSIGHTFUL}
TARGETS: dict[str, Target] = {
    "communities": TableRow(
        Community,
        key=PRIVATE_COMMUNITY,
        new={"name": "Mine", "slug": "mine", "created_by": FOUNDER},
        change={"name": "Renamed", "is_archived": True},
    ),
    "community_members": TableRow(
        CommunityMember,
        key=PEER_MEMBERSHIP,
        new={"community_id": PUBLIC_COMMUNITY, "user_id": STRANGER},
        change={"role": CommunityRole.OWNER},
    ),
    "membership_of_moderator": TableRow(
        CommunityMember,
        key=MODERATOR_MEMBERSHIP,
        new={"community_id": PRIVATE_COMMUNITY, "user_id": STRANGER},
        change={"role": CommunityRole.MEMBER},
    ),
    "subcommunity_sponsors": TableRow(
        SubcommunitySponsor,
        key=SPONSOR,
        new={"community_id": PUBLIC_COMMUNITY, "sponsor_name": "Fund"},
        change={"sponsor_name": "Renamed"},
    ),
    "cohorts": TableRow(
        Cohort, key=COHORT, new={"name": "Another"}, change={"name": "Renamed", "max_members": 3}
    ),
    "cohort_members": TableRow(
        CohortMember,
        key=PEER_COHORT_MEMBERSHIP,
        new={"cohort_id": COHORT, "user_id": STRANGER},
        change={"role": CohortRole.FACILITATOR},
    ),
    "ended_cohort_membership": TableRow(
        CohortMember,
        key=FORMER_COHORT_MEMBERSHIP,
        new={"cohort_id": COHORT, "user_id": STRANGER},
        change={"is_active": True},
    ),
    "private_post": TableRow(
        SocialFeedPost,
        key=PRIVATE_POST,
        new={"author_id": FOUNDER, "content": "Another", "is_public": False},
        change={"content": "Changed"},
    ),
    "public_post": TableRow(
        SocialFeedPost,
        key=PUBLIC_POST,
        new={"author_id": FOUNDER, "content": "Another"},
        change={"content": "Changed"},
    ),
    "private_reaction": TableRow(
        SocialFeedReaction,
        key=PRIVATE_REACTION,
        new={"post_id": PRIVATE_POST, "user_id": FOUNDER, **REACTION},
        change=REACTION,
    ),
    "hidden_reaction": TableRow(
        SocialFeedReaction,
        key=HIDDEN_REACTION,
        new={"post_id": HIDDEN_POST, "user_id": PEER, **REACTION},
        change=REACTION,
    ),
    "reaction_of_blocked": TableRow(
        SocialFeedReaction,
        key=REACTION_OF_BLOCKED,
        new={"post_id": POST_BEFORE_BLOCK, "user_id": BLOCKED, **REACTION},
        change=REACTION,
    ),
    "public_reaction": TableRow(
        SocialFeedReaction,
        key=PUBLIC_REACTION,
        new={"post_id": PUBLIC_POST, "user_id": STRANGER, **REACTION},
        change=REACTION,
    ),
    "private_comment": TableRow(
        SocialFeedComment,
        key=PRIVATE_COMMENT,
        new={"post_id": PRIVATE_POST, "author_id": FOUNDER, "content": "Another"},
        change={"content": "Changed"},
    ),
    "hidden_comment": TableRow(
        SocialFeedComment,
        key=HIDDEN_COMMENT,
        new={"post_id": HIDDEN_POST, "author_id": PEER, "content": "Another"},
        change={"content": "Changed"},
    ),
    "comment_of_blocked": TableRow(
        SocialFeedComment,
        key=COMMENT_OF_BLOCKED,
        new={"post_id": POST_BEFORE_BLOCK, "author_id": BLOCKED, "content": "Another"},
        change={"content": "Changed"},
    ),
    "public_comment": TableRow(
        SocialFeedComment,
        key=PUBLIC_COMMENT,
        new={"post_id": PUBLIC_POST, "author_id": STRANGER, "content": "Another"},
        change={"content": "Changed"},
    ),
    "founder_messages": TableRow(
        FounderMessage,
        key=MESSAGE,
        new={"sender_id": PEER, "recipient_id": FOUNDER, "content": "Hello yourself"},
        change={"content": "Changed"},
        names_key=False,
    ),
    "message_of_blocked": TableRow(
        FounderMessage,
        key=MESSAGE_OF_BLOCKED,
        new={"sender_id": BLOCKED, "recipient_id": FOUNDER, "content": "Another"},
        change={"content": "Changed"},
        names_key=False,
    ),
    **{
        name: TableRow(
            FounderConnection,
            key=key,
            new={"requester_id": PEER, "recipient_id": STRANGER},
            change={"status": status},
        )
        for name, key, status in (
            ("founder_connections", REQUEST, ConnectionStatus.ACCEPTED),
            ("accepted_request", ACCEPTED_REQUEST, ConnectionStatus.DECLINED),
            ("declined_request", DECLINED_REQUEST, ConnectionStatus.ACCEPTED),
            ("withdrawn_request", WITHDRAWN_REQUEST, ConnectionStatus.ACCEPTED),
            ("block", BLOCK, ConnectionStatus.DECLINED),
        )
    },
    "community_profiles": TableRow(
        CommunityProfile,
        key=PROFILE,
        new={"user_id": STRANGER, "display_name": "Noa"},
        change={"bio": "Changed"},
    ),
    "expert_listings": TableRow(
        ExpertListing,
        key=LISTING,
        new={
            "user_id": STRANGER,
            "expertise_type": ExpertiseType.OTHER,
            "title": "Anything",
            "description": "Ask.",
        },
        change={"title": "Changed"},
    ),
    "milestones": TableRow(
        Milestone,
        key=MILESTONE,
        new={"id": "launch", "user_id": STRANGER, "title": "Launch"},
        change={"status": MilestoneStatus.DONE},
    ),
    "consent_preferences": TableRow(
        ConsentPreference,
        key=CONSENT,
        new={"user_id": STRANGER, "category": ConsentCategory.MESSAGING, "enabled": True},
        change={"enabled": True},
    ),
    "investor_readiness_scores": TableRow(
        InvestorReadinessScore,
        key=SCORE,
        new={"user_id": STRANGER, "overall_score": 100},
        change={"overall_score": 100},
    ),
    "consent_audit_log": TableRow(
        ConsentAuditLog,
        key=CHANGE,
        new={
            "user_id": STRANGER,
            "category": ConsentCategory.MESSAGING,
            "previous_value": False,
            "new_value": True,
        },
        change={"new_value": True},
    ),
    "reputation_events": TableRow(
        ReputationEvent,
        key=REPUTATION,
        new={"user_id": STRANGER, "event_type": ReputationEventType.INTRO_MADE},
        change={"points": 1000},
    ),
    "engagement_streaks": TableRow(
        EngagementStreak,
        key=STREAK,
        new={"user_id": STRANGER},
        change={"current_streak": 100, "longest_streak": 100},
    ),
    "views": Views(
        {
            "benchmark_stage_aggregates": "select count(*) from public.benchmark_stage_aggregates",
            "benchmark_industry_aggregates": (
                "select count(*) from public.benchmark_industry_aggregates"
            ),
        }
    ),
    "functions": Functions(
        {
            "block_founder": f"select public.block_founder('{OUTSIDER}')",
            "unblock_founder": f"select public.unblock_founder('{OUTSIDER}')",
            "directory_page": "select count(*) from public.directory_page()",
            "mark_messages_read": f"select where public.mark_messages_read('{{{MESSAGE}}}') > 0",
            "refresh_benchmark_aggregates": "select public.refresh_benchmark_aggregates()",
        }
    ),
}
INSERTS_WITH_ACCOUNT = (
    "community_members",
    "public_reaction",
    "public_comment",
    "community_profiles",
    "expert_listings",
    "consent_preferences",
)
MATRIX = with_anonymous_sign_in(
    [*COMMUNITIES, *POSTS, *TWO_PARTIES, *OWN_ROWS, *VIEWS_AND_FUNCTIONS],
    refused={
        **{(target, "insert"): Outcome.VIOLATES_POLICY for target in INSERTS_WITH_ACCOUNT},
        ("functions", "block_founder"): Outcome.REFUSED,
    },
)


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, TARGETS, PERSONAS, case)
