"""The settings of PostgreSQL that make a transaction act, and the errors of setting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Dialect, text
from sqlalchemy.exc import DBAPIError

from townhall.session.claims import HiddenText
from townhall.session.errors import ActorError, RoleNotGranted

if TYPE_CHECKING:
    from psycopg import BaseConnection, ConnectionInfo

    from townhall.session.actor import Actor

# All of them each time. Temporary objects outlive a transaction and are found first where the
# search path does not name their schema: it is named last. `auth.jwt()` and its like read the older
# `request.jwt.claim…` first.
# `num_nulls` keeps the values out of the result, and so out of the log of an echoing engine.
_SET = text(
    """
    select
      set_config('role', :role, true),
      num_nulls(
        set_config(
          'search_path',
          coalesce(
            :search_path,
            concat_ws(', ', nullif(current_setting('search_path'), ''), 'pg_temp')
          ),
          true
        ),
        set_config('request.jwt.claims', :claims, true),
        set_config('request.jwt.claim', :claim, true),
        set_config('request.jwt.claim.sub', :claim_sub, true),
        set_config('request.jwt.claim.role', :claim_role, true),
        set_config('request.jwt.claim.email', :claim_email, true),
        set_config('request.headers', :headers, true)
      )
    """
)
_READ = text(
    """
    select
      current_setting('role') as role,
      current_setting('search_path') as search_path,
      coalesce(current_setting('request.jwt.claims', true), '') as claims,
      coalesce(current_setting('request.jwt.claim', true), '') as claim,
      coalesce(current_setting('request.jwt.claim.sub', true), '') as claim_sub,
      coalesce(current_setting('request.jwt.claim.role', true), '') as claim_role,
      coalesce(current_setting('request.jwt.claim.email', true), '') as claim_email,
      coalesce(current_setting('request.headers', true), '') as headers
    """
)
_POOLER_HINT = (
    "the server connection has other prepared statements than this session: behind a pooler in "
    "transaction mode, create the engine with connect_args={'prepare_threshold': None}"
)


def read_settings(connection: Connection) -> dict[str, str]:
    """Return the settings that :func:`become` would change, for :func:`restore_settings`."""
    settings = connection.execute(_READ).mappings().one()
    return {name: HiddenText(value) for name, value in settings.items()}


def restore_settings(connection: Connection, settings: dict[str, str]) -> None:
    """Set what :func:`read_settings` returned, for the rest of the transaction."""
    connection.execute(_SET, settings)


def become(connection: Connection, actor: Actor) -> None:
    """Set the actor's role and claims for the transaction, in one round trip.

    Raises:
        RoleNotGranted: The login role may not take the role.
        ActorError: The role does not exist, the connection is behind a pooler that does not support
            prepared statements, or it is in AUTOCOMMIT.
    """
    settings = {
        "role": actor.role,
        "search_path": None,
        "claims": actor.claims,
        "claim": "",
        "claim_sub": actor.user_id,
        "claim_role": actor.role,
        "claim_email": actor.email,
        "headers": actor.request_headers,
    }
    try:
        role = connection.scalar(_SET, settings)
    except DBAPIError as error:
        explanation = _explain(error, connection, actor.role)
        if explanation is None:
            raise
        raise explanation from error
    if role != actor.role:
        raise ActorError(_POOLER_HINT)
    if transaction_status(connection) == "IDLE":
        raise ActorError(
            "a session can't act on a connection in AUTOCOMMIT: "
            "role and claims hold for a transaction, and there is none"
        )


def refuse_other_driver(dialect: Dialect) -> None:
    """Refuse connections of another driver than psycopg 3.

    Raises:
        ActorError: They are of another one.
    """
    if dialect.driver != "psycopg":
        raise ActorError(
            "a session can act on connections of psycopg 3 only, postgresql+psycopg://, and not of"
            f" {dialect.driver}"
        )


def transaction_status(connection: Connection) -> str:
    """Return psycopg's status of the transaction: IDLE, INTRANS, INERROR …; no round trip."""
    return _info(connection).transaction_status.name


def _explain(error: DBAPIError, connection: Connection, role: str) -> ActorError | None:
    """Return an error that says what to do, where that is known."""
    match getattr(error.orig, "sqlstate", None):
        case "42501":
            return RoleNotGranted(_missing_grant(connection, role))
        case "22023":
            return ActorError(
                f'role "{role}" does not exist on this server: run alembic upgrade heads,'
                " or create the role"
            )
        case "08P01" | "26000" | "42P05":
            return ActorError(_POOLER_HINT)
        case _:
            return None


def _missing_grant(connection: Connection, role: str) -> str:
    info = _info(connection)
    login = info.parameter_status("session_authorization") or info.user
    preparer = connection.dialect.identifier_preparer
    grant = f"grant {preparer.quote(role)} to {preparer.quote_identifier(login)}"
    # Since 16 a membership may lack the right to set the role, and granting it again keeps that.
    option = " with set true" if info.server_version >= 160000 else ""  # noqa: PLR2004  libpq's form
    return f"the login role may not act as {role}: {grant}{option}"


def _info(connection: Connection) -> ConnectionInfo:
    return cast("BaseConnection[Any]", connection.connection.driver_connection).info
