"""A person is erased: nothing tells of them any more but what is said to remain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, MetaData, Table, Uuid, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from tests.people.scan import places_of
from tests.people.town import ADA, BEN, GUEST, GUEST_SESSION, HOST, SHARED, Person
from tests.support.rows import contents
from townhall import (
    ActorError,
    AsyncSessionFactory,
    Organization,
    OrganizationMember,
    OrganizationRole,
    Participant,
    ParticipantSession,
    Profile,
)
from townhall.input_error import InputError
from townhall.people import AccountState, Deleted, Erasure, Remaining, erase_person, export_person
from townhall.testing import create_account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.orm import Session

    from townhall.session import SessionFactory

OF_ANOTHER_SESSION = ("changed_by", "ip_address", "user_agent")
"""What the audit of consents says of the session that changed a consent."""


def erase(sessions: SessionFactory, person: Person = ADA, emails: Iterable[str] = ()) -> Erasure:
    with sessions.as_service() as session:
        return erase_person(session, person.id, emails=emails)


def told(erasure: Erasure) -> set[tuple[str, str]]:
    """Return the columns that an erasure says to remain."""
    return {(each.table, column) for each in erasure.remaining for column in each.columns}


@pytest.mark.parametrize("person", [ADA, BEN, HOST], ids=lambda person: person.name)
def test_nothing_tells_of_an_erased_person_but_what_is_said_to_remain(
    town: Connection, sessions: SessionFactory, person: Person
) -> None:
    assert len(places_of(town, person.traces)) > 5
    erasure = erase(sessions, person)
    assert erasure.account is AccountState.DELETED
    assert places_of(town, person.traces) <= told(erasure)


def test_columns_that_remain_are_the_declared_ones(
    town: Connection, sessions: SessionFactory
) -> None:
    erase(sessions)
    assert places_of(town, ADA.traces) == {
        *(("consent_audit_log", each) for each in OF_ANOTHER_SESSION),  # of a consent of Ben's
        ("participants", "email"),  # of a guest with Ben's account
        ("tenant_profiles", "display_name"),
    }


def test_rows_of_others_stay_as_they_were_but_what_hung_from_the_persons(
    sessions: SessionFactory,
) -> None:
    with sessions.as_service() as session:
        before = export_person(session, BEN.id)
        erase_person(session, ADA.id)
        after = export_person(session, BEN.id)
    gone = {name: len(rows) - len(after.get(name, [])) for name, rows in before.items()}
    assert {name: number for name, number in gone.items() if number} == {
        "founder_connections": 1,  # with Ada
        "founder_messages": 2,  # from her and to her
        "social_feed_comments": 2,  # on her post
        "social_feed_reactions": 1,  # to it
    }
    kept = {name: rows for name, rows in after.items() if not gone[name]}
    # The counters of a post on which Ada had commented have changed.
    assert {name for name in kept if kept[name] != before[name]} == {"social_feed_posts"}


def test_result_says_how_many_rows_of_others_went_along(sessions: SessionFactory) -> None:
    deleted = erase(sessions).deleted
    assert deleted["social_feed_comments"] == Deleted(own=3, of_others=2)
    assert deleted["social_feed_reactions"] == Deleted(own=2, of_others=1)
    assert deleted["founder_messages"] == Deleted(own=2, of_others=0)
    assert deleted["auth.users"] == Deleted(own=1, of_others=0)
    assert {name for name, each in deleted.items() if each.of_others} == {
        "social_feed_comments",
        "social_feed_reactions",
    }


def test_numbers_of_deleted_rows_are_those_of_the_tables(
    town: Connection, sessions: SessionFactory
) -> None:
    before = {name: len(rows) for name, rows in contents(town).items()}
    deleted = erase(sessions).deleted
    after = {name: len(rows) for name, rows in contents(town).items()}
    assert {name: before[name] - after[name] for name in before if before[name] > after[name]} == {
        name: each.own + each.of_others for name, each in deleted.items() if name != "auth.users"
    }


def test_guests_with_the_address_of_the_account_are_cleared_with_their_seats(
    town: Connection, sessions: SessionFactory
) -> None:
    erasure = erase(sessions)
    assert erasure.cleared["participants"] == 2  # that of the account, and the guest
    assert erasure.cleared["participant_sessions"] == 2
    assert erasure.cleared["table_assignments"] == 2
    guest = town.execute(select(Participant.__table__).filter_by(id=GUEST)).mappings().one()
    assert not any(guest[name] for name in ("first_name", "last_name", "email", "phone"))
    other = (
        town.execute(select(ParticipantSession.__table__).filter_by(id=GUEST_SESSION))
        .mappings()
        .one()
    )
    assert other["stakeholder_name"] is None


def test_guest_with_the_account_of_another_person_stays_and_is_told(
    town: Connection, sessions: SessionFactory
) -> None:
    erasure = erase(sessions)
    shared = town.execute(select(Participant.__table__).filter_by(id=SHARED)).mappings().one()
    assert (shared["first_name"], shared["email"], shared["user_id"]) == (
        BEN.name,
        ADA.email,
        BEN.id,
    )
    (remaining,) = (each for each in erasure.remaining if "another account" in each.why)
    assert (remaining.table, remaining.count, remaining.columns) == ("participants", 1, ("email",))


def test_participants_of_an_erased_host_stay_with_their_names(
    town: Connection, sessions: SessionFactory
) -> None:
    count = select(func.count()).select_from(Participant.__table__)
    named = count.where(Participant.first_name.is_not(None))
    before = town.scalar(count), town.scalar(named)
    erase(sessions, HOST)
    assert (town.scalar(count), town.scalar(named)) == before


def test_group_without_an_owner_is_told(town: Connection, sessions: SessionFactory) -> None:
    (alone,) = (each for each in erase(sessions).remaining if each.table == "organizations")
    assert alone == Remaining(
        "organizations",
        1,  # the studio; the hall has the host
        "the person was the only owner: make another member one, or delete it",
    )
    assert town.scalar(select(func.count()).select_from(Organization.__table__)) == 3


def test_group_with_another_owner_is_not_told(town: Connection, sessions: SessionFactory) -> None:
    town.execute(
        insert(OrganizationMember).values(
            organization_id=ADA.key(1), user_id=BEN.id, role=OrganizationRole.OWNER
        )
    )
    assert "organizations" not in {each.table for each in erase(sessions).remaining}


def test_erasure_can_be_repeated(town: Connection, sessions: SessionFactory) -> None:
    erase(sessions)
    before = contents(town)
    again = erase(sessions)
    assert again == Erasure(
        AccountState.ABSENT,
        {},
        {},
        (
            Remaining(
                "consent_audit_log",
                1,
                "the audit of another person's consents does not change",
                OF_ANOTHER_SESSION,
            ),
        ),
    )
    assert contents(town) == before


def test_erasure_of_someone_without_an_account_changes_nothing(
    town: Connection, sessions: SessionFactory
) -> None:
    before = contents(town)
    erasure = erase(sessions, Person(9, "Nobody"))
    assert erasure == Erasure(AccountState.ABSENT, {}, {}, ())
    assert contents(town) == before


def test_erasure_of_a_former_account_clears_guests_with_a_given_address(
    town: Connection, sessions: SessionFactory
) -> None:
    town.execute(text("delete from auth.users where id = :id"), {"id": ADA.id})
    erasure = erase(sessions, emails=[ADA.email.title()])
    assert erasure.account is AccountState.ABSENT
    # What the account had lost its link without being cleared: the address tells it.
    assert erasure.cleared["participants"] == 2
    assert ("participants", "phone") not in places_of(town, ADA.traces)


def test_erasure_is_a_part_of_the_transaction(town: Connection, sessions: SessionFactory) -> None:
    before = contents(town)
    with sessions.as_service() as session:
        erase_person(session, ADA.id)
        session.rollback()
    assert contents(town) == before


def test_erasure_that_fails_at_its_end_changes_nothing(
    town: Connection, sessions: SessionFactory
) -> None:
    town.execute(text("create table public.kept (by uuid references auth.users)"))
    town.execute(text("insert into public.kept values (:id)"), {"id": ADA.id})
    before = contents(town)
    with pytest.raises(DBAPIError, match="kept_by_fkey"):
        erase(sessions)
    assert contents(town) == before


def test_role_that_may_not_delete_accounts_is_told_what_to_call(
    town: Connection, sessions: SessionFactory
) -> None:
    town.execute(text("revoke delete on auth.users from service_role"))
    erasure = erase(sessions)
    assert erasure.account is AccountState.REMAINS
    assert erasure.deleted == {}
    (account,) = (each for each in erasure.remaining if each.table == "auth.users")
    assert "auth.admin.deleteUser" in account.why
    assert "grant select, update, delete on auth.users to service_role" in account.why
    assert (
        places_of(town, ADA.traces)
        & {
            ("participants", "phone"),
            ("participant_sessions", "stakeholder_name"),
            ("usage_events", "event_data"),
            ("subcommunity_sponsors", "sponsor_name"),
        }
        == set()
    )
    with_account = {each.table: each.count for each in erasure.remaining if "go with" in each.why}
    assert with_account["social_feed_posts"] == 1
    town.execute(text("delete from auth.users where id = :id"), {"id": ADA.id})
    assert places_of(town, ADA.traces) <= told(erasure)


def test_role_that_may_not_read_accounts_clears_guests_with_a_given_address(
    town: Connection, sessions: SessionFactory
) -> None:
    town.execute(text("revoke all on auth.users from service_role"))
    erasure = erase(sessions)
    assert erasure.account is AccountState.REMAINS
    assert erasure.cleared["participants"] == 1
    assert erase(sessions, emails=[ADA.email]).cleared["participants"] == 1
    assert ("participants", "phone") not in places_of(town, ADA.traces)


def test_address_that_the_account_has_not_proved_clears_no_guest(
    town: Connection, sessions: SessionFactory
) -> None:
    town.execute(text("alter table auth.users add email_confirmed_at timestamptz"))
    assert erase(sessions).cleared["participants"] == 1
    assert ("participants", "phone") in places_of(town, ADA.traces)


def test_proved_address_clears_guests(town: Connection, sessions: SessionFactory) -> None:
    town.execute(text("alter table auth.users add email_confirmed_at timestamptz default now()"))
    assert erase(sessions).cleared["participants"] == 2


def test_erasure_is_refused_on_other_sessions_and_for_other_ids(
    town: Connection, sessions: SessionFactory
) -> None:
    before = contents(town)
    with sessions.as_user(ADA.id) as user, pytest.raises(ActorError, match="the service alone"):
        erase_person(user, ADA.id)
    with sessions.as_service() as session:
        with pytest.raises(InputError, match="not a UUID"):
            erase_person(session, "ada")
        with pytest.raises(TypeError, match=r"\[address\]"):
            erase_person(session, ADA.id, emails=ADA.email)
        with pytest.raises(InputError, match="leave it out"):
            erase_person(session, ADA.id, emails=[" "])
    assert contents(town) == before


def test_erasure_writes_the_changes_of_the_session_first(
    sessions: SessionFactory,
) -> None:
    with sessions.as_service() as session:
        session.add(
            Participant(event_id=HOST.key(93), user_id=ADA.id, first_name=ADA.name, phone="1")
        )
        assert erase_person(session, ADA.id).cleared["participants"] == 3


@pytest.mark.parametrize("function", [export_person, erase_person])
def test_rows_are_found_by_indexes(
    town: Connection,
    sessions: SessionFactory,
    function: Callable[[Session, UUID], object],
) -> None:
    ran: list[tuple[str, Any]] = []

    def keep(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:  # noqa: ANN401
        if "pg_catalog" not in statement and statement.startswith(("SELECT", "UPDATE", "DELETE")):
            ran.append((statement, parameters))

    event.listen(town, "before_cursor_execute", keep)
    with sessions.as_service() as session:
        function(session, ADA.id)
    event.remove(town, "before_cursor_execute", keep)
    town.execute(text("set local enable_seqscan = off"))
    plans = {
        statement: "\n".join(town.exec_driver_sql(f"explain {statement}", parameters).scalars())
        for statement, parameters in ran
    }
    assert len(plans) > 20
    assert [statement for statement, plan in plans.items() if "Seq Scan" in plan] == []


def test_application_that_declares_accounts_again_for_its_foreign_keys_loses_no_address(
    town: Connection, sessions: SessionFactory
) -> None:
    ours = MetaData()
    Table("users", ours, Column("id", Uuid, primary_key=True), schema="auth")
    with sessions.as_service() as session:
        exported = export_person(session, ADA.id, metadata=[ours])
        erasure = erase_person(session, ADA.id, metadata=[ours])
    assert exported["auth.users"][0]["email"] == ADA.email
    assert erasure.cleared["participants"] == 2
    assert places_of(town, ADA.traces) <= told(erasure)


async def test_async_session_erases_by_run_sync(townhall_async_engine: AsyncEngine) -> None:
    sessions = AsyncSessionFactory(townhall_async_engine)
    async with townhall_async_engine.begin() as connection:
        user_id: UUID = await connection.run_sync(create_account)
        await connection.execute(insert(Profile).values(id=user_id, full_name=ADA.name))
    async with sessions.as_service() as session:
        erasure = await session.run_sync(erase_person, user_id)
    assert erasure.account is AccountState.REMAINS
    assert [each.table for each in erasure.remaining] == ["auth.users", "profiles"]
