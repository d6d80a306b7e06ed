"""A run of an ``env.py`` on the scratch database, and on no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text

from townhall.check.errors import CheckError


def run_env(
    config: Config,
    script: ScriptDirectory,
    database: URL,
    fn: Callable[..., Any],
    **options: Any,  # noqa: ANN401 - Alembic's
) -> None:
    """Run the ``env.py`` of a configuration on a scratch database.

    An ``env.py`` decides itself which database it connects to. Revisions must never run on the
    database that is checked, so that a connection to another database is refused before Alembic
    uses it.

    Args:
        config: The configuration; its ``attributes["url"]`` and main option ``sqlalchemy.url`` are
            set to the scratch database.
        script: The revisions of the configuration.
        database: The scratch database, whose name is unique.
        fn: Returns the steps to run, as Alembic's ``EnvironmentContext`` takes it.
        options: Further options of the ``EnvironmentContext``.

    Raises:
        CheckError: The ``env.py`` connects to another database.
    """
    url = database.render_as_string(hide_password=False)
    config.attributes["url"] = url
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    environment = EnvironmentContext(config, script, as_sql=False, fn=fn, **options)
    configure = environment.configure

    def configure_on_scratch(
        connection: Connection | None = None,
        *arguments: Any,  # noqa: ANN401 - Alembic's
        **options: Any,  # noqa: ANN401 - Alembic's
    ) -> None:
        if connection is not None and (name := _database_of(connection)) != database.database:
            raise CheckError(
                f"{script.env_py_location} connects to the database {name}, and would run the"
                " revisions there instead of in the scratch database; the check ran no revision"
                " there. Call townhall.migrate.run() in it, or let it prefer"
                " config.attributes['url'] or sqlalchemy.url of the configuration to every other"
                " URL, such as that of an environment variable."
            )
        configure(connection, *arguments, **options)

    # Alembic gives its functions to the module alembic.context by the class, which therefore can't
    # be a subclass.
    environment.configure = configure_on_scratch  # type: ignore[method-assign] # without the names
    with environment:
        script.run_env()


def _database_of(connection: Connection) -> str | None:
    was_in_transaction = connection.in_transaction()
    name: str | None = connection.scalar(text("select pg_catalog.current_database()"))
    if not was_in_transaction:
        connection.rollback()
    return name
