"""Who may do what to tenants, campaigns, sessions and usage, and by the sessions' old names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, MetaData, Table

from tests.coaching.stage import (
    BRAND,
    CAMPAIGN,
    OWN_CAMPAIGN,
    PERSONAS,
    SESSION,
    TENANT,
    USAGE,
)
from tests.support.subjects import COMMANDS, Subject, check_access
from townhall import Campaign, ParticipantSession, TenantProfile, UsageEvent
from townhall.domains.coaching.access import RULES
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

EXPECTED = access_cases(
    """
    tenant_profiles  anonymous          nameless           stranger           rival
    select           permission_denied  no_rows            no_rows            no_rows
    insert           permission_denied  permission_denied  permission_denied  permission_denied
    update           permission_denied  no_rows            no_rows            no_rows
    delete           permission_denied  permission_denied  permission_denied  permission_denied

    tenant_profiles  creator            participant        owner              service
    select           no_rows            no_rows            allowed            allowed
    insert           permission_denied  permission_denied  permission_denied  allowed
    update           no_rows            no_rows            allowed            allowed
    delete           permission_denied  permission_denied  permission_denied  allowed

    campaigns  anonymous          nameless         stranger         rival
    select     permission_denied  no_rows          no_rows          no_rows
    insert     permission_denied  violates_policy  violates_policy  violates_policy
    update     permission_denied  no_rows          no_rows          no_rows
    delete     permission_denied  no_rows          no_rows          no_rows

    campaigns  creator          participant      owner    service
    select     no_rows          no_rows          allowed  allowed
    insert     violates_policy  violates_policy  allowed  allowed
    update     no_rows          no_rows          allowed  allowed
    delete     no_rows          no_rows          allowed  allowed

    campaigns_without_tenant  anonymous          nameless         stranger         rival
    select                    permission_denied  no_rows          no_rows          no_rows
    insert                    permission_denied  violates_policy  violates_policy  violates_policy
    update                    permission_denied  no_rows          no_rows          no_rows
    delete                    permission_denied  no_rows          no_rows          no_rows

    campaigns_without_tenant  creator  participant      owner            service
    select                    allowed  no_rows          no_rows          allowed
    insert                    allowed  violates_policy  violates_policy  allowed
    update                    allowed  no_rows          no_rows          allowed
    delete                    allowed  no_rows          no_rows          allowed

    participant_sessions  anonymous          nameless           stranger
    select                permission_denied  no_rows            no_rows
    insert                permission_denied  permission_denied  permission_denied
    update                permission_denied  no_rows            no_rows
    delete                permission_denied  permission_denied  permission_denied

    participant_sessions  rival              creator            participant
    select                no_rows            no_rows            allowed
    insert                permission_denied  permission_denied  permission_denied
    update                no_rows            no_rows            no_rows
    delete                permission_denied  permission_denied  permission_denied

    participant_sessions  owner              service
    select                allowed            allowed
    insert                permission_denied  allowed
    update                allowed            allowed
    delete                permission_denied  allowed

    usage_events  anonymous          nameless           stranger           rival
    select        permission_denied  no_rows            no_rows            no_rows
    insert        permission_denied  permission_denied  permission_denied  permission_denied
    update        permission_denied  permission_denied  permission_denied  permission_denied
    delete        permission_denied  permission_denied  permission_denied  permission_denied

    usage_events  creator            participant        owner              service
    select        no_rows            no_rows            allowed            allowed
    insert        permission_denied  permission_denied  permission_denied  allowed
    update        permission_denied  permission_denied  permission_denied  allowed
    delete        permission_denied  permission_denied  permission_denied  allowed
    """
)

OLD_NAMES = ("campaign_assignments", "stakeholder_sessions")
BY_OLD_NAMES = [
    case._replace(table=name)
    for name in OLD_NAMES
    for case in EXPECTED
    if case.table == "participant_sessions"
]
"""Through a view everybody may what they may do to the table."""


@dataclass(frozen=True)
class ViewSubject(Subject):
    """A row that is tried through a view with the table's columns.

    Attributes:
        view: The name of the view.
    """

    view: str = ""

    @cached_property
    def table(self) -> Table:
        """The view, as if it were a table."""
        columns = (Column(column.name, column.type) for column in self.model.__table__.columns)
        return Table(self.view, MetaData(), *columns)


A_SESSION = Subject(
    ParticipantSession,
    key=SESSION,
    new={"campaign_id": CAMPAIGN, "stakeholder_name": "Another"},
    change={
        "stakeholder_name": "Renamed",
        "stakeholder_email": "renamed@example.org",
        "client_status": "contacted",
    },
)

SUBJECTS = {
    "tenant_profiles": Subject(
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
    "campaigns": Subject(
        Campaign,
        key=CAMPAIGN,
        new={"tenant_id": TENANT, "name": "Another"},
        change={"name": "Renamed", "status": "active", "results_disclosure": "none"},
    ),
    "campaigns_without_tenant": Subject(
        Campaign,
        key=OWN_CAMPAIGN,
        new={"created_by": PERSONAS["creator"][1], "name": "Another"},
        change={"name": "Renamed", "status": "active", "assessment_type": "other"},
    ),
    "participant_sessions": A_SESSION,
    "usage_events": Subject(
        UsageEvent,
        key=USAGE,
        new={"tenant_id": TENANT, "event_type": "another"},
        change={"event_type": "renamed", "tokens_used": 1},
    ),
    **{name: ViewSubject(**vars(A_SESSION), view=name) for name in OLD_NAMES},
}


@pytest.mark.parametrize("case", [*EXPECTED, *BY_OLD_NAMES], ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, SUBJECTS[case.table], case, PERSONAS)


def test_every_table_is_tried_with_every_command_by_everybody() -> None:
    tables = [*(rule.table.name for rule in RULES), "campaigns_without_tenant"]
    tried = {(case.table, case.command, case.persona) for case in EXPECTED}
    assert tried == set(product(tables, COMMANDS, PERSONAS))
