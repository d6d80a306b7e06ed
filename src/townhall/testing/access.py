"""Tests of access rules: acting as a persona, and the outcome of a statement.

A test states its expectations as a matrix and lets the database answer::

    PERSONAS = {
        "anon": Actor.anonymous(),
        "stranger": Actor.user(STRANGER),
        "manager": Actor.user(MANAGER),
    }
    MATRIX = access_cases('''
        events  anon  stranger  manager
        select  x     0         +
        insert  x     !         +
        update  x     0         +
    ''')

    @pytest.mark.parametrize("case", MATRIX, ids=str)
    def test_access(case, townhall_connection):
        with acting(townhall_connection, PERSONAS[case.persona]):
            assert outcome(townhall_connection, STATEMENTS[case.command]) is case.expected

All of it runs in the connection's transaction, which the fixture rolls back.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import Text, func, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert, UpdateBase

from townhall.input_error import InputError
from townhall.roles import SUPABASE, Roles
from townhall.session.actor import Actor
from townhall.session.claims import to_json
from townhall.session.settings import become, read_settings, restore_settings
from townhall.testing.settings import restored, set_locally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from psycopg import Error
    from sqlalchemy import Connection, CursorResult, Executable, TableClause

_COUNT = {"preserve_rowcount": True}  # of an insert too, which SQLAlchemy doesn't keep otherwise


class Outcome(StrEnum):
    """What the database answers to a statement of a persona."""

    ALLOWED = "allowed"
    """It returned rows, or changed some."""

    NO_ROWS = "no_rows"
    """It ran and affected no row: a policy hides the rows, without an error."""

    VIOLATES_POLICY = "violates_policy"
    """The new row is not one that a policy accepts."""

    PERMISSION_DENIED = "permission_denied"
    """The role lacks the privilege on the table, the column or the function."""

    REFUSED = "refused"
    """A function in PL/pgSQL raised ``insufficient_privilege``."""


@contextmanager
def acting(
    connection: Connection,
    actor: Actor | str,
    user_id: UUID | int | str | None = None,
    *,
    roles: Roles = SUPABASE,
) -> Iterator[None]:
    """Act as a persona for a block, within the connection's transaction.

    The settings are those of a session that acts: the session's own function sets them. What the
    block did is kept when it ends, and undone when it ends by an exception; in both cases the
    connection has the role and the settings that it had before.

    Args:
        connection: A connection of psycopg 3, as the fixture ``townhall_connection`` gives it.
        actor: The actor, or the name of a role of PostgreSQL: ``"authenticated"``.
        user_id: The id of the user, where ``actor`` is the name of a role.
        roles: The roles of the application, where they are not those of Supabase.

    Raises:
        InputError: Row level security does not hold for the role, so that a test as this role
            proves nothing: it is a superuser, has ``bypassrls``, or owns a table with row level
            security. Only the role of the service is accepted then.
        TypeError: A user id is given beside an actor, which has its own.
    """
    if isinstance(actor, str):
        actor = _with_role(actor, user_id, roles)
    elif user_id is not None:
        raise TypeError("an actor has a user id of its own: give it to Actor.user")
    _refuse_unprotected(connection, actor.role, roles)
    with restored(connection, read_settings, restore_settings):
        become(connection, actor)
        yield


def _with_role(role: str, user_id: UUID | int | str | None, roles: Roles) -> Actor:
    """Return an actor with any role, which may have a user id or none."""
    if user_id is None:
        return Actor(role=role, claims=to_json({"role": role}))
    only_role = Roles(anonymous=None, user=role, service=None, caller_type=roles.caller_type)
    return Actor.user(user_id, roles=only_role)


def outcome(
    connection: Connection,
    statement: Executable | str,
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
) -> Outcome:
    """Run a statement as the persona that the connection acts as, and return its outcome.

    The outcome of a write is what it did to the table, which is read before and after as the login
    role, and not the count of rows that it reports. An insert is sent without ``returning``, which
    would need the privilege and the policy to select, unless the statement asks for it. A denied
    statement leaves the transaction usable.

    Args:
        connection: A connection, inside :func:`acting`.
        statement: A select, insert, update, delete, or any SQL as text, with parameters as
            ``:name``. The table that a statement of SQLAlchemy writes to is small, being read as a
            whole; of text the count of rows is all that is looked at.
        parameters: The values of its bound parameters.

    Raises:
        AssertionError: The count of rows and the table contradict each other; most often the
            update wrote the values that the row already had.
        DBAPIError: Any error that is not one of the denials.
    """
    if isinstance(statement, str):
        statement = text(statement)
    table = cast("TableClause", statement.table) if isinstance(statement, UpdateBase) else None
    if isinstance(statement, Insert):
        statement = statement.inline()
    before = _contents(connection, table)
    savepoint = connection.begin_nested()
    try:
        found = _found_rows(connection.execute(statement, parameters, execution_options=_COUNT))
    except DBAPIError as error:
        savepoint.rollback()
        denial = _denial(error)
        if denial is None:
            raise
        return denial
    savepoint.commit()
    if table is not None and found != (_contents(connection, table) != before):
        raise AssertionError(
            f"the statement reports {'some' if found else 'no'} rows, but {table}"
            f" {'has not changed: write a value that differs' if found else 'has changed'}"
        )
    return Outcome.ALLOWED if found else Outcome.NO_ROWS


def _refuse_unprotected(connection: Connection, role: str, roles: Roles) -> None:
    # The plugin is loaded in every pytest run where townhall is installed: without Alembic.
    from townhall.pg.catalog import read_roles, schema_names  # noqa: PLC0415

    found = read_roles(connection, [role], schema_names(connection), roles.service).get(role)
    if found is None:
        raise InputError(f"there is no role {role} on this server")
    if found.bypass and role != roles.service:
        raise InputError(
            f"row level security does not apply to {role}: {found.bypass};"
            " a test as this role proves nothing"
        )


def _contents(connection: Connection, table: TableClause | None) -> list[str] | None:
    """Return all rows of a table as the login role sees them."""
    if table is None:
        return None
    rows = select(sql_cast(func.to_jsonb(table.table_valued()), Text))
    with set_locally(connection, {"role": "none"}):
        return sorted(connection.scalars(rows))


def _found_rows(result: CursorResult[Any]) -> bool:
    return bool(result.all()) if result.returns_rows else result.rowcount > 0


def _denial(error: DBAPIError) -> Outcome | None:
    """Return which denial an error is; all have one SQLSTATE, and their texts are translated."""
    cause = cast("Error", error.orig)
    if cause.sqlstate != "42501":
        return None
    source = cause.diag.source_function or ""
    if source.startswith("aclcheck_error"):
        return Outcome.PERMISSION_DENIED
    return _DENIALS.get(source)


_DENIALS = {
    "ExecWithCheckOptions": Outcome.VIOLATES_POLICY,
    "exec_stmt_raise": Outcome.REFUSED,
}
"""By the function of PostgreSQL that raised the error."""
