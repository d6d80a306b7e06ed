"""Tenants, their campaigns, the people who take part in them, and what that costs."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
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
    Base,
    Created,
    JsonObject,
    TextArray,
    Timestamps,
    TrueByDefault,
    UuidKey,
    is_object,
    one_of,
)
from townhall.domains.coaching.brand import BrandConfig, EmailConfig
from townhall.types import OptionalJson, TextEnum


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


class ClientStatus(StrEnum):
    """Where a person stands in a coach's pipeline, from first to last."""

    REGISTERED = "registered"
    STARTED = "started"
    COMPLETED = "completed"
    CONTACTED = "contacted"
    CONVERTED = "converted"
    ARCHIVED = "archived"


class TenantProfile(Timestamps, Base):
    """A coach or company under whose brand the platform runs."""

    __tablename__ = "tenant_profiles"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_is_hyphenated"),
        is_object("brand_config"),
        is_object("email_config"),
        Index("uq_tenant_profiles_custom_domain", func.lower(text("custom_domain")), unique=True),
        {"comment": "A coach or company under whose brand the platform runs."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL"),
        index=True,
        comment="Who owns it; null until the coach has an account, and once that is gone.",
    )
    slug: Mapped[str] = mapped_column(
        unique=True, comment="The name in addresses: lower-case words joined by hyphens."
    )
    display_name: Mapped[str]
    tenant_type: Mapped[str] = mapped_column(server_default="coach")
    brand_config: Mapped[BrandConfig | None] = mapped_column(
        OptionalJson(BrandConfig),
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="What its pages look like and say; an empty object until that is chosen.",
    )
    email_config: Mapped[EmailConfig | None] = mapped_column(
        OptionalJson(EmailConfig),
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="How its e-mails are sent; an empty object until that is chosen.",
    )
    enabled_assessments: Mapped[TextArray] = mapped_column(
        comment="The assessments that its campaigns may use."
    )
    subscription_tier: Mapped[str] = mapped_column(
        server_default="free", comment="What it pays for; the service decides."
    )
    is_active: Mapped[TrueByDefault] = mapped_column(
        comment="Whether its pages are served; the service decides."
    )
    custom_domain: Mapped[str | None] = mapped_column(
        comment="The domain its pages are served at; unique, whatever the case of its letters."
    )


class Campaign(Timestamps, Base):
    """An assessment that a coach invites people to."""

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("id", "tenant_id"),  # what keeps a session's tenant refers to
        one_of("status", CampaignStatus),
        Index("ix_campaigns_created_by_created_at", "created_by", desc("created_at")),
        Index("ix_campaigns_tenant_id_created_at", "tenant_id", desc("created_at")),
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
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("tenant_profiles.id", ondelete="SET NULL"),
        comment="Whose campaign it is; null for its creator's own, or once the tenant is gone.",
    )
    assessment_type: Mapped[str] = mapped_column(
        server_default="industry4", comment="The assessment that participants take."
    )
    results_disclosure: Mapped[str] = mapped_column(
        server_default="full", comment="How much of their results participants are shown."
    )

    tenant: Mapped[TenantProfile | None] = relationship(lazy="raise")
    sessions: Mapped[list[ParticipantSession]] = relationship(
        back_populates="campaign",
        foreign_keys="ParticipantSession.campaign_id",
        lazy="raise",
        passive_deletes=True,
    )


class ParticipantSession(Timestamps, Base):
    """One person's part in a campaign, and in the coach's pipeline."""

    __tablename__ = "participant_sessions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "tenant_id"],
            ["campaigns.id", "campaigns.tenant_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        one_of("status", SessionStatus),
        one_of("client_status", ClientStatus),
        Index(None, "tenant_id", "client_status"),
        {"comment": "One person's part in a campaign, and in the coach's pipeline."},
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
    client_status: Mapped[ClientStatus] = mapped_column(
        TextEnum(ClientStatus),
        server_default=ClientStatus.REGISTERED,
        index=True,
        comment="Where the person stands in the coach's pipeline.",
    )
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("tenant_profiles.id", ondelete="SET NULL"),
        server_default=FetchedValue(),
        server_onupdate=FetchedValue(),
        index=True,
        comment="Whose pipeline the person is in: the campaign's tenant; a trigger fills it.",
    )

    campaign: Mapped[Campaign] = relationship(
        back_populates="sessions", foreign_keys=[campaign_id], lazy="raise"
    )
    tenant: Mapped[TenantProfile | None] = relationship(lazy="raise")


class UsageEvent(Created, Base):
    """Something that a tenant used and pays for."""

    __tablename__ = "usage_events"
    __table_args__ = (
        is_object("event_data"),
        CheckConstraint("tokens_used >= 0", name="tokens_used_not_negative"),
        CheckConstraint("cost_cents >= 0 and cost_cents < 'NaN'", name="cost_cents_not_negative"),
        Index(None, "created_at"),
        Index("ix_usage_events_tenant_id_created_at", "tenant_id", desc("created_at")),
        {"comment": "What tenants used, for billing; rows are only added."},
    )

    id: Mapped[UuidKey]
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("tenant_profiles.id", ondelete="SET NULL"),
        index=True,
        comment="Who pays; null once the tenant is gone.",
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL"),
        index=True,
        comment="Whose doing it was; null where it was nobody's, and once the account is gone.",
    )
    event_type: Mapped[str] = mapped_column(index=True)
    event_data: Mapped[JsonObject] = mapped_column(comment="Particulars, for looking closer.")
    tokens_used: Mapped[int] = mapped_column(
        BigInteger, server_default=text("0"), comment="Tokens of a language model, in and out."
    )
    model_used: Mapped[str | None] = mapped_column(comment="The language model, if one was asked.")
    cost_cents: Mapped[Decimal] = mapped_column(
        Numeric(12, 4), server_default=text("0"), comment="The cost in cents; fractions count."
    )

    tenant: Mapped[TenantProfile | None] = relationship(lazy="raise")
