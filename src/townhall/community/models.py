"""Founders: where they meet, what they plan and how ready they are."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, desc
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    KEPT_BY_DATABASE,
    Base,
    Created,
    FalseByDefault,
    JsonObject,
    NowByDefault,
    Timestamps,
    UuidKey,
    is_object,
    one_of,
)
from townhall.types import TextEnum


class CommunityRole(StrEnum):
    """What a member is in a community."""

    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class MilestoneStatus(StrEnum):
    """Where a milestone stands."""

    PLANNED = "planned"
    ACTIVE = "active"
    DONE = "done"


class Community(Timestamps, Base):
    """A place where founders meet."""

    __tablename__ = "communities"
    __table_args__ = ({"comment": "A place where founders meet."},)

    id: Mapped[UuidKey]
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True, comment="The name in addresses.")
    description: Mapped[str | None]
    created_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL"),
        index=True,
        comment="Whose community it is; null once that account is gone.",
    )
    is_private: Mapped[FalseByDefault] = mapped_column(
        comment="Whether only its members and its creator see it."
    )
    is_archived: Mapped[FalseByDefault] = mapped_column(
        comment="Whether it is over; only its creator still sees it."
    )

    members: Mapped[list[CommunityMember]] = relationship(
        back_populates="community", lazy="raise", passive_deletes=True
    )


class CommunityMember(Base):
    """A person's place in a community."""

    __tablename__ = "community_members"
    __table_args__ = (
        UniqueConstraint("community_id", "user_id"),
        one_of("role", CommunityRole),
        {"comment": "Who belongs to a community, and as what."},
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
    joined_at: Mapped[NowByDefault] = mapped_column(info=KEPT_BY_DATABASE)

    community: Mapped[Community] = relationship(back_populates="members", lazy="raise")


class Milestone(Timestamps, Base):
    """Something that a founder means to reach."""

    __tablename__ = "milestones"
    __table_args__ = (
        one_of("status", MilestoneStatus),
        Index("ix_milestones_user_id_created_at", "user_id", desc("created_at")),
        {"comment": "Something that a founder means to reach."},
    )

    id: Mapped[str] = mapped_column(
        primary_key=True, comment="A text that the application chooses; not a UUID."
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    title: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[MilestoneStatus] = mapped_column(
        TextEnum(MilestoneStatus), server_default=MilestoneStatus.PLANNED
    )
    due_date: Mapped[date | None]
    completed_at: Mapped[datetime | None]


class InvestorReadinessScore(Created, Base):
    """How ready for investors a founder was found to be at one time."""

    __tablename__ = "investor_readiness_scores"
    __table_args__ = (
        CheckConstraint("overall_score between 0 and 100", name="overall_score_in_range"),
        is_object("breakdown"),
        Index("ix_investor_readiness_scores_user_id_created_at", "user_id", desc("created_at")),
        {"comment": "How ready for investors a founder was found to be; the latest row counts."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    overall_score: Mapped[Decimal] = mapped_column(Numeric(5, 2), comment="From 0 to 100.")
    breakdown: Mapped[JsonObject] = mapped_column(comment="What the score is made of, by part.")
