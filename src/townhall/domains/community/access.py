"""Access to communities, and to what founders share in them."""

from __future__ import annotations

from townhall.domains.community.functions import MY_COHORT_IDS, MY_COMMUNITY_IDS
from townhall.domains.community.models import (
    Cohort,
    CohortMember,
    Community,
    CommunityMember,
    CommunityProfile,
    CommunityRole,
    ConnectionStatus,
    ConsentAuditLog,
    ConsentPreference,
    EngagementStreak,
    ExpertListing,
    FounderConnection,
    FounderMessage,
    InvestorReadinessScore,
    Milestone,
    ReputationEvent,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    SubcommunitySponsor,
)
from townhall.pg.access import (
    Access,
    Attribute,
    Principal,
    anyone_with,
    either,
    owner,
    signed_in,
)


def members(community_id: Attribute) -> Principal:
    """Return the members of the community whose id is in a column."""
    return anyone_with(community_id, MY_COMMUNITY_IDS, "members of the community")


def active_members(cohort_id: Attribute) -> Principal:
    """Return those who belong to the cohort whose id is in a column and have not left it."""
    return anyone_with(cohort_id, MY_COHORT_IDS, "active members of the cohort")


def post_readers(model: type[SocialFeedReaction | SocialFeedComment]) -> Principal:
    """Return those who can read the post that a row of a model belongs to.

    The policies of the posts decide, so that one rule says who can read a post. PostgreSQL looks up
    the post of each row by its key, or all posts at once where it expects many rows.
    """
    return Principal(
        "readers of the post",
        f"""
        exists (
            select
            from public.social_feed_posts as p
            where p.id = {model.__tablename__}.post_id
        )
        """,  # noqa: S608 - names of ours
    )


the_creator = owner(Community.created_by, "the creator")
visitors = Principal(
    "visitors of an active community",
    """
    not is_archived
    and (not is_private or id = any (array(select private.my_community_ids())))
    """,
)

the_author = owner(SocialFeedPost.author_id, "the author")
# Without this, the foreign key would tell an author which keys others' milestones have.
posting = the_author.where(
    """
    milestone_id is null
    or exists (
        select
        from public.milestones as m
        where m.id = social_feed_posts.milestone_id
    )
    """,
    "using only their own milestones",
)
the_commenter = owner(SocialFeedComment.author_id, "the author")

the_requester = owner(FounderConnection.requester_id, "the requester")
the_recipient = owner(FounderConnection.recipient_id, "the recipient")
the_parties = the_recipient | the_requester.where(
    f"status <> '{ConnectionStatus.BLOCKED.value}'", "unless blocked"
)
# A recipient answers a request, and a requester withdraws it.
the_parties_afterwards = the_recipient.where(
    f"status <> '{ConnectionStatus.PENDING.value}'", "answering"
) | the_requester.where(f"status = '{ConnectionStatus.DECLINED.value}'", "withdrawing")

RULES = (
    # A creator can read what they archived: a row that can't be read can't be updated, and no
    # creator could archive a community.
    Access(
        Community,
        read=the_creator | visitors,
        insert=the_creator,
        update=the_creator,
        fixed=(Community.created_by,),
    ),
    Access(
        CommunityMember,
        read=members(CommunityMember.community_id) | owner(CommunityMember.user_id),
        insert=owner(CommunityMember.user_id).where(
            f"role = '{CommunityRole.MEMBER.value}' and private.is_open_community(community_id)",
            "joining an open community",
        ),
        delete=owner(CommunityMember.user_id),
    ),
    Access(
        Milestone,
        read=owner(Milestone.user_id),
        write=owner(Milestone.user_id),
        fixed=(Milestone.user_id,),
    ),
    Access(InvestorReadinessScore, read=owner(InvestorReadinessScore.user_id)),
    Access(
        CommunityProfile,
        read=signed_in,
        write=owner(CommunityProfile.user_id),
        fixed=(CommunityProfile.user_id,),
    ),
    Access(
        ConsentPreference,
        read=owner(ConsentPreference.user_id),
        write=owner(ConsentPreference.user_id),
        update_columns=(ConsentPreference.enabled,),
    ),
    Access(ConsentAuditLog, read=owner(ConsentAuditLog.user_id)),
    Access(SubcommunitySponsor, read=signed_in),
    Access(Cohort, read=active_members(Cohort.id)),
    Access(
        CohortMember,
        read=active_members(CohortMember.cohort_id),
        delete=owner(CohortMember.user_id),
    ),
    Access(
        SocialFeedPost,
        read=Principal("readers of public posts", "is_public") | the_author,
        insert=posting,
        update=the_author,
        becomes=posting,
        delete=the_author,
        fixed=(SocialFeedPost.author_id,),
    ),
    Access(
        SocialFeedReaction,
        read=post_readers(SocialFeedReaction),
        insert=owner(SocialFeedReaction.user_id).where(
            post_readers(SocialFeedReaction).condition, "who can read the post"
        ),
        delete=owner(SocialFeedReaction.user_id),
    ),
    Access(
        SocialFeedComment,
        read=post_readers(SocialFeedComment),
        insert=the_commenter.where(
            post_readers(SocialFeedComment).condition, "who can read the post"
        ),
        update=the_commenter,
        delete=the_commenter,
        update_columns=(SocialFeedComment.content,),
    ),
    Access(
        FounderMessage,
        read=either(
            FounderMessage.sender_id, FounderMessage.recipient_id, "the sender or the recipient"
        ),
        insert=owner(FounderMessage.sender_id, "the sender"),
        insert_columns=(
            FounderMessage.sender_id,
            FounderMessage.recipient_id,
            FounderMessage.content,
            FounderMessage.metadata_,
        ),
    ),
    Access(
        FounderConnection,
        read=the_requester | the_recipient,
        insert=the_requester.where(
            f"status = '{ConnectionStatus.PENDING.value}'", "asking for a connection"
        ),
        update=the_parties,
        becomes=the_parties_afterwards,
        delete=the_parties,
        update_columns=(FounderConnection.status,),
    ),
    Access(
        ExpertListing,
        read=signed_in,
        write=owner(ExpertListing.user_id),
        fixed=(ExpertListing.user_id,),
    ),
    Access(ReputationEvent, read=owner(ReputationEvent.user_id)),
    Access(EngagementStreak, read=owner(EngagementStreak.user_id)),
)
