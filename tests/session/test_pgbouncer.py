"""Many clients of PgBouncer on few server connections, each used by another after every commit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.orm import Session

from tests.session.conftest import POOLED
from tests.session.database import Note
from tests.session.pgbouncer import PROGRAM, pgbouncer
from tests.session.scenarios import assert_acts_as
from tests.support.blocks import blocks_of
from townhall.session import ActorError, RoleNotGranted, SessionFactory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Engine

    from tests.session.database import Logins

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")

CLIENTS, SERVERS, ROUNDS = 12, 2, 15


@pytest.mark.thorough
def test_session_acts_behind_the_configuration_of_the_guide(logins: Logins) -> None:
    (shown,) = blocks_of("docs/deployment.md", "ini")
    own = shown.text.removeprefix("[pgbouncer]\n")
    user = uuid4()
    with pgbouncer(logins.member, pool_size=1, mode="session", settings=own) as url:
        engine = create_engine(url, connect_args=POOLED)
        with SessionFactory(engine).as_user(user) as session:
            assert_acts_as(session, user)
        engine.dispose()
        with psycopg.connect(
            host=str(url.query["host"]), port=url.port, dbname="pgbouncer", autocommit=True
        ) as console:
            settings = {str(row[0]): str(row[1]) for row in console.execute("show config")}
    shown_settings = dict(line.split(" = ") for line in own.splitlines())
    assert settings.items() >= shown_settings.items()


@pytest.mark.exhaustive
def test_concurrent_actors_see_only_their_own_rows(bouncer: URL) -> None:
    together = Barrier(CLIENTS)

    def run_client(number: int) -> set[int]:
        user, backends = uuid4(), set()
        engine = create_engine(bouncer, connect_args=POOLED)
        sessions = SessionFactory(engine)
        together.wait(timeout=30)
        for done in range(ROUNDS):
            with sessions.as_user(user) as session:
                for so_far in (2 * done, 2 * done + 1):
                    assert_acts_as(session, user)
                    assert session.scalars(select(Note.owner)).all() == [user] * so_far
                    with session.begin_nested():
                        session.execute(insert(Note).values(owner=user, body=str(number)))
                    backends.add(session.scalar(text("select pg_backend_pid()")))
                    session.commit()
            with sessions.as_anonymous() as session:
                assert session.scalar(text("select current_user")) == "anon"
                assert session.scalars(select(Note)).all() == []
        engine.dispose()
        return backends

    with ThreadPoolExecutor(CLIENTS) as clients:
        backends = list(clients.map(run_client, range(CLIENTS)))
    assert len(set.union(*backends)) <= SERVERS
    assert max(map(len, backends)) > 1


@pytest.fixture
def single_bouncer(logins: Logins) -> Iterator[URL]:
    """URL of a PgBouncer whose clients share one connection to the server."""
    with pgbouncer(logins.member, pool_size=1) as url:
        yield url


def test_settings_that_another_client_left_on_the_server_have_no_effect(
    single_bouncer: URL, make_engine: Callable[..., Engine], user: UUID
) -> None:
    other = make_engine(single_bouncer, connect_args=POOLED)
    with other.connect() as connection:
        connection.execute(text("set role service_role"))
        connection.execute(text(f'set request.jwt.claims = \'{{"sub": "{uuid4()}"}}\''))
        connection.execute(text(f"set request.jwt.claim.sub = '{uuid4()}'"))
        left_on = connection.scalar(text("select pg_backend_pid()"))
        connection.commit()
    sessions = SessionFactory(make_engine(single_bouncer, connect_args=POOLED))
    with sessions.as_user(user) as session:
        assert session.scalar(text("select pg_backend_pid()")) == left_on
        assert_acts_as(session, user)
        assert session.scalars(select(Note)).all() == []


def test_actor_leaves_no_settings_on_the_server(
    single_bouncer: URL, make_engine: Callable[..., Engine], user: UUID
) -> None:
    sessions = SessionFactory(make_engine(single_bouncer, connect_args=POOLED))
    with sessions.as_user(user) as session:
        backend = session.scalar(text("select pg_backend_pid()"))
        assert_acts_as(session, user)
        session.commit()
        with Session(make_engine(single_bouncer, connect_args=POOLED)) as other:
            assert other.scalar(text("select pg_backend_pid()")) == backend
            assert other.scalar(text("select current_user = session_user"))
            assert other.scalar(text("select current_setting('request.jwt.claims', true)")) == ""
        assert_acts_as(session, user)


def test_missing_grant_names_the_role_that_pgbouncer_logs_in_as(
    logins: Logins, make_engine: Callable[..., Engine], user: UUID
) -> None:
    with pgbouncer(logins.stranger, pool_size=1) as url:
        client = url.set(username="anybody")
        sessions = SessionFactory(make_engine(client, connect_args=POOLED))
        with (
            pytest.raises(RoleNotGranted, match=f'to "{logins.stranger.username}"'),
            sessions.as_user(user) as session,
        ):
            session.execute(text("select 1"))


def test_error_of_prepared_statements_says_how_to_switch_them_off(
    single_bouncer: URL, make_engine: Callable[..., Engine], user: UUID
) -> None:
    """psycopg prepares what it has run five times, under a name that every client uses."""
    clients = [SessionFactory(make_engine(single_bouncer)) for _ in range(2)]

    def take_turns() -> None:
        for _ in range(7):
            for sessions in clients:
                with sessions.as_user(user) as session:
                    assert_acts_as(session, user)

    with pytest.raises(ActorError, match=r"connect_args=\{'prepare_threshold': None\}"):
        take_turns()


_PREPARED = text("select name from pg_prepared_statements where statement like '%request.headers%'")


def test_prepared_statement_of_another_client_is_refused(
    logins: Logins, make_engine: Callable[..., Engine], user: UUID
) -> None:
    """Two clients of a pooler can hold one name for two statements with the same parameters."""
    engine = make_engine(logins.member, connect_args={"prepare_threshold": 0})
    sessions = SessionFactory(engine)
    with sessions.as_user(user) as session:
        name = session.scalar(_PREPARED)
        session.execute(text(f'deallocate "{name}"'))
        session.execute(
            text(f'prepare "{name}" (text, text, text, text, text, text, text) as select 1')
        )
    with (
        pytest.raises(ActorError, match="prepare_threshold"),
        sessions.as_service() as session,
    ):
        session.execute(text("select 1"))
