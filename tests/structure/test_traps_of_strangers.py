"""What callers reach of ours calls nothing that a stranger has put into ``public`` or ``pg_temp``.

Triggers, defaults, checks, policies and functions run on statements of users, of anonymous callers
and of the service, whose search path begins with ``public`` here, as it may be set by any of them.
The statements themselves use no function, no operator and no type without its schema.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.structure.models import MODELS
from tests.support.rows import fill
from tests.support.traps import is_sprung, set_traps
from townhall import Base, User
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from sqlalchemy import Connection, Executable

    from townhall.testing.databases import Databases

TYPES = ("uuid", "text", "jsonb", "inet", "date", "timestamptz", "int4", "bool", "numeric")
FUNCTIONS = """
select
    pg_catalog.format('%I.%I', n.nspname, p.proname) as name,
    p.oid::regprocedure::text as signature,
    array(
        select pg_catalog.format('%I.%I', s.nspname, t.typname)
        from unnest(p.proargtypes) with ordinality as a (type, place)
        join pg_catalog.pg_type as t on t.oid = a.type
        join pg_catalog.pg_namespace as s on s.oid = t.typnamespace
        order by a.place
    ) as types,
    p.prorettype = 'trigger'::regtype as is_trigger
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
where p.proconfig @> array['search_path=pg_catalog, pg_temp']
order by 1, 2
"""


@pytest.fixture(scope="module")
def trapped(townhall_databases: Databases, townhall_template: str) -> Iterator[str]:
    """Yield the URL of a database with a row in every table, and traps."""
    with townhall_databases.create(townhall_template) as url:
        with connected(url) as connection, connection.begin():
            fill(connection)
        set_traps(url)
        yield url


def connected(url: str) -> Connection:
    return create_engine(url, poolclass=NullPool, use_native_hstore=False).connect()


def set_temporary_traps(connection: Connection) -> None:
    """Create types in place of PostgreSQL's in the schema that is searched first."""
    for name in TYPES:
        connection.exec_driver_sql(
            f"create domain pg_temp.{name} as pg_catalog.{name}"
            " check (public.townhall_sprung() is null)"
        )


def statements(model: type[Base]) -> Iterable[Executable]:
    """Yield statements that call what hangs on a table."""
    table = model.metadata.tables[model.__tablename__]
    written = [each for each in table.columns if each.computed is None and not each.primary_key]
    yield text(f"select * from {table.fullname}")  # the model's casts name types
    yield text(f"insert into {table.fullname} default values")
    yield insert(table).from_select(written, select(*written))
    yield from (update(table).values({each.name: each}) for each in written)
    yield delete(table)


def call(name: str, types: Iterable[str], account: UUID) -> str:
    """Return a call of a function, with values where they can be had."""
    values = {
        "pg_catalog.uuid": f"'{account}'",
        "pg_catalog.text": "'a'",
        "pg_catalog.jsonb": "'{}'",
        "pg_catalog.int4": "'1'",
        "pg_catalog.int8": "'1'",
        "pg_catalog.bool": "'true'",
    }
    return "select {}({})".format(
        name, ", ".join(f"{values.get(each, 'null')}::{each}" for each in types)
    )


def attack(connection: Connection) -> None:
    """Run every statement and function as every kind of caller, and roll back what they do."""
    accounts = list(connection.scalars(select(User.id)))
    functions = [
        text(call(each.name, each.types, accounts[0]).replace(":", r"\:"))
        for each in connection.execute(text(FUNCTIONS)).all()
        if not each.is_trigger
    ]
    callers = [("anon", None), ("service_role", None), *(("authenticated", a) for a in accounts)]
    for role, account in callers:
        with connection.begin_nested() as savepoint:
            with acting(connection, role, account):
                set_temporary_traps(connection)
                connection.exec_driver_sql("set local search_path = public")
                for statement in chain(functions, *map(statements, MODELS)):
                    run(connection, statement)
            savepoint.rollback()


def run(connection: Connection, statement: Executable) -> None:
    with connection.begin_nested() as savepoint:
        with suppress(DBAPIError):
            connection.execute(statement)
        savepoint.rollback()


@pytest.mark.thorough
def test_callers_reach_no_trap_until_a_function_looks_into_public(trapped: str) -> None:
    with connected(trapped) as connection:
        connection.exec_driver_sql("set search_path = pg_catalog, pg_temp")
        connection.commit()
        attack(connection)
        connection.rollback()
        assert not is_sprung(trapped)
        for each in connection.execute(text(FUNCTIONS)).all():
            connection.exec_driver_sql(f"alter function {each.signature} set search_path = public")
        attack(connection)
        connection.rollback()
    assert is_sprung(trapped)
