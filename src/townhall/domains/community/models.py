"""Communities, consents, cohorts, the feed, messages, connections and benchmarks."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    desc,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    READ_ONLY,
    Base,
    Created,
    FalseByDefault,
    JsonObject,
    NowByDefault,
    TextArray,
    Timestamps,
    TrueByDefault,
    UuidKey,
    ViewBase,
    ZeroByDefault,
    is_object,
    one_of,
)
from townhall.types import JsonValue, TextEnum, TypedJson


class CommunityRole(StrEnum):
    """The role of a member in a community."""

    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class MilestoneStatus(StrEnum):
    """The status of a milestone."""

    PLANNED = "planned"
    ACTIVE = "active"
    DONE = "done"


class ConsentCategory(StrEnum):
    """The purposes that a user can consent to."""

    BENCHMARKS = "benchmarks"
    SOCIAL_FEED = "social_feed"
    DIRECTORY = "directory"
    MESSAGING = "messaging"
    INVESTOR_INTROS = "investor_intros"


class CohortType(StrEnum):
    """The kind of criterion by which a cohort was matched."""

    STAGE = "stage"
    INDUSTRY = "industry"
    CUSTOM = "custom"


class CohortStatus(StrEnum):
    """The status of a cohort."""

    FORMING = "forming"
    ACTIVE = "active"
    ARCHIVED = "archived"


class CohortRole(StrEnum):
    """The role of a member in a cohort."""

    MEMBER = "member"
    FACILITATOR = "facilitator"


class PostType(StrEnum):
    """The subject of a post."""

    MILESTONE = "milestone"
    ACHIEVEMENT = "achievement"
    UPDATE = "update"
    SHOUTOUT = "shoutout"


class ReactionType(StrEnum):
    """The kind of a reaction."""

    ENCOURAGE = "encourage"
    CELEBRATE = "celebrate"
    INSIGHTFUL = "insightful"


class ConnectionStatus(StrEnum):
    """The status of a connection between two founders."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    DECLINED = "declined"


class ConnectionSource(StrEnum):
    """The place where a requester found the recipient."""

    DIRECTORY = "directory"
    COHORT = "cohort"
    FRED_SUGGESTION = "fred_suggestion"
    COMMUNITY = "community"


class ExpertiseType(StrEnum):
    """The kind of help that an expert offers."""

    DESIGN_REVIEW = "design_review"
    TECH_ARCHITECTURE = "tech_architecture"
    GTM_STRATEGY = "gtm_strategy"
    FUNDRAISING = "fundraising"
    LEGAL = "legal"
    OTHER = "other"


class ReputationEventType(StrEnum):
    """The kind of event that earned points."""

    INTRO_MADE = "intro_made"
    ROUNDTABLE_PARTICIPATION = "roundtable_participation"
    HELP_GIVEN = "help_given"
    EXPERTISE_SHARED = "expertise_shared"
    MENTOR_SESSION = "mentor_session"


