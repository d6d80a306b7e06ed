"""The tables and entities that an application declares, read without its database."""

from __future__ import annotations

import io
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from townhall.check.errors import CheckError
from townhall.migrate.settings import SETTINGS, Settings


def declared_by(ini: Path | None) -> Settings:
    """Return what the ``env.py`` of a configuration declares.

    It is run as for ``alembic upgrade --sql``, with no revision to write.

    Args:
        ini: The ``alembic.ini`` of an application; None for townhall alone.

    Raises:
        CheckError: There is no such file, or its ``env.py`` does not call
            :func:`townhall.migrate.run`.
    """
    if ini is None:
        return Settings.of(product=True)
    if not ini.is_file():
        raise CheckError(f"there is no {ini}")
    config = Config(ini)
    script = ScriptDirectory.from_config(config)
    output = {"output_buffer": io.StringIO()}
    with EnvironmentContext(config, script, fn=lambda *_: [], as_sql=True, **output):
        script.run_env()
    settings = config.attributes.get(SETTINGS)
    if not isinstance(settings, Settings):
        raise CheckError(
            f"{script.env_py_location} does not say what it declares: call townhall.migrate.run()"
            " in it"
        )
    return settings
