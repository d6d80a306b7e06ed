"""The upgrade within an adoption, which runs although tables of declared names are there."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.migrate import alembic_config
from townhall.migrate.guard.pending import ADOPTS


class Upgrade:
    """The revisions of townhall, or of an application together with them, on one connection."""

    def __init__(self, ini: Path | None) -> None:
        """Read a configuration.

        Args:
            ini: The ``alembic.ini`` of an application; None for townhall alone.
        """
        self._config = Config(ini) if ini is not None else alembic_config()
        self._script = ScriptDirectory.from_config(self._config)

    def run(self, connection: Connection) -> None:
        """Upgrade a database to the last revisions.

        Args:
            connection: A connection outside a transaction.
        """
        self._use(connection)
        self._run_env(as_sql=False)

    def script(self, current: Collection[str]) -> str:
        """Return the upgrade as a script, which is not run.

        Args:
            current: The revisions that the database is at.
        """
        written = io.StringIO()
        self._config.output_buffer = written
        self._run_env(as_sql=True, starting_rev=",".join(sorted(current)) or None)
        return written.getvalue()

    def differences(self, connection: Connection) -> list[str]:
        """Return what ``alembic check`` says of a database; nothing where it is silent.

        Args:
            connection: A connection outside a transaction.
        """
        self._use(connection)
        self._config.stdout = io.StringIO()
        try:
            command.check(self._config)
        except CommandError as error:
            return [str(error)]
        return []

    def _use(self, connection: Connection) -> None:
        url = connection.engine.url.render_as_string(hide_password=False)
        self._config.attributes.update(connection=connection, url=url)
        self._config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))

    def _run_env(self, **options: Any) -> None:  # noqa: ANN401 - Alembic's
        def steps(current: Any, _: object) -> Iterable[MigrationStep]:  # noqa: ANN401 - Alembic's
            start = options.get("starting_rev", current)
            return self._script._upgrade_revs("heads", start)  # noqa: SLF001 - as Alembic's upgrade does

        with EnvironmentContext(
            self._config,
            self._script,
            fn=steps,
            destination_rev="heads",
            **{ADOPTS: True},
            **options,
        ):
            self._script.run_env()
