"""The models of the community."""

from __future__ import annotations

from townhall.domains.community.models.benchmarks import (
    BenchmarkIndustryAggregate,
    BenchmarkStageAggregate,
    InvestorReadinessScore,
)
from townhall.domains.community.models.cohorts import (
    Cohort,
    CohortMember,
    CohortRole,
    CohortStatus,
    CohortType,
)
from townhall.domains.community.models.communities import (
    Community,
    CommunityMember,
    CommunityRole,
    SubcommunitySponsor,
)
from townhall.domains.community.models.connections import (
    ConnectionSource,
    ConnectionStatus,
    FounderConnection,
    FounderMessage,
)
from townhall.domains.community.models.consents import (
    ConsentAuditLog,
    ConsentCategory,
    ConsentPreference,
)
from townhall.domains.community.models.feed import (
    Milestone,
    MilestoneStatus,
    PostType,
    ReactionType,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
)
from townhall.domains.community.models.profiles import (
    CommunityProfile,
    VisibilitySettings,
)
from townhall.domains.community.models.reputation import (
    EngagementStreak,
    ExpertiseType,
    ExpertListing,
    ReputationEvent,
    ReputationEventType,
)

__all__ = [
    "BenchmarkIndustryAggregate",
    "BenchmarkStageAggregate",
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
    "EngagementStreak",
    "ExpertListing",
    "ExpertiseType",
    "FounderConnection",
    "FounderMessage",
    "InvestorReadinessScore",
    "Milestone",
    "MilestoneStatus",
    "PostType",
    "ReactionType",
    "ReputationEvent",
    "ReputationEventType",
    "SocialFeedComment",
    "SocialFeedPost",
    "SocialFeedReaction",
    "SubcommunitySponsor",
    "VisibilitySettings",
]
