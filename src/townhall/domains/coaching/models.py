"""Tenants, their campaigns, the participants, and usage for billing."""

from __future__ import annotations

import uuid
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    desc,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    ACTOR,
    OTHER,
    PERSON,
    READ_ONLY,
    Base,
    Created,
    JsonObject,
    Label,
    Labels,
    Line,
    LongText,
    Time,
    Timestamps,
    TrueByDefault,
    UuidKey,
    created_at,
    is_object,
    kept,
    one_of,
    personal,
)
from townhall.domains.coaching.brand import BrandConfig, EmailConfig, value_checks
from townhall.domains.coaching.custom_domain import CANONICAL_PATTERN, LONGEST_DOMAIN
from townhall.refusals import Kind, refused_with
from townhall.types import BoundedBigInteger, BoundedText, ExactNumeric, OptionalJson, TextEnum

OF_BUSINESS = kept("the tenant is a business, which keeps its brand: change what names the person")
"""``info`` of the columns of a tenant that outlast its owner's account."""

OF_BILLING = kept("it is billed to the tenant")
"""``info`` of the columns of usage that outlast the account that caused it."""


class CampaignStatus(StrEnum):
    """The status of a campaign."""

    DRAFT = "draft"
    ACTIVE = "active"
    COMPLETED = "completed"
    ARCHIVED = "archived"


class SessionStatus(StrEnum):
    """The progress of a participant."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class ClientStatus(StrEnum):
    """The stages of a coach's pipeline, in their order."""

    REGISTERED = "registered"
    STARTED = "started"
    COMPLETED = "completed"
    CONTACTED = "contacted"
    CONVERTED = "converted"
    ARCHIVED = "archived"


class TenantProfile(Timestamps, Base):
    """A coach or company with its own brand on the platform."""

    __tablename__ = "tenant_profiles"
    __table_args__ = (
        CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'",
            name="slug_is_hyphenated",
            info=refused_with(
                "A name in URLs has lower-case letters and digits, joined by hyphens."
            ),
        ),
        is_object("brand_config"),
        is_object("email_config"),
        *value_checks(),
        CheckConstraint(
            f"custom_domain ~ '{CANONICAL_PATTERN}'",
            name="custom_domain_is_canonical",
            info=refused_with(
                "A domain is written in lower case, without a port and a dot at its end."
            ),
        ),
        CheckConstraint(
            "custom_domain_verified_at is null or custom_domain is not null",
            name="custom_domain_verified_at_has_domain",
            info=refused_with("There is no domain that was verified.", Kind.WRONG_STATE),
        ),
        Index(None, "custom_domain"),
        Index(
            "uq_tenant_profiles_custom_domain",
            "custom_domain",
            unique=True,
            postgresql_where=text("custom_domain_verified_at is not null"),
        ),
        {"comment": "A coach or company with its own brand on the platform."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL", info=PERSON),
        index=True,
        comment="The owner; null until the coach has an account, and once that is deleted.",
    )
    slug: Mapped[Label] = mapped_column(
        unique=True,
        info=OF_BUSINESS,
        comment="The name in URLs: lower-case words joined by hyphens.",
    )
    display_name: Mapped[Label] = mapped_column(info=OF_BUSINESS)
    tenant_type: Mapped[Label] = mapped_column(
        info=OF_BUSINESS,
        server_default="coach",
        comment="The type of the tenant; written by the service.",
    )
    brand_config: Mapped[BrandConfig | None] = mapped_column(
        OptionalJson(BrandConfig),
        info=OF_BUSINESS,
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="The brand of its pages; an empty object until it is set.",
    )
    email_config: Mapped[EmailConfig | None] = mapped_column(
        OptionalJson(EmailConfig),
        info=personal(),
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="The settings of its e-mails; an empty object until they are set.",
    )
    enabled_assessments: Mapped[Labels] = mapped_column(
        info=OF_BUSINESS,
        comment="The assessments that its campaigns may use; written by the service.",
    )
    subscription_tier: Mapped[Label] = mapped_column(
        info=OF_BUSINESS, server_default="free", comment="The subscription; written by the service."
    )
    is_active: Mapped[TrueByDefault] = mapped_column(
        comment="Whether its pages are served and its owner may write; written by the service."
    )
    custom_domain: Mapped[str | None] = mapped_column(
        BoundedText(LONGEST_DOMAIN),
        info=OF_BUSINESS,
        comment="The domain of its pages in canonical form; served once it is verified.",
    )
    custom_domain_verified_at: Mapped[Time | None] = mapped_column(
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="When the service verified that the domain is the tenant's; null until then.",
    )


