"""Campaigns, and the people who take part in them."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, desc
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import Base, Timestamps, UuidKey, one_of
from townhall.types import TextEnum


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    COMPLETED = "completed"
    ARCHIVED = "archived"


class SessionStatus(StrEnum):
    """How far a participant has come."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Campaign(Timestamps, Base):
    """An assessment that a coach invites people to."""

    __tablename__ = "campaigns"
    __table_args__ = (
        one_of("status", CampaignStatus),
        Index("ix_campaigns_created_by_created_at", "created_by", desc("created_at")),
        {"comment": "An assessment that a coach invites people to."},
    )

    id: Mapped[UuidKey]
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[CampaignStatus] = mapped_column(
        TextEnum(CampaignStatus), server_default=CampaignStatus.DRAFT
    )
    created_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL"),
        comment="Who made the campaign; null once that account is gone.",
    )
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]

    assignments: Mapped[list[CampaignAssignment]] = relationship(
        back_populates="campaign", lazy="raise", passive_deletes=True
    )


class CampaignAssignment(Timestamps, Base):
    """One person's part in a campaign."""

    __tablename__ = "campaign_assignments"
    __table_args__ = (
        one_of("status", SessionStatus),
        {"comment": "One person's part in a campaign."},
    )

    id: Mapped[UuidKey]
    campaign_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), index=True
    )
    stakeholder_name: Mapped[str | None]
    stakeholder_email: Mapped[str | None]
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL"),
        index=True,
        comment="The person's account; null for a guest without one.",
    )
    status: Mapped[SessionStatus] = mapped_column(
        TextEnum(SessionStatus),
        server_default=SessionStatus.PENDING,
        comment="How far the person has come.",
    )
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship(back_populates="assignments", lazy="raise")
