"""Who may do what to what founders share, plan, score, agree to and write."""

from __future__ import annotations

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
    Who,
    anyone_with,
    either,
    owner,
    signed_in,
)

the_person = owner("user_id", "the person")
the_creator = owner("created_by", "the creator")
the_author = owner("author_id", "the author")
the_requester = owner("requester_id", "the requester")
the_recipient = owner("recipient_id", "the recipient")
active_members = "active members"

# Members, and where it is public everybody.
visitors = Who(
    "visitors of what is not archived",
    """
    not is_archived
    and (not is_private or id = any (array(select private.my_community_ids())))
    """,
)

# Whoever could name another's milestone would learn from the foreign key which keys there are.
posting = the_author.where(
    """
    milestone_id is null
    or exists (
        select
        from public.milestones as m
        where m.id = social_feed_posts.milestone_id
    )
    """,
    "of their own milestones",
)

asking = the_requester.where(f"status = '{ConnectionStatus.PENDING.value}'", "asking")
parties_unless_blocked = the_recipient | the_requester.where(
    f"status <> '{ConnectionStatus.BLOCKED.value}'", "unless blocked"
)
answers = the_recipient.where(
    f"status <> '{ConnectionStatus.PENDING.value}'", "answering"
) | the_requester.where(f"status = '{ConnectionStatus.DECLINED.value}'", "withdrawing")


def readers(table: str) -> Who:
    """Return those who see the post that a row of ``table`` belongs to.

    The posts' own policy decides, so that there is one rule of who sees a post. PostgreSQL looks
    each row's post up by its key, or all posts at once where it expects more rows than that pays.
    """
    return Who(
        "readers of the post",
        f"""
        exists (
            select
            from public.social_feed_posts as p
            where p.id = {table}.post_id
        )
        """,  # noqa: S608 - names of ours
    )


RULES = (
    # A creator goes on seeing what they archived: whoever may not read a row can't update it, and
    # nobody could archive.
    Access(
        Community,
        read=the_creator | visitors,
        insert=the_creator,
        update=the_creator,
        fixed=("created_by",),
    ),
    Access(
        CommunityMember,
        read=anyone_with("community_id", "my_community_ids", "members") | the_person,
        insert=the_person.where(
            f"role = '{CommunityRole.MEMBER.value}' and private.is_open_community(community_id)",
            "joining what is public",
        ),
        delete=the_person,
    ),
    Access(Milestone, read=owner("user_id"), write=owner("user_id"), fixed=("user_id",)),
    Access(InvestorReadinessScore, read=owner("user_id")),
    Access(CommunityProfile, read=signed_in, write=owner("user_id"), fixed=("user_id",)),
    Access(
        ConsentPreference,
        read=the_person,
        write=the_person,
        update_columns=("enabled",),
    ),
    Access(ConsentAuditLog, read=the_person),
    Access(SubcommunitySponsor, read=signed_in),
    Access(Cohort, read=anyone_with("id", "my_cohort_ids", active_members)),
    Access(
        CohortMember,
        read=anyone_with("cohort_id", "my_cohort_ids", active_members),
        delete=the_person,
    ),
    Access(
        SocialFeedPost,
        read=Who("readers of what is public", "is_public") | the_author,
        insert=posting,
        update=the_author,
        becomes=posting,
        delete=the_author,
        fixed=("author_id",),
    ),
    Access(
        SocialFeedReaction,
        read=readers("social_feed_reactions"),
        insert=the_person & readers("social_feed_reactions"),
        delete=the_person,
    ),
    Access(
        SocialFeedComment,
        read=readers("social_feed_comments"),
        insert=the_author & readers("social_feed_comments"),
        update=the_author,
        delete=the_author,
        update_columns=("content",),
    ),
    Access(
        FounderMessage,
        read=either("sender_id", "recipient_id"),
        insert=owner("sender_id", "the sender"),
        insert_columns=("sender_id", "recipient_id", "content", "metadata"),
    ),
    Access(
        FounderConnection,
        read=either("requester_id", "recipient_id"),
        insert=asking,
        update=parties_unless_blocked,
        becomes=answers,
        delete=parties_unless_blocked,
        update_columns=("status",),
    ),
    Access(ExpertListing, read=signed_in, write=owner("user_id"), fixed=("user_id",)),
    Access(ReputationEvent, read=owner("user_id")),
    Access(EngagementStreak, read=owner("user_id")),
)
