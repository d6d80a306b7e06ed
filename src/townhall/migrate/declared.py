"""What an ``env.py`` declares, read without a database."""

from __future__ import annotations

import io
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from townhall.input_error import InputError
from townhall.migrate.settings import SETTINGS, Settings


def declared_by(ini: Path | None) -> Settings:
    """Return what the ``env.py`` of a configuration declares.

    It is run as for ``alembic upgrade --sql``, so that it connects to nothing, without a revision.

    Args:
        ini: The ``alembic.ini``; None for the tables of this package alone.

    Raises:
        InputError: There is no such file, or its ``env.py`` does not call
            :func:`townhall.migrate.run`.
    """
    if ini is None:
        return Settings.of(product=True)
    if not ini.is_file():
        raise InputError(f"there is no {ini}: name the alembic.ini with --config")
    config = Config(ini, output_buffer=io.StringIO())
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=lambda *_: [], as_sql=True):
        script.run_env()
    settings: Settings | None = config.attributes.get(SETTINGS)
    if settings is None:
        raise InputError(
            f"{script.env_py_location} does not call townhall.migrate.run(), which is where tables"
            " and rules are declared: townhall init writes one that does"
        )
    return settings