class VisibilitySettings(JsonValue):
    """The fields of a community profile that applications show."""

    show_name: bool = True
    show_stage: bool = True
    show_industry: bool = True
    show_bio: bool = True
    show_achievements: bool = True

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return the settings of a stored object; a value that is not a boolean hides the field.

        A founder writes the object without us, and one of theirs must not keep anybody from
        reading the others'.
        """
        known = {name: value is True for name, value in stored.items() if name in cls.model_fields}
        return super().from_stored({**stored, **known})

    def as_stored(self) -> dict[str, Any]:
        """Return all settings, so that readers of the JSON need not know the defaults."""
        return self.model_dump(mode="json")


class Community(Timestamps, Base):
    """A place where founders meet."""

    __tablename__ = "communities"
    __table_args__ = (
        CheckConstraint("parent_community_id <> id", name="parent_is_another"),
        CheckConstraint("tier_required between 0 and 2", name="tier_required_known"),
        Index(
            "idx_communities_parent",
            "parent_community_id",
            postgresql_where=text("parent_community_id is not null"),
        ),
        {"comment": "A place where founders meet."},
    )

    id: Mapped[UuidKey]
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True, comment="The name in URLs.")
    description: Mapped[str | None]
    created_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL"),
        index=True,
        comment="The account that created it; null once that account is deleted.",
    )
    is_private: Mapped[FalseByDefault] = mapped_column(
        comment="Whether only its members and its creator can read it."
    )
    is_archived: Mapped[FalseByDefault] = mapped_column(
        comment="Whether it is closed; only its creator can read it then."
    )
    parent_community_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("communities.id", ondelete="CASCADE"),
        comment="The parent community; null at the top level.",
    )
    is_sponsored: Mapped[FalseByDefault] = mapped_column(
        info=READ_ONLY, comment="Whether it has a paying sponsor; written by the service."
    )
    tier_required: Mapped[ZeroByDefault] = mapped_column(
        comment="The subscription tier it requires: 0 free, 1 pro, 2 studio."
    )

    parent: Mapped[Community | None] = relationship(
        back_populates="parts", lazy="raise", remote_side="Community.id"
    )
    parts: Mapped[list[Community]] = relationship(
        back_populates="parent", lazy="raise", passive_deletes="all"
    )
    members: Mapped[list[CommunityMember]] = relationship(
        back_populates="community", lazy="raise", passive_deletes="all"
    )
    sponsors: Mapped[list[SubcommunitySponsor]] = relationship(
        back_populates="community", lazy="raise", passive_deletes="all"
    )


class CommunityMember(Base):
    """The membership of a person in a community."""

    __tablename__ = "community_members"
    __table_args__ = (
        UniqueConstraint("community_id", "user_id"),
        one_of("role", CommunityRole),
        {"comment": "The members of a community, with their roles."},
    )

    id: Mapped[UuidKey]
    community_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("communities.id", ondelete="CASCADE")
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[CommunityRole] = mapped_column(
        TextEnum(CommunityRole), server_default=CommunityRole.MEMBER
    )
    joined_at: Mapped[NowByDefault] = mapped_column(info=READ_ONLY)

    community: Mapped[Community] = relationship(back_populates="members", lazy="raise")


class Milestone(Timestamps, Base):
    """A goal of a founder."""

    __tablename__ = "milestones"
    __table_args__ = (
        one_of("status", MilestoneStatus),
        Index("ix_milestones_user_id_created_at", "user_id", desc("created_at")),
        {"comment": "A goal of a founder."},
    )

    id: Mapped[str] = mapped_column(
        primary_key=True, comment="A text key that the application chooses; not a UUID."
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    title: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[MilestoneStatus] = mapped_column(
        TextEnum(MilestoneStatus), server_default=MilestoneStatus.PLANNED
    )
    due_date: Mapped[date | None]
    completed_at: Mapped[datetime | None]

    posts: Mapped[list[SocialFeedPost]] = relationship(
        back_populates="milestone", lazy="raise", passive_deletes="all"
    )


class InvestorReadinessScore(Created, Base):
    """A score of a founder's investor readiness."""

    __tablename__ = "investor_readiness_scores"
    __table_args__ = (
        CheckConstraint("overall_score between 0 and 100", name="overall_score_in_range"),
        is_object("breakdown"),
        Index("ix_investor_readiness_scores_user_id_created_at", "user_id", desc("created_at")),
        {"comment": "The investor readiness of a founder; the latest row is the current one."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    overall_score: Mapped[Decimal] = mapped_column(Numeric(5, 2), comment="From 0 to 100.")
    breakdown: Mapped[JsonObject] = mapped_column(comment="The parts of the score.")


class CommunityProfile(Timestamps, Base):
    """What a founder tells the community about themselves."""

    __tablename__ = "community_profiles"
    __table_args__ = (
        is_object("visibility_settings"),
        {"comment": "The profile that a founder shows to the community; one row per account."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), unique=True
    )
    display_name: Mapped[str] = mapped_column(server_default="")
    bio: Mapped[str] = mapped_column(server_default="")
    avatar_url: Mapped[str | None]
    stage: Mapped[str | None] = mapped_column(comment="The stage of the founder's company.")
    industry: Mapped[str | None] = mapped_column(comment="The industry of the founder's company.")
    achievements: Mapped[TextArray]
    visibility_settings: Mapped[VisibilitySettings] = mapped_column(
        TypedJson(VisibilitySettings),
        server_default=text(
            """'{"show_name": true, "show_stage": true, "show_industry": true,"""
            """ "show_bio": true, "show_achievements": true}'::jsonb"""
        ),
        comment="The fields that applications show; signed-in users can read the whole row.",
    )


class ConsentPreference(Base):
    """The answer of a user to one request for consent."""

    __tablename__ = "consent_preferences"
    __table_args__ = (
        UniqueConstraint("user_id", "category"),
        one_of("category", ConsentCategory),
        {"comment": "A user's consents; no row means none. Only the user can read them."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    category: Mapped[ConsentCategory] = mapped_column(TextEnum(ConsentCategory))
    enabled: Mapped[FalseByDefault] = mapped_column(comment="Whether the user consents.")
    updated_at: Mapped[NowByDefault] = mapped_column(
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="When the row last changed; maintained by a trigger.",
    )


class ConsentAuditLog(Base):
    """One change of a consent."""

    __tablename__ = "consent_audit_log"
    __table_args__ = (
        one_of("category", ConsentCategory),
        Index("ix_consent_audit_log_user_id_changed_at", "user_id", desc("changed_at")),
        {"comment": "Every change of a consent; written only by a trigger."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    category: Mapped[ConsentCategory] = mapped_column(TextEnum(ConsentCategory))
    previous_value: Mapped[bool] = mapped_column(
        comment="Whether the user had consented before the change."
    )
    new_value: Mapped[bool] = mapped_column(comment="Whether the user consents since the change.")
    changed_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(),
        comment="When; changes of one transaction are in order.",
    )
    ip_address: Mapped[str | None] = mapped_column(
        comment="The client's IP address, as the request states it."
    )
    user_agent: Mapped[str | None] = mapped_column(
        comment="The client's user agent, as the request states it."
    )


class SubcommunitySponsor(Timestamps, Base):
    """The sponsors of a community."""

    __tablename__ = "subcommunity_sponsors"
    __table_args__ = (
        UniqueConstraint("community_id", "sponsor_user_id"),
        {"comment": "The sponsors of a community."},
    )

    id: Mapped[UuidKey]
    sponsor_user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL"),
        index=True,
        comment="The sponsor's account; null where there is none, or it was deleted.",
    )
    community_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("communities.id", ondelete="CASCADE")
    )
    sponsor_name: Mapped[str]
    sponsor_logo_url: Mapped[str | None]
    sponsor_url: Mapped[str | None]
    is_featured: Mapped[FalseByDefault] = mapped_column(
        comment="Whether the sponsor is shown first."
    )
    started_at: Mapped[NowByDefault] = mapped_column(comment="When the sponsorship began.")
    expires_at: Mapped[datetime | None] = mapped_column(
        comment="When the sponsorship ends; null for no end."
    )
    is_active: Mapped[TrueByDefault] = mapped_column(comment="Whether the sponsor is shown.")

    community: Mapped[Community] = relationship(back_populates="sponsors", lazy="raise")


class Cohort(Timestamps, Base):
    """A small group of founders."""

    __tablename__ = "cohorts"
    __table_args__ = (
        CheckConstraint("max_members > 0", name="max_members_positive"),
        one_of("cohort_type", CohortType),
        one_of("status", CohortStatus),
        is_object("match_criteria"),
        {"comment": "A small group of founders; only its active members can read it."},
    )

    id: Mapped[UuidKey]
    name: Mapped[str]
    cohort_type: Mapped[CohortType] = mapped_column(
        TextEnum(CohortType), server_default=CohortType.STAGE
    )
    max_members: Mapped[int] = mapped_column(
        server_default=text("8"),
        comment="The size that the matching aims for; not enforced by the database.",
    )
    status: Mapped[CohortStatus] = mapped_column(
        TextEnum(CohortStatus), server_default=CohortStatus.FORMING
    )
    match_criteria: Mapped[JsonObject] = mapped_column(
        comment="The criteria by which the group was matched."
    )

    members: Mapped[list[CohortMember]] = relationship(
        back_populates="cohort", lazy="raise", passive_deletes="all"
    )


class CohortMember(Base):
    """The membership of a founder in a cohort."""

    __tablename__ = "cohort_members"
    __table_args__ = (
        UniqueConstraint("cohort_id", "user_id"),
        one_of("role", CohortRole),
        {"comment": "The members of a cohort; a founder who left can't read it."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), index=True
    )
    cohort_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"))
    role: Mapped[CohortRole] = mapped_column(TextEnum(CohortRole), server_default=CohortRole.MEMBER)
    joined_at: Mapped[NowByDefault]
    left_at: Mapped[datetime | None] = mapped_column(
        comment="When the founder left; a value ends the membership."
    )
    is_active: Mapped[TrueByDefault] = mapped_column(
        comment="Whether the membership is active; false ends it."
    )

    cohort: Mapped[Cohort] = relationship(back_populates="members", lazy="raise")


class SocialFeedPost(Timestamps, Base):
    """A post of the feed."""

    __tablename__ = "social_feed_posts"
    __table_args__ = (
        CheckConstraint("reaction_count >= 0", name="reaction_count_not_negative"),
        CheckConstraint("comment_count >= 0", name="comment_count_not_negative"),
        CheckConstraint("view_count >= 0", name="view_count_not_negative"),
        one_of("post_type", PostType),
        is_object("metadata"),
        Index(
            "ix_social_feed_posts_created_at",
            desc("created_at"),
            desc("id"),
            postgresql_where=text("is_public"),
        ),
        Index(
            "ix_social_feed_posts_author_id_created_at",
            "author_id",
            desc("created_at"),
            desc("id"),
        ),
        {"comment": "Posts of founders; only the author can read a private post."},
    )

    id: Mapped[UuidKey]
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    post_type: Mapped[PostType] = mapped_column(
        TextEnum(PostType), server_default=PostType.MILESTONE
    )
    title: Mapped[str] = mapped_column(server_default="")
    content: Mapped[str]
    milestone_id: Mapped[str | None] = mapped_column(
        ForeignKey("milestones.id", ondelete="SET NULL"),
        index=True,
        comment="The milestone that it is about; text, like the key of milestones.",
    )
    metadata_: Mapped[JsonObject] = mapped_column("metadata")
    reaction_count: Mapped[ZeroByDefault] = mapped_column(
        info=READ_ONLY, comment="The number of reactions; maintained by triggers."
    )
    comment_count: Mapped[ZeroByDefault] = mapped_column(
        info=READ_ONLY, comment="The number of comments; maintained by triggers."
    )
    view_count: Mapped[ZeroByDefault] = mapped_column(
        info=READ_ONLY, comment="The number of views; written by the service."
    )
    is_public: Mapped[TrueByDefault] = mapped_column(
        comment="Whether signed-in users can read it; otherwise only its author can."
    )

    milestone: Mapped[Milestone | None] = relationship(back_populates="posts", lazy="raise")
    reactions: Mapped[list[SocialFeedReaction]] = relationship(
        back_populates="post", lazy="raise", passive_deletes="all"
    )
    comments: Mapped[list[SocialFeedComment]] = relationship(
        back_populates="post", lazy="raise", passive_deletes="all"
    )

    @property
    def position(self) -> tuple[datetime, uuid.UUID]:
        """The position of the post in the feed, after which the next page begins."""
        return self.created_at, self.id


class SocialFeedReaction(Created, Base):
    """A reaction to a post."""

    __tablename__ = "social_feed_reactions"
    __table_args__ = (
        UniqueConstraint("post_id", "user_id", "reaction_type"),
        one_of("reaction_type", ReactionType),
        {"comment": "Reactions to a post; each user has each kind at most once."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), index=True
    )
    post_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("social_feed_posts.id", ondelete="CASCADE")
    )
    reaction_type: Mapped[ReactionType] = mapped_column(
        TextEnum(ReactionType), server_default=ReactionType.ENCOURAGE
    )

    post: Mapped[SocialFeedPost] = relationship(back_populates="reactions", lazy="raise")


class SocialFeedComment(Timestamps, Base):
    """A comment on a post, or on another comment of it."""

    __tablename__ = "social_feed_comments"
    __table_args__ = (
        UniqueConstraint("post_id", "id"),  # what the composite foreign key refers to
        ForeignKeyConstraint(
            ["post_id", "parent_comment_id"],
            ["social_feed_comments.post_id", "social_feed_comments.id"],
            name="fk_social_feed_comments_parent_comment",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_social_feed_comments_post_id_created_at", "post_id", desc("created_at")),
        {"comment": "Comments on a post, or on another comment of it."},
    )

    id: Mapped[UuidKey]
    author_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), index=True
    )
    post_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("social_feed_posts.id", ondelete="CASCADE")
    )
    content: Mapped[str]
    parent_comment_id: Mapped[uuid.UUID | None] = mapped_column(
        index=True,
        comment="The comment it answers, on the same post; moved and deleted with that.",
    )

    post: Mapped[SocialFeedPost] = relationship(
        back_populates="comments", lazy="raise", foreign_keys=[post_id]
    )
    parent: Mapped[SocialFeedComment | None] = relationship(
        back_populates="replies",
        lazy="raise",
        foreign_keys=[parent_comment_id],
        primaryjoin="SocialFeedComment.parent_comment_id == remote(SocialFeedComment.id)",
    )
    replies: Mapped[list[SocialFeedComment]] = relationship(
        back_populates="parent",
        lazy="raise",
        foreign_keys=[parent_comment_id],
        primaryjoin="SocialFeedComment.id == remote(SocialFeedComment.parent_comment_id)",
        passive_deletes="all",
    )


