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
    PERSONAS,
    SESSION,
    TENANT,
    USAGE,
)
from tests.support.access_matrix import Functions, TableRow, Target, check_access
from tests.support.personas import with_anonymous_sign_in
from townhall import Campaign, ParticipantSession, TenantProfile, UsageEvent
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

TABLES_AND_FUNCTIONS = access_cases(
    """
    tenant_profiles  anon no_sub stranger outsider creator participant owner service
    select           x    0      0        0        0       0           +     +
    insert           x    x      x        x        x       x           x     +
    update           x    0      0        0        0       0           +     +
    delete           x    x      x        x        x       x           x     +

    campaigns  anon no_sub stranger outsider creator participant owner service
    select     x    0      0        0        0       0           +     +
    insert     x    !      !        !        !       !           +     +
    update     x    0      0        0        0       0           +     +
    delete     x    0      0        0        0       0           +     +

    creator_campaign  anon no_sub stranger outsider creator participant owner service
    select            x    0      0        0        +       0           0     +
    insert            x    !      !        !        +       !           !     +
    update            x    0      0        0        +       0           0     +
    delete            x    0      0        0        +       0           0     +

    participant_sessions  anon no_sub stranger outsider creator participant owner service
    select                x    0      0        0        0       +           +     +
    insert                x    x      x        x        x       x           x     +
    update                x    0      0        0        0       0           +     +
    delete                x    x      x        x        x       x           x     +

    usage_events  anon no_sub stranger outsider creator participant owner service
    select        x    0      0        0        0       0           +     +
    insert        x    x      x        x        x       x           x     +
    update        x    x      x        x        x       x           x     +
    delete        x    x      x        x        x       x           x     +

    functions                      anon no_sub stranger outsider creator participant owner service
    get_tenant_branding            +    +      +        +        +       +           +     +
    get_tenant_branding_by_domain  +    +      +        +        +       +           +     +
    start_participant_session      x    r      r        r        r       +           r     x
    complete_participant_session   x    r      r        r        r       +           r     x
    log_usage_event                x    x      x        x        x       x           x     +

    inactive_tenant                anon no_sub stranger outsider creator participant owner service
    get_tenant_branding            0    0      0        0        0       0           0     0
    get_tenant_branding_by_domain  0    0      0        0        0       0           0     0
    """
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

TARGETS: dict[str, Target] = {
    "tenant_profiles": TableRow(
        TenantProfile,
        key=TENANT,
        new={"slug": "another", "display_name": "Another"},
        change={
            "display_name": "Renamed",
            "tenant_type": "company",
            "brand_config": BRAND.model_copy(update={"tagline": "Changed"}),
            "enabled_assessments": ["industry4"],
            "custom_domain": None,
        },
    ),
    "campaigns": TableRow(
        Campaign,
        key=CAMPAIGN,
        new={"tenant_id": TENANT, "name": "Another"},
        change={"name": "Renamed", "status": "active", "results_disclosure": "none"},
    ),
    "creator_campaign": TableRow(
        Campaign,
        key=CREATOR_CAMPAIGN,
        new={"created_by": CREATOR, "name": "Another"},
        change={"name": "Renamed", "status": "active", "assessment_type": "other"},
    ),
    "participant_sessions": PARTICIPANT_SESSION,
    "usage_events": TableRow(
        UsageEvent,
        key=USAGE,
        new={"tenant_id": TENANT, "event_type": "another"},
        change={"event_type": "renamed", "tokens_used": 1},
    ),
    **{view: replace(PARTICIPANT_SESSION, view=view) for view in VIEWS},
    "functions": Functions(
        {
            "get_tenant_branding": "select from public.get_tenant_branding('green-tree')",
            "get_tenant_branding_by_domain": (
                "select from public.get_tenant_branding_by_domain('coach.green-tree.example')"
            ),
            "start_participant_session": f"select public.start_participant_session('{SESSION}')",
            "complete_participant_session": (
                f"select public.complete_participant_session('{SESSION}')"
            ),
            "log_usage_event": f"select public.log_usage_event('{TENANT}', 'chat')",
        },
        preconditions={
            "complete_participant_session": f"""
                update public.participant_sessions
                set status = 'in_progress', started_at = now()
                where id = '{SESSION}'
            """
        },
    ),
    "inactive_tenant": Functions(
        {
            "get_tenant_branding": "select from public.get_tenant_branding('green-tree')",
            "get_tenant_branding_by_domain": (
                "select from public.get_tenant_branding_by_domain('coach.green-tree.example')"
            ),
        },
        preconditions=dict.fromkeys(
            ("get_tenant_branding", "get_tenant_branding_by_domain"),
            "update public.tenant_profiles set is_active = false",
        ),
    ),
}


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, TARGETS, PERSONAS, case)
