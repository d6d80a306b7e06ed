"""Triggers, defaults and policies use no temporary object of the caller.

Every session has a schema for temporary objects, in which it may create types too. Unless the
search path names that schema, PostgreSQL searches it first, also where the path is empty. A domain
in it runs its check with the rights of the function that uses the type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.structure.models import MODELS
from townhall import Base, User
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Executable

HIJACKED = "runs as"
CHECK = text(
    f"""
    create function pg_temp.hijack() returns boolean language plpgsql as $$
    begin
        if current_user <> 'authenticated' then
            raise '{HIJACKED} %', current_user;
        end if;
        return true;
    end
    $$
    """
)
TYPES = ("uuid", "text", "jsonb", "inet", "date", "timestamptz", "int4", "bool", "numeric")
"""Types as a function may name them; words of SQL's own, such as ``integer``, are not looked up."""


def _create_temporary_types(connection: Connection) -> None:
    """Create types in place of PostgreSQL's, and let the search path find them first."""
    connection.execute(text("set local search_path = public"))
    connection.execute(CHECK)
    for name in TYPES:
        connection.execute(
            text(f"create domain pg_temp.{name} as pg_catalog.{name} check (pg_temp.hijack())")
        )


def _attempts(model: type[Base]) -> Iterable[Executable]:
    yield select(model)
    for attribute in model.__mapper__.column_attrs:
        column = attribute.columns[0]
        yield update(model).values({attribute.key: column})
    yield delete(model)


def _run(connection: Connection, statement: Executable) -> str:
    """Run a statement, and return the error."""
    with connection.begin_nested() as savepoint:
        try:
            connection.execute(statement)
        except DBAPIError as error:
            savepoint.rollback()
            return str(error.orig)
    return ""


@pytest.fixture
def accounts(filled: Connection) -> list[UUID]:
    """Return the accounts that the rows belong to."""
    return list(filled.scalars(select(User.id)))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_statements_on_a_table_use_no_temporary_type_of_the_caller(
    filled: Connection, accounts: list[UUID], model: type[Base]
) -> None:
    for account in accounts:
        with acting(filled, "authenticated", account):
            _create_temporary_types(filled)
            for statement in _attempts(model):
                assert HIJACKED not in _run(filled, statement)
            filled.execute(text("discard temp"))


@pytest.mark.parametrize(
    ("settings", "is_hijacked"),
    [("", True), ("set search_path = ''", True), ("set search_path = pg_catalog, pg_temp", False)],
    ids=["no search path", "empty search path", "safe search path"],
)
def test_temporary_type_is_used_by_a_function_with_an_unsafe_search_path(
    filled: Connection, accounts: list[UUID], settings: str, *, is_hijacked: bool
) -> None:
    filled.execute(
        text(
            "create function public.unsafe() returns text language sql security definer"
            f" {settings} as 'select ''00000000-0000-4000-8000-000000000001''::uuid::text'"
        )
    )
    with acting(filled, "authenticated", accounts[0]):
        _create_temporary_types(filled)
        assert (HIJACKED in _run(filled, text("select public.unsafe()"))) is is_hijacked
        filled.execute(text("discard temp"))
