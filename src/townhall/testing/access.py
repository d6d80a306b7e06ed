"""Tests of who may do what: acting as a persona, and telling what came of it.

A test states what it expects as a table and lets the database answer::

    EXPECTED = access_cases('''
        events  anonymous          stranger           viewer             manager
        select  permission_denied  no_rows            allowed            allowed
        insert  permission_denied  violates_policy    violates_policy    allowed
        update  permission_denied  no_rows            no_rows            allowed
    ''')

    @pytest.mark.parametrize("case", EXPECTED, ids=str)
    def test_access(case, stage, townhall_connection):
        with acting(townhall_connection, *stage.personas[case.persona]):
            assert outcome(townhall_connection, stage.statements[case.command]) is case.expected

All of it happens inside the connection's transaction, which the fixture rolls back.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import Text, func, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert, UpdateBase

from townhall.testing.settings import set_locally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from psycopg import Error
    from sqlalchemy import Connection, CursorResult, Executable, TableClause

SERVICE = "service_role"
"""The one role that row level security need not hold for."""

_COUNT = {"preserve_rowcount": True}  # of an insert too, which SQLAlchemy doesn't keep otherwise


class Outcome(StrEnum):
    """What the database answers to a statement of somebody."""

    ALLOWED = "allowed"
    """It found rows, or changed some."""

    NO_ROWS = "no_rows"
    """It ran and found nothing: a policy hides the rows, without an error."""

    VIOLATES_POLICY = "violates_policy"
    """The row that it would leave behind is not one that a policy accepts."""

    PERMISSION_DENIED = "permission_denied"
    """The role lacks the privilege on the table, the column or the function."""


@contextmanager
def acting(
    connection: Connection,
    role: str,
    user_id: UUID | str | None = None,
    *,
    claims: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Act as somebody for a block, within the connection's transaction.

    What the block did stays when it ends, and is undone when it ends by an exception; in both
    cases the connection is whoever it was before.

    Args:
        connection: A connection of psycopg 3, as the fixture ``townhall_connection`` gives it.
        role: The role of PostgreSQL to take: ``authenticated``, ``anon``, ``service_role``.
        user_id: The key of the account in ``auth.users``, for a role that signs in.
        claims: More claims of the token.
        headers: The request's headers.

    Raises:
        ValueError: Row level security does not hold for the role, so that a test as it proves
            nothing: it is a superuser, has ``bypassrls``, or owns a table that is protected. The
            service alone is let through, being asked for by its name.
    """
    _refuse_unprotected(connection, role)
    subject = {} if user_id is None else {"sub": str(UUID(str(user_id)))}
    settings = {
        "role": role,
        "request.jwt.claims": json.dumps({**(claims or {}), **subject, "role": role}),
        "request.headers": json.dumps(dict(headers or {})),
        # Supabase's functions believe these older settings first.
        "request.jwt.claim": "",
        "request.jwt.claim.sub": "",
        "request.jwt.claim.role": "",
        "request.jwt.claim.email": "",
    }
    with set_locally(connection, settings):
        yield


def outcome(
    connection: Connection,
    statement: Executable,
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
) -> Outcome:
    """Run a statement as whoever the connection acts as, and tell what came of it.

    A write is believed for what it did to the table, read before and after as the login role, and
    not for the count of rows it reports. An insert is sent without ``returning``, which would need
    the privilege and the policy to select, unless the statement asks for it. A denied statement
    leaves the transaction usable.

    Args:
        connection: A connection, inside :func:`acting`.
        statement: A select, insert, update, delete, or any text; the table that it writes to is
            small, being read as a whole.
        parameters: The values of its bound parameters.

    Raises:
        AssertionError: The count of rows and the table contradict each other; most often the
            update wrote the values that were there.
        DBAPIError: Any error that is not one of the denials.
    """
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
            f" {'is what it was: write a value that differs' if found else 'has changed'}"
        )
    return Outcome.ALLOWED if found else Outcome.NO_ROWS


def _refuse_unprotected(connection: Connection, role: str) -> None:
    found = connection.execute(
        text(
            """
            select
                role.rolsuper,
                role.rolbypassrls,
                (
                    select min(class.oid::regclass::text)
                    from pg_class class
                    where class.relrowsecurity
                      and not class.relforcerowsecurity
                      and pg_has_role(role.oid, class.relowner, 'usage')
                ) as owned
            from pg_roles role
            where role.rolname = :role
            """
        ),
        {"role": role},
    ).one_or_none()
    if found is None:
        raise ValueError(f"there is no role {role} here")
    if role == SERVICE:
        return
    reason = (
        ("is a superuser" if found.rolsuper else None)
        or ("has bypassrls" if found.rolbypassrls else None)
        or (f"owns {found.owned}" if found.owned else None)
    )
    if reason:
        raise ValueError(
            f"{role} {reason}: row level security does not hold for it,"
            " and a test as this role proves nothing"
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
    """Return which denial an error is; both have one SQLSTATE, and their texts are translated."""
    cause = cast("Error", error.orig)
    if cause.sqlstate != "42501":
        return None
    function = cause.diag.source_function or ""
    if function == "ExecWithCheckOptions":
        return Outcome.VIOLATES_POLICY
    return Outcome.PERMISSION_DENIED if function.startswith("aclcheck_error") else None
