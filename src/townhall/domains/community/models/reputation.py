"""Expertise that founders offer, and the points and streaks that they earn."""

from __future__ import annotations

import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, Index, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from townhall.base import (
    PERSON,
    READ_ONLY,
    Base,
    Created,
    Day,
    JsonObject,
    Label,
    LongText,
    NowByDefault,
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


class ExpertListing(Timestamps, Base):
    """An offer of a founder's expertise."""

    __tablename__ = "expert_listings"
    __table_args__ = (
        one_of("expertise_type", ExpertiseType),
        {"comment": "The expertise that founders offer."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON), index=True
    )
    expertise_type: Mapped[ExpertiseType] = mapped_column(TextEnum(ExpertiseType))
    title: Mapped[Label]
    description: Mapped[LongText]
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
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    event_type: Mapped[ReputationEventType] = mapped_column(TextEnum(ReputationEventType))
    points: Mapped[int] = mapped_column(server_default=text("1"))
    source_id: Mapped[uuid.UUID | None] = mapped_column(
        comment="The row that the points are for, in the table that source_type names."
    )
    source_type: Mapped[Label | None] = mapped_column(comment="The table of source_id.")
    metadata_: Mapped[JsonObject] = mapped_column("metadata")


class EngagementStreak(Base):
    """The days in a row on which a founder checked in."""

    __tablename__ = "engagement_streaks"
    __table_args__ = (
        CheckConstraint("current_streak >= 0", name="current_streak_not_negative"),
        CheckConstraint(
            "longest_streak >= current_streak",
            name="longest_is_longest",
            info=refused_with("The longest streak is at least as long as the current one."),
        ),
        CheckConstraint("total_checkins >= 0", name="total_checkins_not_negative"),
        {"comment": "On how many days in a row a founder has checked in; written by the service."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON), unique=True
    )
    current_streak: Mapped[ZeroByDefault]
    longest_streak: Mapped[ZeroByDefault]
    total_checkins: Mapped[ZeroByDefault]
    last_checkin_date: Mapped[Day | None]
    streak_started_at: Mapped[Time | None]
    updated_at: Mapped[NowByDefault] = mapped_column(
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="When the row last changed; maintained by a trigger.",
    )
