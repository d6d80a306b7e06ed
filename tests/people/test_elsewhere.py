"""A person is erased on Supabase, and while others write."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, insert, text
from sqlalchemy.exc import IntegrityError

from tests.people.scan import places_of
from tests.people.town import ADA, BEN, EVENT, settle
from tests.support.blocked import wait_for_a_lock
from tests.support.supabase import EITHER_DEFAULT
from townhall import Participant, SessionFactory
from townhall.migrate import upgrade
from townhall.people import AccountState, Erasure, erase_person, export_person
from townhall.testing.accounts import managing_accounts

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.support.supabase import SupabaseDatabase

GRANT = text("grant select, update, delete on auth.users to service_role")


@pytest.mark.thorough
@pytest.mark.parametrize("supabase", EITHER_DEFAULT, indirect=True)
def test_erasure_on_supabase_says_what_to_call_and_leaves_nothing_after_it(
    supabase: SupabaseDatabase,
) -> None:
    upgrade(supabase.postgres)
    with create_engine(supabase.superuser, poolclass=NullPool).begin() as connection:
        settle(connection)
    sessions = SessionFactory(create_engine(supabase.authenticator, poolclass=NullPool))
    with sessions.as_service() as session:
        exported = export_person(session, ADA.id)
        erasure = erase_person(session, ADA.id, emails=[ADA.email])
    assert "auth.users" not in exported
    assert exported["participants"]
    assert erasure.account is AccountState.REMAINS
    (account,) = (each for each in erasure.remaining if each.table == "auth.users")
    assert account.why.startswith("service_role may not delete accounts: delete it by the API")
    with create_engine(supabase.auth_admin, poolclass=NullPool).begin() as connection:
        connection.execute(text("delete from auth.users where id = :id"), {"id": ADA.id})
    with create_engine(supabase.superuser, poolclass=NullPool).begin() as connection:
        assert places_of(connection, ADA.traces) <= {
            (each.table, column) for each in erasure.remaining for column in each.columns
        } | {("participants", "email")}


@pytest.fixture
def settled_engine(townhall_engine: Engine) -> Engine:
    """Return an engine on a database with the people, on which the service may delete accounts."""
    with townhall_engine.begin() as connection:
        settle(connection)
        with managing_accounts(connection):
            connection.execute(GRANT)
    return townhall_engine


@pytest.mark.thorough
def test_row_that_is_added_during_an_erasure_waits_and_is_refused(settled_engine: Engine) -> None:
    sessions = SessionFactory(settled_engine)
    failures: list[IntegrityError] = []

    def add() -> None:
        try:
            with settled_engine.begin() as connection:
                connection.execute(
                    insert(Participant).values(event_id=EVENT, user_id=ADA.id, first_name=ADA.name)
                )
        except IntegrityError as error:
            failures.append(error)

    with sessions.as_service() as session:
        erase_person(session, ADA.id)
        adding = Thread(target=add)
        adding.start()
        wait_for_a_lock(settled_engine)
    adding.join()
    assert "fk_participants_user_id_users" in str(failures[0])
    with settled_engine.connect() as connection:
        assert ("participants", "first_name") not in places_of(connection, ADA.traces)


@pytest.mark.thorough
def test_two_erasures_at_once_delete_the_account_once(settled_engine: Engine) -> None:
    sessions = SessionFactory(settled_engine)
    found: list[Erasure] = []

    def erase() -> None:
        with sessions.as_service() as session:
            found.append(erase_person(session, ADA.id))

    with sessions.as_service() as session:
        found.append(erase_person(session, ADA.id))
        second = Thread(target=erase)
        second.start()
        wait_for_a_lock(settled_engine)
    second.join()
    assert [each.account for each in found] == [AccountState.DELETED, AccountState.ABSENT]
    assert found[1].cleared == {}


@pytest.mark.thorough
def test_two_people_who_wrote_to_each_other_are_erased_at_once(settled_engine: Engine) -> None:
    sessions = SessionFactory(settled_engine)
    found: list[Erasure] = []

    def erase() -> None:
        with sessions.as_service() as session:
            found.append(erase_person(session, BEN.id))

    with sessions.as_service() as session:
        assert erase_person(session, ADA.id).account is AccountState.DELETED
        second = Thread(target=erase)
        second.start()
    second.join()
    assert found[0].account is AccountState.DELETED
    with settled_engine.connect() as connection:
        left = places_of(connection, [*ADA.traces, *BEN.traces])
    assert left <= {
        ("tenant_profiles", "display_name"),
        ("consent_audit_log", "changed_by"),
        ("consent_audit_log", "ip_address"),
        ("consent_audit_log", "user_agent"),
        ("participants", "email"),
    }
