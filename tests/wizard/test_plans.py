"""Queries of sessions use the indexes that are made for them, however many sessions there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, delete, func, select, text, update

from tests.support.plans import plan_of
from townhall import Event, Profile, WizardSession, WizardStatus
from townhall.domains.wizard import save_session
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy import ClauseElement, Connection

    from townhall.testing.databases import Databases

SESSIONS = 100_000
MANY_SESSIONS = 1_000_000

FILL = text(
    """
    with
    accounts as (
        insert into auth.users (id)
        select gen_random_uuid() from generate_series(1, 1000)
        returning id
    ),
    profiles as (
        insert into public.profiles (id) select id from accounts returning id
    ),
    organization as (
        insert into public.organizations (name, slug) values ('House', 'house') returning id
    ),
    events as (
        insert into public.events (organization_id, name)
        select o.id, 'Event ' || n from organization as o, generate_series(1, 1000) as n
        returning id
    ),
    everything as (
        select (select array_agg(id) from profiles) as users,
            (select array_agg(id) from events) as events
    )
    insert into public.wizard_sessions (user_id, event_id, status, last_saved_at)
    select
        e.users[1 + n % 1000],
        case when n % 10 = 0 then e.events[1 + n / 10 % 1000] end,
        case
            when n % 97 = 0 then 'abandoned' when n % 19 = 0 then 'in_progress' else 'completed'
        end,
        now() - n * interval '1 minute'
    from everything as e, generate_series(1, :sessions) as n
    """
)


@pytest.fixture(
    scope="module",
    params=[SESSIONS, pytest.param(MANY_SESSIONS, marks=pytest.mark.exhaustive)],
)
def many(
    request: pytest.FixtureRequest, townhall_databases: Databases, townhall_template: str
) -> Iterator[Connection]:
    """Yield a connection to a database with a number of sessions of a thousand users."""
    with townhall_databases.create(townhall_template) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(FILL, {"sessions": request.param})
            connection.execute(text("analyze"))
        with engine.connect() as connection:
            yield connection
            connection.rollback()
        engine.dispose()


@pytest.fixture
def user(many: Connection) -> UUID:
    """Return the id of one of the users."""
    return many.scalars(select(Profile.id).limit(1)).one()


def _indexes(connection: Connection, statement: ClauseElement) -> set[str]:
    plan = plan_of(connection, statement)
    assert "wizard_sessions" not in plan.sequentially_scanned
    return plan.indexes


def test_sessions_of_a_user_are_read_through_an_index_on_the_user(
    many: Connection, user: UUID
) -> None:
    """The condition is in the query of the service, and in the policy of the user."""
    everything = select(WizardSession)
    found = _indexes(many, everything.where(WizardSession.user_id == user))
    with acting(many, "authenticated", user):
        assert _indexes(many, everything) == found
    assert found in ({"idx_wizard_sessions_user_id"}, {"idx_wizard_sessions_user_status"})


def test_sessions_of_a_user_in_progress_are_read_through_an_index_on_user_and_status(
    many: Connection, user: UUID
) -> None:
    in_progress = select(WizardSession).where(WizardSession.status == WizardStatus.IN_PROGRESS)
    with acting(many, "authenticated", user):
        assert _indexes(many, in_progress) == {"idx_wizard_sessions_user_status"}


def test_abandoned_sessions_are_read_through_an_index_on_the_status(many: Connection) -> None:
    abandoned = select(WizardSession.id).where(WizardSession.status == WizardStatus.ABANDONED)
    with acting(many, "service_role"):
        assert _indexes(many, abandoned) == {"idx_wizard_sessions_status"}


def test_last_saved_sessions_are_read_through_an_index_on_the_time(many: Connection) -> None:
    recent = WizardSession.last_saved_at > func.now() - timedelta(hours=1)
    newest = select(WizardSession.id).order_by(WizardSession.last_saved_at.desc()).limit(20)
    with acting(many, "service_role"):
        assert _indexes(many, select(WizardSession.id).where(recent)) == {
            "idx_wizard_sessions_last_saved_at"
        }
        assert _indexes(many, newest) == {"idx_wizard_sessions_last_saved_at"}


def test_sessions_of_an_event_are_read_through_an_index_on_the_event(many: Connection) -> None:
    event = many.scalars(select(Event.id).limit(1)).one()
    its = select(WizardSession).where(WizardSession.event_id == event)
    assert _indexes(many, its) == {"idx_wizard_sessions_event_id"}


def test_save_finds_the_session_by_its_primary_key(many: Connection, user: UUID) -> None:
    """The statement is that of the function."""
    mine = select(WizardSession.id).where(
        WizardSession.user_id == user, WizardSession.status == WizardStatus.IN_PROGRESS
    )
    session_id = many.scalars(mine.limit(1)).one()
    with acting(many, "authenticated", user):
        plan = plan_of(
            many,
            update(WizardSession)
            .where(WizardSession.id == session_id, WizardSession.status == WizardStatus.IN_PROGRESS)
            .values(stage=2),
        )
        assert plan.indexes == {"pk_wizard_sessions"}
        assert many.scalars(save_session(session_id, {"a": 1})).one() is not None


@pytest.mark.parametrize("model", [Profile, Event], ids=lambda model: model.__tablename__)
def test_deleting_a_profile_or_event_finds_sessions_through_an_index(
    many: Connection, model: type[Profile | Event]
) -> None:
    one = select(model.id).limit(1).scalar_subquery()
    before = _sequential_scans(many)
    with many.begin_nested() as savepoint:
        many.execute(delete(model).where(model.id == one))
        savepoint.rollback()
    assert _sequential_scans(many) == before


def _sequential_scans(connection: Connection) -> int:
    scans = text("select pg_stat_get_xact_numscans('public.wizard_sessions'::regclass)")
    return int(connection.execute(scans).scalar_one())
