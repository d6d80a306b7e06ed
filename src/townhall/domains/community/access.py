"""Access to communities, and to what founders share in them."""

from __future__ import annotations

from townhall.domains.community.functions import (
    MY_BLOCKED_USER_IDS,
    MY_COHORT_IDS,
    MY_COMMUNITY_IDS,
    MY_MODERATED_COMMUNITY_IDS,
    MY_OWNED_COMMUNITY_IDS,
)
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
    readers_of,
    signed_in,
)


def members(community_id: Attribute) -> Principal:
    """Return the members of the community whose id is in a column."""
    return anyone_with(community_id, MY_COMMUNITY_IDS, "members of the community")


def owners(community_id: Attribute) -> Principal:
    """Return the owners, with an account, of the community whose id is in a column."""
    return anyone_with(community_id, MY_OWNED_COMMUNITY_IDS, "owners of the community")


def moderators(community_id: Attribute) -> Principal:
    """Return the moderators and owners, with an account, of the community of a column."""
    return anyone_with(community_id, MY_MODERATED_COMMUNITY_IDS, "moderators of the community")


def active_members(cohort_id: Attribute) -> Principal:
    """Return those who belong to the cohort whose id is in a column and have not left it."""
    return anyone_with(cohort_id, MY_COHORT_IDS, "active members of the cohort")


def post_readers(post_id: Attribute) -> Principal:
    """Return those who can read the post whose id is in a column."""
    return readers_of(post_id, "readers of the post")


def unblocked_readers(post_id: Attribute) -> Principal:
    """Return those who can read the post of a row that they write.

    Left out are those who block the author, and those whom the author blocks.

    Args:
        post_id: The column of the post's id.
    """
    return readers_of(
        post_id, "readers of the post", not_blocked("parent.author_id"), of_written_row=True
    )


def not_blocked(user_id: str) -> str:
    """Return the condition that no block is between the caller and a user.

    Args:
        user_id: An SQL expression of the user's id.
    """
    helper = f"{MY_BLOCKED_USER_IDS.schema}.{MY_BLOCKED_USER_IDS.name}"
    return f"{user_id} <> all (array(select {helper}()))"


the_creator = owner(Community.created_by, "the creator")
visitors = Principal(
    "visitors of an active community", "not is_archived and not is_private"
) | members(Community.id).where("not is_archived", "that is active")

creating = the_creator.where(
    f"parent_community_id is null or {moderators(Community.parent_community_id).condition}",
    "below communities they moderate",
).with_account.named("the creator with an account below what they moderate")

the_member = owner(CommunityMember.user_id, "the member")
joining = the_member.where(
    f"role = '{CommunityRole.MEMBER.value}' and private.can_join_community(community_id)",
    "who may join",
).with_account
removing_members = moderators(CommunityMember.community_id).where(
    f"role = '{CommunityRole.MEMBER.value}'", "removing members"
)

the_author = owner(SocialFeedPost.author_id, "the author")
the_author_with_account = the_author.with_account
# Without this, the foreign key would tell an author which keys others' milestones have.
their_milestone = readers_of(
    SocialFeedPost.milestone_id, "users of the milestone", of_written_row=True
)
posting = the_author_with_account.where(
    f"milestone_id is null or {their_milestone.condition}",
    "using only their own milestones",
).named("the author with an account and their own milestones")
the_reactor = owner(SocialFeedReaction.user_id)
UNBLOCKED_READERS = "readers of the post with an account unless blocked"
reacting = the_reactor.where(
    unblocked_readers(SocialFeedReaction.post_id).condition,
    "who can read the post unless blocked",
).with_account.named(UNBLOCKED_READERS)
the_commenter = owner(SocialFeedComment.author_id, "the author")
NOT_AN_ANSWER_TO_BLOCKED = """(
        parent_comment_id is null
        or not private.is_comment_of_blocked(parent_comment_id)
    )"""
commenting = the_commenter.where(
    f"""
    {unblocked_readers(SocialFeedComment.post_id).condition}
    and {NOT_AN_ANSWER_TO_BLOCKED}
    """,
    "who can read the post unless blocked",
).with_account.named(UNBLOCKED_READERS)

# Another text is another comment.
editing = the_commenter.where(
    f"not private.is_post_of_blocked(post_id) and {NOT_AN_ANSWER_TO_BLOCKED}", "unless blocked"
).with_account

