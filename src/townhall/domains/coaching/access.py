"""Access to tenants, campaigns, participant sessions and usage."""

from __future__ import annotations

from townhall.domains.coaching.functions import MY_ACTIVE_TENANT_IDS, MY_TENANT_IDS
from townhall.domains.coaching.models import (
    Campaign,
    ParticipantSession,
    TenantProfile,
    UsageEvent,
)
from townhall.pg.access import Access, Attribute, Principal, anyone_with, owner

THE_TENANTS_OWNER = "the tenant's owner"
THE_ACTIVE_TENANTS_OWNER = "the active tenant's owner"


def tenants_owner(tenant_id: Attribute) -> Principal:
    """Return the owner of the tenant whose id is in a column."""
    return anyone_with(tenant_id, MY_TENANT_IDS, THE_TENANTS_OWNER)


def active_tenants_owner(tenant_id: Attribute) -> Principal:
    """Return the owner, with an account, of the active tenant whose id is in a column."""
    return anyone_with(tenant_id, MY_ACTIVE_TENANT_IDS, THE_ACTIVE_TENANTS_OWNER)


the_tenant = owner(TenantProfile.user_id, THE_TENANTS_OWNER)
the_active_tenant = the_tenant.where("is_active", "of an active tenant").with_account.named(
    THE_ACTIVE_TENANTS_OWNER
)

# The owner of the campaign's tenant or, without a tenant, the user who created the campaign.
the_creator = owner(Campaign.created_by, "the creator").where(
    "tenant_id is null", "without a tenant"
)
the_campaigns_owner = (tenants_owner(Campaign.tenant_id) | the_creator).named(
    "the campaign's owner"
)
the_active_campaigns_owner = (
    active_tenants_owner(Campaign.tenant_id) | the_creator.with_account
).named("the active campaign's owner")
with_an_enabled_assessment = (
    active_tenants_owner(Campaign.tenant_id).where(
        """
        (tenant_id, assessment_type) in (
            select e.tenant_id, e.assessment_type
            from private.my_enabled_assessments() as e
        )
        """,
        "with an enabled assessment",
    )
    | the_creator.with_account
).named("the active campaign's owner")

SESSION_ACCESS = Access(
    ParticipantSession,
    read=tenants_owner(ParticipantSession.tenant_id)
    | owner(ParticipantSession.user_id, "the participant"),
    update=active_tenants_owner(ParticipantSession.tenant_id),
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
        update=the_active_tenant,
        update_columns=(
            TenantProfile.display_name,
            TenantProfile.brand_config,
            TenantProfile.email_config,
            TenantProfile.custom_domain,
        ),
    ),
    Access(
        Campaign,
        read=the_campaigns_owner,
        insert=with_an_enabled_assessment.where(
            "coalesce(created_by, :caller) = :caller", "in their own name"
        ),
        update=the_active_campaigns_owner,
        becomes=with_an_enabled_assessment,
        delete=the_active_campaigns_owner,
        fixed=(Campaign.created_by, Campaign.tenant_id),
    ),
    SESSION_ACCESS,
    Access(UsageEvent, read=tenants_owner(UsageEvent.tenant_id)),
)
