"""The data of a person is exported: all of theirs, and nothing of others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Table,
    Text,
    Uuid,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from tests.people.town import ADA, BEN, GUEST, HOST, Person
from townhall import ActorError, AsyncSessionFactory, ExpertiseType, ExpertListing, metadata
from townhall.input_error import InputError
from townhall.people import PERSON, Links, accounts, export_person
from townhall.people.links import shown_name
from townhall.roles import Roles
from townhall.session import SessionFactory

if TYPE_CHECKING:
    from sqlalchemy import Connection

Exports = dict[Person, dict[str, list[dict[str, Any]]]]

TABLES = Links([metadata]).tables_of_people
WRITTEN_BY_OTHERS = {"founder_messages"}
"""The tables with rows of two people, which hold what the other one wrote to the person."""


def rows_of(town: Connection, table: Table, person: Person) -> set[UUID | str]:
    """Return the keys of the rows of a table in whose key columns a person's id or row stands."""
    owned = {str(person.id), str(person.key(10))}  # the account, and the participant
    names = [each.name for each in table.columns if each.foreign_keys]
    (key,) = table.primary_key.columns
    rows = town.execute(select(key, *(table.c[name] for name in names)))
    return {row[0] for row in rows if owned & {str(value) for value in row[1:]}}


@pytest.fixture(scope="module")
def exports(settled: Connection) -> Exports:
    """Return the exports of two people."""
    with SessionFactory(settled).as_service() as session:
        return {person: export_person(session, person.id) for person in (ADA, BEN)}


@pytest.mark.parametrize("person", [ADA, BEN], ids=lambda person: person.name)
@pytest.mark.parametrize("table", TABLES, ids=str)
def test_export_has_every_row_of_the_person_and_no_other(
    town: Connection,
    exports: Exports,
    table: Table,
    person: Person,
) -> None:
    exported = exports[person][shown_name(table)]
    (key,) = table.primary_key.columns
    expected = rows_of(town, table, person)
    assert expected
    assert {row[key.name] for row in exported} == expected
    assert len(exported) == len(expected)


@pytest.mark.parametrize(("person", "other"), [(ADA, BEN), (BEN, ADA)])
def test_export_holds_no_text_of_others_but_messages_to_the_person(
    exports: Exports, person: Person, other: Person
) -> None:
    exported = exports[person]
    texts = {name: json.dumps(rows, default=str).lower() for name, rows in exported.items()}
    # A comment of the other's on the person's post is the other's.
    named = {name for name, found in texts.items() if other.name.lower() in found}
    # One guest has Ben's account and Ada's address, and her session changed a consent of his.
    shared = {"participants", "consent_audit_log"} if person is BEN else set()
    assert named == WRITTEN_BY_OTHERS | shared
    assert set(texts) == {shown_name(table) for table in TABLES} | {"auth.users"}


def test_export_has_columns_by_name_with_their_values(
    exports: Exports,
) -> None:
    exported = exports[ADA]
    (post,), (account,), (profile,) = (
        exported[name] for name in ("social_feed_posts", "auth.users", "community_profiles")
    )
    assert post["id"] == ADA.key(30)
    assert post["metadata"] == {"author": ADA.name}
    assert account["email"] == ADA.email
    assert profile["visibility_settings"]["show_bio"] is True


def test_message_of_two_people_is_in_an_export_once(
    exports: Exports,
) -> None:
    messages = exports[ADA]["founder_messages"]
    assert len(messages) == len({row["id"] for row in messages}) == 2


