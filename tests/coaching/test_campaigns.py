"""Campaigns of a tenant have an assessment that the tenant has enabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Delete, Insert, Update, column, delete, insert, select, table, update

from tests.coaching.data import (
    ASSESSMENT,
    CAMPAIGN,
    CREATOR_CAMPAIGN,
    OTHER_TENANT,
    OWNER,
    PERSONAS,
    SESSION,
    TENANT,
    USAGE,
)
from townhall import Campaign, ParticipantSession, TenantProfile, UsageEvent
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Executable


def _enable(connection: Connection, *assessments: str) -> None:
    tenant = update(TenantProfile).where(TenantProfile.id == TENANT)
    connection.execute(tenant.values(enabled_assessments=list(assessments)))


def _outcome(connection: Connection, persona: str, statement: Executable) -> Outcome:
    with acting(connection, PERSONAS[persona]):
        return outcome(connection, statement)


def _new(assessment: str, tenant: object = TENANT) -> Insert:
    return insert(Campaign).values(name="New", tenant_id=tenant, assessment_type=assessment)


def _set(**values: object) -> Update:
    return update(Campaign).where(Campaign.id == CAMPAIGN).values(values)


def test_owner_uses_the_assessments_that_the_tenant_has_enabled(connection: Connection) -> None:
    _enable(connection, ASSESSMENT, "leadership")
    for statement in (_new("leadership"), _new(ASSESSMENT), _set(assessment_type="leadership")):
        assert _outcome(connection, "owner", statement) is Outcome.ALLOWED


@pytest.mark.parametrize("assessment", ["leadership", "", "INDUSTRY4", f"{{{ASSESSMENT}}}"])
def test_owner_uses_no_assessment_that_the_tenant_has_not_enabled(
    connection: Connection, assessment: str
) -> None:
    for statement in (_new(assessment), _set(assessment_type=assessment)):
        assert _outcome(connection, "owner", statement) is Outcome.VIOLATES_POLICY


def test_default_assessment_has_to_be_enabled_as_well(connection: Connection) -> None:
    _enable(connection)
    default = insert(Campaign).values(name="New", tenant_id=TENANT)
    assert _outcome(connection, "owner", default) is Outcome.VIOLATES_POLICY


def test_assessment_of_another_tenant_of_the_owner_is_not_enabled(connection: Connection) -> None:
    other = update(TenantProfile).where(TenantProfile.id == OTHER_TENANT)
    connection.execute(other.values(user_id=OWNER, enabled_assessments=["leadership"]))
    assert _outcome(connection, "owner", _new("leadership")) is Outcome.VIOLATES_POLICY
    assert _outcome(connection, "owner", _new("leadership", OTHER_TENANT)) is Outcome.ALLOWED


def test_campaign_with_a_disabled_assessment_is_not_activated(connection: Connection) -> None:
    _enable(connection, "leadership")
    assert _outcome(connection, "owner", _set(status="active")) is Outcome.VIOLATES_POLICY
    changed = _set(status="active", assessment_type="leadership")
    assert _outcome(connection, "owner", changed) is Outcome.ALLOWED


def test_campaign_with_a_disabled_assessment_can_be_deleted(connection: Connection) -> None:
    _enable(connection)
    gone = delete(Campaign).where(Campaign.id == CAMPAIGN)
    assert _outcome(connection, "owner", gone) is Outcome.ALLOWED


def test_campaigns_without_a_tenant_and_the_service_use_any_assessment(
    connection: Connection,
) -> None:
    own = update(Campaign).where(Campaign.id == CREATOR_CAMPAIGN)
    assert _outcome(connection, "creator", own.values(assessment_type="x")) is Outcome.ALLOWED
    assert _outcome(connection, "service", _new("leadership")) is Outcome.ALLOWED


@pytest.mark.parametrize(
    "statement",
    [
        update(TenantProfile).values(display_name="Renamed"),
        update(TenantProfile).values(custom_domain=None),
        _set(name="Renamed"),
        delete(Campaign).where(Campaign.id == CAMPAIGN),
        *(
            update(table(name, column("client_status"))).values(client_status="archived")
            for name in ("participant_sessions", "campaign_assignments", "stakeholder_sessions")
        ),
    ],
    ids=lambda statement: f"{type(statement).__name__}-{statement.table}",
)
def test_owner_of_a_tenant_that_becomes_inactive_only_reads(
    connection: Connection, statement: Update | Delete
) -> None:
    connection.execute(update(TenantProfile).values(is_active=False))
    assert _outcome(connection, "owner", statement) is Outcome.NO_ROWS
    assert _outcome(connection, "owner", _new(ASSESSMENT)) is Outcome.VIOLATES_POLICY
    with acting(connection, PERSONAS["owner"]):
        keys = (TenantProfile.id, Campaign.id, ParticipantSession.id, UsageEvent.id)
        read = [each for key in keys for each in connection.scalars(select(key))]
    assert read == [TENANT, CAMPAIGN, SESSION, USAGE]


def test_owner_of_an_active_and_an_inactive_tenant_writes_only_in_the_active_one(
    connection: Connection,
) -> None:
    other = update(TenantProfile).where(TenantProfile.id == OTHER_TENANT)
    connection.execute(other.values(user_id=OWNER, is_active=False))
    assert _outcome(connection, "owner", _new(ASSESSMENT, OTHER_TENANT)) is Outcome.VIOLATES_POLICY
    with acting(connection, PERSONAS["owner"]):
        renamed = connection.execute(update(Campaign).values(name="Renamed").returning(Campaign.id))
        assert renamed.scalars().all() == [CAMPAIGN]
