"""``townhall init``, and where the revisions of the new application are written."""
# ruff: noqa: S603 - the programs that are run are ours

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import NullPool, create_engine, inspect

from tests.examples.test_application import installed
from townhall.migrate.commands import SCRIPT_LOCATION

REFUND = """

class Refund(Base):
    __tablename__ = "refunds"

    sponsor_id: Mapped[{type}] = mapped_column(ForeignKey(Sponsor.id), primary_key=True)
"""

EMPTY = """
from sqlalchemy import text

def test_table(townhall_connection):
    assert townhall_connection.execute(text("table {table}")).all() == []
"""


class Project(NamedTuple):
    """A folder that an application begins in, and the Python to run it with."""

    folder: Path
    python: Path = Path(sys.executable)
    database: str | None = None

    def run(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            (self.python, "-m", *words),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]}
            | ({"DATABASE_URL": self.database} if self.database else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def alembic(self, *words: str, status: int = 0) -> str:
        return self.run("alembic", *words, status=status)

    def revise(self, *words: str) -> str:
        """Write a revision with one of Alembic's commands and return it."""
        before = self.revisions()
        self.alembic(*words)
        (made,) = self.revisions() - before
        return made.read_text(encoding="utf-8")

    def revisions(self) -> set[Path]:
        return set((self.folder / "migrations" / "versions").glob("*.py"))

    def add_refunds(self, type_of_key: str) -> None:
        models = self.folder / "ticket_shop" / "models.py"
        models.write_text(
            models.read_text().replace("sqlalchemy import", "sqlalchemy import ForeignKey,", 1)
            + REFUND.format(type=type_of_key)
        )


@pytest.fixture
def project(tmp_path: Path, empty_database: str) -> Project:
    folder = tmp_path / "ticket shop"
    folder.mkdir()
    return Project(folder, database=empty_database)


def files_in(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {".townhall", ".ruff_cache", "__pycache__"} & set(path.parts)
    }


def revisions_of_product() -> set[str]:
    return {path.name for path in (SCRIPT_LOCATION / "versions").glob("*.py")}


def assigned(revision: str, name: str) -> str:
    (line,) = [line for line in revision.splitlines() if line.startswith(f"{name} = ")]
    return line.removeprefix(f"{name} = ")


def migrate_new_application(project: Project) -> None:
    """Do what the command says, and what comes next."""
    packaged = revisions_of_product()
    told = project.run("townhall", "init")
    assert "python -m alembic revision --autogenerate" in told
    project.alembic("upgrade", "heads")
    first = project.revise("revision", "--autogenerate", "-m", "Sponsors")
    assert '"event_sponsors"' in first
    assert assigned(first, "down_revision") == "None"
    assert assigned(first, "branch_labels") == '("ticket_shop",)'
    assert assigned(first, "depends_on") == '"townhall_0031"'
    project.alembic("upgrade", "heads")
    assert "No new upgrade operations detected" in project.alembic("check")

    project.add_refunds("uuid.UUID")
    second = project.revise("revision", "--autogenerate", "-m", "Refunds")
    assert assigned(second, "down_revision") == assigned(first, "revision")
    assert assigned(second, "branch_labels") == assigned(second, "depends_on") == "None"
    third = project.revise("revision", "-m", "By hand")
    assert assigned(third, "down_revision") == assigned(second, "revision")
    project.alembic("upgrade", "heads")
    assert "No new upgrade operations detected" in project.alembic("check")
    project.alembic("downgrade", "base")
    assert revisions_of_product() == packaged


@pytest.mark.exhaustive
def test_new_application_is_migrated_on_its_own_branch(project: Project) -> None:
    migrate_new_application(project)


@pytest.mark.exhaustive
def test_new_application_is_migrated_with_the_installed_wheel(
    tmp_path: Path, project: Project
) -> None:
    migrate_new_application(project._replace(python=installed(tmp_path)))


@pytest.mark.exhaustive
def test_revision_is_not_written_into_the_installed_wheel(tmp_path: Path, project: Project) -> None:
    installation = project._replace(python=installed(tmp_path))
    (project.folder / "alembic.ini").write_text("[alembic]\nscript_location = townhall:alembic\n")
    (packaged,) = tmp_path.glob("venv/lib/*/site-packages/townhall/alembic/versions")
    before = files_in(packaged)
    installation.alembic("upgrade", "head")
    told = installation.alembic("revision", "--autogenerate", "-m", "Lost", status=255)
    assert "townhall init" in told
    assert files_in(packaged) == before


@pytest.mark.exhaustive
def test_new_application_uses_the_embedded_server_where_none_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path / "ticket shop")
    Project(tmp_path).run("townhall", "init", "ticket shop", "--engine-only")
    first = project.revise("revision", "--autogenerate", "-m", "Sponsors")
    assert assigned(first, "down_revision") == assigned(first, "branch_labels") == "None"
    project.alembic("upgrade", "head")
    assert "No new upgrade operations detected" in project.alembic("check")
    project.add_refunds("int")
    second = project.revise("revision", "--autogenerate", "-m", "Refunds")
    assert assigned(second, "down_revision") == assigned(first, "revision")
    project.alembic("upgrade", "head")
    assert "No new upgrade operations detected" in project.alembic("check")
    project.alembic("downgrade", "base")


