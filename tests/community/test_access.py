"""Who may do what to what founders share, plan, score, agree to and write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.community.stage import (
    CHANGE,
    CIRCLE,
    COHORT,
    CONSENT,
    FOUNDER,
    LISTING,
    MESSAGE,
    MILESTONE,
    OPEN_COMMENT,
    OPEN_POST,
    OPEN_REACTION,
    PEER,
    PEERS_PLACE,
    PEERS_SEAT,
    PERSONAS,
    PLAZA,
    PROFILE,
    REPUTATION,
    REQUEST,
    SCORE,
    SECRET_COMMENT,
    SECRET_POST,
    SECRET_REACTION,
    SPONSOR,
    STRANGER,
    STREAK,
)
from tests.support.subjects import COMMANDS, Subject, check_access
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
from townhall.domains.community.access import RULES
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

# A circle is private and the founder's; the peer is in it, and the leaver no longer.
CIRCLES = access_cases(
    """
    communities  anonymous          nameless           stranger           leaver
    select       permission_denied  no_rows            no_rows            no_rows
    insert       permission_denied  violates_policy    violates_policy    violates_policy
    update       permission_denied  no_rows            no_rows            no_rows
    delete       permission_denied  permission_denied  permission_denied  permission_denied

    communities  peer               founder            service
    select       allowed            allowed            allowed
    insert       violates_policy    allowed            allowed
    update       no_rows            allowed            allowed
    delete       permission_denied  permission_denied  allowed

    community_members  anonymous          nameless           stranger           leaver
    select             permission_denied  no_rows            no_rows            no_rows
    insert             permission_denied  violates_policy    allowed            violates_policy
    update             permission_denied  permission_denied  permission_denied  permission_denied
    delete             permission_denied  no_rows            no_rows            no_rows

    community_members  peer               founder            service
    select             allowed            allowed            allowed
    insert             violates_policy    violates_policy    allowed
    update             permission_denied  permission_denied  allowed
    delete             allowed            no_rows            allowed

    subcommunity_sponsors  anonymous          nameless           stranger
    select                 permission_denied  allowed            allowed
    insert                 permission_denied  permission_denied  permission_denied
    update                 permission_denied  permission_denied  permission_denied
    delete                 permission_denied  permission_denied  permission_denied

    subcommunity_sponsors  leaver             peer               founder            service
    select                 allowed            allowed            allowed            allowed
    insert                 permission_denied  permission_denied  permission_denied  allowed
    update                 permission_denied  permission_denied  permission_denied  allowed
    delete                 permission_denied  permission_denied  permission_denied  allowed

    cohorts  anonymous          nameless           stranger           leaver
    select   permission_denied  no_rows            no_rows            no_rows
    insert   permission_denied  permission_denied  permission_denied  permission_denied
    update   permission_denied  permission_denied  permission_denied  permission_denied
    delete   permission_denied  permission_denied  permission_denied  permission_denied

    cohorts  peer               founder            service
    select   allowed            allowed            allowed
    insert   permission_denied  permission_denied  allowed
    update   permission_denied  permission_denied  allowed
    delete   permission_denied  permission_denied  allowed

    cohort_members  anonymous          nameless           stranger           leaver
    select          permission_denied  no_rows            no_rows            no_rows
    insert          permission_denied  permission_denied  permission_denied  permission_denied
    update          permission_denied  permission_denied  permission_denied  permission_denied
    delete          permission_denied  no_rows            no_rows            no_rows

    cohort_members  peer               founder            service
    select          allowed            allowed            allowed
    insert          permission_denied  permission_denied  allowed
    update          permission_denied  permission_denied  allowed
    delete          allowed            no_rows            allowed
    """
)

# Both posts are the founder's. On the open one the reaction and the comment are the peer's.
POSTS = access_cases(
    """
    secret_post  anonymous          nameless         stranger         leaver
    select       permission_denied  no_rows          no_rows          no_rows
    insert       permission_denied  violates_policy  violates_policy  violates_policy
    update       permission_denied  no_rows          no_rows          no_rows
    delete       permission_denied  no_rows          no_rows          no_rows

    secret_post  peer             founder  service
    select       no_rows          allowed  allowed
    insert       violates_policy  allowed  allowed
    update       no_rows          allowed  allowed
    delete       no_rows          allowed  allowed

    open_post  anonymous          nameless         stranger         leaver
    select     permission_denied  allowed          allowed          allowed
    insert     permission_denied  violates_policy  violates_policy  violates_policy
    update     permission_denied  no_rows          no_rows          no_rows
    delete     permission_denied  no_rows          no_rows          no_rows

    open_post  peer             founder  service
    select     allowed          allowed  allowed
    insert     violates_policy  allowed  allowed
    update     no_rows          allowed  allowed
    delete     no_rows          allowed  allowed

    secret_reaction  anonymous          nameless           stranger           leaver
    select           permission_denied  no_rows            no_rows            no_rows
    insert           permission_denied  violates_policy    violates_policy    violates_policy
    update           permission_denied  permission_denied  permission_denied  permission_denied
    delete           permission_denied  no_rows            no_rows            no_rows

    secret_reaction  peer               founder            service
    select           no_rows            allowed            allowed
    insert           violates_policy    allowed            allowed
    update           permission_denied  permission_denied  allowed
    delete           no_rows            allowed            allowed

    open_reaction  anonymous          nameless           stranger           leaver
    select         permission_denied  allowed            allowed            allowed
    insert         permission_denied  violates_policy    allowed            violates_policy
    update         permission_denied  permission_denied  permission_denied  permission_denied
    delete         permission_denied  no_rows            no_rows            no_rows

    open_reaction  peer               founder            service
    select         allowed            allowed            allowed
    insert         violates_policy    violates_policy    allowed
    update         permission_denied  permission_denied  allowed
    delete         allowed            no_rows            allowed

    secret_comment  anonymous          nameless         stranger         leaver
    select          permission_denied  no_rows          no_rows          no_rows
    insert          permission_denied  violates_policy  violates_policy  violates_policy
    update          permission_denied  no_rows          no_rows          no_rows
    delete          permission_denied  no_rows          no_rows          no_rows

    secret_comment  peer             founder  service
    select          no_rows          allowed  allowed
    insert          violates_policy  allowed  allowed
    update          no_rows          allowed  allowed
    delete          no_rows          allowed  allowed

    open_comment  anonymous          nameless         stranger  leaver
    select        permission_denied  allowed          allowed   allowed
    insert        permission_denied  violates_policy  allowed   violates_policy
    update        permission_denied  no_rows          no_rows   no_rows
    delete        permission_denied  no_rows          no_rows   no_rows

    open_comment  peer             founder          service
    select        allowed          allowed          allowed
    insert        violates_policy  violates_policy  allowed
    update        allowed          no_rows          allowed
    delete        allowed          no_rows          allowed
    """
)

# The founder wrote to the peer, and asked them for a connection. The peer would ask the stranger.
PARTIES = access_cases(
    """
    founder_messages  anonymous          nameless           stranger           leaver
    select            permission_denied  no_rows            no_rows            no_rows
    insert            permission_denied  violates_policy    violates_policy    violates_policy
    update            permission_denied  permission_denied  permission_denied  permission_denied
    delete            permission_denied  permission_denied  permission_denied  permission_denied

    founder_messages  peer               founder            service
    select            allowed            allowed            allowed
    insert            allowed            violates_policy    allowed
    update            permission_denied  permission_denied  allowed
    delete            permission_denied  permission_denied  allowed

    founder_connections  anonymous          nameless         stranger         leaver
    select               permission_denied  no_rows          no_rows          no_rows
    insert               permission_denied  violates_policy  violates_policy  violates_policy
    update               permission_denied  no_rows          no_rows          no_rows
    delete               permission_denied  no_rows          no_rows          no_rows

    founder_connections  peer     founder          service
    select               allowed  allowed          allowed
    insert               allowed  violates_policy  allowed
    update               allowed  violates_policy  allowed
    delete               allowed  allowed          allowed
    """
)

# The rows are the founder's, and those that are inserted would be the stranger's.
EVERYBODY_READS = """
    {table}  anonymous          nameless         stranger  leaver
    select   permission_denied  allowed          allowed   allowed
    insert   permission_denied  violates_policy  allowed   violates_policy
    update   permission_denied  no_rows          no_rows   no_rows
    delete   permission_denied  no_rows          no_rows   no_rows

    {table}  peer             founder          service
    select   allowed          allowed          allowed
    insert   violates_policy  violates_policy  allowed
    update   no_rows          allowed          allowed
    delete   no_rows          allowed          allowed