class FounderMessage(Created, Base):
    """A message from one founder to another."""

    __tablename__ = "founder_messages"
    __table_args__ = (
        is_object("metadata"),
        Index(
            "ix_founder_messages_sender_id_recipient_id_created_at",
            "sender_id",
            "recipient_id",
            desc("created_at"),
            desc("id"),
        ),
        Index("ix_founder_messages_recipient_id_created_at", "recipient_id", desc("created_at")),
        {"comment": "Messages between founders; immutable."},
    )

    id: Mapped[UuidKey]
    sender_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    recipient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    content: Mapped[str]
    is_read: Mapped[FalseByDefault] = mapped_column(
        comment="Whether the recipient has read it; set by mark_messages_read()."
    )
    is_fred_facilitated: Mapped[FalseByDefault] = mapped_column(
        comment="Whether Fred, the assistant, introduced the two; written by the service."
    )
    metadata_: Mapped[JsonObject] = mapped_column("metadata")

    @property
    def position(self) -> tuple[datetime, uuid.UUID]:
        """The position of the message in the conversation, after which older ones come."""
        return self.created_at, self.id


class FounderConnection(Timestamps, Base):
    """A connection of two founders, requested or answered."""

    __tablename__ = "founder_connections"
    __table_args__ = (
        UniqueConstraint("requester_id", "recipient_id"),
        CheckConstraint("requester_id <> recipient_id", name="between_two"),
        one_of("status", ConnectionStatus),
        one_of("source", ConnectionSource),
        {"comment": "Requests of founders for a connection, with their answers."},
    )

    id: Mapped[UuidKey]
    requester_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"),
        comment="The account that sent the request.",
    )
    recipient_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"),
        index=True,
        comment="The account that received the request.",
    )
    status: Mapped[ConnectionStatus] = mapped_column(
        TextEnum(ConnectionStatus),
        server_default=ConnectionStatus.PENDING,
        comment="The answer; only the recipient can change blocked.",
    )
    source: Mapped[ConnectionSource] = mapped_column(
        TextEnum(ConnectionSource),
        server_default=ConnectionSource.DIRECTORY,
        comment="Where the requester found the recipient.",
    )


