"""White-label coaching: tenants with a brand, their campaigns and participants."""

from __future__ import annotations

from townhall.domains.coaching.brand import (
    BrandColors,
    BrandConfig,
    BrandFonts,
    BrandLogo,
    EmailConfig,
)
from townhall.domains.coaching.custom_domain import canonical_domain
from townhall.domains.coaching.models import (
    Campaign,
    CampaignStatus,
    ClientStatus,
    ParticipantSession,
    SessionStatus,
    TenantProfile,
    UsageEvent,
)
from townhall.domains.coaching.queries import (
    complete_participant_session,
    delete_usage,
    log_usage_event,
    newest_usage,
    pipeline_of,
    start_participant_session,
    tenant_branding,
    tenant_by_domain,
    tenant_by_id,
    tenant_by_slug,
    tenant_for_user,
    usage_summary,
    verify_custom_domain,
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
    "canonical_domain",
    "complete_participant_session",
    "delete_usage",
    "log_usage_event",
    "newest_usage",
    "pipeline_of",
    "start_participant_session",
    "tenant_branding",
    "tenant_by_domain",
    "tenant_by_id",
    "tenant_by_slug",
    "tenant_for_user",
    "usage_summary",
    "verify_custom_domain",
]
