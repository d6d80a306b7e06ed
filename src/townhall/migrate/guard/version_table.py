"""A version table whose rows the role can't see."""

from __future__ import annotations

from alembic.util import CommandError
from sqlalchemy import Connection, text

_IS_HIDDEN = text(
    """
    select current_user::text
    from pg_catalog.pg_class as c
    where c.oid = pg_catalog.to_regclass('public.alembic_version')
        and pg_catalog.row_security_active(c.oid)
    """
)


def refuse_hidden_revision(connection: Connection) -> None:
    """Refuse a role from which row level security hides the revision of the database.

    Alembic would begin with the first revision.

    Args:
        connection: A connection outside a transaction.

    Raises:
        CommandError: The role is neither the owner of the version table nor one that row level
            security does not hold for.
    """
    role = connection.scalar(_IS_HIDDEN)
    connection.rollback()
    if role is not None:
        raise CommandError(
            f"the role {role} does not own the table alembic_version, and row level security hides"
            " its row: which revision the database is at is not known, and nothing was changed."
            " Run it as the role that migrated the database."
        )
