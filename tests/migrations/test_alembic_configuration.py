"""Alembic's own configuration: its files, and how it names those of revisions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from tests.support.applications import SmallApplication
from townhall.migrate.write.placement import write_beside_own_revisions

_PYPROJECT = """
[tool.alembic]
script_location = "%(here)s"
version_locations = ["%(here)s/versions", "%(here)s/more"]
"""


@pytest.fixture
def application(tmp_path: Path) -> SmallApplication:
    """Return an application whose database is not used."""
    application = SmallApplication(tmp_path, "postgresql://nowhere/none", "")
    application.declare("")
    return application


@pytest.mark.thorough
def test_pyproject_configures_alembic_without_an_ini(tmp_path: Path, empty_database: str) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("Table('notes', metadata, Column('id', Integer, primary_key=True))")
    (tmp_path / "more").mkdir()
    (tmp_path / "alembic.ini").unlink()
    (tmp_path / "pyproject.toml").write_text(_PYPROJECT)
    config = Config(tmp_path / "alembic.ini", toml_file=tmp_path / "pyproject.toml")
    config.attributes["url"] = empty_database
    command.revision(config, "notes", autogenerate=True, version_path=str(tmp_path / "more"))
    command.upgrade(config, "head")
    command.check(config)


def test_password_in_an_ini_with_a_percent_sign_is_not_shown(
    application: SmallApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    ini = application.folder / "alembic.ini"
    ini.write_text(ini.read_text() + "sqlalchemy.url = postgresql://me:s3%40cret@host/notes\n")
    with pytest.raises(CommandError, match="write %% for each %") as refused:
        command.current(Config(ini))
    assert "cret" not in str(refused.value)


def test_revisions_of_one_name_overwrite_each_other_nowhere(application: SmallApplication) -> None:
    config = application.config
    config.set_main_option("file_template", "%%(year)d_%%(slug)s")
    config.set_main_option("truncate_slug_length", "12")
    script = ScriptDirectory.from_config(config)
    write_beside_own_revisions(config, script)
    for number in "1", "2", "3":
        script.generate_revision(number, f"sponsors of events ({number} of 3)", refresh=True)
    files = sorted((application.folder / "versions").glob("*.py"))
    assert [path.name[4:] for path in files] == [
        "_sponsors_of_.py",
        "_sponsors_of__2.py",
        "_sponsors_of__3.py",
    ]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("executable = no-such-program", "hook tidy would fail: there is no program no-such-pro"),
        ("executable = ./no-such-program", "there is no program ./no-such-program that can be"),
        ("executable = script.py.mako", "there is no program script.py.mako that can be run"),
        ("executable = true\ntidy.cwd = no-such-folder", "there is no folder no-such-folder"),
    ],
)
def test_post_write_hook_that_can_not_run_is_refused_before_a_revision_is_written(
    option: str, told: str, tmp_path: Path
) -> None:
    refuse_hook(tmp_path, option, told)


FOREIGN = Path(sys.executable).read_bytes()[:18] + b"\xff\xff"
"""The beginning of a program for a processor that no machine has."""


@pytest.mark.skipif(sys.platform != "linux", reason="the header of a program is that of Linux")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is neither a program for this machine nor a script"),
        (b"echo tidy\n", "is neither a program for this machine nor a script"),
        (FOREIGN, "is neither a program for this machine nor a script"),
        (b"#!/no/such/shell\n", "names an interpreter that can't be run: /no/such/shell"),
        (b"#!\n", "names an interpreter that can't be run: none"),
    ],
    ids=["nothing", "no first line", "another processor", "no interpreter", "no name"],
)
def test_post_write_hook_that_linux_can_not_execute_is_refused_before_a_revision_is_written(
    content: bytes, told: str, tmp_path: Path
) -> None:
    program = tmp_path / "tidy"
    program.write_bytes(content)
    program.chmod(0o755)
    refuse_hook(tmp_path, f"executable = {program}", told)


def refuse_hook(folder: Path, option: str, told: str) -> None:
    (folder / "versions").mkdir()
    (folder / "script.py.mako").touch()
    (folder / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s\n[post_write_hooks]\nhooks = tidy\n"
        f"tidy.type = exec\ntidy.{option}\n"
    )
    config = Config(folder / "alembic.ini")
    script = ScriptDirectory.from_config(config)
    write_beside_own_revisions(config, script)
    with pytest.raises(CommandError, match=f"^no revision is written.*{told}"):
        script.generate_revision("one", "one")
    assert [*(folder / "versions").iterdir()] == []
