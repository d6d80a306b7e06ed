"""Access to tenants, campaigns, sessions and usage, and to the views on sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.coaching.data import (
    BRAND,
    CAMPAIGN,
    CREATOR,
    CREATOR_CAMPAIGN,
    DOMAIN,
    INACTIVE_CAMPAIGN,
    INACTIVE_OWNER,
    INACTIVE_SESSION,
    INACTIVE_TENANT,
    INACTIVE_USAGE,
    PERSONAS,
    SESSION,
    TENANT,
    USAGE,
    insert_inactive_tenant,
)
from tests.support.access_matrix import Functions, TableRow, Target, check_access
from tests.support.personas import with_anonymous_sign_in
from townhall import Campaign, ParticipantSession, TenantProfile, UsageEvent
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

TABLES_AND_FUNCTIONS = access_cases(
    """
    tenant_profiles  anon no_sub stranger outsider creator participant owner inactive service
    select           x    0      0        0        0       0           +     0        +
    insert           x    x      x        x        x       x           x     x        +
    update           x    0      0        0        0       0           +     0        +
    delete           x    x      x        x        x       x           x     x        +

    inactive_tenant  anon no_sub stranger outsider creator participant owner inactive service
    select           x    0      0        0        0       0           0     +        +
    insert           x    x      x        x        x       x           x     x        +
    update           x    0      0        0        0       0           0     0        +
    delete           x    x      x        x        x       x           x     x        +

    campaigns     anon no_sub stranger outsider creator participant owner inactive service
    select        x    0      0        0        0       0           +     0        +
    insert        x    !      !        !        !       !           +     !        +
    update        x    0      0        0        0       0           +     0        +
    delete        x    0      0        0        0       0           +     0        +

    inactive_campaign  anon no_sub stranger outsider creator participant owner inactive service
    select             x    0      0        0        0       0           0     +        +
    insert             x    !      !        !        !       !           !     !        +
    update             x    0      0        0        0       0           0     0        +
    delete             x    0      0        0        0       0           0     0        +

    creator_campaign  anon no_sub stranger outsider creator participant owner inactive service
    select            x    0      0        0        +       0           0     0        +
    insert            x    !      !        !        +       !           !     !        +
    update            x    0      0        0        +       0           0     0        +
    delete            x    0      0        0        +       0           0     0        +

    participant_sessions  anon no_sub stranger outsider creator participant owner inactive service
    select                x    0      0        0        0       +           +     0        +
    insert                x    x      x        x        x       x           x     x        +
    update                x    0      0        0        0       0           +     0        +
    delete                x    x      x        x        x       x           x     x        +

    inactive_session  anon no_sub stranger outsider creator participant owner inactive service
    select            x    0      0        0        0       0           0     +        +
    insert            x    x      x        x        x       x           x     x        +
    update            x    0      0        0        0       0           0     0        +
    delete            x    x      x        x        x       x           x     x        +

    usage_events  anon no_sub stranger outsider creator participant owner inactive service
    select        x    0      0        0        0       0           +     0        +
    insert        x    x      x        x        x       x           x     x        +
    update        x    x      x        x        x       x           x     x        +
    delete        x    x      x        x        x       x           x     x        +

    inactive_usage  anon no_sub stranger outsider creator participant owner inactive service
    select          x    0      0        0        0       0           0     +        +
    insert          x    x      x        x        x       x           x     x        +
    update          x    x      x        x        x       x           x     x        +
    delete          x    x      x        x        x       x           x     x        +

    functions                      anon no_sub stranger outsider creator participant owner inactive service
    get_tenant_branding            +    +      +        +        +       +           +     +        +
    get_tenant_branding_by_domain  +    +      +        +        +       +           +     +        +
    verify_custom_domain           x    x      x        x        x       x           x     x        +
    start_participant_session      x    r      r        r        r       +           r     r        x
    complete_participant_session   x    r      r        r        r       +           r     r        x
    log_usage_event                x    x      x        x        x       x           x     x        +
    usage_summary                  x    0      0        +        0       0           +     +        +
    newest_usage                   x    0      0        +        0       0           +     +        +

    inactive_branding              anon no_sub stranger outsider creator participant owner inactive service
    get_tenant_branding            0    0      0        0        0       0           0     0        0
    get_tenant_branding_by_domain  0    0      0        0        0       0           0     0        0

    unverified_branding            anon no_sub stranger outsider creator participant owner inactive service
    get_tenant_branding_by_domain  0    0      0        0        0       0           0     0        0
    """  # noqa: E501 - the rows of a table
)

# A view with the columns of the table gives each persona the access that the table gives.
VIEWS = ("campaign_assignments", "stakeholder_sessions")
MATRIX = with_anonymous_sign_in(
    [
        *TABLES_AND_FUNCTIONS,
        *(
            case._replace(target=view)
            for view in VIEWS
            for case in TABLES_AND_FUNCTIONS
            if case.target == "participant_sessions"
        ),
    ]
)

PARTICIPANT_SESSION = TableRow(
    ParticipantSession,
    key=SESSION,
    new={"campaign_id": CAMPAIGN, "stakeholder_name": "Another"},
    change={
        "stakeholder_name": "Renamed",
        "stakeholder_email": "renamed@example.org",
        "client_status": "contacted",
    },
)

BY_SLUG = "select from public.get_tenant_branding('green-tree')"
BY_DOMAIN = f"select from public.get_tenant_branding_by_domain('{DOMAIN}')"

TARGETS: dict[str, Target] = {
    "tenant_profiles": TableRow(
        TenantProfile,
        key=TENANT,
        new={"slug": "another", "display_name": "Another"},
        change={
            "display_name": "Renamed",
            "brand_config": BRAND.model_copy(update={"tagline": "Changed"}),
            "custom_domain": "another.example",
        },
    ),
    "inactive_tenant": TableRow(
        TenantProfile,
        key=INACTIVE_TENANT,
        new={"slug": "another", "display_name": "Another", "user_id": INACTIVE_OWNER},
        change={"display_name": "Renamed", "custom_domain": "another.example"},
    ),
    "campaigns": TableRow(
        Campaign,
        key=CAMPAIGN,
        new={"tenant_id": TENANT, "name": "Another"},
        change={"name": "Renamed", "status": "active", "results_disclosure": "none"},
    ),
    "inactive_campaign": TableRow(
        Campaign,
        key=INACTIVE_CAMPAIGN,
        new={"tenant_id": INACTIVE_TENANT, "name": "Another"},
        change={"name": "Renamed", "status": "active"},
    ),
    "creator_campaign": TableRow(
        Campaign,
        key=CREATOR_CAMPAIGN,
        new={"created_by": CREATOR, "name": "Another"},
        change={"name": "Renamed", "status": "active", "assessment_type": "other"},
    ),
    "participant_sessions": PARTICIPANT_SESSION,
    "inactive_session": replace(
        PARTICIPANT_SESSION,
        key=INACTIVE_SESSION,
        new={"campaign_id": INACTIVE_CAMPAIGN, "stakeholder_name": "Another"},
    ),
    "usage_events": TableRow(
        UsageEvent,
        key=USAGE,
        new={"tenant_id": TENANT, "event_type": "another"},
        change={"event_type": "renamed", "tokens_used": 1},
    ),
    "inactive_usage": TableRow(
        UsageEvent,
        key=INACTIVE_USAGE,
        new={"tenant_id": INACTIVE_TENANT, "event_type": "another"},
        change={"event_type": "renamed", "tokens_used": 1},
    ),
    **{view: replace(PARTICIPANT_SESSION, view=view) for view in VIEWS},
    "functions": Functions(
        {
            "get_tenant_branding": BY_SLUG,
            "get_tenant_branding_by_domain": BY_DOMAIN,
            "verify_custom_domain": f"select public.verify_custom_domain('{TENANT}', '{DOMAIN}')",
            "start_participant_session": f"select public.start_participant_session('{SESSION}')",
            "complete_participant_session": (
                f"select public.complete_participant_session('{SESSION}')"
            ),
            "log_usage_event": f"select public.log_usage_event('{TENANT}', 'chat')",
            "usage_summary": "select * from public.usage_summary(current_date)",
            "newest_usage": "select * from public.newest_usage()",
        },
        preconditions={
            "complete_participant_session": f"""
                update public.participant_sessions
                set status = 'in_progress', started_at = now()
                where id = '{SESSION}'
            """
        },
    ),
    "inactive_branding": Functions(
        {"get_tenant_branding": BY_SLUG, "get_tenant_branding_by_domain": BY_DOMAIN},
        preconditions=dict.fromkeys(
            ("get_tenant_branding", "get_tenant_branding_by_domain"),
            "update public.tenant_profiles set is_active = false",
        ),
    ),
    "unverified_branding": Functions(
        {"get_tenant_branding_by_domain": BY_DOMAIN},
        preconditions={
            "get_tenant_branding_by_domain": (
                "update public.tenant_profiles set custom_domain_verified_at = null"
            ),
        },
    ),
}


@pytest.fixture
def three_tenants(connection: Connection) -> Connection:
    """Return the connection to the sample data, with the inactive tenant."""
    insert_inactive_tenant(connection)
    return connection


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_access(three_tenants: Connection, case: AccessCase) -> None:
    check_access(three_tenants, TARGETS, PERSONAS, case)
