"""White-label coaching: tenants with a brand, their campaigns and who takes part in them."""

from __future__ import annotations

from townhall.coaching.brand import BrandColors, BrandConfig, BrandFonts, BrandLogo, EmailConfig
from townhall.coaching.models import (
    Campaign,
    CampaignStatus,
    ClientStatus,
    ParticipantSession,
    SessionStatus,
    TenantProfile,
    UsageEvent,
)

__all__ = [
    "BrandColors",
    "BrandConfig",
    "BrandFonts",
    "BrandLogo",
    "Campaign",
    "CampaignStatus",
    "ClientStatus",
    "EmailConfig",
    "ParticipantSession",
    "SessionStatus",
    "TenantProfile",
    "UsageEvent",
]
