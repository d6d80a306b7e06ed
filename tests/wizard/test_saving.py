"""Opening, saving, completing and abandoning a session, from one tab or several at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Select, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from tests.support.blocked import wait_for_a_lock
from tests.wizard.data import (
    EVENT,
    OWNER,
    PERSONAS,
    SESSION,
    STRANGER,
    STRANGER_SESSION,
    insert_wizard,
)
from townhall import WizardSession, WizardStatus
from townhall.domains.wizard import (
    abandon_session,
    complete_session,
    current_session,
    open_session,
    save_session,
)
from townhall.input_error import InputError
from townhall.session import AsyncSessionFactory, SessionFactory
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

TABS = 8

MOVES: dict[str, Callable[[UUID], Select[WizardSession]]] = {
    "save": lambda session_id: save_session(session_id, {"budget": 100}),
    "complete": complete_session,
    "abandon": abandon_session,
}


def test_session_is_opened_for_the_caller(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        row = session.scalar(open_session(OWNER, event_id=EVENT, state={"name": "Fair"}))
        assert row is not None
        assert (row.user_id, row.event_id, row.state) == (OWNER, EVENT, {"name": "Fair"})
        assert (row.stage, row.status) == (1, WizardStatus.IN_PROGRESS)


def test_opening_a_session_for_another_user_is_refused(sessions: SessionFactory) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        sessions.as_user(STRANGER) as session,
    ):
        session.scalar(open_session(OWNER))


@pytest.mark.parametrize(
    ("patch", "state"),
    [
        ({}, {"name": "Gala"}),
        ({"name": "Fair"}, {"name": "Fair"}),
        ({"venue": {"city": "Haifa"}}, {"name": "Gala", "venue": {"city": "Haifa"}}),
        ({"name": None}, {"name": None}),
        ({"name": {"he": {"long": ["גאלה"]}}}, {"name": {"he": {"long": ["גאלה"]}}}),
    ],
    ids=str,
)
def test_patch_sets_top_level_keys_and_keeps_the_others(
    sessions: SessionFactory, patch: dict[str, Any], state: dict[str, Any]
) -> None:
    with sessions.as_user(OWNER) as session:
        row = session.scalars(save_session(SESSION, patch)).one()
        assert row.state == state


def test_patch_replaces_nested_values_as_a_whole(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        session.execute(save_session(SESSION, {"venue": {"city": "Haifa", "seats": 100}}))
        row = session.scalars(save_session(SESSION, {"venue": {"city": "Eilat"}})).one()
        assert row.state == {"name": "Gala", "venue": {"city": "Eilat"}}


def test_save_sets_the_stage(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        assert session.scalars(save_session(SESSION, {}, stage=6)).one().stage == 6
        assert session.scalars(save_session(SESSION, {"a": 1})).one().stage == 6


def test_save_with_an_invalid_stage_saves_nothing(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        with pytest.raises(IntegrityError, match="stage_in_range"), session.begin_nested():
            session.execute(save_session(SESSION, {"a": 1}, stage=7))
        assert session.get_one(WizardSession, SESSION).state == {"name": "Gala"}


@pytest.mark.parametrize("patch", ["[1]", "1", '"text"', "null"])
def test_patch_that_is_no_object_is_refused(connection: Connection, patch: str) -> None:
    save = text(f"select public.save_wizard_session('{SESSION}', '{patch}')")
    with acting(connection, PERSONAS["owner"]), pytest.raises(IntegrityError, match="is_object"):
        connection.execute(save)


def test_patch_of_null_is_refused(connection: Connection) -> None:
    save = text(f"select public.save_wizard_session('{SESSION}', null)")
    with acting(connection, PERSONAS["owner"]), pytest.raises(IntegrityError, match="not-null"):
        connection.execute(save)


def test_stage_that_exceeds_integer_is_refused(sessions: SessionFactory) -> None:
    with (
        pytest.raises(DataError, match="integer out of range"),
        sessions.as_user(OWNER) as session,
    ):
        session.execute(save_session(SESSION, {}, stage=2**31))


def test_save_returns_the_instance_in_the_session_with_its_new_state(
    sessions: SessionFactory,
) -> None:
    with sessions.as_user(OWNER) as session:
        known = session.get_one(WizardSession, SESSION)
        before = known.last_saved_at
        assert session.scalars(save_session(SESSION, {"a": 1})).one() is known
        assert known.state == {"name": "Gala", "a": 1}
        assert known.last_saved_at > before


def test_completing_a_session_saves_a_last_patch(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        row = session.scalars(complete_session(SESSION, {"agreed": True})).one()
        assert row.state == {"name": "Gala", "agreed": True}
        assert row.status is WizardStatus.COMPLETED
        assert row.completed_at == row.last_saved_at


def test_abandoning_a_session_keeps_its_state(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        row = session.scalars(abandon_session(SESSION)).one()
        assert (row.status, row.completed_at) == (WizardStatus.ABANDONED, None)
        assert row.state == {"name": "Gala"}


def test_patch_can_remove_keys(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        session.execute(save_session(SESSION, {"a": 1, "b": {"c": 2}, "d": None}))
        row = session.scalars(
            save_session(SESSION, {"e": 3}, remove=["a", "b", "unheard of"])
        ).one()
        assert row.state == {"name": "Gala", "d": None, "e": 3}
        row = session.scalars(complete_session(SESSION, remove={"d"})).one()
        assert row.state == {"name": "Gala", "e": 3}


@pytest.mark.parametrize(
    ("patch", "remove", "message"),
    [({"a": 1, "b": 2}, ["b"], "'b' can't be set and removed"), ({}, "name", "a list of keys")],
)
def test_removal_that_can_only_be_a_mistake_is_refused(
    patch: dict[str, Any],
    remove: Any,  # noqa: ANN401
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        save_session(SESSION, patch, remove=remove)


def test_completion_can_be_repeated(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        complete = complete_session(SESSION, {"agreed": True}, remove=["draft"])
        first = session.scalars(complete).one()
        times = first.completed_at, first.last_saved_at
        again = session.scalars(complete).one()
        assert again is first
        assert (again.completed_at, again.last_saved_at) == times
        for other in ({"agreed": False}, {"more": 1}):
            with (
                pytest.raises(IntegrityError, match=f"wizard session {SESSION} is completed"),
                session.begin_nested(),
            ):
                session.execute(complete_session(SESSION, other))
        with pytest.raises(IntegrityError, match="is completed"), session.begin_nested():
            session.execute(complete_session(SESSION, remove=["agreed"]))


def test_abandoning_can_be_repeated(sessions: SessionFactory) -> None:
    with sessions.as_user(OWNER) as session:
        for _ in range(2):
            row = session.scalars(abandon_session(SESSION)).one()
            assert row.status is WizardStatus.ABANDONED


def test_completed_session_of_another_user_is_refused_like_a_missing_one(
    sessions: SessionFactory,
) -> None:
    with sessions.as_user(OWNER) as session:
        session.execute(complete_session(SESSION))
    with (
        pytest.raises(ProgrammingError, match="is not yours"),
        sessions.as_user(STRANGER) as session,
    ):
        session.execute(complete_session(SESSION))


def test_opening_a_session_can_be_repeated(sessions: SessionFactory) -> None:
    key = uuid4()
    with sessions.as_user(OWNER) as session:
        opened = session.scalars(open_session(OWNER, id=key, state={"a": 1})).one()
        saved = session.scalars(save_session(key, {"b": 2}, stage=2)).one().last_saved_at
        again = session.scalars(open_session(OWNER, id=key, state={"a": 0})).one()
        assert again is opened
        assert (again.id, again.state, again.stage) == (key, {"a": 1, "b": 2}, 2)
        assert again.last_saved_at == saved
        session.execute(complete_session(key))
        completed = session.scalars(open_session(OWNER, id=key)).one()
        assert completed.status is WizardStatus.COMPLETED


def test_session_of_another_user_is_not_opened_by_its_id(sessions: SessionFactory) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        sessions.as_user(STRANGER) as session,
    ):
        session.execute(open_session(STRANGER, id=SESSION))
    with sessions.as_service() as session:
        assert session.scalars(open_session(STRANGER, id=SESSION)).all() == []
        assert session.get_one(WizardSession, SESSION).user_id == OWNER


def test_current_session_is_the_callers_in_progress_that_was_saved_last(
    sessions: SessionFactory,
) -> None:
    with sessions.as_user(OWNER) as session:
        assert session.scalars(current_session()).one().id == SESSION
        newer = session.scalars(open_session(OWNER)).one()
        session.execute(save_session(newer.id, {}))  # both begin in this transaction
        assert session.scalars(current_session()).one() is newer
        session.execute(save_session(SESSION, {"a": 1}))
        assert session.scalars(current_session(OWNER)).one().id == SESSION
        session.execute(complete_session(SESSION))
        assert session.scalars(current_session()).one() is newer
        session.execute(abandon_session(newer.id))
        assert session.scalar(current_session()) is None
        assert session.scalar(current_session(STRANGER)) is None
    with sessions.as_service() as session:
        assert session.scalar(current_session()) is None
        assert session.scalars(current_session(STRANGER)).one().id == STRANGER_SESSION


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("status", [WizardStatus.COMPLETED, WizardStatus.ABANDONED])
def test_session_that_is_not_in_progress_is_refused(
    sessions: SessionFactory, move: str, status: WizardStatus
) -> None:
    if (move, status) in {("complete", "completed"), ("abandon", "abandoned")}:
        return  # it is repeated
    with sessions.as_user(OWNER) as session:
        row = session.get_one(WizardSession, SESSION)
        row.status = status
        session.flush()
        before = row.last_saved_at
        with (
            pytest.raises(IntegrityError, match=f"wizard session {SESSION} is {status}"),
            session.begin_nested(),
        ):
            session.execute(MOVES[move](SESSION))
        session.refresh(row)
        assert (row.status, row.state, row.last_saved_at) == (status, {"name": "Gala"}, before)


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("session_id", [STRANGER_SESSION, uuid4()], ids=["other", "missing"])
def test_session_of_another_user_is_refused_like_a_missing_one(
    sessions: SessionFactory, move: str, session_id: UUID
) -> None:
    with (
        pytest.raises(ProgrammingError, match=f"wizard session {session_id} is not yours"),
        sessions.as_user(OWNER) as session,
    ):
        session.execute(MOVES[move](session_id))


def test_service_may_save_any_session(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        assert session.scalars(save_session(SESSION, {"a": 1})).one().user_id == OWNER


def test_anonymous_caller_cannot_save(connection: Connection) -> None:
    with acting(connection, PERSONAS["anon"]):
        assert outcome(connection, save_session(SESSION, {})) is Outcome.PERMISSION_DENIED


@pytest.fixture
def committed(townhall_engine: Engine) -> Engine:
    """Return an engine on a database of this test's own, in which the sessions are committed."""
    with townhall_engine.begin() as connection:
        insert_wizard(connection)
    return townhall_engine


