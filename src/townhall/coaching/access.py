"""Who may do what to tenants, their campaigns and the people in them."""

from __future__ import annotations

from townhall.coaching.models import Campaign, CampaignAssignment, TenantProfile
from townhall.pg import ANONYMOUS, AUTHENTICATED, SERVICE, Entity, Function
from townhall.pg.access import Access, door, entities_of, owner

the_creator = owner("created_by", "the creator")

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
    Access(Campaign, read=the_creator, write=the_creator, fixed=("created_by",)),
    Access(CampaignAssignment, read=owner("user_id", "the participant")),
)

# What everybody may know of an active tenant, by its slug or its domain. The table itself is
# closed to them.
BRANDING = (
    Function(
        schema="private",
        name="get_tenant_branding",
        arguments={
            "slug": "inout text",
            "display_name": "out text",
            "tenant_type": "out text",
            "brand_config": "out jsonb",
            "custom_domain": "out text",
        },
        returns="setof record",
        rows=1,
        volatility="stable",
        security="definer",
        settings={"search_path": ""},
        body="""
            select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
            from public.tenant_profiles as t
            where t.slug = get_tenant_branding.slug and t.is_active
        """,
        execute=(ANONYMOUS, AUTHENTICATED, SERVICE),
        comment="What everybody may know of the active tenant of a slug.",
    ),
    Function(
        schema="private",
        name="get_tenant_branding_by_domain",
        arguments={
            "domain": "text",
            "slug": "out text",
            "display_name": "out text",
            "tenant_type": "out text",
            "brand_config": "out jsonb",
            "custom_domain": "out text",
        },
        returns="setof record",
        rows=1,
        volatility="stable",
        security="definer",
        settings={"search_path": ""},
        body="""
            select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
            from public.tenant_profiles as t
            where lower(t.custom_domain) = lower(domain) and t.is_active
        """,
        execute=(ANONYMOUS, AUTHENTICATED, SERVICE),
        comment="What everybody may know of the active tenant of a domain.",
    ),
)

ENTITIES: tuple[Entity, ...] = (*entities_of(RULES), *BRANDING, *map(door, BRANDING))
