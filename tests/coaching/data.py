"""Sample data: two tenants with campaigns, sessions and usage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert

from tests.support.personas import WITHOUT_SUBJECT, anonymous_sign_in
from townhall import BrandConfig, Campaign, ParticipantSession, TenantProfile, UsageEvent
from townhall.session import Actor
from townhall.testing import create_account

if TYPE_CHECKING:
    from sqlalchemy import Connection

OWNER = UUID("00000000-0000-4000-8000-00000000c001")
OUTSIDER = UUID("00000000-0000-4000-8000-00000000c002")
CREATOR = UUID("00000000-0000-4000-8000-00000000c003")
PARTICIPANT = UUID("00000000-0000-4000-8000-00000000c004")
STRANGER = UUID("00000000-0000-4000-8000-00000000c005")
INACTIVE_OWNER = UUID("00000000-0000-4000-8000-00000000c006")

TENANT = UUID("00000000-0000-4000-8000-00000000c011")
"""The owner's tenant, whose rows the access matrix tries."""
OTHER_TENANT = UUID("00000000-0000-4000-8000-00000000c012")

CAMPAIGN = UUID("00000000-0000-4000-8000-00000000c021")
"""The tenant's campaign."""
OTHER_CAMPAIGN = UUID("00000000-0000-4000-8000-00000000c022")
CREATOR_CAMPAIGN = UUID("00000000-0000-4000-8000-00000000c023")
"""A campaign without a tenant, which is its creator's."""

SESSION = UUID("00000000-0000-4000-8000-00000000c031")
"""The participant's session in the tenant's campaign."""
OTHER_SESSION = UUID("00000000-0000-4000-8000-00000000c032")
CREATOR_SESSION = UUID("00000000-0000-4000-8000-00000000c033")
"""A session in the campaign without a tenant, and without an account."""

USAGE = UUID("00000000-0000-4000-8000-00000000c041")
"""What the tenant used."""
OTHER_USAGE = UUID("00000000-0000-4000-8000-00000000c042")

INACTIVE_TENANT = UUID("00000000-0000-4000-8000-00000000c013")
"""A tenant that is inactive, which only some tests insert."""
INACTIVE_CAMPAIGN = UUID("00000000-0000-4000-8000-00000000c024")
INACTIVE_SESSION = UUID("00000000-0000-4000-8000-00000000c034")
INACTIVE_USAGE = UUID("00000000-0000-4000-8000-00000000c043")

ASSESSMENT = "industry4"
"""The assessment that the tenants have enabled; it is the default of a campaign."""
DOMAIN = "coach.green-tree.example"
"""The verified domain of the owner's tenant."""

PERSONAS = {
    "anon": Actor.anonymous(),
    "no_sub": WITHOUT_SUBJECT,
    "stranger": Actor.user(STRANGER),
    "anonymous_sign_in": anonymous_sign_in(STRANGER),
    "outsider": Actor.user(OUTSIDER),  # owns the other tenant
    "creator": Actor.user(CREATOR),  # of a campaign without a tenant
    "participant": Actor.user(PARTICIPANT),  # in a campaign of the tenant
    "owner": Actor.user(OWNER),
    "inactive": Actor.user(INACTIVE_OWNER),  # owns the tenant that is inactive
    "service": Actor.service(),
}

STORED_BRAND: dict[str, Any] = {
    "logo": {"url": "https://example.org/logo.svg", "alt": "A tree", "width": 120},
    "colors": {
        "primary": "#1F5C46",
        "primaryHover": "#17483a",
        "secondary": "#b93",
        "background": "#fff",
        "backgroundSubtle": "#f4f7f2",
        "text": "#1d2b26",
        "textMuted": "#5a6a63cc",
        "border": "#d5df",
    },
    "fonts": {"heading": "Playfair Display", "body": "Lato"},
    "tagline": "Grow",
    "showPoweredBy": False,
}
"""A brand as it is stored."""

BRAND = BrandConfig.from_stored(STORED_BRAND)


def insert_coaching(connection: Connection) -> None:
    """Insert the two tenants, their campaigns, sessions and usage."""
    for account in (OWNER, OUTSIDER, CREATOR, PARTICIPANT, STRANGER):
        create_account(connection, user_id=account)
    connection.execute(
        insert(TenantProfile),
        [
            {
                "id": TENANT,
                "user_id": OWNER,
                "slug": "green-tree",
                "display_name": "Green Tree",
                "brand_config": BRAND,
                "enabled_assessments": [ASSESSMENT],
                "custom_domain": DOMAIN,
                "custom_domain_verified_at": datetime(2026, 11, 1, tzinfo=UTC),
            },
            {
                "id": OTHER_TENANT,
                "user_id": OUTSIDER,
                "slug": "rival",
                "display_name": "Rival",
                "brand_config": None,
                "enabled_assessments": [ASSESSMENT],
                "custom_domain": None,
                "custom_domain_verified_at": None,
            },
        ],
    )
    connection.execute(
        insert(Campaign),
        [
            {"id": CAMPAIGN, "tenant_id": TENANT, "created_by": OWNER, "name": "Leaders"},
            {"id": OTHER_CAMPAIGN, "tenant_id": OTHER_TENANT, "created_by": None, "name": "R"},
            {"id": CREATOR_CAMPAIGN, "tenant_id": None, "created_by": CREATOR, "name": "Own"},
        ],
    )
    connection.execute(
        insert(ParticipantSession),
        [
            {"id": SESSION, "campaign_id": CAMPAIGN, "user_id": PARTICIPANT},
            {"id": OTHER_SESSION, "campaign_id": OTHER_CAMPAIGN, "user_id": None},
            {"id": CREATOR_SESSION, "campaign_id": CREATOR_CAMPAIGN, "user_id": None},
        ],
    )
    connection.execute(
        insert(UsageEvent),
        [
            {"id": USAGE, "tenant_id": TENANT, "event_type": "chat"},
            {"id": OTHER_USAGE, "tenant_id": OTHER_TENANT, "event_type": "chat"},
        ],
    )


def insert_inactive_tenant(connection: Connection) -> None:
    """Insert the inactive tenant of an owner who has no other, its campaign, session and usage."""
    create_account(connection, user_id=INACTIVE_OWNER)
    for row in (
        insert(TenantProfile).values(
            id=INACTIVE_TENANT,
            user_id=INACTIVE_OWNER,
            slug="dormant",
            display_name="Dormant",
            enabled_assessments=[ASSESSMENT],
            is_active=False,
        ),
        insert(Campaign).values(
            id=INACTIVE_CAMPAIGN, tenant_id=INACTIVE_TENANT, created_by=INACTIVE_OWNER, name="Past"
        ),
        insert(ParticipantSession).values(id=INACTIVE_SESSION, campaign_id=INACTIVE_CAMPAIGN),
        insert(UsageEvent).values(id=INACTIVE_USAGE, tenant_id=INACTIVE_TENANT, event_type="chat"),
    ):
        connection.execute(row)
