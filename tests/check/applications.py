"""Small applications of the engine alone, each with its declarations as source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config

from townhall.check import Report, check

_ENV = """
from sqlalchemy import Column, Integer, MetaData, Table, Text

from townhall import migrate, pg
from townhall.roles import Roles

metadata = MetaData()
ROLES = Roles(anonymous=None, user=None, service=None)
entities = []
{declarations}
migrate.run(product=False, metadata=[metadata], entities=entities, roles=ROLES)
"""
_INI = "[alembic]\nscript_location = %(here)s\n"
_TEMPLATE = Path(__file__).parents[2] / "alembic" / "script.py.mako"


@dataclass(frozen=True)
class SmallApplication:
    """An application in a folder, and its database.

    Attributes:
        folder: The folder of its ``env.py``, ``alembic.ini`` and revisions.
        url: The database, as the role that migrates it.
        scratch: The server for scratch databases.
    """

    folder: Path
    url: str
    scratch: str

    def declare(self, declarations: str) -> None:
        """Write ``env.py`` with declarations, which add to ``metadata`` and ``entities``."""
        (self.folder / "versions").mkdir(exist_ok=True)
        (self.folder / "env.py").write_text(_ENV.format(declarations=declarations))
        (self.folder / "alembic.ini").write_text(_INI)
        (self.folder / "script.py.mako").write_text(_TEMPLATE.read_text())

    @property
    def config(self) -> Config:
        """Alembic's configuration."""
        config = Config()
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        config.attributes["url"] = self.url
        return config

    def revise(self, revision: str) -> str:
        """Generate a revision, run it, and return its source; nothing may differ then."""
        command.revision(self.config, revision, autogenerate=True, rev_id=revision)
        command.upgrade(self.config, "head")
        command.check(self.config)
        (path,) = (self.folder / "versions").glob(f"*{revision}*.py")
        return path.read_text()

    def check(self, url: str | None = None) -> Report:
        """Return the report of ``townhall check``."""
        ini = self.folder / "alembic.ini"
        return check(url or self.url, config=ini, scratch=self.scratch)
