"""Rules as PostgreSQL enforces them, for an application with roles and a caller of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import ProgrammingError

from tests.pg.access.models import Base, Note, Receipt, Team
from townhall.pg import sql
from townhall.pg.access import Access, anyone, anyone_with, entities_of, membership, owner
from townhall.roles import Roles
from townhall.testing.databases import Databases

ROLES = Roles(
    anonymous="app web", user="app user", service=None, caller="app.me()", caller_type=int
)

MY_TEAM_IDS = membership(
    "my_team_ids",
    Team.id,
    "select t.id from app.teams as t where t.name = 'team of ' || :caller",
    "The teams that are named after the caller.",
    schema="app",
)
RULES = (
    Access(
        Note,
        read=anyone.where("likes > 9", "of popular notes")
        | anyone_with(Note.team_id, MY_TEAM_IDS, "the team")
        | owner(Note.owner_id),
        write=owner(Note.owner_id),
        fixed=(Note.owner_id,),
    ),
    Access(
        Receipt,
        read=(anyone | owner(Receipt.buyer_id)).with_account,
        insert=owner(Receipt.buyer_id).with_account,
    ),
    Access(Team),
)


@pytest.fixture
def connection(server: Databases) -> Iterator[Connection]:
    with server.create() as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(_ROLES))
            connection.execute(sa.text("create schema app"))
            connection.execute(sa.text(_CALLER))
            Base.metadata.create_all(connection)
            for entity in entities_of([MY_TEAM_IDS, *RULES], ROLES):
                for statement in entity.create_statements():
                    connection.execute(sql.statement(statement))
            connection.execute(sa.text(_ROWS))
            yield connection
        engine.dispose()


_ROLES = """
    do $$
    declare
        name text;
    begin
        foreach name in array array['app web', 'app user'] loop
            begin
                execute format('create role %I', name);
            exception
                when duplicate_object or unique_violation then null;
            end;
        end loop;
    end
    $$
"""
_CALLER = """
    create function app.me() returns bigint language sql stable
    as $$ select nullif(current_setting('app.caller', true), '')::bigint $$
"""
_ROWS = """
    insert into app.teams (id, name) values (1, 'team of 7'), (2, 'others');
    insert into notes (id, owner_id, team_id, text, likes) values
        (1, 7, 2, 'own', 0), (2, 8, 1, 'of the team', 0), (3, 8, 2, 'popular', 10), (4, 8, 2, '', 0)
"""


def act(connection: Connection, role: str, caller: str = "") -> None:
    connection.execute(
        sa.text("select set_config('role', :role, true), set_config('app.caller', :caller, true)"),
        {"role": role, "caller": caller},
    )


def readable(connection: Connection) -> list[int]:
    return list(connection.scalars(sa.text("select id from notes order by id")))


def test_user_reads_their_own_rows_those_of_teams_and_public_ones(connection: Connection) -> None:
    act(connection, "app user", "7")
    assert readable(connection) == [1, 2, 3]


def test_anonymous_caller_reads_public_rows(connection: Connection) -> None:
    act(connection, "app web")
    assert readable(connection) == [3]


def test_user_updates_their_own_rows(connection: Connection) -> None:
    act(connection, "app user", "7")
    updated = connection.execute(sa.text("update notes set text = 'new' returning id"))
    assert list(updated.scalars()) == [1]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("app user", "update notes set owner_id = 8"),
        ("app user", "insert into notes (id, owner_id, team_id, text) values (5, 8, 1, '')"),
        ("app user", "select from app.teams"),
        ("app web", "update notes set text = ''"),
    ],
)
def test_statement_without_an_access_rule_is_denied(
    connection: Connection, role: str, statement: str
) -> None:
    act(connection, role, "7")
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|row-level security"),
        connection.begin_nested(),
    ):
        connection.execute(sa.text(statement))


CLAIMS = {
    "no claims": ("", True),
    "no claim": ("{}", True),
    "account": ('{"is_anonymous": false}', True),
    "null": ('{"is_anonymous": null}', True),
    "anonymous sign-in": ('{"is_anonymous": true}', False),
    "text": ('{"is_anonymous": "true"}', False),
}


@pytest.mark.parametrize(("claims", "has_account"), CLAIMS.values(), ids=CLAIMS)
def test_anonymous_sign_in_is_kept_from_what_needs_an_account(
    connection: Connection, claims: str, *, has_account: bool
) -> None:
    connection.execute(sa.text("insert into receipts (buyer_id) values (8)"))
    act(connection, "app user", "7")
    set_claims = sa.text("select set_config('request.jwt.claims', :claims, true)")
    connection.execute(set_claims, {"claims": claims})
    buy = sa.text("insert into receipts (buyer_id) values (7)")
    if has_account:
        connection.execute(buy)
    else:
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            connection.begin_nested(),
        ):
            connection.execute(buy)
    counted = connection.scalar(sa.text("select count(*) from receipts"))
    assert counted == (2 if has_account else 0)
    assert readable(connection) == [1, 2, 3]  # what needs none is as before


def test_anonymous_caller_is_kept_from_what_needs_an_account(connection: Connection) -> None:
    act(connection, "app web")
    with pytest.raises(ProgrammingError, match="permission denied"), connection.begin_nested():
        connection.execute(sa.text("select from receipts"))


def test_claim_of_an_anonymous_sign_in_is_read_once_per_statement(connection: Connection) -> None:
    act(connection, "app user", "7")
    plan = "\n".join(connection.scalars(sa.text("explain (verbose) select from receipts")))
    before, _, init_plan = plan.partition("InitPlan")
    assert "is_anonymous" in init_plan
    assert "is_anonymous" not in before


def test_callers_with_an_account_are_named() -> None:
    principal = owner(Receipt.buyer_id).with_account
    assert principal.name == "the owner with an account"
    assert anyone.with_account.anonymous is None
