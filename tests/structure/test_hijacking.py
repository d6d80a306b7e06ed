"""What runs with other rights than the caller's looks at nothing that the caller could put there.

Every session has a schema of its own for temporary objects, in which it may create types too. Where
a function does not name that schema last, PostgreSQL looks there first, an empty search path being
no exception, and a domain in it runs its check as whoever the function runs as.
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


def _set_traps(connection: Connection) -> None:
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
    """Run a statement, and return what PostgreSQL says against it."""
    with connection.begin_nested() as savepoint:
        try:
            connection.execute(statement)
        except DBAPIError as error:
            savepoint.rollback()
            return str(error.orig)
    return ""


@pytest.fixture
def accounts(filled: Connection) -> list[UUID]:
    """Return the accounts whose rows there are."""
    return list(filled.scalars(select(User.id)))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_table_runs_what_its_reader_or_writer_put_there(
    filled: Connection, accounts: list[UUID], model: type[Base]
) -> None:
    for account in accounts:
        with acting(filled, "authenticated", account):
            _set_traps(filled)
            for statement in _attempts(model):
                assert HIJACKED not in _run(filled, statement)
            filled.execute(text("discard temp"))