class Campaign(Timestamps, Base):
    """An assessment that a coach invites people to."""

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("id", "tenant_id"),  # referenced by the composite foreign key of sessions
        one_of("status", CampaignStatus),
        Index("ix_campaigns_created_by_created_at", "created_by", desc("created_at")),
        Index("ix_campaigns_tenant_id_created_at", "tenant_id", desc("created_at")),
        {"comment": "An assessment that a coach invites people to."},
    )

    id: Mapped[UuidKey]
    name: Mapped[Label]
    description: Mapped[LongText | None]
    status: Mapped[CampaignStatus] = mapped_column(
        TextEnum(CampaignStatus), server_default=CampaignStatus.DRAFT
    )
    created_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL", info=ACTOR),
        comment="The account that created the campaign; null once that account is deleted.",
    )
    starts_at: Mapped[Time | None]
    ends_at: Mapped[Time | None]
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("tenant_profiles.id", ondelete="SET NULL", info=OTHER),
        comment="The tenant; null for a creator's own campaign, or once it is deleted.",
    )
    assessment_type: Mapped[Label] = mapped_column(
        server_default="industry4", comment="The assessment that participants take."
    )
    results_disclosure: Mapped[Label] = mapped_column(
        server_default="full", comment="How much of their results participants can read."
    )

    tenant: Mapped[TenantProfile | None] = relationship(lazy="raise")
    sessions: Mapped[list[ParticipantSession]] = relationship(
        back_populates="campaign",
        foreign_keys="ParticipantSession.campaign_id",
        lazy="raise",
        passive_deletes=True,
    )


class ParticipantSession(Timestamps, Base):
    """A person's participation in a campaign, a lead of the coach's pipeline."""

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
        Index(
            "ix_participant_sessions_lower_stakeholder_email", func.lower(text("stakeholder_email"))
        ),
        {"comment": "A person's participation in a campaign, a lead of the coach's pipeline."},
    )

    id: Mapped[UuidKey]
    campaign_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), index=True
    )
    stakeholder_name: Mapped[Label | None] = mapped_column(info=personal())
    stakeholder_email: Mapped[Line | None] = mapped_column(info=personal(is_email=True))
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL", info=PERSON),
        index=True,
        comment="The person's account; null for a guest without one.",
    )
    status: Mapped[SessionStatus] = mapped_column(
        TextEnum(SessionStatus),
        server_default=SessionStatus.PENDING,
        comment="The progress of the person.",
    )
    started_at: Mapped[Time | None]
    completed_at: Mapped[Time | None]
    client_status: Mapped[ClientStatus] = mapped_column(
        TextEnum(ClientStatus),
        server_default=ClientStatus.REGISTERED,
        index=True,
        comment="The person's stage in the coach's pipeline.",
    )
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("tenant_profiles.id", ondelete="SET NULL", info=OTHER),
        server_default=FetchedValue(),
        server_onupdate=FetchedValue(),
        index=True,
        comment="The campaign's tenant, whose pipeline the person is in; set by a trigger.",
    )

    campaign: Mapped[Campaign] = relationship(
        back_populates="sessions", foreign_keys=[campaign_id], lazy="raise"
    )
    tenant: Mapped[TenantProfile | None] = relationship(lazy="raise")


class UsageEvent(Created, Base):
    """Usage that a tenant is billed for."""

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
        ForeignKey("tenant_profiles.id", ondelete="SET NULL", info=OTHER),
        index=True,
        comment="The tenant that pays; null once it is deleted.",
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL", info=PERSON),
        index=True,
        comment="The account that caused it; null where none did, or it was deleted.",
    )
    # The caller of log_usage_event() may say when.
    created_at: Mapped[Time] = created_at("When the row was created.")
    event_type: Mapped[Label] = mapped_column(index=True, info=OF_BILLING)
    event_data: Mapped[JsonObject] = mapped_column(info=personal(), comment="Details of the event.")
    tokens_used: Mapped[int] = mapped_column(
        BoundedBigInteger,
        server_default=text("0"),
        comment="Input and output tokens of the language model.",
    )
    model_used: Mapped[Label | None] = mapped_column(
        info=OF_BILLING, comment="The language model, if one was used."
    )
    cost_cents: Mapped[Decimal] = mapped_column(
        ExactNumeric(12, 4), server_default=text("0"), comment="The cost in cents, with fractions."
    )

    tenant: Mapped[TenantProfile | None] = relationship(lazy="raise")