@pytest.mark.thorough
def test_concurrent_save_waits_and_keeps_the_other_patch(committed: Engine) -> None:
    """The first tab has saved and not committed when the second saves another field."""
    factory = SessionFactory(committed)
    with ThreadPoolExecutor(1) as other_tab:
        with factory.as_user(OWNER) as session:
            session.execute(save_session(SESSION, {"first": 1}))
            second = other_tab.submit(_save, factory, {"second": 2})
            wait_for_a_lock(committed)
        assert second.result(timeout=30) == {"name": "Gala", "first": 1, "second": 2}


@pytest.mark.thorough
def test_save_concurrent_to_completion_is_refused(committed: Engine) -> None:
    factory = SessionFactory(committed)
    with ThreadPoolExecutor(1) as other_tab:
        with factory.as_user(OWNER) as session:
            session.execute(complete_session(SESSION))
            second = other_tab.submit(_save, factory, {"second": 2})
            wait_for_a_lock(committed)
        with pytest.raises(IntegrityError, match="is completed"):
            second.result(timeout=30)
    with factory.as_user(OWNER) as session:
        assert session.get_one(WizardSession, SESSION).state == {"name": "Gala"}


@pytest.mark.thorough
def test_concurrent_opening_and_completion_are_one(committed: Engine) -> None:
    factory, key = SessionFactory(committed), uuid4()

    def repeat(statement: Any) -> WizardStatus:  # noqa: ANN401  a statement
        with factory.as_user(OWNER) as session:
            row: WizardSession = session.scalars(statement).one()
            return row.status

    for statement in (open_session(OWNER, id=key), complete_session(key)):
        with ThreadPoolExecutor(1) as other_request:
            with factory.as_user(OWNER) as session:
                first = session.scalars(statement).one().status
                second = other_request.submit(repeat, statement)
                wait_for_a_lock(committed)
            assert second.result(timeout=30) is first


