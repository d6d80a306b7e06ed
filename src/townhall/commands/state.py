"""The state of a database: its server, its revision, and how many objects it has."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from townhall import embedded
from townhall.check.history import History
from townhall.migrate.contexts import VERSION_TABLE, current_heads
from townhall.migrate.origins import Origins
from townhall.pg.catalog import count_objects, read_schemas, schema_names

_RECORDS = (VERSION_TABLE, Origins.TABLE)


def describe_server(connection: Connection) -> str:
    """Return the version of the server, and the data folder of an embedded one."""
    version = connection.scalar(text("select current_setting('server_version')"))
    places = [f", embedded, data in {server.data_directory}" for server in embedded.joined()]
    return f"PostgreSQL {version}{''.join(places)}"


def describe_revision(connection: Connection, ini: Path | None) -> str:
    """Return the revision of the database, and whether it is at head.

    Args:
        connection: The database.
        ini: The ``alembic.ini`` of an application; None for townhall's own revisions.

    Raises:
        CommandError: The configuration names no folder of revisions.
    """
    current = set(current_heads(connection))
    name = ", ".join(sorted(current)) or "none"
    history = History(ini)
    if current - history.known():
        return f"{name}; made by an application, whose alembic.ini is not in this folder"
    # The version table omits revisions of townhall that an application's revision depends on.
    at_head = current and not history.after(current)
    return f"{name} (head)" if at_head else f"{name}; alembic upgrade heads is to be run"


def describe_objects(connection: Connection) -> str:
    """Return how many tables, policies, triggers, functions and views the database has.

    Counted are those in all schemas that are not PostgreSQL's, an extension's or a platform's. A
    schema such as ``auth`` that a revision of townhall created, as its comment says, is counted.

    Args:
        connection: The database.
    """
    counts = count_objects(connection, _own_schemas(connection), _RECORDS)
    return ", ".join(_count(number, kind) for kind, number in counts.items())


def _own_schemas(connection: Connection) -> list[str]:
    return [
        schema.name
        for schema in read_schemas(connection, schema_names(connection))
        if not schema.is_of_platform
    ]


def _count(number: int, kind: str) -> str:
    """Return a count such as ``3 policies`` or ``1 policy``."""
    if number != 1:
        return f"{number} {kind}"
    return f"1 {kind[:-3]}y" if kind.endswith("ies") else f"1 {kind[:-1]}"
