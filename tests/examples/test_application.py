"""The application of ``docs/examples/application``, from the first command to the last."""
# ruff: noqa: S603 - the programs are ours and Python's own

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import NullPool, create_engine, inspect, text

from tests.support.package import ROOT, build_wheel, run
from tests.support.supabase import EITHER_DEFAULT, supabase_database
from townhall.testing.databases import Databases

_EXAMPLE = ROOT / "docs" / "examples" / "application"
_FIRST = "ticketing_0001"

_REFUNDS = '''

class Refund(Base):
    """Money given back for a ticket."""

    __tablename__ = "refunds"
    __table_args__ = ({"comment": "Money given back for a ticket."},)

    ticket_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True
    )
    amount: Mapped[Decimal] = mapped_column(Numeric(10, 2))
'''


class Application(NamedTuple):
    """A copy of the application, and the Python to run it with."""

    folder: Path
    python: Path

    def run(self, database: str, *words: str, status: int = 0) -> str:
        """Run a module as a user does, in the application's folder."""
        done = subprocess.run(
            (self.python, "-m", *words),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def alembic(self, database: str, *words: str, status: int = 0) -> str:
        """Run one of Alembic's commands."""
        return self.run(database, "alembic", *words, status=status)

    def generate(self, database: str, message: str) -> str:
        """Generate the application's next revision and return it."""
        folder = self.folder / "migrations" / "versions"
        before = set(folder.glob("*.py"))
        self.alembic(database, "revision", "--autogenerate", "--message", message)
        (made,) = set(folder.glob("*.py")) - before
        return made.read_text()


def installed(folder: Path) -> Path:
    """Install the wheel of this checkout into a new environment and return its Python."""
    wheel = build_wheel(folder)
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[embedded]")
    return python


@pytest.fixture
def application(tmp_path: Path) -> Application:
    """Return a copy of the application that runs in this environment."""
    return copied(tmp_path, Path(sys.executable))


def copied(folder: Path, python: Path, example: Path = _EXAMPLE) -> Application:
    copy = folder / "an application"
    shutil.copytree(example, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return Application(copy, python)


def names(database: str) -> set[str]:
    return set(inspect(create_engine(database, poolclass=NullPool)).get_table_names())


def versions(database: str) -> set[str]:
    with create_engine(database, poolclass=NullPool).connect() as connection:
        return set(connection.scalars(text("select version_num from alembic_version")))


def go_through(application: Application, database: str, server: str) -> None:
    """Upgrade, check, extend and downgrade the application, as its developers would."""
    told = application.alembic(database, "upgrade", "heads")
    assert {"events", "tickets", "event_sponsors"} <= names(database)
    assert versions(database) == {_FIRST}  # it implies those it depends on
    assert "No new upgrade operations detected" in application.alembic(database, "check"), told
    told = application.alembic(database, "heads")
    assert f"{_FIRST} (ticketing) (head)" in told
    assert "townhall_0031 (townhall) (effective head)" in told
    assert f"{_FIRST} (head)" in application.run(database, "townhall", "status")

    models = application.folder / "ticketing" / "models.py"
    before = models.read_text()
    models.write_text(before + _REFUNDS)
    assert "refunds" in application.alembic(database, "check", status=255)
    revision = application.generate(database, "Refunds")
    assert re.search(r"down_revision = .ticketing_0001.", revision)
    upgrade, downgrade = revision.split("def downgrade")
    assert upgrade.count("op.create_table(") == upgrade.count("op.") - upgrade.count("op.f(") == 1
    assert "drop" not in upgrade
    assert downgrade.count("drop_table") == 1
    application.alembic(database, "upgrade", "heads")
    assert "No new upgrade operations detected" in application.alembic(database, "check")

    checking = ("townhall", "check", database, "--scratch", server, "--role", "authenticated")
    assert "drift         none\n" in application.run(database, *checking)
    models.write_text(before)
    told = application.run(database, *checking, "--config", "alembic.ini", status=1)
    assert "remove_table refunds" in told
    assert "is declared by the models; no revision makes it" in told

    application.alembic(database, "downgrade", "ticketing@base")
    assert "tickets" not in names(database)
    assert versions(database) == {"townhall_0031"}
    application.alembic(database, "downgrade", "base")
    assert names(database) == {"alembic_version"}


@pytest.mark.exhaustive
def test_application_beside_townhall_migrates_and_downgrades(
    application: Application, empty_database: str, townhall_server: str
) -> None:
    go_through(application, empty_database, townhall_server)


@pytest.mark.exhaustive
def test_application_beside_the_installed_wheel_migrates_and_downgrades(
    tmp_path: Path, empty_database: str, townhall_server: str
) -> None:
    application = copied(tmp_path, installed(tmp_path))
    told = application.run(empty_database, "pip", "show", "--files", "townhall")
    assert "Editable project location" not in told
    assert "townhall/alembic/env.py" in told
    go_through(application, empty_database, townhall_server)


@pytest.fixture(params=EITHER_DEFAULT)
def hosted(request: pytest.FixtureRequest, townhall_databases: Databases) -> Iterator[str]:
    with supabase_database(townhall_databases, request.param) as database:
        yield database.postgres


@pytest.mark.exhaustive
def test_objects_of_supabase_and_of_extensions_are_left_unchanged(
    application: Application, hosted: str
) -> None:
    application.alembic(hosted, "upgrade", "heads")
    assert "No new upgrade operations detected" in application.alembic(hosted, "check")
    application.alembic(hosted, "downgrade", "base")
    assert names(hosted) == {"alembic_version"}


@pytest.mark.exhaustive
def test_undeclared_table_is_reported_only_in_schemas_of_the_application(
    application: Application, empty_database: str
) -> None:
    application.alembic(empty_database, "upgrade", "heads")
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("create schema reports create table monthly (id int)"))
        connection.execute(text("create table public.copies (id int)"))
    told = application.alembic(empty_database, "check", status=255)
    assert "copies" in told
    assert "monthly" not in told


@pytest.mark.exhaustive
def test_commands_without_the_configuration_of_the_application_are_refused(
    application: Application, empty_database: str, tmp_path: Path
) -> None:
    application.alembic(empty_database, "upgrade", "heads")
    before = names(empty_database)
    alone = tmp_path / "alone.ini"
    alone.write_text("[alembic]\nscript_location = townhall:alembic\n")
    for words in (("check",), ("upgrade", "head"), ("revision", "--autogenerate")):
        told = application.alembic(empty_database, "-c", str(alone), *words, status=255)
        assert "ticketing_0001" in told
        assert "alembic.ini" in told
    assert names(empty_database) == before


@pytest.mark.exhaustive
def test_access_rules_and_trigger_of_the_application_are_enforced(
    application: Application, empty_database: str
) -> None:
    application.alembic(empty_database, "upgrade", "heads")
    assert application.run(empty_database, "sell_tickets").splitlines() == [
        "The holder sees 1 of the events and 1 of the tickets.",
        "A stranger sees 0 of the events and 0 of the tickets.",
        "Not even the service changes it. The price of a sold ticket is fixed.",
        "The tickets brought 12.50.",
    ]
