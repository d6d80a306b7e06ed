"""Participants start and complete their sessions, and the coach sees it in the pipeline."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Select, insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from tests.coaching.data import (
    CAMPAIGN,
    OTHER_SESSION,
    OWNER,
    PARTICIPANT,
    PERSONAS,
    SESSION,
    TENANT,
)
from tests.support.blocked import wait_for_a_lock
from townhall import ClientStatus, ParticipantSession, SessionStatus
from townhall.domains.coaching import (
    complete_participant_session,
    pipeline_of,
    start_participant_session,
)
from townhall.session import AsyncSessionFactory, SessionFactory
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    SessionFunction = Callable[[UUID], Select[None]]

FUNCTIONS = pytest.mark.parametrize(
    "function", [start_participant_session, complete_participant_session]
)


def _session(connection: Connection) -> ParticipantSession:
    """Return the row of the session."""
    row = connection.execute(select(ParticipantSession).where(ParticipantSession.id == SESSION))
    return row.one()  # type: ignore[return-value]  # a row with its columns


def _set(connection: Connection, **values: object) -> None:
    mine = ParticipantSession.id == SESSION
    connection.execute(update(ParticipantSession).where(mine).values(values))


def _call(connection: Connection, function: SessionFunction, persona: str = "participant") -> None:
    with acting(connection, PERSONAS[persona]):
        connection.execute(function(SESSION))


def test_participant_starts_and_completes_their_session(connection: Connection) -> None:
    before = _session(connection)
    assert (before.started_at, before.completed_at) == (None, None)
    _call(connection, start_participant_session)
    started = _session(connection)
    assert (started.status, started.client_status) == ("in_progress", "started")
    assert started.started_at is not None
    assert started.completed_at is None
    _call(connection, complete_participant_session)
    completed = _session(connection)
    assert (completed.status, completed.client_status) == ("completed", "completed")
    assert completed.completed_at is not None
    assert completed.started_at == started.started_at
    for column in ("campaign_id", "tenant_id", "user_id", "stakeholder_name"):
        assert getattr(completed, column) == getattr(before, column)


@pytest.mark.parametrize(
    ("before", "after_start", "after_completion"),
    [
        ("registered", "started", "completed"),
        ("started", "started", "completed"),
        ("completed", "completed", "completed"),
        ("contacted", "contacted", "contacted"),
        ("converted", "converted", "converted"),
        ("archived", "archived", "archived"),
    ],
)
def test_client_status_moves_only_forward(
    connection: Connection, before: str, after_start: str, after_completion: str
) -> None:
    _set(connection, client_status=before)
    _call(connection, start_participant_session)
    assert _session(connection).client_status == after_start
    _set(connection, client_status=before)
    _call(connection, complete_participant_session)
    assert _session(connection).client_status == after_completion


@pytest.mark.parametrize(
    ("function", "status"),
    [
        (start_participant_session, SessionStatus.IN_PROGRESS),
        (start_participant_session, SessionStatus.COMPLETED),
        (complete_participant_session, SessionStatus.PENDING),
        (complete_participant_session, SessionStatus.COMPLETED),
    ],
)
def test_session_with_another_status_is_refused(
    connection: Connection, function: SessionFunction, status: SessionStatus
) -> None:
    _set(connection, status=status)
    before = _session(connection)
    refusal = f"session {SESSION} is {status}, not (pending|in_progress)"
    with pytest.raises(IntegrityError, match=refusal):
        _call(connection, function)
    assert _session(connection) == before


@FUNCTIONS
@pytest.mark.parametrize("persona", ["no_sub", "stranger", "outsider", "creator", "owner"])
def test_session_of_another_participant_is_refused(
    connection: Connection, function: SessionFunction, persona: str
) -> None:
    before = _session(connection)
    with pytest.raises(ProgrammingError, match=f"session {SESSION} is not yours"):
        _call(connection, function, persona)
    assert _session(connection) == before


@FUNCTIONS
@pytest.mark.parametrize("session_id", [OTHER_SESSION, uuid4()], ids=["hidden", "missing"])
def test_hidden_and_missing_sessions_are_refused_alike(
    connection: Connection, function: SessionFunction, session_id: UUID
) -> None:
    """The session of the other tenant has no account."""
    with (
        pytest.raises(ProgrammingError, match=f"session {session_id} is not yours"),
        acting(connection, PERSONAS["participant"]),
    ):
        connection.execute(function(session_id))


@FUNCTIONS
@pytest.mark.parametrize("persona", ["anon", "service"])
def test_anonymous_caller_and_service_cannot_call_the_functions(
    connection: Connection, function: SessionFunction, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, function(SESSION)) is Outcome.PERMISSION_DENIED


@pytest.mark.thorough
def test_concurrent_second_start_of_a_session_is_refused(committed: Engine) -> None:
    factory = SessionFactory(committed)

    def start() -> None:
        with factory.as_user(PARTICIPANT) as session:
            session.execute(start_participant_session(SESSION))

    with ThreadPoolExecutor(1) as other:
        with factory.as_user(PARTICIPANT) as session:
            session.execute(start_participant_session(SESSION))
            second = other.submit(start)
            wait_for_a_lock(committed)
        with pytest.raises(IntegrityError, match="is in_progress, not pending"):
            second.result(timeout=30)


def test_columns_added_by_an_application_do_not_shadow_the_arguments(
    connection: Connection,
) -> None:
    table = "alter table public.participant_sessions"
    connection.execute(text(f"{table} add session_id uuid, add found_status text"))
    _call(connection, start_participant_session)
    _call(connection, complete_participant_session)
    assert _session(connection).status == "completed"
    with pytest.raises(IntegrityError, match="is completed, not in_progress"):
        _call(connection, complete_participant_session)


def test_pipeline_is_ordered_by_client_status(
    connection: Connection, sessions: SessionFactory
) -> None:
    connection.execute(
        insert(ParticipantSession),
        [
            {"campaign_id": CAMPAIGN, "client_status": status, "stakeholder_name": f"{status}"}
            for status in reversed(ClientStatus)
        ],
    )
    with sessions.as_user(OWNER) as session:
        pipeline = [row.client_status for row in session.scalars(pipeline_of(TENANT))]
        assert pipeline == [ClientStatus.REGISTERED, *ClientStatus]
        converted = session.scalars(pipeline_of(TENANT, ClientStatus.CONVERTED)).one()
        assert converted.stakeholder_name == "converted"
    with sessions.acting(PERSONAS["outsider"]) as session:
        assert session.scalars(pipeline_of(TENANT)).all() == []


@pytest.mark.parametrize("name", ["campaign_assignments", "stakeholder_sessions"])
def test_views_with_the_old_names_are_read_and_written_like_the_table(
    connection: Connection, name: str
) -> None:
    """The insert names only the old columns; the new ones get their defaults."""
    old = "where stakeholder_name = 'Old'"
    statements = (
        f"""
        insert into public.{name} (campaign_id, stakeholder_name, status)
        values ('{CAMPAIGN}', 'Old', 'pending')
        returning id, client_status, tenant_id
        """,
        f"update public.{name} set status = 'in_progress' {old}",
        f"select status, stakeholder_name from public.{name} {old}",
        f"delete from public.{name} {old}",
    )
    with acting(connection, "service_role"):
        inserted, updated, selected, deleted = map(connection.execute, map(text, statements))
        assert inserted.one()[1:] == ("registered", TENANT)
        assert updated.rowcount == 1
        assert selected.all() == [("in_progress", "Old")]
        assert deleted.rowcount == 1


@pytest.mark.parametrize("name", ["campaign_assignments", "stakeholder_sessions"])
def test_view_with_an_old_name_accepts_an_upsert(connection: Connection, name: str) -> None:
    statement = text(
        f"""
        insert into public.{name} (id, campaign_id) values ('{SESSION}', '{CAMPAIGN}')
        on conflict (id) do update set stakeholder_name = 'Met'
        returning stakeholder_name
        """
    )
    with acting(connection, "service_role"):
        assert connection.scalar(statement) == "Met"


@pytest.mark.thorough
async def test_sessions_are_started_and_completed_in_an_async_session(
    committed: Engine, townhall_async_engine: AsyncEngine
) -> None:
    del committed  # on the same database
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with sessions.as_user(PARTICIPANT) as session:
        await session.execute(start_participant_session(SESSION))
        await session.execute(complete_participant_session(SESSION))
    async with sessions.as_user(OWNER) as session:
        row = (await session.scalars(pipeline_of(TENANT))).one()
        assert (row.id, row.client_status) == (SESSION, ClientStatus.COMPLETED)
