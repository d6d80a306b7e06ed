"""The tenant of a session is always that of its campaign."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.coaching.data import (
    CAMPAIGN,
    CREATOR_CAMPAIGN,
    CREATOR_SESSION,
    OTHER_CAMPAIGN,
    OTHER_SESSION,
    OTHER_TENANT,
    OTHER_USAGE,
    OWNER,
    PERSONAS,
    SESSION,
    TENANT,
    USAGE,
)
from tests.support.blocked import wait_for_a_lock
from townhall import Campaign, ParticipantSession, TenantProfile, UsageEvent
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from townhall.session import SessionFactory

KEEPS_TENANT = "fk_participant_sessions_campaign_id_tenant_id_campaigns"


def _tenants(connection: Connection) -> dict[UUID, UUID | None]:
    """Return the tenant of each session, after asserting that each is its campaign's."""
    rows = connection.execute(
        select(ParticipantSession.id, ParticipantSession.tenant_id, Campaign.tenant_id).join(
            ParticipantSession.campaign
        )
    ).all()
    assert [row[1] for row in rows] == [row[2] for row in rows]
    return {row[0]: row[1] for row in rows}


def _set_tenant(connection: Connection, campaign: UUID, tenant: UUID | None) -> None:
    statement = update(Campaign).where(Campaign.id == campaign).values(tenant_id=tenant)
    connection.execute(statement)


@pytest.mark.parametrize("name", ["participant_sessions", "campaign_assignments"])
def test_new_session_gets_the_tenant_of_its_campaign(connection: Connection, name: str) -> None:
    statement = f"insert into public.{name} (campaign_id) values (:id) returning tenant_id"
    for campaign, tenant in ((CAMPAIGN, TENANT), (CREATOR_CAMPAIGN, None)):
        assert connection.scalar(text(statement), {"id": campaign}) == tenant


def test_orm_reads_back_the_tenant_that_the_trigger_sets(townhall_session: Session) -> None:
    tenant = TenantProfile(slug="orm", display_name="ORM")
    townhall_session.add(tenant)
    townhall_session.flush()
    campaign = Campaign(name="ORM", tenant=tenant)
    session = ParticipantSession(campaign=campaign)
    townhall_session.add(session)
    townhall_session.flush()
    assert session.tenant_id == campaign.tenant_id == tenant.id


@pytest.mark.parametrize(
    ("campaign", "tenant"),
    [(CAMPAIGN, OTHER_TENANT), (CREATOR_CAMPAIGN, TENANT)],
    ids=["another's", "of a campaign without one"],
)
def test_given_tenant_of_a_new_session_is_ignored(
    connection: Connection, campaign: UUID, tenant: UUID
) -> None:
    with acting(connection, "service_role"):
        wrong = insert(ParticipantSession).values(campaign_id=campaign, tenant_id=tenant)
        connection.execute(wrong)
    assert len(_tenants(connection)) == 4


@pytest.mark.parametrize("tenant", [OTHER_TENANT, None], ids=["another's", "none"])
def test_update_of_the_tenant_of_a_session_is_ignored(
    connection: Connection, tenant: UUID | None
) -> None:
    with acting(connection, "service_role"):
        connection.execute(update(ParticipantSession).values(tenant_id=tenant))
    tenants = _tenants(connection)
    assert tenants == {SESSION: TENANT, OTHER_SESSION: OTHER_TENANT, CREATOR_SESSION: None}


def test_foreign_key_refuses_another_tenant_where_triggers_are_disabled(
    connection: Connection,
) -> None:
    off = "alter table public.participant_sessions disable trigger fill_session_tenant"
    connection.execute(text(off))
    wrong = insert(ParticipantSession).values(campaign_id=CAMPAIGN, tenant_id=OTHER_TENANT)
    with pytest.raises(IntegrityError, match=KEEPS_TENANT):
        connection.execute(wrong)


@pytest.mark.parametrize("tenant", [OTHER_TENANT, None], ids=["another", "none"])
def test_sessions_follow_a_campaign_that_changes_its_tenant(
    connection: Connection, tenant: UUID | None
) -> None:
    _set_tenant(connection, CAMPAIGN, tenant)
    assert _tenants(connection)[SESSION] == tenant


def test_sessions_follow_a_campaign_that_gets_a_tenant(connection: Connection) -> None:
    _set_tenant(connection, CREATOR_CAMPAIGN, TENANT)
    assert _tenants(connection)[CREATOR_SESSION] == TENANT


def test_two_campaigns_swap_tenants_in_one_statement(connection: Connection) -> None:
    connection.execute(
        text(
            """
            update public.campaigns
            set tenant_id = case tenant_id when :a then :b else :a end
            where tenant_id in (:a, :b)
            """
        ),
        {"a": TENANT, "b": OTHER_TENANT},
    )
    tenants = _tenants(connection)
    assert (tenants[SESSION], tenants[OTHER_SESSION]) == (OTHER_TENANT, TENANT)


def test_owner_of_the_new_tenant_sees_the_sessions_instead_of_the_former_one(
    connection: Connection,
) -> None:
    _set_tenant(connection, CAMPAIGN, OTHER_TENANT)
    with acting(connection, PERSONAS["owner"]):
        for model in (Campaign, ParticipantSession):
            assert outcome(connection, select(model.id)) is Outcome.NO_ROWS
    with acting(connection, PERSONAS["outsider"]):
        found = set(connection.scalars(select(ParticipantSession.id)))
    assert found == {SESSION, OTHER_SESSION}


