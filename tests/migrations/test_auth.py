"""The schema ``auth`` that the first revision creates where Supabase has not created one."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.support.dump import dump
from townhall.migrate import downgrade, upgrade
from townhall.pg import API_ROLES
from townhall.testing.settings import set_locally

ME = UUID("11111111-2222-4333-8444-555555555555")
NO_CALLER = {"uid": None, "role": None, "email": None}
CALLER = {"uid": ME, "role": "authenticated", "email": "me@example.org"}
CLAIMS = {"sub": str(ME), "role": "authenticated", "email": "me@example.org"}

_CALLER = text(
    "select auth.uid() as uid, auth.role() as role, auth.email() as email, auth.jwt() as jwt"
)


def _caller(connection: Connection, settings: dict[str, str]) -> dict[str, Any]:
    with set_locally(connection, settings):
        return dict(connection.execute(_CALLER).mappings().one())


@pytest.mark.parametrize(
    ("claims", "caller"),
    [
        ("", NO_CALLER | {"jwt": None}),
        ("{}", NO_CALLER | {"jwt": {}}),
        ("null", NO_CALLER | {"jwt": None}),
        ('{"sub": ""}', NO_CALLER | {"jwt": {"sub": ""}}),
        ('{"sub": null, "role": null}', NO_CALLER | {"jwt": {"sub": None, "role": None}}),
        ('{"role": "anon"}', NO_CALLER | {"role": "anon", "jwt": {"role": "anon"}}),
        (json.dumps(CLAIMS), CALLER | {"jwt": CLAIMS}),
    ],
)
def test_claims_of_a_request_name_the_caller(
    claims: str, caller: dict[str, Any], townhall_connection: Connection
) -> None:
    assert _caller(townhall_connection, {"request.jwt.claims": claims}) == caller


def test_caller_is_null_without_claims(townhall_connection: Connection) -> None:
    assert _caller(townhall_connection, {}) == NO_CALLER | {"jwt": None}


def test_older_claim_settings_name_the_caller(townhall_connection: Connection) -> None:
    older = {f"request.jwt.claim.{name}": value for name, value in CLAIMS.items()}
    assert _caller(townhall_connection, older) == CALLER | {"jwt": None}
    empty = dict.fromkeys(older, "") | {"request.jwt.claims": ""}
    assert _caller(townhall_connection, empty) == NO_CALLER | {"jwt": None}


def test_claims_end_with_their_transaction(townhall_database: str) -> None:
    with create_engine(townhall_database, poolclass=NullPool).connect() as connection:
        for _ in range(2):
            assert connection.execute(_CALLER).mappings().one() == NO_CALLER | {"jwt": None}
            connection.execute(
                text("select set_config('request.jwt.claims', :claims, true)"),
                {"claims": json.dumps(CLAIMS)},
            )
            assert connection.execute(_CALLER).mappings().one() == CALLER | {"jwt": CLAIMS}
            connection.commit()


@pytest.mark.parametrize("role", API_ROLES)
def test_api_roles_call_the_claim_functions_and_cannot_read_accounts(
    role: str, townhall_connection: Connection
) -> None:
    with set_locally(townhall_connection, {"role": role}):
        assert townhall_connection.scalar(text("select auth.uid()")) is None
        with (
            pytest.raises(DBAPIError, match="permission denied for table users"),
            townhall_connection.begin_nested(),
        ):
            townhall_connection.execute(text("select * from auth.users"))


@pytest.mark.thorough
def test_schema_auth_without_accounts_and_claims_is_refused(empty_database: str) -> None:
    _run(empty_database, "create schema auth")
    before = dump(empty_database)
    with pytest.raises(CommandError, match="schema auth exists without"):
        upgrade(empty_database)
    assert dump(empty_database) == before


@pytest.mark.exhaustive
def test_schema_auth_like_supabases_is_used_and_left_unchanged(empty_database: str) -> None:
    _run(
        empty_database,
        "create schema auth",
        "create table auth.users (id uuid primary key)",
        "create function auth.uid() returns uuid language sql stable as 'select null::uuid'",
    )
    upgrade(empty_database)
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        connection.execute(text("insert into auth.users values (:id)"), {"id": ME})
    downgrade(empty_database, "base")
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        assert connection.scalar(text("select id from auth.users")) == ME
        assert connection.scalar(text("select to_regprocedure('auth.jwt()')::text")) is None


@pytest.mark.thorough
@pytest.mark.parametrize(
    "statement",
    [
        "create table public.theirs (id uuid references auth.users)",
        "create view public.theirs as select auth.uid()",
        "create table auth.theirs ()",
    ],
)
def test_downgrade_is_refused_while_objects_of_an_application_depend_on_auth(
    statement: str, townhall_database: str
) -> None:
    _run(townhall_database, statement)
    with pytest.raises(CommandError, match="other objects depend on"):
        downgrade(townhall_database, "base")
    _run(townhall_database, "select id from auth.users")


def _run(url: str, *statements: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