def test_export_of_the_host_has_no_participant_of_the_event(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        exported = export_person(session, HOST.id)
    assert set(exported) >= {"organization_members", "communities", "campaigns", "tenant_profiles"}
    assert not set(exported) & {"participants", "table_assignments", "participant_sessions"}
    assert "usage_events" not in exported


def test_export_has_no_guest_who_only_shares_the_address(
    exports: Exports,
) -> None:
    participants = exports[ADA]["participants"]
    assert GUEST not in {row["id"] for row in participants}


def test_export_of_someone_without_an_account_is_empty(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        assert export_person(session, uuid4()) == {}


def test_export_writes_the_changes_of_the_session_first(sessions: SessionFactory) -> None:
    with sessions.as_service() as session:
        session.add(
            ExpertListing(
                user_id=ADA.id, expertise_type=ExpertiseType.LEGAL, title="New", description="New"
            )
        )
        assert len(export_person(session, ADA.id)["expert_listings"]) == 2


def test_export_reads_a_value_that_its_type_can_not_load(
    town: Connection, sessions: SessionFactory
) -> None:
    town.execute(
        text("update tenant_profiles set brand_config = '{\"old\": 1}' where user_id = :id"),
        {"id": ADA.id},
    )
    with sessions.as_service() as session:
        (tenant,) = export_person(session, ADA.id)["tenant_profiles"]
    assert tenant["brand_config"] == {"old": 1}


@pytest.mark.parametrize("user_id", ["ada", "", 7, None, f"{ADA.id}'; select 1"])
def test_export_of_what_is_no_uuid_is_refused(
    sessions: SessionFactory,
    user_id: Any,  # noqa: ANN401 - what a caller without a type checker passes
) -> None:
    with sessions.as_service() as session, pytest.raises(InputError, match="not a UUID"):
        export_person(session, user_id)


@pytest.mark.parametrize("user_id", [str(ADA.id), str(ADA.id).upper(), ADA.id.hex])
def test_uuid_may_be_given_as_text(sessions: SessionFactory, user_id: str) -> None:
    with sessions.as_service() as session:
        assert export_person(session, user_id)["profiles"]


def test_export_is_refused_on_a_session_that_is_not_of_the_service(
    sessions: SessionFactory, town: Connection
) -> None:
    for block in (sessions.as_user(ADA.id), sessions.as_anonymous()):
        with block as session, pytest.raises(ActorError, match="the service alone"):
            export_person(session, ADA.id)
    with Session(town) as plain, pytest.raises(ActorError, match="the service alone"):
        export_person(plain, ADA.id)


def test_other_sessions_are_refused_with_what_to_call() -> None:
    with pytest.raises(TypeError, match=r"await session\.run_sync\(export_person, user_id\)"):
        export_person(AsyncSession(), ADA.id)  # type: ignore[arg-type]  # what it is about


@pytest.mark.parametrize(
    "policy",
    [
        "for all to {role} using (kind = 'note')",
        "for insert to {role} with check (true)",
        "for all to authenticated using (true)",
        "for all to {role} using (true)",
    ],
)
@pytest.mark.parametrize("restrictive", ["", "create policy b on clerks.notes as restrictive"])
def test_table_of_which_policies_hide_rows_is_refused(
    town: Connection, policy: str, restrictive: str
) -> None:
    role = f"clerk_{uuid4().hex[:8]}"
    for statement in (
        f"create role {role}; grant {role} to current_user; create schema clerks",
        "create table clerks.accounts (id uuid primary key)",
        "create table clerks.notes (id uuid primary key, kind text, author uuid)",
        f"grant usage on schema clerks to {role}",
        f"grant select on all tables in schema clerks to {role}",
        "alter table clerks.notes enable row level security",
        f"create policy a on clerks.notes {policy.format(role=role)}",
        restrictive and f"{restrictive} for select using (kind = 'note')",
    ):
        town.execute(text(statement or "select 1"))
    roles = Roles(anonymous=None, user=None, service=role)
    is_whole = policy == "for all to {role} using (true)" and not restrictive
    with SessionFactory(town, roles).as_service() as session:
        options: Any = {"product": False, "metadata": [notes()], "roles": roles}
        if is_whole:
            assert export_person(session, ADA.id, **options) == {}
        else:
            with pytest.raises(ActorError, match=r"hide rows of clerks\.notes"):
                export_person(session, ADA.id, **options)


def notes() -> MetaData:
    found = MetaData(schema="clerks")
    Table("accounts", found, Column("id", Uuid, primary_key=True), info=accounts())
    Table(
        "notes",
        found,
        Column("id", Uuid, primary_key=True),
        Column("kind", Text),
        Column("author", ForeignKey("clerks.accounts.id", info=PERSON)),
    )
    return found


def test_account_whose_columns_the_role_may_not_read_is_left_out(
    town: Connection, sessions: SessionFactory
) -> None:
    town.execute(text("revoke all on auth.users from service_role"))
    town.execute(text("grant select (id, created_at) on auth.users to service_role"))
    with sessions.as_service() as session:
        (account,) = export_person(session, ADA.id)["auth.users"]
        assert set(account) == {"id", "created_at"}
    town.execute(text("revoke usage on schema auth from service_role"))
    with sessions.as_service() as session:
        exported = export_person(session, ADA.id)
    assert "auth.users" not in exported
    assert exported["profiles"]


def test_tables_of_an_application_take_part(town: Connection, sessions: SessionFactory) -> None:
    town.execute(text("create schema shop"))
    town.execute(
        text(
            "create table shop.orders (id uuid primary key, buyer uuid references auth.users,"
            " guest uuid, event uuid, foreign key (event, guest)"
            " references public.participants (event_id, id))"
        )
    )
    town.execute(text("grant usage on schema shop to service_role"))
    town.execute(text("grant all on shop.orders to service_role"))
    keys = [uuid4() for _ in range(3)]
    for key, buyer, guest in zip(keys, (ADA.id, None, BEN.id), (None, ADA, BEN), strict=True):
        town.execute(
            text("insert into shop.orders values (:key, :buyer, :guest, :event)"),
            {
                "key": key,
                "buyer": buyer,
                "guest": guest and guest.key(10),
                "event": guest and HOST.key(2),
            },
        )
    with sessions.as_service() as session:
        exported = export_person(session, ADA.id, metadata=[orders_metadata()])
    assert {row["id"] for row in exported["shop.orders"]} == set(keys[:2])


def orders_metadata() -> MetaData:
    found = MetaData(schema="shop")
    Table(
        "orders",
        found,
        Column("id", Uuid, primary_key=True),
        Column("buyer", ForeignKey("auth.users.id", info=PERSON)),
        Column("guest", Uuid),
        Column("event", Uuid),
        ForeignKeyConstraint(
            ["event", "guest"],
            ["public.participants.event_id", "public.participants.id"],
            info=PERSON,
        ),
    )
    return found


async def test_async_session_exports_by_run_sync(townhall_async_engine: AsyncEngine) -> None:
    async with AsyncSessionFactory(townhall_async_engine).as_service() as session:
        assert await session.run_sync(export_person, ADA.id) == {}
