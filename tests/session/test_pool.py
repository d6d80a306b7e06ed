"""Pooled connections with settings of another user: they have no effect, and actors leave none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.session.database import Note
from tests.session.scenarios import assert_acts_as
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tests.session.database import Logins

_OTHER_USER = {
    "request.jwt.claims": '{"sub": "00000000-0000-0000-0000-00000000000a", "role": "service_role"}',
    "request.jwt.claim": '{"sub": "00000000-0000-0000-0000-00000000000a"}',
    "request.jwt.claim.sub": "00000000-0000-0000-0000-00000000000a",
    "request.jwt.claim.role": "service_role",
    "request.jwt.claim.email": "other@example.org",
    "request.headers": '{"x-forwarded-for": "203.0.113.7"}',
}
_ALL_SETTINGS = text(
    """
    select name, coalesce(current_setting(name, true), '')
    from unnest(cast(:names as text[])) as setting (name)
    """
)
_SET = text("select set_config(:name, :value, false)")


def _settings(session: Session | Connection) -> dict[str, str]:
    found = session.execute(_ALL_SETTINGS, {"names": list(_OTHER_USER)})
    return {str(name): str(value) for name, value in found}


def _role(session: Session | Connection) -> str:
    return str(session.scalar(text("select current_user")))


def _set_for_the_connection(engine: Engine) -> None:
    """Set role and claims for the whole connection, as code does that is unfit for a pool."""
    with engine.connect() as connection:
        for name, value in _OTHER_USER.items():
            connection.execute(_SET, {"name": name, "value": value})
        connection.execute(text("set role service_role"))
        connection.commit()


def test_settings_of_the_connection_have_no_effect_on_a_user(
    sessions: SessionFactory, engine: Engine, user: UUID
) -> None:
    _set_for_the_connection(engine)
    with sessions.as_user(user) as session:
        assert _role(session) == "authenticated"
        assert _settings(session) == {
            "request.jwt.claims": f'{{"sub": "{user}", "role": "authenticated"}}',
            "request.jwt.claim": "",
            "request.jwt.claim.sub": str(user),
            "request.jwt.claim.role": "authenticated",
            "request.jwt.claim.email": "",
            "request.headers": "{}",
        }
        assert session.scalars(select(Note)).all() == []


@pytest.mark.parametrize("role", ["anon", "service_role"])
def test_anonymous_caller_and_service_inherit_no_subject(
    sessions: SessionFactory, engine: Engine, role: str
) -> None:
    _set_for_the_connection(engine)
    block = sessions.as_anonymous() if role == "anon" else sessions.as_service()
    with block as session:
        assert _role(session) == role
        assert _settings(session) == dict.fromkeys(_OTHER_USER, "") | {
            "request.jwt.claims": f'{{"role": "{role}"}}',
            "request.jwt.claim.role": role,
            "request.headers": "{}",
        }


def test_connection_keeps_its_settings(
    sessions: SessionFactory, engine: Engine, user: UUID
) -> None:
    _set_for_the_connection(engine)
    for failure in ("", "select 1 / 0"):
        with sessions.as_user(user, {"email": "noa@example.org"}, {"a": "b"}) as session:
            assert_acts_as(session, user)
            if failure:
                with pytest.raises(DBAPIError):
                    session.execute(text(failure))
                session.rollback()
        with engine.connect() as connection:
            assert _role(connection) == "service_role"
            assert _settings(connection) == _OTHER_USER


def _commit(session: Session) -> None:
    session.commit()


def _roll_back(session: Session) -> None:
    session.rollback()


def _leave_a_savepoint_open(session: Session) -> None:
    session.begin_nested()
    session.execute(text("select 1"))


def _fail(session: Session) -> None:
    with pytest.raises(DBAPIError):
        session.execute(text("select 1 / 0"))


def _do_nothing(_: Session) -> None:
    """Leave the transaction open."""


def test_temporary_objects_do_not_replace_a_table_or_a_type(
    sessions: SessionFactory, engine: Engine, user: UUID
) -> None:
    with engine.begin() as connection:
        connection.execute(text("create temp table notes (like notes)"))
        connection.execute(text("grant all on pg_temp.notes to public"))
        connection.execute(text("create domain pg_temp.uuid as pg_catalog.uuid check (false)"))
    with sessions.as_user(user) as session:
        session.add(Note(owner=user))
    with sessions.as_service() as session:
        assert session.scalars(select(Note.owner).where(Note.owner == user)).all() == [user]


def test_transaction_keeps_the_search_path_of_its_connection(
    sessions: SessionFactory, engine: Engine, user: UUID
) -> None:
    paths = {
        "": "pg_catalog, pg_temp",
        '"a, b", public': 'pg_catalog, "a, b", public, pg_temp',
        '"$user", public': "pg_catalog, public, pg_temp",
        'public, $user, "x$user"': 'pg_catalog, public, "x$user", pg_temp',
        '"$user"': "pg_catalog, pg_temp",
    }
    for path, expected in paths.items():
        with engine.begin() as connection:
            connection.execute(_SET, {"name": "search_path", "value": path})
        with sessions.as_user(user) as session:
            for _ in range(2):
                assert session.scalar(text("show search_path")) == expected
                session.commit()
        with engine.connect() as connection:
            assert connection.scalar(text("show search_path")) == path


ENDINGS = (
    _commit,
    _roll_back,
    _leave_a_savepoint_open,
    _fail,
    _do_nothing,
    Session.close,
    Session.invalidate,
)


@pytest.mark.parametrize("end", ENDINGS, ids=[end.__name__ for end in ENDINGS])
def test_actor_leaves_no_settings_on_the_connection(
    engine: Engine, user: UUID, end: Callable[[Session], None]
) -> None:
    sessions = SessionFactory(engine)
    with sessions.as_user(user, {"email": "noa@example.org"}, {"a": "b"}) as session:
        assert_acts_as(session, user)
        end(session)
        if end is _fail:
            session.rollback()
    with engine.connect() as connection:
        assert _role(connection) == engine.url.username
        assert set(_settings(connection).values()) == {""}


def test_consecutive_actors_on_one_connection_act_each_as_their_own_user(
    sessions: SessionFactory,
) -> None:
    users = [uuid4() for _ in range(3)]
    backends = set()
    for user in users * 3:
        with sessions.as_user(user) as session:
            session.execute(insert(Note).values(owner=user, body=""))
            assert set(session.scalars(select(Note.owner))) == {user}
            backends.add(session.scalar(text("select pg_backend_pid()")))
        with sessions.as_anonymous() as session:
            assert session.scalars(select(Note)).all() == []
    assert len(backends) == 1


@pytest.mark.parametrize("threshold", [0, 5, None])
def test_prepared_statement_is_planned_for_the_actor_that_runs_it(
    logins: Logins, make_engine: Callable[..., Engine], threshold: int | None
) -> None:
    engine = make_engine(logins.member, connect_args={"prepare_threshold": threshold})
    sessions = SessionFactory(engine)
    first, second = uuid4(), uuid4()
    owners = select(Note.owner).where(Note.owner.in_([first, second]))
    for user in (first, second):
        with sessions.as_user(user) as session:
            session.add(Note(owner=user))
    for _ in range(8):
        for user in (first, second):
            with sessions.as_user(user) as session:
                assert session.scalars(owners).all() == [user]
        with sessions.as_service() as session:
            assert set(session.scalars(owners)) == {first, second}
        with sessions.as_anonymous() as session:
            assert session.scalars(owners).all() == []


def _terminate(engine: Engine, backend: int | None) -> None:
    with engine.connect() as connection:
        connection.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": backend})


def test_session_acts_after_its_connection_was_lost(
    sessions: SessionFactory, logins: Logins, make_engine: Callable[..., Engine], user: UUID
) -> None:
    with sessions.as_user(user) as session:
        _terminate(make_engine(logins.member), session.scalar(text("select pg_backend_pid()")))
        with pytest.raises(DBAPIError) as lost:
            session.execute(text("select 1"))
        assert lost.value.connection_invalidated
        session.rollback()
        assert_acts_as(session, user)


def test_session_acts_after_its_connection_was_lost_in_the_pool(
    sessions: SessionFactory, logins: Logins, make_engine: Callable[..., Engine], user: UUID
) -> None:
    with sessions.as_user(user) as session:
        backend = session.scalar(text("select pg_backend_pid()"))
    _terminate(make_engine(logins.member), backend)
    with sessions.as_user(user) as session:
        with pytest.raises(DBAPIError) as lost:
            session.connection()
        assert lost.value.connection_invalidated
        session.rollback()
        assert_acts_as(session, user)
