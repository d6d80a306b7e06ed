"""Who may do what to tenants, their campaigns and the people in them."""

from __future__ import annotations

from townhall.domains.coaching.models import (
    Campaign,
    ParticipantSession,
    TenantProfile,
    UsageEvent,
)
from townhall.pg.access import Access, Who, anyone_with, owner


def tenants_owner(column: str) -> Who:
    """Return the owner of the tenant whose id is in ``column``."""
    return anyone_with(column, "my_tenant_ids", "the tenant's owner")


the_campaigns_owner = tenants_owner("tenant_id") | owner("created_by", "the creator").where(
    "tenant_id is null", "without a tenant"
)
in_their_own_name = Who(
    "the campaign's owner in their own name",
    the_campaigns_owner.where(
        "coalesce(created_by, (select auth.uid())) = (select auth.uid())", "in their own name"
    ).condition,
)

SESSION_RULES = Access(
    ParticipantSession,
    read=tenants_owner("tenant_id") | owner("user_id", "the participant"),
    update=tenants_owner("tenant_id"),
    update_columns=("stakeholder_name", "stakeholder_email", "client_status"),
)

RULES = (
    Access(
        TenantProfile,
        read=owner("user_id"),
        update=owner("user_id"),
        update_columns=(
            "display_name",
            "tenant_type",
            "brand_config",
            "email_config",
            "enabled_assessments",
            "custom_domain",
        ),
    ),
    Access(
        Campaign,
        read=the_campaigns_owner,
        write=the_campaigns_owner,
        insert=in_their_own_name,
        fixed=("created_by", "tenant_id"),
    ),
    SESSION_RULES,
    Access(UsageEvent, read=tenants_owner("tenant_id")),
)
