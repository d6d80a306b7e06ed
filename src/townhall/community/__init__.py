"""The founder community."""

from __future__ import annotations

from townhall.community.models import (
    Community,
    CommunityMember,
    CommunityRole,
    InvestorReadinessScore,
    Milestone,
    MilestoneStatus,
)

__all__ = [
    "Community",
    "CommunityMember",
    "CommunityRole",
    "InvestorReadinessScore",
    "Milestone",
    "MilestoneStatus",
]
