"""The pytest plugin for an application on plain PostgreSQL that has nothing of the product."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

CONFTEST = '''
import pytest
from sqlalchemy import create_engine, text

from townhall.roles import Roles

ROLES = Roles(
    anonymous=None,
    user="townhall_test_member",
    service="townhall_test_operator",
    caller="private.current_user_id()",
    caller_type=int,
)
SCHEMA = """
    create schema private;
    grant usage on schema private to townhall_test_member;
    create function private.current_user_id() returns bigint language sql stable
        return (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::bigint;
    create table public.notes (author_id bigint, content text);
    alter table public.notes enable row level security;
    grant select, insert on public.notes to townhall_test_member, townhall_test_operator;
    create policy own on public.notes to townhall_test_member
        using (author_id = private.current_user_id());
    create function private.count_notes() returns bigint language sql security definer
        return (select count(*) from public.notes);
"""

@pytest.fixture(scope="session")
def townhall_roles():
    return ROLES

@pytest.fixture(scope="session")
def townhall_migrate():
    def migrate(url):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(SCHEMA))
        engine.dispose()
    return migrate
'''

TESTS = '''
import pytest
from conftest import ROLES
from sqlalchemy import text

from townhall.session import Actor, SessionFactory
from townhall.testing import access_cases, acting, create_account, outcome

PERSONAS = {
    "author": Actor.user(7, roles=ROLES),
    "stranger": Actor.user(8, roles=ROLES),
    "service": Actor.service(ROLES),
}
STATEMENTS = {
    "select": text("select from notes where author_id = 7"),
    "insert": text("insert into notes values (7, 'second')"),
    "delete": text("delete from notes"),
}
MATRIX = access_cases("""
    notes   author stranger service
    select  +      0        +
    insert  +      !        +
    delete  x      x        x
""")

@pytest.fixture
def note(townhall_connection):
    townhall_connection.execute(text("insert into notes values (7, 'first')"))

@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_access(case, note, townhall_connection):
    with acting(townhall_connection, PERSONAS[case.persona], roles=ROLES):
        assert outcome(townhall_connection, STATEMENTS[case.command]) is case.expected

def test_role_and_id(note, townhall_connection):
    with acting(townhall_connection, "townhall_test_member", 7, roles=ROLES):
        assert townhall_connection.scalar(text("select content from notes")) == "first"

def test_session(note, townhall_connection):
    with SessionFactory(townhall_connection, roles=ROLES).as_user(7) as session:
        assert session.scalar(text("select content from notes")) == "first"

def test_no_superuser_owns_the_tables(townhall_connection):
    owner = "select rolsuper from pg_roles join pg_class on pg_roles.oid = relowner"
    assert townhall_connection.scalar(text(f"{owner} where relname = 'notes'")) is False

def test_database_has_nothing_of_the_product(townhall_engine):
    with townhall_engine.connect() as connection:
        names = text("select nspname from pg_namespace where nspname !~ '^(pg_|information)'")
        assert set(connection.scalars(names)) == {"public", "private"}

def test_there_are_no_accounts(townhall_connection):
    with pytest.raises(LookupError, match="accounts of its own"):
        create_account(townhall_connection)
'''


@pytest.mark.thorough
def test_application_without_the_product_uses_the_fixtures(
    pytester: pytest.Pytester, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", townhall_server)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    pytester.syspathinsert()
    pytester.runpytest_inprocess().assert_outcomes(passed=14)