@pytest.mark.exhaustive
def test_application_without_the_product_has_no_table_of_it(project: Project) -> None:
    assert "upgrade heads    # townhall's tables" not in project.run(
        "townhall", "init", "--engine-only"
    )
    project.alembic("revision", "--autogenerate", "-m", "Sponsors")
    project.alembic("upgrade", "head")
    engine = create_engine(project.database or "", poolclass=NullPool)
    assert set(inspect(engine).get_table_names()) == {"alembic_version", "sponsors"}


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("option", "table"), [("--fastapi", "event_sponsors"), ("--engine-only", "sponsors")]
)
def test_tests_of_a_new_application_run_on_its_own_tables(
    project: Project, option: str, table: str
) -> None:
    project.run("townhall", "init", option)
    project.alembic("upgrade", "heads")
    project.alembic("revision", "--autogenerate", "-m", "Sponsors")
    (project.folder / "test_table.py").write_text(EMPTY.format(table=table))
    (project.folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    )
    assert "1 passed" in project.run("pytest", "-q")


@pytest.mark.thorough
@pytest.mark.parametrize("options", [(), ("--engine-only",), ("--fastapi",)])
def test_no_file_is_overwritten(project: Project, options: tuple[str, ...]) -> None:
    (project.folder / "migrations").mkdir()
    (project.folder / "migrations" / "env.py").write_text("mine\n")
    told = project.run("townhall", "init", *options, status=2)
    assert told.startswith("townhall: migrations/env.py: exists already in ")
    assert files_in(project.folder) == {"migrations/env.py"}
    assert (project.folder / "migrations" / "env.py").read_text() == "mine\n"


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["class", "a-b", "alembic", "migrations"])
def test_name_that_can_not_be_that_of_a_package_is_refused(project: Project, name: str) -> None:
    told = project.run("townhall", "init", "--package", name, status=2)
    assert "--package" in told
    assert files_in(project.folder) == set()


@pytest.mark.thorough
def test_folder_whose_path_alembic_can_not_read_is_refused(project: Project) -> None:
    told = project.run("townhall", "init", "50%off", "--package", "sale", status=2)
    assert "has a %, with which Alembic can't read an alembic.ini" in told
    assert files_in(project.folder) == set()


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "options",
    [
        ("--head", "townhall@head"),
        ("--version-path", str(SCRIPT_LOCATION / "versions")),
    ],
)
def test_revision_that_would_be_written_into_the_package_is_refused(
    project: Project, options: tuple[str, ...]
) -> None:
    packaged = revisions_of_product()
    project.run("townhall", "init")
    told = project.alembic("revision", "-m", "Lost", *options, status=255)
    assert "is the folder of a package" in told
    assert str(project.folder / "migrations" / "versions") in told
    assert revisions_of_product() == packaged
    assert project.revisions() == set()


@pytest.mark.exhaustive
def test_revision_with_the_scripts_of_the_package_alone_is_refused(project: Project) -> None:
    packaged = revisions_of_product()
    (project.folder / "alembic.ini").write_text("[alembic]\nscript_location = townhall:alembic\n")
    project.alembic("upgrade", "head")
    told = project.alembic("revision", "--autogenerate", "-m", "Lost", status=255)
    assert "townhall init" in told
    assert revisions_of_product() == packaged


@pytest.mark.exhaustive
def test_two_heads_of_the_application_are_named_and_merged_without_those_of_the_package(
    project: Project,
) -> None:
    project.run("townhall", "init")
    first = project.revise("revision", "-m", "One")
    name = assigned(first, "revision").strip('"')
    heads = [
        assigned(project.revise("revision", "-m", word, "--head", name, "--splice"), "revision")
        for word in ("Left", "Right")
    ]
    told = project.alembic("revision", "-m", "Which", status=255)
    assert all(head.strip('"') in told for head in heads)
    merge = project.revise("merge", "heads", "-m", "Both")
    assert all(head in assigned(merge, "down_revision") for head in heads)
    assert "townhall_" not in assigned(merge, "down_revision")


@pytest.mark.exhaustive
def test_explicit_options_are_kept(project: Project) -> None:
    project.run("townhall", "init")
    revision = project.revise(
        *("revision", "-m", "Mine", "--head", "base", "--branch-label", "mine"),
        *("--depends-on", "townhall_0003", "--rev-id", "mine_0001"),
    )
    assert assigned(revision, "revision") == '"mine_0001"'
    assert assigned(revision, "branch_labels") == '("mine",)'
    assert assigned(revision, "depends_on") == '"townhall_0003"'


@pytest.mark.exhaustive
def test_revision_depends_on_later_revisions_of_the_package(project: Project) -> None:
    project.run("townhall", "init")
    project.revise("revision", "-m", "Early", "--depends-on", "townhall_0003")
    later = project.revise("revision", "-m", "Late")
    assert assigned(later, "depends_on") == '"townhall_0031"'