"""
NOBODY_ELSE_READS = """
    {table}  anonymous          nameless         stranger  leaver
    select   permission_denied  no_rows          no_rows   no_rows
    insert   permission_denied  violates_policy  allowed   violates_policy
    update   permission_denied  no_rows          no_rows   no_rows
    delete   permission_denied  no_rows          no_rows   no_rows

    {table}  peer             founder          service
    select   no_rows          allowed          allowed
    insert   violates_policy  violates_policy  allowed
    update   no_rows          allowed          allowed
    delete   no_rows          allowed          allowed
"""
SERVICE_WRITES = """
    {table}  anonymous          nameless           stranger           leaver
    select   permission_denied  no_rows            no_rows            no_rows
    insert   permission_denied  permission_denied  permission_denied  permission_denied
    update   permission_denied  permission_denied  permission_denied  permission_denied
    delete   permission_denied  permission_denied  permission_denied  permission_denied

    {table}  peer               founder            service
    select   no_rows            allowed            allowed
    insert   permission_denied  permission_denied  allowed
    update   permission_denied  permission_denied  allowed
    delete   permission_denied  permission_denied  allowed
"""
OWN = [
    case
    for cells, tables in (
        (EVERYBODY_READS, ("community_profiles", "expert_listings")),
        (NOBODY_ELSE_READS, ("milestones", "consent_preferences")),
        (
            SERVICE_WRITES,
            (
                "investor_readiness_scores",
                "consent_audit_log",
                "reputation_events",
                "engagement_streaks",
            ),
        ),
    )
    for table in tables
    for case in access_cases(cells.format(table=table))
]

REACTION = {"reaction_type": ReactionType.INSIGHTFUL}
SUBJECTS = {
    "communities": Subject(
        Community,
        key=CIRCLE,
        new={"name": "Mine", "slug": "mine", "created_by": FOUNDER},
        change={"name": "Renamed", "is_archived": True},
    ),
    "community_members": Subject(
        CommunityMember,
        key=PEERS_PLACE,
        new={"community_id": PLAZA, "user_id": STRANGER},
        change={"role": CommunityRole.OWNER},
    ),
    "subcommunity_sponsors": Subject(
        SubcommunitySponsor,
        key=SPONSOR,
        new={"community_id": PLAZA, "sponsor_name": "Fund"},
        change={"sponsor_name": "Renamed"},
    ),
    "cohorts": Subject(
        Cohort, key=COHORT, new={"name": "Another"}, change={"name": "Renamed", "max_members": 3}
    ),
    "cohort_members": Subject(
        CohortMember,
        key=PEERS_SEAT,
        new={"cohort_id": COHORT, "user_id": STRANGER},
        change={"role": CohortRole.FACILITATOR},
    ),
    "secret_post": Subject(
        SocialFeedPost,
        key=SECRET_POST,
        new={"author_id": FOUNDER, "content": "Another", "is_public": False},
        change={"content": "Changed"},
    ),
    "open_post": Subject(
        SocialFeedPost,
        key=OPEN_POST,
        new={"author_id": FOUNDER, "content": "Another"},
        change={"content": "Changed"},
    ),
    "secret_reaction": Subject(
        SocialFeedReaction,
        key=SECRET_REACTION,
        new={"post_id": SECRET_POST, "user_id": FOUNDER, **REACTION},
        change=REACTION,
    ),
    "open_reaction": Subject(
        SocialFeedReaction,
        key=OPEN_REACTION,
        new={"post_id": OPEN_POST, "user_id": STRANGER, **REACTION},
        change=REACTION,
    ),
    "secret_comment": Subject(
        SocialFeedComment,
        key=SECRET_COMMENT,
        new={"post_id": SECRET_POST, "author_id": FOUNDER, "content": "Another"},
        change={"content": "Changed"},
    ),
    "open_comment": Subject(
        SocialFeedComment,
        key=OPEN_COMMENT,
        new={"post_id": OPEN_POST, "author_id": STRANGER, "content": "Another"},
        change={"content": "Changed"},
    ),
    "founder_messages": Subject(
        FounderMessage,
        key=MESSAGE,
        new={"sender_id": PEER, "recipient_id": FOUNDER, "content": "Hello yourself"},
        change={"content": "Changed"},
        names_key=False,
    ),
    "founder_connections": Subject(
        FounderConnection,
        key=REQUEST,
        new={"requester_id": PEER, "recipient_id": STRANGER},
        change={"status": ConnectionStatus.ACCEPTED},
    ),
    "community_profiles": Subject(
        CommunityProfile,
        key=PROFILE,
        new={"user_id": STRANGER, "display_name": "Noa"},
        change={"bio": "Changed"},
    ),
    "expert_listings": Subject(
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
    "milestones": Subject(
        Milestone,
        key=MILESTONE,
        new={"id": "launch", "user_id": STRANGER, "title": "Launch"},
        change={"status": MilestoneStatus.DONE},
    ),
    "consent_preferences": Subject(
        ConsentPreference,
        key=CONSENT,
        new={"user_id": STRANGER, "category": ConsentCategory.MESSAGING, "enabled": True},
        change={"enabled": True},
    ),
    "investor_readiness_scores": Subject(
        InvestorReadinessScore,
        key=SCORE,
        new={"user_id": STRANGER, "overall_score": 100},
        change={"overall_score": 100},
    ),
    "consent_audit_log": Subject(
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
    "reputation_events": Subject(
        ReputationEvent,
        key=REPUTATION,
        new={"user_id": STRANGER, "event_type": ReputationEventType.INTRO_MADE},
        change={"points": 1000},
    ),
    "engagement_streaks": Subject(
        EngagementStreak,
        key=STREAK,
        new={"user_id": STRANGER},
        change={"current_streak": 100, "longest_streak": 100},
    ),
}
CASES = [*CIRCLES, *POSTS, *PARTIES, *OWN]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, SUBJECTS[case.table], case, PERSONAS)


def test_every_table_is_tried_with_every_command_by_everybody() -> None:
    tried = {(case.table, case.command, case.persona) for case in CASES}
    assert tried == {
        (table, command, persona)
        for table in SUBJECTS
        for command in COMMANDS
        for persona in PERSONAS
    }
    assert {subject.model for subject in SUBJECTS.values()} == {rule.model for rule in RULES}
