"""What applications meet at run time: sync and async, direct and behind PgBouncer."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, delete, select, text, update

from tests.session.conftest import async_sessions, sync_sessions
from tests.session.database import notes_database
from tests.session.pgbouncer import PROGRAM, pgbouncer
from townhall import (
    CommunityProfile,
    ConsentCategory,
    Event,
    EventStatus,
    Milestone,
    Organization,
    OrganizationMember,
    OrganizationRole,
    Participant,
    Profile,
    SocialFeedPost,
    StaleDocument,
    TableAssignment,
    WizardSession,
    WizardStatus,
)
from townhall.domains.community import (
    consenting,
    count_views,
    directory_page,
    feed_page,
    set_consent,
)
from townhall.domains.events import assign_seats, seat, swap_seats
from townhall.domains.wizard import complete_session, open_session, save_session
from townhall.errors import Kind, explain
from townhall.people import AccountState, erase_person, export_person
from townhall.session import Actor, NotPermitted
from townhall.testing import create_account
from townhall.testing.accounts import managing_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL, Engine
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.selectable import TypedReturnsRows

    from tests.session.database import Logins
    from townhall.testing.databases import Databases

T = TypeVar("T")


class Acting(Protocol):
    """Runs a function in a session that acts, and commits."""

    def __call__(self, actor: Actor, do: Callable[[Session], T]) -> T: ...


@contextmanager
def acting_in_sync(url: URL) -> Iterator[Acting]:
    with sync_sessions(url) as sessions:

        def run(actor: Actor, do: Callable[[Session], T]) -> T:
            with sessions.acting(actor) as session:
                return do(session)

        yield run


@contextmanager
def acting_in_async(url: URL) -> Iterator[Acting]:
    with asyncio.Runner() as runner:
        opened = async_sessions(url)
        sessions = runner.run(opened.__aenter__())

        async def run(actor: Actor, do: Callable[[Session], T]) -> T:
            async with sessions.acting(actor) as session:
                return await session.run_sync(do)

        yield lambda actor, do: runner.run(run(actor, do))
        runner.run(opened.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def migrated(townhall_databases: Databases, townhall_template: str) -> Iterator[Logins]:
    """Yield the logins of a database at head."""
    with townhall_databases.create(townhall_template) as url, notes_database(url) as logins:
        yield logins


@contextmanager
def behind_pgbouncer(url: URL) -> Iterator[URL]:
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    with pgbouncer(url, pool_size=2) as pooled:
        yield pooled


WAYS = (
    pytest.param((acting_in_sync, nullcontext), id="sync-direct"),
    pytest.param((acting_in_async, behind_pgbouncer), id="async-pgbouncer"),
    pytest.param(
        (acting_in_sync, behind_pgbouncer), id="sync-pgbouncer", marks=pytest.mark.thorough
    ),
    pytest.param((acting_in_async, nullcontext), id="async-direct", marks=pytest.mark.thorough),
)
"""How a session acts, and the way to the server."""


@pytest.fixture(scope="module", params=WAYS)
def acting(request: pytest.FixtureRequest, migrated: Logins) -> Iterator[Acting]:
    in_session, reached = request.param
    with reached(migrated.member) as login, in_session(login) as run:
        yield run


@pytest.fixture(scope="module")
def elsewhere(migrated: Logins) -> Iterator[Engine]:
    """Yield an engine of the owner, for what others do; the service may delete accounts."""
    engine = create_engine(migrated.owner)
    with engine.begin() as connection, managing_accounts(connection):
        connection.execute(text("grant select, update, delete on auth.users to service_role"))
    yield engine
    engine.dispose()


@dataclass(frozen=True)
class Town:
    """Two people, of whom the host owns an organization with an event of two guests."""

    acting: Acting
    elsewhere: Engine
    host: UUID
    other: UUID
    event: UUID
    guests: tuple[UUID, UUID]

    def as_service(self, do: Callable[[Session], T]) -> T:
        return self.acting(Actor.service(), do)

    def as_host(self, do: Callable[[Session], T]) -> T:
        return self.acting(Actor.user(self.host), do)

    def as_other(self, do: Callable[[Session], T]) -> T:
        return self.acting(Actor.user(self.other), do)


@pytest.fixture
def town(acting: Acting, elsewhere: Engine) -> Town:
    host, other, key, event, *guests = (uuid4() for _ in range(6))
    with elsewhere.begin() as connection:
        for account in (host, other):
            create_account(connection, f"{account}@example.org", account)
    town = Town(acting, elsewhere, host, other, event, (guests[0], guests[1]))

    def settle(session: Session) -> None:
        for rows in (
            [Profile(id=each) for each in (host, other)],
            [Organization(id=key, name="Hall", slug=f"hall-{key}")],
            [
                OrganizationMember(organization_id=key, user_id=host, role=OrganizationRole.OWNER),
                Event(id=event, organization_id=key, name="Fair", status=EventStatus.DRAFT),
            ],
            [
                Participant(id=guests[0], event_id=event, user_id=other, first_name="Ada"),
                Participant(id=guests[1], event_id=event, first_name="Ben"),
            ],
        ):
            session.add_all(rows)
            session.flush()

    town.as_service(settle)
    return town


def _milestone(owner: UUID) -> Milestone:
    return Milestone(id=str(uuid4()), user_id=owner, title="Launch")


def _add(*rows: object) -> Callable[[Session], None]:
    def add(session: Session) -> None:
        for row in rows:
            session.add(row)
            session.flush()

    return add


def _save_a_completed_session(town: Town) -> Callable[[Session], object]:
    def save(session: Session) -> object:
        opened = session.scalars(open_session(town.host)).one()
        session.execute(complete_session(opened.id))
        return session.execute(save_session(opened.id, {"a": 1}))

    return save


def _wait_for_a_lock(town: Town) -> Callable[[Session], object]:
    def wait(session: Session) -> object:
        with town.elsewhere.connect() as connection:
            connection.execute(text("lock table public.events"))
            session.execute(text("set local lock_timeout = 1"))
            return session.execute(select(Event.id))

    return wait


REFUSED: dict[Kind, Callable[[Town], Callable[[Session], object]]] = {
    Kind.DENIED: lambda town: _add(_milestone(town.other)),
    Kind.DUPLICATE: lambda town: _add(_milestone(town.host), Profile(id=town.host)),
    Kind.MISSING_REFERENCE: lambda town: _add(WizardSession(user_id=town.host, event_id=uuid4())),
    Kind.OUT_OF_RANGE: lambda town: _add(WizardSession(user_id=town.host, stage=9)),
    Kind.WRONG_STATE: _save_a_completed_session,
    Kind.CONFLICT: _wait_for_a_lock,
    Kind.TOO_LARGE: lambda town: _add(
        CommunityProfile(user_id=town.host, display_name="x" * 100_000)
    ),
    Kind.NOT_FOUND: lambda _: lambda session: session.get_one(Event, uuid4()),
}


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_error_is_explained_and_the_session_acts_on(town: Town, kind: Kind) -> None:
    refused = REFUSED[kind](town)

    def run(session: Session) -> object:
        with pytest.raises(Exception) as raised:  # noqa: PT011  its kind is looked at
            refused(session)
        session.rollback()
        found = explain(raised.value)
        acts_as = session.scalar(select(text("auth.uid()")))
        return found and found.kind, found and found.original is raised.value, acts_as

    assert town.as_host(run) == (kind, True, town.host)


@pytest.mark.parametrize("command", ["delete", "update"])
def test_denied_change_raises_and_a_bulk_statement_reports_its_rows(
    town: Town, command: str
) -> None:
    town.as_other(_add(_milestone(town.other)))
    town.as_host(_add(SocialFeedPost(author_id=town.host, content="mine", is_public=True)))

    def change(session: Session) -> None:
        post = session.scalars(
            select(SocialFeedPost).where(SocialFeedPost.author_id == town.host)
        ).one()
        if command == "delete":
            session.delete(post)
        else:
            post.content = "theirs"
        with pytest.raises(NotPermitted) as raised:
            session.flush()
        session.rollback()
        found = explain(raised.value)
        assert found is not None
        assert (found.kind, found.table) == (Kind.DENIED, "social_feed_posts")
        statement: Any = (
            delete(Milestone) if command == "delete" else update(Milestone).values(title="x")
        )
        assert session.execute(statement).rowcount == 1  # type: ignore[attr-defined]

    town.as_other(change)


def test_person_is_exported_and_erased(town: Town) -> None:
    town.as_other(_add(_milestone(town.other)))
    exported = town.as_service(lambda session: export_person(session, town.other))
    assert {name: len(rows) for name, rows in exported.items()} == {
        "auth.users": 1,
        "milestones": 1,
        "participants": 1,
        "profiles": 1,
    }
    erasure = town.as_service(lambda session: erase_person(session, town.other))
    assert erasure.account is AccountState.DELETED
    assert erasure.cleared == {"participants": 1}
    again = town.as_service(lambda session: erase_person(session, town.other))
    assert again.account is AccountState.ABSENT
    guest = town.as_host(lambda session: session.get_one(Participant, town.guests[0]))
    assert (guest.first_name, guest.user_id) == (None, None)  # read after its session


def test_document_that_somebody_changed_is_not_written_over(town: Town) -> None:
    def change(session: Session) -> None:
        event = session.get_one(Event, town.event)
        event.settings["language"] = "he"
        with town.elsewhere.begin() as connection:
            connection.execute(
                update(Event)
                .where(Event.id == town.event)
                .values(settings=Event.settings.concat({"theme": "dark"}))
            )
        with pytest.raises(StaleDocument) as raised:
            session.flush()
        session.rollback()
        found = explain(raised.value)
        assert found is not None
        assert found.kind is Kind.CONFLICT
        event.settings = Event.settings.concat({"language": "he"})

    town.as_host(change)
    settings = town.as_host(lambda session: session.get_one(Event, town.event).settings)
    assert settings == {"theme": "dark", "language": "he"}


def test_seats_are_assigned_exchanged_and_moved(town: Town) -> None:
    first, second = town.guests

    def run(statement: Any) -> None:  # noqa: ANN401  a statement
        town.as_host(lambda session: session.execute(statement).all())

    def places() -> dict[UUID, tuple[int, int | None]]:
        seats = town.as_host(
            lambda session: session.scalars(
                select(TableAssignment).where(TableAssignment.event_id == town.event)
            ).all()
        )
        return {each.participant_id: (each.table_number, each.seat_number) for each in seats}

    run(assign_seats(town.event, {first: (1, 1), second: (2, 1)}))
    run(swap_seats(town.event, first, second))
    assert places() == {first: (2, 1), second: (1, 1)}
    run(seat(town.event, first, 3))
    assert places() == {first: (3, None), second: (1, 1)}


def test_wizard_session_is_opened_again_saved_and_completed_again(town: Town) -> None:
    key = uuid4()

    def run(statement: TypedReturnsRows[WizardSession]) -> WizardSession:
        return town.as_host(lambda session: session.scalars(statement).one())

    run(open_session(town.host, id=key, state={"a": 1, "draft": True}))
    saved = run(save_session(key, {"b": 2}, remove=["draft"]))
    again = run(open_session(town.host, id=key))
    assert (again.state, again.last_saved_at) == ({"a": 1, "b": 2}, saved.last_saved_at)
    completed = [run(complete_session(key, {"c": 3})) for _ in range(2)]
    assert completed[0].last_saved_at == completed[1].last_saved_at
    assert completed[1].status is WizardStatus.COMPLETED


def test_directory_and_feed_show_those_who_agreed(town: Town) -> None:
    profile = CommunityProfile(user_id=town.host, display_name="Host")
    post = SocialFeedPost(author_id=town.host, content="Hello", is_public=True)
    town.as_host(_add(profile, post))
    town.as_host(
        lambda session: session.execute(
            set_consent(town.host, ConsentCategory.DIRECTORY, enabled=True)
        ).all()
    )
    listed = town.as_other(lambda session: session.execute(directory_page(limit=100)).all())
    assert town.host in {each.user_id for each in listed}
    agreed = town.as_service(
        lambda session: session.scalars(consenting(ConsentCategory.DIRECTORY, [town.host])).all()
    )
    assert town.host in agreed
    town.as_service(lambda session: session.execute(count_views([post.id])))
    read = town.as_other(lambda session: session.scalars(feed_page(limit=100)).all())
    assert [each.view_count for each in read if each.id == post.id] == [1]
