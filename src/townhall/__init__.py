"""The PostgreSQL data layer for products that bring people together.

The mapped classes, their enums, ``Base`` and ``metadata`` are here, and so are the session
factories. ``entities``, which Alembic needs, is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from townhall.base import Base, metadata
from townhall.coaching import (
    BrandColors,
    BrandConfig,
    BrandFonts,
    BrandLogo,
    Campaign,
    CampaignStatus,
    ClientStatus,
    EmailConfig,
    ParticipantSession,
    SessionStatus,
    TenantProfile,
    UsageEvent,
)
from townhall.community import (
    BenchmarkIndustryAggregate,
    BenchmarkStageAggregate,
    Cohort,
    CohortMember,
    CohortRole,
    CohortStatus,
    CohortType,
    Community,
    CommunityMember,
    CommunityProfile,
    CommunityRole,
    ConnectionSource,
    ConnectionStatus,
    ConsentAuditLog,
    ConsentCategory,
    ConsentPreference,
    EngagementStreak,
    ExpertiseType,
    ExpertListing,
    FounderConnection,
    FounderMessage,
    InvestorReadinessScore,
    Milestone,
    MilestoneStatus,
    PostType,
    ReactionType,
    ReputationEvent,
    ReputationEventType,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    SubcommunitySponsor,
    VisibilitySettings,
)
from townhall.events import (
    AssignedBy,
    Event,
    EventStatus,
    Participant,
    ParticipantStatus,
    ParticipantTrack,
    TableAssignment,
    Track,
    TrackStatistics,
)
from townhall.identity import (
    Organization,
    OrganizationMember,
    OrganizationRole,
    Profile,
    User,
)
from townhall.session import Actor, ActorError, AsyncSessionFactory, RoleNotGranted, SessionFactory
from townhall.wizard import WizardSession, WizardStatus

if TYPE_CHECKING:
    from townhall.pg import Entity

    entities: tuple[Entity, ...]

__all__ = [
    "Actor",
    "ActorError",
    "AssignedBy",
    "AsyncSessionFactory",
    "Base",
    "BenchmarkIndustryAggregate",
    "BenchmarkStageAggregate",
    "BrandColors",
    "BrandConfig",
    "BrandFonts",
    "BrandLogo",
    "Campaign",
    "CampaignStatus",
    "ClientStatus",
    "Cohort",
    "CohortMember",
    "CohortRole",
    "CohortStatus",
    "CohortType",
    "Community",
    "CommunityMember",
    "CommunityProfile",
    "CommunityRole",
    "ConnectionSource",
    "ConnectionStatus",
    "ConsentAuditLog",
    "ConsentCategory",
    "ConsentPreference",
    "EmailConfig",
    "EngagementStreak",
    "Event",
    "EventStatus",
    "ExpertListing",
    "ExpertiseType",
    "FounderConnection",
    "FounderMessage",
    "InvestorReadinessScore",
    "Milestone",
    "MilestoneStatus",
    "Organization",
    "OrganizationMember",
    "OrganizationRole",
    "Participant",
    "ParticipantSession",
    "ParticipantStatus",
    "ParticipantTrack",
    "PostType",
    "Profile",
    "ReactionType",
    "ReputationEvent",
    "ReputationEventType",
    "RoleNotGranted",
    "SessionFactory",
    "SessionStatus",
    "SocialFeedComment",
    "SocialFeedPost",
    "SocialFeedReaction",
    "SubcommunitySponsor",
    "TableAssignment",
    "TenantProfile",
    "Track",
    "TrackStatistics",
    "UsageEvent",
    "User",
    "VisibilitySettings",
    "WizardSession",
    "WizardStatus",
    "entities",
    "metadata",
]


def __getattr__(name: str) -> object:
    # The entities stand on Alembic, which an application that only runs queries has no need of.
    if name == "entities":
        from townhall.schema import entities  # noqa: PLC0415 - the point of this function

        return entities
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