def test_rows_of_a_deleted_tenant_are_kept_without_tenant(connection: Connection) -> None:
    connection.execute(delete(TenantProfile).where(TenantProfile.id == TENANT))
    tenants = _tenants(connection)
    assert tenants == {SESSION: None, OTHER_SESSION: OTHER_TENANT, CREATOR_SESSION: None}
    usage = connection.execute(select(UsageEvent.id, UsageEvent.tenant_id))
    assert {row.id: row.tenant_id for row in usage} == {
        USAGE: None,
        OTHER_USAGE: OTHER_TENANT,
    }
    with acting(connection, PERSONAS["owner"]):
        found = connection.scalars(select(Campaign.id)).all()
    assert found == [CAMPAIGN], "what has no tenant is its creator's"


def test_all_tenants_can_be_deleted_in_one_statement(connection: Connection) -> None:
    connection.execute(delete(TenantProfile))
    assert set(_tenants(connection).values()) == {None}


def test_deleting_campaigns_deletes_their_sessions(connection: Connection) -> None:
    connection.execute(delete(Campaign).where(Campaign.id.in_([CAMPAIGN, CREATOR_CAMPAIGN])))
    assert _tenants(connection) == {OTHER_SESSION: OTHER_TENANT}


@pytest.mark.parametrize(
    ("session", "campaign", "tenant"),
    [
        (SESSION, OTHER_CAMPAIGN, OTHER_TENANT),
        (SESSION, CREATOR_CAMPAIGN, None),
        (CREATOR_SESSION, CAMPAIGN, TENANT),
    ],
    ids=["another's", "one without", "one with"],
)
def test_session_moved_to_another_campaign_gets_its_tenant(
    connection: Connection, session: UUID, campaign: UUID, tenant: UUID | None
) -> None:
    move = update(ParticipantSession).where(ParticipantSession.id == session)
    connection.execute(move.values(campaign_id=campaign))
    assert _tenants(connection)[session] == tenant


def test_orm_reads_back_the_tenant_of_a_moved_session(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        moving = session.get_one(ParticipantSession, SESSION)
        moving.campaign = session.get_one(Campaign, OTHER_CAMPAIGN)
        session.flush()
        assert moving.tenant_id == OTHER_TENANT


def test_triggers_work_for_roles_without_privileges_on_the_tables(connection: Connection) -> None:
    """As a role that may change campaigns and nothing else."""
    connection.execute(text("create role clerk"))
    connection.execute(text("grant usage on schema public to clerk"))
    connection.execute(text("grant select, update on public.campaigns to clerk"))
    connection.execute(text("create policy clerk on public.campaigns to clerk using (true)"))
    with acting(connection, "clerk"):
        _set_tenant(connection, CREATOR_CAMPAIGN, TENANT)
        _set_tenant(connection, CAMPAIGN, OTHER_TENANT)
    tenants = _tenants(connection)
    assert (tenants[CREATOR_SESSION], tenants[SESSION]) == (TENANT, OTHER_TENANT)


@pytest.mark.thorough
def test_insert_of_a_session_waits_for_a_concurrent_change_of_its_campaign(
    committed: Engine,
) -> None:
    def insert_session() -> None:
        with committed.begin() as connection:
            connection.execute(insert(ParticipantSession).values(campaign_id=CREATOR_CAMPAIGN))

    with ThreadPoolExecutor(1) as other:
        with committed.begin() as connection:
            _set_tenant(connection, CREATOR_CAMPAIGN, TENANT)
            second = other.submit(insert_session)
            wait_for_a_lock(committed)
        second.result(timeout=30)
    with committed.connect() as connection:
        assert list(_tenants(connection).values()).count(TENANT) == 3


@pytest.mark.thorough
def test_change_of_a_campaign_waits_for_a_concurrent_insert_of_a_session(committed: Engine) -> None:
    def give() -> None:
        with committed.begin() as connection:
            _set_tenant(connection, CREATOR_CAMPAIGN, TENANT)

    with ThreadPoolExecutor(1) as other:
        with committed.begin() as connection:
            connection.execute(insert(ParticipantSession).values(campaign_id=CREATOR_CAMPAIGN))
            second = other.submit(give)
            wait_for_a_lock(committed)
        second.result(timeout=30)
    with committed.connect() as connection:
        assert list(_tenants(connection).values()).count(TENANT) == 3


def test_session_inserted_while_its_tenant_is_deleted_has_no_tenant(committed: Engine) -> None:
    def insert_session() -> None:
        with committed.begin() as connection:
            connection.execute(insert(ParticipantSession).values(campaign_id=CAMPAIGN))

    with ThreadPoolExecutor(1) as other:
        with committed.begin() as connection:
            connection.execute(delete(TenantProfile).where(TenantProfile.id == TENANT))
            second = other.submit(insert_session)
            wait_for_a_lock(committed)
        second.result(timeout=30)
    with committed.connect() as connection:
        assert TENANT not in _tenants(connection).values()


def test_tenant_is_kept_when_the_account_of_its_owner_is_deleted(connection: Connection) -> None:
    owner = select(TenantProfile.user_id).where(TenantProfile.id == TENANT)
    assert connection.scalar(owner) == OWNER
    connection.execute(text("delete from auth.users"))
    assert connection.scalar(owner) is None
    tenants = _tenants(connection)
    assert tenants == {SESSION: TENANT, OTHER_SESSION: OTHER_TENANT, CREATOR_SESSION: None}
    for column in (ParticipantSession.user_id, Campaign.created_by, UsageEvent.user_id):
        assert set(connection.scalars(select(column))) == {None}
