"""The encoding of a database, which has to hold every text."""

from __future__ import annotations

from typing import Any

from alembic.util import CommandError
from sqlalchemy import Engine, event

REQUIRED = "UTF8"

REFUSE_IN_SCRIPT = f"""do $$
declare
    found constant text := current_setting('server_encoding');
begin
    if found <> '{REQUIRED}' then
        raise exception 'the database has the encoding %, and {REQUIRED} is needed', found
            using hint = 'Create another one from template0 with the encoding {REQUIRED}.';
    end if;
end
$$"""
"""The statement of a script that refuses a database of another encoding."""


def refuse_other_encodings(engine: Engine) -> None:
    """Refuse databases of other encodings when an engine connects, before it runs a statement.

    Args:
        engine: An engine, whose ``connect()`` then raises a ``CommandError``.
    """

    def refuse(driver_connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
        try:
            check_encodings(driver_connection)
        except CommandError:
            driver_connection.close()
            raise

    event.listen(engine, "connect", refuse, insert=True)


def check_encodings(driver_connection: Any) -> None:  # noqa: ANN401 - the driver's
    """Refuse a database that can't hold every text, or a connection that can't transfer it.

    Args:
        driver_connection: A connection of psycopg; that of another driver is not checked.

    Raises:
        CommandError: One of the encodings is another one.
    """
    info = getattr(driver_connection, "info", None)
    if info is None:
        return
    server, client = map(info.parameter_status, ("server_encoding", "client_encoding"))
    if server != REQUIRED:
        raise CommandError(
            f"the database {info.dbname} has the encoding {server}, and {REQUIRED} is needed;"
            " nothing was changed. An encoding can't be changed: create another database, create"
            f" database … template template0 encoding '{REQUIRED}', and restore a dump of this one"
            " into it."
        )
    if client != REQUIRED:
        raise CommandError(
            f"the connection transfers texts in the encoding {client}, and {REQUIRED} is needed;"
            f" nothing was changed. Set client_encoding of the connection to {REQUIRED}."
        )
