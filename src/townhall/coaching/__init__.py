"""White-label coaching: campaigns, and the people who take part in them."""

from __future__ import annotations

from townhall.coaching.models import Campaign, CampaignAssignment, CampaignStatus, SessionStatus

__all__ = ["Campaign", "CampaignAssignment", "CampaignStatus", "SessionStatus"]
