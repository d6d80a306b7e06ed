"""The feed: milestones, and posts with their reactions and comments."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    desc,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    OTHER,
    PERSON,
    READ_ONLY,
    Base,
    Created,
    Day,
    JsonObject,
    Label,
    LongText,
    Time,
    Timestamps,
    TrueByDefault,
    UuidKey,
    ZeroByDefault,
    is_object,
    one_of,
)
from townhall.refusals import refused_with
from townhall.types import TextEnum

DEEPEST_ANSWER = 20
"""The largest depth of a comment: an answer to an answer has depth 2."""


class MilestoneStatus(StrEnum):
    """The status of a milestone."""

    PLANNED = "planned"
    ACTIVE = "active"
    DONE = "done"


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


class Milestone(Timestamps, Base):
    """A goal of a founder."""

    __tablename__ = "milestones"
    __table_args__ = (
        one_of("status", MilestoneStatus),
        Index("ix_milestones_user_id_created_at", "user_id", desc("created_at")),
        {"comment": "A goal of a founder."},
    )

    id: Mapped[Label] = mapped_column(
        primary_key=True, comment="A text key that the application chooses; not a UUID."
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    title: Mapped[Label]
    description: Mapped[LongText | None]
    status: Mapped[MilestoneStatus] = mapped_column(
        TextEnum(MilestoneStatus), server_default=MilestoneStatus.PLANNED
    )
    due_date: Mapped[Day | None]
    completed_at: Mapped[Time | None]

    posts: Mapped[list[SocialFeedPost]] = relationship(
        back_populates="milestone", lazy="raise", passive_deletes="all"
    )


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
        # For a query without a condition: that of the policy, an `or`, can't use the two others in
        # the order of time.
        Index("ix_social_feed_posts_created_at_id", desc("created_at"), desc("id")),
        Index(
            "ix_social_feed_posts_author_id_created_at",
            "author_id",
            desc("created_at"),
            desc("id"),
        ),
        {"comment": "Posts of founders; only the author can read a private post."},
    )

    id: Mapped[UuidKey]
    author_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    post_type: Mapped[PostType] = mapped_column(
        TextEnum(PostType), server_default=PostType.MILESTONE
    )
    title: Mapped[Label] = mapped_column(server_default="")
    content: Mapped[LongText]
    milestone_id: Mapped[Label | None] = mapped_column(
        ForeignKey("milestones.id", ondelete="SET NULL", info=OTHER),
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
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON), index=True
    )
    post_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("social_feed_posts.id", ondelete="CASCADE", info=OTHER)
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
            info=OTHER,
        ),
        CheckConstraint(
            f"depth between 0 and {DEEPEST_ANSWER}",
            name="depth_bounded",
            info=refused_with(f"Answers to a comment go {DEEPEST_ANSWER} levels deep at most."),
        ),
        Index("ix_social_feed_comments_post_id_created_at", "post_id", desc("created_at")),
        {"comment": "Comments on a post, or on another comment of it."},
    )

    id: Mapped[UuidKey]
    author_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON), index=True
    )
    post_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("social_feed_posts.id", ondelete="CASCADE", info=OTHER)
    )
    content: Mapped[LongText]
    parent_comment_id: Mapped[uuid.UUID | None] = mapped_column(
        index=True,
        comment="The comment it answers, on the same post; moved and deleted with that.",
    )
    depth: Mapped[int] = mapped_column(
        SmallInteger,
        info=READ_ONLY,
        server_default=text("0"),
        server_onupdate=FetchedValue(),
        comment="The number of comments above it; maintained by a trigger.",
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
