"""The triggers of coaching: timestamps, verified domains, and the tenants of sessions."""

from __future__ import annotations

from townhall.domains.identity.triggers import updated_at_trigger
from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger

# A session has the tenant of its campaign, regardless of who writes it and of who can read the
# campaign. When the tenant of a campaign changes, a foreign key updates its sessions. When a
# campaign without a tenant gets one, the second function does: a foreign key does not match NULL.
FILL_SESSION_TENANT = Function(
    schema="private",
    name="fill_session_tenant",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    # The lock waits for a concurrent change of the campaign's tenant. When a tenant is deleted, its
    # sessions may be updated before its campaigns, which then still name it.
    body="""
        begin
            select c.tenant_id into new.tenant_id
            from public.campaigns as c
            where c.id = new.campaign_id
            for key share;
            new.tenant_id := (
                select t.id
                from public.tenant_profiles as t
                where t.id = new.tenant_id
            );
            return new;
        end
    """,
    comment="Sets the tenant of a session to that of its campaign.",
)

FILL_CAMPAIGN_SESSIONS_TENANT = Function(
    schema="private",
    name="fill_campaign_sessions_tenant",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            update public.participant_sessions as s
            set tenant_id = new.tenant_id
            where s.campaign_id = new.id and s.tenant_id is null;
            return null;
        end
    """,
    comment="Sets the tenant of a campaign's sessions without one when the campaign gets one.",
)

UNVERIFY_CUSTOM_DOMAIN = Function(
    schema="private",
    name="unverify_custom_domain",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            new.custom_domain_verified_at := null;
            return new;
        end
    """,
    comment="Makes a domain that has changed one that is not verified.",
)

ENTITIES: tuple[Entity, ...] = (
    UNVERIFY_CUSTOM_DOMAIN,
    FILL_SESSION_TENANT,
    FILL_CAMPAIGN_SESSIONS_TENANT,
    Trigger(
        table="tenant_profiles",
        name="unverify_custom_domain",
        timing="before",
        events=("update",),
        condition="""
            new.custom_domain is distinct from old.custom_domain
            and new.custom_domain_verified_at
                is not distinct from old.custom_domain_verified_at
        """,
        function=UNVERIFY_CUSTOM_DOMAIN,
        comment="Makes a domain that has changed one that is not verified.",
    ),
    updated_at_trigger("tenant_profiles"),
    updated_at_trigger("campaigns"),
    updated_at_trigger("participant_sessions"),
    Trigger(
        table="participant_sessions",
        name="fill_session_tenant",
        timing="before",
        events=("insert", "update"),
        columns=("campaign_id", "tenant_id"),
        function=FILL_SESSION_TENANT,
        comment="Sets the tenant of a session to that of its campaign.",
    ),
    Trigger(
        table="campaigns",
        name="fill_campaign_sessions_tenant",
        timing="after",
        events=("update",),
        columns=("tenant_id",),
        condition="new.tenant_id is distinct from old.tenant_id and new.tenant_id is not null",
        function=FILL_CAMPAIGN_SESSIONS_TENANT,
        comment="Sets the tenant of a campaign's sessions without one when the campaign gets one.",
    ),
)
