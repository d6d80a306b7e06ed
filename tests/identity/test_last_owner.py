"""The last owner of an organization stays, until their account or the organization is deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Executable, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.support.blocked import wait_for_a_lock
from tests.support.organizations import (
    MANAGER,
    ORGANIZATION,
    OTHER_ORGANIZATION,
    OUTSIDER,
    OWNER,
    PERSONAS,
    insert_organizations,
)
from townhall import Organization, OrganizationMember, OrganizationRole, SessionFactory
from townhall.testing import acting, delete_account

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection, Engine

    from townhall.session import Actor

OWNS = OrganizationMember.role == OrganizationRole.OWNER
LEAVES = delete(OrganizationMember).where(OrganizationMember.user_id == OWNER)
OF_ALL = text("delete from public.organization_members")
REFUSAL = f"organization {ORGANIZATION} would have no owner"


def _owners(connection: Connection, organization: UUID = ORGANIZATION) -> set[UUID]:
    of_organization = OrganizationMember.organization_id == organization
    return set(connection.scalars(select(OrganizationMember.user_id).where(of_organization, OWNS)))


def _role_of(user: UUID, role: OrganizationRole) -> Executable:
    return update(OrganizationMember).where(OrganizationMember.user_id == user).values(role=role)


def _add_owner(connection: Connection, user: UUID = MANAGER) -> None:
    connection.execute(_role_of(user, OrganizationRole.OWNER))


@pytest.mark.parametrize(
    "statement",
    [
        LEAVES,
        OF_ALL,
        _role_of(OWNER, OrganizationRole.MANAGER),
        _role_of(OWNER, OrganizationRole.VIEWER),
        text("update public.organization_members set role = default"),
        text(
            f"""
            insert into public.organization_members (organization_id, user_id, role)
            values ('{ORGANIZATION}', '{OWNER}', 'viewer')
            on conflict (organization_id, user_id) do update set role = excluded.role
            """
        ),
        text(
            f"""
            merge into public.organization_members as m
            using (values ('{OWNER}'::uuid)) as n (user_id) on m.user_id = n.user_id
            when matched then delete
            """
        ),
        text(
            f"""
            with gone as (
                delete from public.organization_members where user_id = '{OWNER}' returning user_id
            )
            update public.organization_members set role = 'manager' where role = 'viewer'
            """
        ),
    ],
    ids=["leave", "all", "manager", "viewer", "default", "upsert", "merge", "with"],
)
def test_client_can_not_remove_the_last_owner_or_change_their_role(
    connection: Connection, statement: Executable
) -> None:
    with (
        acting(connection, PERSONAS["owner"]),
        pytest.raises(IntegrityError, match=REFUSAL),
        connection.begin_nested(),
    ):
        connection.execute(statement)
    assert _owners(connection) == {OWNER}


def test_one_of_two_owners_can_leave(connection: Connection) -> None:
    _add_owner(connection)
    with acting(connection, PERSONAS["owner"]):
        connection.execute(LEAVES)
    assert _owners(connection) == {MANAGER}


def test_both_owners_can_not_be_removed_in_one_statement(connection: Connection) -> None:
    _add_owner(connection)
    with (
        acting(connection, PERSONAS["owner"]),
        pytest.raises(IntegrityError, match=REFUSAL),
        connection.begin_nested(),
    ):
        connection.execute(OF_ALL)
    assert _owners(connection) == {OWNER, MANAGER}


def test_owner_passes_the_role_on_in_one_statement(connection: Connection) -> None:
    passing_on = text(
        """
        update public.organization_members
        set role = case user_id when :owner then 'viewer' else 'owner' end
        where user_id in (:owner, :manager)
        """
    ).bindparams(owner=OWNER, manager=MANAGER)
    with acting(connection, PERSONAS["owner"]):
        connection.execute(passing_on)
    assert _owners(connection) == {MANAGER}


def test_statement_on_two_organizations_is_refused_for_the_one_without_another_owner(
    connection: Connection,
) -> None:
    connection.execute(
        insert(OrganizationMember).values(
            organization_id=OTHER_ORGANIZATION, user_id=OWNER, role=OrganizationRole.OWNER
        )
    )
    with (
        acting(connection, PERSONAS["owner"]),
        pytest.raises(IntegrityError, match=REFUSAL),
        connection.begin_nested(),
    ):
        connection.execute(LEAVES)
    assert _owners(connection, OTHER_ORGANIZATION) == {OWNER, OUTSIDER}


def test_members_who_are_no_owners_can_be_removed(connection: Connection) -> None:
    others = delete(OrganizationMember).where(OrganizationMember.user_id != OWNER)
    with acting(connection, PERSONAS["owner"]):
        connection.execute(others)
    assert connection.scalar(select(OrganizationMember.user_id).where(OWNS)) in {OWNER, OUTSIDER}


@pytest.mark.parametrize("statement", [LEAVES, _role_of(OWNER, OrganizationRole.VIEWER), OF_ALL])
def test_service_is_not_bound(connection: Connection, statement: Executable) -> None:
    with acting(connection, PERSONAS["service"]):
        connection.execute(statement)
    assert _owners(connection) == set()


def test_account_of_the_last_owner_and_the_organization_can_be_deleted(
    connection: Connection,
) -> None:
    delete_account(connection, OWNER)
    assert _owners(connection) == set()
    with acting(connection, PERSONAS["service"]):
        connection.execute(delete(Organization).where(Organization.id == OTHER_ORGANIZATION))
    assert _owners(connection, OTHER_ORGANIZATION) == set()


@pytest.fixture
def two_owners(townhall_engine: Engine) -> Engine:
    """Return an engine on a database of its own, with an organization of two owners."""
    with townhall_engine.begin() as connection:
        insert_organizations(connection)
        _add_owner(connection)
    return townhall_engine


def _run(engine: Engine, actor: Actor, statement: Executable, isolation: str) -> str:
    """Run a statement in a transaction of its own, and return its SQLSTATE: empty if it ran."""
    sessions = SessionFactory(engine.execution_options(isolation_level=isolation))
    try:
        with sessions.acting(actor) as session:
            session.execute(statement)
    except DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", ""))
    return ""


REMOVES_MANAGER = delete(OrganizationMember).where(OrganizationMember.user_id == MANAGER)


@pytest.mark.parametrize(
    ("isolation", "refusals"),
    [
        ("READ COMMITTED", {"23514"}),
        ("REPEATABLE READ", {"40001"}),
        ("SERIALIZABLE", {"40001"}),
    ],
)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (REMOVES_MANAGER, LEAVES),  # each removes the other
        (LEAVES, REMOVES_MANAGER),  # each leaves
        (_role_of(MANAGER, OrganizationRole.VIEWER), _role_of(OWNER, OrganizationRole.VIEWER)),
    ],
    ids=["remove", "leave", "demote"],
)
def test_of_two_owners_who_remove_each_other_at_the_same_time_one_stays(
    two_owners: Engine, first: Executable, second: Executable, isolation: str, refusals: set[str]
) -> None:
    options = two_owners.execution_options(isolation_level=isolation)
    with ThreadPoolExecutor(1) as pool, options.connect() as connection:
        with acting(connection, PERSONAS["owner"]):
            connection.execute(first)
        waiting = pool.submit(_run, two_owners, PERSONAS["manager"], second, isolation)
        wait_for_a_lock(two_owners)
        connection.commit()
        assert waiting.result() in refusals
    with two_owners.connect() as connection:
        assert len(_owners(connection)) == 1


def test_owner_stays_while_the_account_of_the_other_is_deleted(two_owners: Engine) -> None:
    with ThreadPoolExecutor(1) as pool, two_owners.connect() as connection:
        delete_account(connection, OWNER)
        waiting = pool.submit(
            _run, two_owners, PERSONAS["manager"], REMOVES_MANAGER, "READ COMMITTED"
        )
        wait_for_a_lock(two_owners)
        connection.commit()
        assert waiting.result() == "23514"
    with two_owners.connect() as connection:
        assert _owners(connection) == {MANAGER}


def test_owner_leaves_while_the_organization_is_deleted(two_owners: Engine) -> None:
    """They do not wait for each other: both lock the organization first."""
    with ThreadPoolExecutor(1) as pool, two_owners.connect() as connection:
        connection.execute(delete(Organization).where(Organization.id == ORGANIZATION))
        waiting = pool.submit(_run, two_owners, PERSONAS["owner"], LEAVES, "READ COMMITTED")
        wait_for_a_lock(two_owners)
        connection.commit()
        assert waiting.result() == ""
    with two_owners.connect() as connection:
        assert _owners(connection) == set()
