"""What a session must be, and see, for the data of a person to be read or erased as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import TableClause

from townhall.roles import Roles
from townhall.session import Actor, ActorError
from townhall.session.claims import canonical_user_id
from townhall.session.registry import ACTOR_KEY, acting_sessions

_IS_FOR_CALLER = """
    exists (
        select
        from unnest(p.polroles) as r (role)
        where r.role = 0 or pg_catalog.pg_has_role(r.role, 'usage')
    )
"""

# A policy that lets a role see only some rows would make a part of them look like the whole.
_HIDDEN = text(
    f"""
    select n.name
    from unnest(cast(:tables as text[])) as n (name)
    join pg_catalog.pg_class as c on c.oid = pg_catalog.to_regclass(n.name)
    cross join unnest(cast(:commands as text[])) as needed (command)
    where pg_catalog.row_security_active(c.oid)
        and (
            not exists (
                select
                from pg_catalog.pg_policy as p
                where p.polrelid = c.oid
                    and p.polpermissive
                    and p.polcmd::text in ('*', needed.command)
                    and coalesce(pg_catalog.pg_get_expr(p.polqual, c.oid), 'true') = 'true'
                    and coalesce(pg_catalog.pg_get_expr(p.polwithcheck, c.oid), 'true') = 'true'
                    and {_IS_FOR_CALLER}
            )
            or exists (
                select
                from pg_catalog.pg_policy as p
                where p.polrelid = c.oid
                    and not p.polpermissive
                    and p.polcmd::text in ('*', needed.command)
                    and {_IS_FOR_CALLER}
            )
        )
    order by n.name
    limit 1
    """  # noqa: S608 - a condition of ours
)

READING, CHANGING = ("r",), ("r", "w")
"""The commands of policies by the letters of the catalog."""


def key_of(session: object, user_id: object, roles: Roles) -> UUID | int | str:
    """Return the key of an account, for a session that acts as the service.

    Args:
        session: What a caller passed as the session.
        user_id: What a caller passed as the id.
        roles: The roles of the application.

    Raises:
        TypeError: The session is no ``sqlalchemy.orm.Session``.
        ActorError: It acts as somebody else than the service, or does not act.
        InputError: The id is not of the type ``roles.caller_type``.
    """
    if not isinstance(session, Session):
        raise TypeError(
            f"the session is a {type(session).__name__}, not a sqlalchemy.orm.Session: of an"
            " AsyncSession call await session.run_sync(export_person, user_id)"
        )
    actor = session.info.get(ACTOR_KEY)
    is_service = isinstance(actor, Actor) and actor.role == roles.service
    if session not in acting_sessions or not is_service:
        raise ActorError(
            "the data of a person is read and erased by the service alone: use a session of"
            " sessions.as_service()"
        )
    return roles.caller_type(canonical_user_id(user_id, roles.caller_type))


def refuse_hidden_rows(
    session: Session, tables: Iterable[Table], commands: tuple[str, ...]
) -> None:
    """Refuse tables of which policies hide rows from the service.

    Args:
        session: A session that acts as the service.
        tables: The tables.
        commands: What is to be done with their rows, :data:`READING` or :data:`CHANGING`.

    Raises:
        ActorError: There is such a table.
    """
    found = hidden(session, [name_in_sql(session, table) for table in tables], commands)
    if found is not None:
        raise ActorError(
            f"policies hide rows of {found} from the service, so that a person's would be left"
            " behind: let a policy of the service for all commands use (true), or give its role"
            " bypassrls"
        )


def hidden(session: Session, tables: list[str], commands: tuple[str, ...]) -> str | None:
    """Return the first of some tables that row level security hides rows of, or None.

    Args:
        session: The session.
        tables: The names of the tables, as SQL has them.
        commands: What is to be done with the rows.
    """
    found: str | None = session.scalar(_HIDDEN, {"tables": tables, "commands": list(commands)})
    return found


def name_in_sql(session: Session, table: TableClause) -> str:
    """Return the name of a table as SQL has it, with quotes where it needs them."""
    bind: Any = session.get_bind()
    name: str = bind.dialect.identifier_preparer.format_table(table)
    return name