class ExpertListing(Timestamps, Base):
    """An offer of a founder's expertise."""

    __tablename__ = "expert_listings"
    __table_args__ = (
        one_of("expertise_type", ExpertiseType),
        {"comment": "The expertise that founders offer."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), index=True
    )
    expertise_type: Mapped[ExpertiseType] = mapped_column(TextEnum(ExpertiseType))
    title: Mapped[str]
    description: Mapped[str]
    is_active: Mapped[TrueByDefault] = mapped_column(comment="Whether the offer is open.")


class ReputationEvent(Created, Base):
    """An event that earned a founder points."""

    __tablename__ = "reputation_events"
    __table_args__ = (
        one_of("event_type", ReputationEventType),
        is_object("metadata"),
        Index("ix_reputation_events_user_id_created_at", "user_id", desc("created_at")),
        {"comment": "The events that earned a founder points; written by the service."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    event_type: Mapped[ReputationEventType] = mapped_column(TextEnum(ReputationEventType))
    points: Mapped[int] = mapped_column(server_default=text("1"))
    source_id: Mapped[uuid.UUID | None] = mapped_column(
        comment="The row that the points are for, in the table that source_type names."
    )
    source_type: Mapped[str | None] = mapped_column(comment="The table of source_id.")
    metadata_: Mapped[JsonObject] = mapped_column("metadata")


class EngagementStreak(Base):
    """The days in a row on which a founder checked in."""

    __tablename__ = "engagement_streaks"
    __table_args__ = (
        CheckConstraint("current_streak >= 0", name="current_streak_not_negative"),
        CheckConstraint("longest_streak >= current_streak", name="longest_is_longest"),
        CheckConstraint("total_checkins >= 0", name="total_checkins_not_negative"),
        {"comment": "On how many days in a row a founder has checked in; written by the service."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), unique=True
    )
    current_streak: Mapped[ZeroByDefault]
    longest_streak: Mapped[ZeroByDefault]
    total_checkins: Mapped[ZeroByDefault]
    last_checkin_date: Mapped[date | None]
    streak_started_at: Mapped[datetime | None]
    updated_at: Mapped[NowByDefault] = mapped_column(
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="When the row last changed; maintained by a trigger.",
    )


class _BenchmarkAggregate:
    """The scores of the consenting founders of a group."""

    founder_count: Mapped[int]
    avg_irs_score: Mapped[Decimal | None]
    median_irs_score: Mapped[Decimal | None]


class BenchmarkStageAggregate(_BenchmarkAggregate, ViewBase):
    """The scores of the consenting founders at a stage."""

    __tablename__ = "benchmark_stage_aggregates"

    stage: Mapped[str] = mapped_column(primary_key=True)


class BenchmarkIndustryAggregate(_BenchmarkAggregate, ViewBase):
    """The scores of the consenting founders of an industry."""

    __tablename__ = "benchmark_industry_aggregates"

    industry: Mapped[str] = mapped_column(primary_key=True)