the_sender = owner(FounderMessage.sender_id, "the sender")
sending = the_sender.with_account.where(
    f"recipient_id <> sender_id and {not_blocked('recipient_id')}", "to another unless blocked"
)

PENDING = f"status = '{ConnectionStatus.PENDING.value}'"
the_requester = owner(FounderConnection.requester_id, "the requester")
the_recipient = owner(FounderConnection.recipient_id, "the recipient")
the_parties = the_requester | the_recipient
asking = the_requester.with_account.where(PENDING, "asking to connect")
# A recipient answers a request, and a requester withdraws it. Who declines or withdraws becomes a
# party to nothing.
answered = the_recipient.with_account.where(
    f"status = '{ConnectionStatus.ACCEPTED.value}'", "accepting"
) | the_parties.where(f"status = '{ConnectionStatus.DECLINED.value}'", "declining or withdrawing")
# Who declined can delete the row, after which the other may ask again.
removing = the_parties.where(
    f"""
    status = '{ConnectionStatus.ACCEPTED.value}'
    or {PENDING} and requester_id = :caller
    or status = '{ConnectionStatus.DECLINED.value}' and :caller = declined_by
    """,
    "if theirs to end",
)

RULES = (
    # Owners can read what they archived: a row that can't be read can't be updated, and no owner
    # could archive a community. They are last: what they own is one array, which is then made for
    # rows of others alone.
    Access(
        Community,
        read=(the_creator | visitors | owners(Community.id)).named(
            "the creator, owners or visitors"
        ),
        insert=creating,
        update=owners(Community.id),
        fixed=(Community.created_by,),
    ),
    Access(
        CommunityMember,
        read=members(CommunityMember.community_id) | the_member,
        insert=(joining | owners(CommunityMember.community_id)).named(
            "members with an account who may join, or owners"
        ),
        update=owners(CommunityMember.community_id),
        delete=(the_member | owners(CommunityMember.community_id) | removing_members).named(
            "the member, owners, or moderators removing members"
        ),
        update_columns=(CommunityMember.role,),
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
        write=owner(CommunityProfile.user_id).with_account,
        delete=owner(CommunityProfile.user_id),
        fixed=(CommunityProfile.user_id,),
    ),
    Access(
        ConsentPreference,
        read=owner(ConsentPreference.user_id),
        write=owner(ConsentPreference.user_id).with_account,
        delete=owner(ConsentPreference.user_id),
        update_columns=(ConsentPreference.enabled,),
    ),
    Access(ConsentAuditLog, read=owner(ConsentAuditLog.user_id)),
    Access(SubcommunitySponsor, read=signed_in),
    Access(Cohort, read=active_members(Cohort.id)),
    Access(
        CohortMember,
        read=active_members(CohortMember.cohort_id) | owner(CohortMember.user_id),
        delete=owner(CohortMember.user_id),
    ),
    Access(
        SocialFeedPost,
        read=Principal("readers of public posts", "is_public") | the_author,
        insert=posting,
        update=the_author_with_account,
        becomes=posting,
        delete=the_author,
        fixed=(SocialFeedPost.author_id,),
    ),
    Access(
        SocialFeedReaction,
        read=post_readers(SocialFeedReaction.post_id) | the_reactor,
        insert=reacting,
        delete=the_reactor,
    ),
    Access(
        SocialFeedComment,
        read=post_readers(SocialFeedComment.post_id) | the_commenter,
        insert=commenting,
        update=the_commenter.with_account,
        becomes=editing,
        delete=the_commenter,
        update_columns=(SocialFeedComment.content,),
    ),
    Access(
        FounderMessage,
        read=either(
            FounderMessage.sender_id, FounderMessage.recipient_id, "the sender or the recipient"
        ),
        insert=sending,
        insert_columns=(
            FounderMessage.sender_id,
            FounderMessage.recipient_id,
            FounderMessage.content,
            FounderMessage.metadata_,
        ),
    ),
    Access(
        FounderConnection,
        read=the_parties,
        insert=asking,
        update=the_parties.where(PENDING, "of a pending request"),
        becomes=answered,
        delete=removing,
        update_columns=(FounderConnection.status,),
    ),
    Access(
        ExpertListing,
        read=signed_in,
        write=owner(ExpertListing.user_id).with_account,
        delete=owner(ExpertListing.user_id),
        fixed=(ExpertListing.user_id,),
    ),
    Access(ReputationEvent, read=owner(ReputationEvent.user_id)),
    Access(EngagementStreak, read=owner(EngagementStreak.user_id)),
)
