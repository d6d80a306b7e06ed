"""The settings of PostgreSQL that make a transaction act, and the errors of setting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from sqlalchemy import Connection, Dialect, Engine, text
from sqlalchemy.exc import DBAPIError

from townhall.search_path import FIND, Traps, refusal
from townhall.session.claims import HiddenText
from townhall.session.distributed import refuse_unreachable_rows
from townhall.session.errors import ActorError, RoleNotGranted

if TYPE_CHECKING:
    from psycopg import BaseConnection, ConnectionInfo

    from townhall.session.actor import Actor

# All of them each time. Temporary objects outlive a transaction and are found first where the
# search path does not name their schema: it is named last, and PostgreSQL's own first. A schema of
# the role's name could be anybody's. `auth.jwt()` and its like read the older
# `request.jwt.claim…` first.
# `num_nulls` keeps the values out of the result, and so out of the log of an echoing engine.
# It is qualified, since names are found on the path of the connection until it has run.
_SET = text(
    r"""
    select
      pg_catalog.set_config('role', :role, true),
      pg_catalog.num_nulls(
        pg_catalog.set_config(
          'search_path',
          coalesce(
            :search_path,
            pg_catalog.concat_ws(
              ', ',
              'pg_catalog',
              nullif(
                pg_catalog.ltrim(
                  pg_catalog.regexp_replace(
                    pg_catalog.current_setting('search_path'), '(^|,) *"?\$user"? *(?=,|$)', ''
                  ),
                  ', '
                ),
                ''
              ),
              'pg_temp'
            )
          ),
          true
        ),
        pg_catalog.set_config('request.jwt.claims', :claims, true),
        pg_catalog.set_config('request.jwt.claim', :claim, true),
        pg_catalog.set_config('request.jwt.claim.sub', :claim_sub, true),
        pg_catalog.set_config('request.jwt.claim.role', :claim_role, true),
        pg_catalog.set_config('request.jwt.claim.email', :claim_email, true),
        pg_catalog.set_config('request.headers', :headers, true)
      ),
      pg_catalog.to_regclass('pg_catalog.pg_dist_partition') is not null as has_citus
    """
)
_READ = text(
    """
    select
      pg_catalog.current_setting('role') as role,
      pg_catalog.current_setting('search_path') as search_path,
      coalesce(pg_catalog.current_setting('request.jwt.claims', true), '') as claims,
      coalesce(pg_catalog.current_setting('request.jwt.claim', true), '') as claim,
      coalesce(pg_catalog.current_setting('request.jwt.claim.sub', true), '') as claim_sub,
      coalesce(pg_catalog.current_setting('request.jwt.claim.role', true), '') as claim_role,
      coalesce(pg_catalog.current_setting('request.jwt.claim.email', true), '') as claim_email,
      coalesce(pg_catalog.current_setting('request.headers', true), '') as headers
    """
)
_FIND_TRAPS = text(FIND.format(declared="array[]::pg_catalog.name[]").replace(":", r"\:"))
_POOLER_HINT = (
    "the server connection has other prepared statements than this session: behind a pooler in "
    "transaction mode, create the engine with connect_args={'prepare_threshold': None}"
)

_without_traps: WeakSet[Engine] = WeakSet()
"""The engines whose database was looked at."""


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
            prepared statements, it is in AUTOCOMMIT, or rows are where the claims don't reach.
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
        role, _, has_citus = connection.execute(_SET, settings).one()
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
    if has_citus and not actor.is_service:
        refuse_unreachable_rows(connection, actor.role)


def refuse_traps(connection: Connection) -> None:
    """Refuse a database in which others can put functions in the place of PostgreSQL's.

    It is looked at once for each engine.

    Raises:
        ActorError: It is one.
    """
    if connection.engine in _without_traps:
        return
    if why := refusal(Traps(*connection.execute(_FIND_TRAPS).one())):
        raise ActorError(f"the service can't act on this database: {why}")
    _without_traps.add(connection.engine)


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


def begins_read_only(connection: Connection) -> bool:
    """Tell whether psycopg begins the connection's transactions as read-only ones."""
    return _driver(connection).read_only is True


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
    return _driver(connection).info


def _driver(connection: Connection) -> BaseConnection[Any]:
    return cast("BaseConnection[Any]", connection.connection.driver_connection)
