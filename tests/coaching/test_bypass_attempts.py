"""Attempts to get around the access rules on tenants, campaigns and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import column, func, insert, select, table, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import ProgrammingError

from tests.coaching.data import (
    CAMPAIGN,
    CREATOR,
    CREATOR_CAMPAIGN,
    CREATOR_SESSION,
    DOMAIN,
    OTHER_CAMPAIGN,
    OTHER_SESSION,
    OTHER_TENANT,
    OTHER_USAGE,
    OUTSIDER,
    OWNER,
    PERSONAS,
    SESSION,
    TENANT,
    USAGE,
)
from townhall import Campaign, ParticipantSession, TenantProfile, UsageEvent
from townhall.session import Actor
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Executable, Insert, TableClause, Update

DENIED = Outcome.PERMISSION_DENIED
YESTERDAY = func.now() - text("interval '1 day'")

OLD_NAMES = ("campaign_assignments", "stakeholder_sessions")
SESSIONS: list[TableClause] = [
    table(
        name,
        *map(column, ("id", "campaign_id", "tenant_id", "client_status", "status", "user_id")),
        schema="public",
    )
    for name in ("participant_sessions", *OLD_NAMES)
]


def _name(statement: Insert | Update) -> str:
    return f"{type(statement).__name__}-{statement.table}-{'-'.join(statement.compile().params)}"


@pytest.mark.parametrize(
    "change",
    [
        {"slug": "better-tree"},
        {"tenant_type": "company"},
        {"enabled_assessments": ["industry4", "leadership"]},
        {"custom_domain_verified_at": func.now()},
        {"custom_domain": "bank.example", "custom_domain_verified_at": func.now()},
        {"subscription_tier": "studio"},
        {"is_active": False},
        {"user_id": OUTSIDER},
        {"user_id": None},
        {"id": uuid4()},
        {"created_at": YESTERDAY},
        {"updated_at": YESTERDAY},
        {"display_name": "Renamed", "subscription_tier": "studio"},
    ],
    ids="-".join,
)
def test_owner_cannot_update_columns_that_only_the_service_writes(
    connection: Connection, change: dict[str, Any]
) -> None:
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, update(TenantProfile).values(change)) is DENIED


@pytest.mark.parametrize(
    "statement",
    [
        update(Campaign).values(tenant_id=OTHER_TENANT),
        update(Campaign).values(tenant_id=None),
        update(Campaign).values(created_by=OUTSIDER),
        update(Campaign).values(id=uuid4()),
        update(Campaign).values(created_at=YESTERDAY),
        update(Campaign).values(updated_at=YESTERDAY),
        *(
            update(sessions).values({name: value})
            for sessions in SESSIONS
            for name, value in (
                ("id", uuid4()),
                ("campaign_id", CREATOR_CAMPAIGN),
                ("tenant_id", OTHER_TENANT),
                ("status", "completed"),
                ("user_id", OWNER),
            )
        ),
        *(
            update(ParticipantSession).values({name: YESTERDAY})
            for name in ("started_at", "completed_at", "created_at", "updated_at")
        ),
        update(UsageEvent).values(cost_cents=0),
        insert(UsageEvent).values(tenant_id=TENANT, event_type="chat"),
    ],
    ids=_name,
)
def test_owner_cannot_move_rows_or_change_usage(
    connection: Connection, statement: Executable
) -> None:
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, statement) is DENIED


@pytest.mark.parametrize(
    "campaign",
    [
        {"tenant_id": OTHER_TENANT},
        {"tenant_id": OTHER_TENANT, "created_by": OWNER},
        {"tenant_id": TENANT, "created_by": OUTSIDER},
        {"created_by": OUTSIDER},
        {},
    ],
    ids=str,
)
def test_campaign_for_another_tenant_or_creator_is_refused(
    connection: Connection, campaign: dict[str, Any]
) -> None:
    with acting(connection, PERSONAS["owner"]):
        made = insert(Campaign).values(name="Foisted", **campaign)
        assert outcome(connection, made) is Outcome.VIOLATES_POLICY


def test_upsert_does_not_update_a_hidden_row(connection: Connection) -> None:
    takeover = (
        upsert(Campaign)
        .values(id=OTHER_CAMPAIGN, tenant_id=TENANT, name="Mine")
        .on_conflict_do_update(index_elements=["id"], set_={"name": "Mine"})
    )
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, takeover) is Outcome.VIOLATES_POLICY
    name = select(Campaign.name).where(Campaign.id == OTHER_CAMPAIGN)
    assert connection.scalar(name) == "R"


@pytest.mark.parametrize(
    ("persona", "mine"),
    [
        ("no_sub", []),
        ("stranger", []),
        ("participant", [SESSION]),
        ("creator", [CREATOR_CAMPAIGN]),
        ("owner", [TENANT, CAMPAIGN, SESSION, USAGE]),
        ("outsider", [OTHER_TENANT, OTHER_CAMPAIGN, OTHER_SESSION, OTHER_USAGE]),
    ],
)
@pytest.mark.parametrize("sessions", SESSIONS, ids=lambda sessions: sessions.name)
def test_each_persona_sees_only_their_own_rows(
    connection: Connection, persona: str, mine: list[UUID], sessions: TableClause
) -> None:
    keys = (TenantProfile.id, Campaign.id, sessions.c.id, UsageEvent.id)
    with acting(connection, PERSONAS[persona]):
        found = [each for key in keys for each in connection.scalars(select(key))]
    assert found == mine


@pytest.mark.parametrize("sessions", SESSIONS, ids=lambda sessions: sessions.name)
def test_update_without_condition_changes_only_own_rows(
    connection: Connection, sessions: TableClause
) -> None:
    with acting(connection, PERSONAS["owner"]):
        connection.execute(update(sessions).values(client_status="archived"))
    status = select(ParticipantSession.id, ParticipantSession.client_status)
    assert {row.id: row.client_status for row in connection.execute(status)} == {
        SESSION: "archived",
        OTHER_SESSION: "registered",
        CREATOR_SESSION: "registered",
    }


def test_owner_of_two_tenants_cannot_move_rows_between_them(
    connection: Connection,
) -> None:
    connection.execute(
        update(TenantProfile).where(TenantProfile.id == OTHER_TENANT).values(user_id=OWNER)
    )
    with acting(connection, PERSONAS["owner"]):
        for statement in (
            update(Campaign).where(Campaign.id == CAMPAIGN).values(tenant_id=OTHER_TENANT),
            update(ParticipantSession).values(tenant_id=OTHER_TENANT),
        ):
            assert outcome(connection, statement) is DENIED


def test_creator_loses_access_to_a_campaign_that_gets_a_tenant(connection: Connection) -> None:
    connection.execute(
        update(Campaign).where(Campaign.id == CREATOR_CAMPAIGN).values(tenant_id=TENANT)
    )
    with acting(connection, PERSONAS["creator"]):
        assert outcome(connection, select(Campaign.id)) is Outcome.NO_ROWS
    with acting(connection, PERSONAS["owner"]):
        assert set(connection.scalars(select(Campaign.id))) == {CAMPAIGN, CREATOR_CAMPAIGN}


def test_creator_cannot_move_a_campaign_into_a_tenant(connection: Connection) -> None:
    join = update(Campaign).where(Campaign.id == CREATOR_CAMPAIGN).values(tenant_id=TENANT)
    for persona in ("creator", "owner"):
        with acting(connection, PERSONAS[persona]):
            assert outcome(connection, join) is DENIED


def test_owner_who_loses_a_tenant_loses_access_at_once(connection: Connection) -> None:
    """Ownership is read from the table, and not from the claims of the token."""
    connection.execute(update(TenantProfile).values(user_id=None))
    claims = {"app_metadata": {"tenant_id": str(TENANT)}, "user_metadata": {"role": "owner"}}
    with acting(connection, Actor.user(OWNER, claims)):
        for model in (TenantProfile, Campaign, ParticipantSession, UsageEvent):
            assert outcome(connection, select(model.id)) is Outcome.NO_ROWS


def test_foreign_keys_do_not_reveal_rows_of_another_tenant(connection: Connection) -> None:
    """Hidden and missing rows are refused with the same error."""
    with acting(connection, PERSONAS["owner"]):
        for tenant in (OTHER_TENANT, uuid4()):
            probe = insert(Campaign).values(name="Probe", tenant_id=tenant)
            assert outcome(connection, probe) is Outcome.VIOLATES_POLICY


def test_unique_constraint_does_not_reveal_a_domain(connection: Connection) -> None:
    """Any number of tenants can have a domain as long as it is not verified."""
    taken = update(TenantProfile).values(custom_domain=DOMAIN)
    with acting(connection, PERSONAS["outsider"]):
        assert outcome(connection, taken) is Outcome.ALLOWED


@pytest.mark.parametrize(
    "statement",
    [
        "truncate public.{} cascade",
        "create rule mine as on insert to public.{} do nothing",
        "drop table public.{}",
        "drop view public.{}",
        "alter table public.{} owner to anon",
    ],
)
@pytest.mark.parametrize(
    "name",
    ["tenant_profiles", "campaigns", "participant_sessions", "usage_events", *OLD_NAMES],
)
def test_client_cannot_truncate_a_table_or_change_its_row_level_security(
    connection: Connection, statement: str, name: str
) -> None:
    refusal = r"permission denied|must be (owner|able)|is not a (table|view)"
    with acting(connection, PERSONAS["owner"]), pytest.raises(ProgrammingError, match=refusal):
        connection.execute(text(statement.format(name)))


@pytest.mark.parametrize("persona", ["anon", "stranger", "owner"])
def test_only_the_service_logs_usage(connection: Connection, persona: str) -> None:
    with acting(connection, PERSONAS[persona]):
        log = text(f"select public.log_usage_event('{TENANT}', 'chat')")
        assert outcome(connection, log) is DENIED


@pytest.mark.parametrize(
    ("persona", "tenants"),
    [("owner", [TENANT]), ("outsider", [OTHER_TENANT]), ("creator", []), ("no_sub", [])],
)
def test_helper_function_returns_only_tenants_of_the_caller(
    connection: Connection, persona: str, tenants: list[UUID]
) -> None:
    mine = select(func.private.my_tenant_ids())
    with acting(connection, PERSONAS[persona]):
        assert connection.scalars(mine).all() == tenants
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, mine) is DENIED


def test_trigger_functions_cannot_be_called(connection: Connection) -> None:
    for name in ("fill_session_tenant", "fill_campaign_sessions_tenant", "unverify_custom_domain"):
        for persona in ("anon", "owner", "service"):
            role = PERSONAS[persona].role
            may = text(f"select has_function_privilege('{role}', 'private.{name}()', 'execute')")
            assert connection.scalar(may) is False


def test_creator_has_no_access_to_a_campaign_of_a_tenant(connection: Connection) -> None:
    connection.execute(update(Campaign).where(Campaign.id == CAMPAIGN).values(created_by=CREATOR))
    with acting(connection, PERSONAS["creator"]):
        assert connection.scalars(select(Campaign.id)).all() == [CREATOR_CAMPAIGN]