@pytest.mark.thorough
def test_eight_concurrent_connections_lose_no_patch(committed: Engine) -> None:
    factory = SessionFactory(committed)
    start = Barrier(TABS)

    def tab(number: int) -> None:
        start.wait(timeout=60)
        for save in range(25):
            _save(factory, {f"{number}.{save}": save, "last": number})

    with ThreadPoolExecutor(TABS) as tabs:
        list(tabs.map(tab, range(TABS)))
    with factory.as_user(OWNER) as session:
        state = session.get_one(WizardSession, SESSION).state
    assert state.pop("last") in range(TABS)
    assert state == {"name": "Gala"} | {
        f"{number}.{save}": save for number in range(TABS) for save in range(25)
    }


def _save(factory: SessionFactory, patch: dict[str, Any]) -> dict[str, Any]:
    with factory.as_user(OWNER) as session:
        return session.scalars(save_session(SESSION, patch)).one().state


@pytest.mark.thorough
async def test_sessions_are_saved_in_an_async_session(townhall_async_engine: AsyncEngine) -> None:
    async with townhall_async_engine.begin() as connection:
        await connection.run_sync(insert_wizard)
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with sessions.as_user(OWNER) as session:
        opened = await session.scalar(open_session(OWNER, state={"a": 1}))
        assert opened is not None
        again = await session.scalar(open_session(OWNER, id=opened.id))
        assert again is await session.scalar(current_session()) is opened
        await session.execute(save_session(opened.id, {"b": 2}, stage=2, remove=["z"]))
        for _ in range(2):
            done = (await session.scalars(complete_session(opened.id, {"c": 3}))).one()
        assert (done.state, done.stage) == ({"a": 1, "b": 2, "c": 3}, 2)
        assert done.status is WizardStatus.COMPLETED
