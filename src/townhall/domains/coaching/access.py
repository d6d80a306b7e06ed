"""Access to tenants, campaigns, participant sessions and usage."""

from __future__ import annotations

from townhall.domains.coaching.functions import MY_TENANT_IDS
from townhall.domains.coaching.models import (
    Campaign,
    ParticipantSession,
    TenantProfile,
    UsageEvent,
)
from townhall.pg.access import Access, Attribute, Principal, anyone_with, owner

THE_TENANTS_OWNER = "the tenant's owner"


def tenants_owner(tenant_id: Attribute) -> Principal:
    """Return the owner of the tenant whose id is in a column."""
    return anyone_with(tenant_id, MY_TENANT_IDS, THE_TENANTS_OWNER)


the_tenant = owner(TenantProfile.user_id, THE_TENANTS_OWNER)

# The owner of the campaign's tenant or, without a tenant, the user who created the campaign.
the_campaigns_owner = (
    tenants_owner(Campaign.tenant_id)
    | owner(Campaign.created_by, "the creator").where("tenant_id is null", "without a tenant")
).named("the campaign's owner")

SESSION_ACCESS = Access(
    ParticipantSession,
    read=tenants_owner(ParticipantSession.tenant_id)
    | owner(ParticipantSession.user_id, "the participant"),
    update=tenants_owner(ParticipantSession.tenant_id),
    update_columns=(
        ParticipantSession.stakeholder_name,
        ParticipantSession.stakeholder_email,
        ParticipantSession.client_status,
    ),
)

RULES = (
    Access(
        TenantProfile,
        read=the_tenant,
        update=the_tenant,
        update_columns=(
            TenantProfile.display_name,
            TenantProfile.tenant_type,
            TenantProfile.brand_config,
            TenantProfile.email_config,
            TenantProfile.enabled_assessments,
            TenantProfile.custom_domain,
        ),
    ),
    Access(
        Campaign,
        read=the_campaigns_owner,
        write=the_campaigns_owner,
        insert=the_campaigns_owner.where(
            "coalesce(created_by, :caller) = :caller", "in their own name"
        ),
        fixed=(Campaign.created_by, Campaign.tenant_id),
    ),
    SESSION_ACCESS,
    Access(UsageEvent, read=tenants_owner(UsageEvent.tenant_id)),
)
