"""An application whose tables and entities change, with its own folder of Alembic."""

from __future__ import annotations

import re
import shutil
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Self

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

from tests.autogenerate.round_trip import sorted_columns
from tests.support.dump import dump

ENV = """
import uuid
from sqlalchemy import *
from sqlalchemy.dialects import postgresql
from townhall import migrate
from townhall.roles import Roles

metadata = MetaData(schema={schema!r})
{tables}
migrate.run(product=False, metadata=[metadata], roles=Roles(None, None, None){options})
"""

ENV_OF_A_SCHEMA = """
import {module}
from townhall import migrate

schema = {expression}
migrate.run(product=False, metadata=[schema.metadata], entities=schema.entities)
"""

OWNERS = 'Table("owners", metadata, Column("id", Integer, primary_key=True))\n'


def items(*more: str) -> str:
    """Return the source of tables, one of which has more columns, constraints or indexes."""
    columns = (
        'Column("id", Integer, primary_key=True)',
        'Column("owner_id", Integer)',
        'Column("Price", Integer)',
        'Column("name", Text)',
    )
    replaced = {each.split(",")[0]: each for each in more}
    lines = [replaced.pop(each.split(",")[0], each) for each in columns]
    return f'{OWNERS}items = Table("items", metadata, {", ".join([*lines, *replaced.values()])})\n'


@dataclass
class Project:
    """An application whose tables change.

    Attributes:
        folder: Its folder of Alembic.
        database: The URL of its database.
        schema: The schema of its tables.
    """

    folder: Path
    database: str
    schema: str | None = None

    @classmethod
    def begun(cls, folder: Path, database: str, schema: str | None = None) -> Self:
        """Return an application without a revision, in an empty folder."""
        (folder / "versions").mkdir()
        shutil.copy(Path(__file__).parents[2] / "alembic" / "script.py.mako", folder)
        return cls(folder, database, schema)

    @property
    def config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.attributes["url"] = self.database
        return config

    def declare(self, tables: str, options: str = "") -> None:
        source = ENV.format(tables=tables, options=options, schema=self.schema)
        (self.folder / "env.py").write_text(source)

    def declare_schema(self, module: str, expression: str) -> None:
        """Declare the ``Schema`` that an expression of a module of the tests gives."""
        source = ENV_OF_A_SCHEMA.format(module=module, expression=f"{module}.{expression}")
        (self.folder / "env.py").write_text(source)

    def revise(self, *arguments: str) -> list[str]:
        """Write revisions and return them in their order."""
        config = self.config
        config.cmd_opts = Namespace(x=list(arguments))
        before = {each.revision for each in self.history()}
        command.revision(config, "Change", autogenerate=True)
        made = [each for each in self.history() if each.revision not in before]
        return [Path(each.path).read_text() for each in made]

    def history(self) -> Sequence[Script]:
        return [*ScriptDirectory.from_config(self.config).walk_revisions()][::-1]

    def values(self, query: str) -> list[tuple[object, ...]]:
        with create_engine(self.database, poolclass=NullPool).connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def execute(self, statement: str) -> None:
        with create_engine(self.database, poolclass=NullPool).begin() as connection:
            connection.execute(text(statement))


def run_twice(project: Project, count: int) -> None:
    """Run the last revisions over their own result, up, down and up."""
    _run_twice_and_back(project, count)
    command.upgrade(project.config, "head")


def _run_twice_and_back(project: Project, count: int) -> None:
    before, *_, last = [each.revision for each in project.history()][-count - 1 :]
    for _ in range(2):
        command.upgrade(project.config, last)
        command.stamp(project.config, before)
    for _ in range(2):
        command.stamp(project.config, last)
        command.downgrade(project.config, before)


def revise_there_and_back(project: Project, form: str) -> None:
    """Write revisions, run each of them over its own result, there, back and there.

    Args:
        project: The application, which has declared something else since its last revision.
        form: The option for tables in use: ``live=yes`` or ``live=no``.
    """
    before = dump(project.database)
    revisions = project.revise(form)
    for sign in ("undecided", "Refused in a second run"):
        assert not any(sign in each for each in revisions), "".join(revisions)
    _run_twice_and_back(project, len(revisions))
    came, went = without_values(dump(project.database)), without_values(before)
    difference = [*unified_diff(went, came, n=0)]
    assert not difference, "\n".join(difference)
    command.upgrade(project.config, "head")
    command.check(project.config)


def without_values(dumped: str) -> list[str]:
    """Return the lines of a dump, sorted, without the values of enums, which stay on the way.

    A list of ``varchar`` in a check is written as PostgreSQL renders it once it has read its own
    rendering.
    """
    lines = sorted_columns(_LIST.sub(_with_casts, dumped))
    return [each for each in lines if not each.startswith("'")]


_LIST = re.compile(r"\(\(ARRAY\[([^]]*)\]\)::text\[\]\)")


def _with_casts(found: re.Match[str]) -> str:
    return f"(ARRAY[{', '.join(f'({each})::text' for each in found[1].split(', '))}])"
