"""Alembic's command line."""

from __future__ import annotations

from argparse import Namespace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from tests.migrations.chain import HEAD, REVISIONS, revision_of
from tests.support.alembic import REPOSITORY, alembic
from townhall.migrate import alembic_config
from townhall.migrate.guard.limits import limits_of_script

if TYPE_CHECKING:
    from pathlib import Path

UNREACHABLE = "postgresql://me:s3cret@127.0.0.1:9/db"


@pytest.mark.thorough
def test_command_line_upgrades_checks_and_downgrades(empty_database: str) -> None:
    upgraded = alembic("upgrade", "head", url=empty_database)
    assert f"-> {HEAD}" in upgraded.stderr
    assert upgraded.stderr.count("Context impl") == 1
    assert alembic("current", url=empty_database).stdout == f"{HEAD} (head)\n"
    assert alembic("check", url=empty_database).stdout == "No new upgrade operations detected.\n"
    alembic("downgrade", "-1", url=empty_database)
    assert revision_of(empty_database) == REVISIONS[-2].revision
    script = alembic("upgrade", "head", "--sql", url=empty_database)
    assert script.stderr.count("Context impl") == 1


@pytest.mark.thorough
def test_url_option_precedes_the_variable(townhall_database: str) -> None:
    done = alembic("-x", f"url={townhall_database}", "current", url=UNREACHABLE)
    assert done.stdout == f"{HEAD} (head)\n"


@pytest.mark.thorough
def test_ini_of_an_application_uses_the_scripts_of_the_package(
    townhall_database: str, tmp_path: Path
) -> None:
    escaped = townhall_database.replace("%", "%%")
    (tmp_path / "alembic.ini").write_text(
        f"[alembic]\nscript_location = townhall:alembic\nsqlalchemy.url = {escaped}\n"
    )
    assert alembic("current", directory=tmp_path).stdout == f"{HEAD} (head)\n"


@pytest.mark.thorough
def test_command_runs_from_any_directory(townhall_database: str, tmp_path: Path) -> None:
    ini = str(REPOSITORY / "alembic.ini")
    done = alembic("-c", ini, "current", url=townhall_database, directory=tmp_path)
    assert done.stdout == f"{HEAD} (head)\n"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:pass@1:s3cret@host/db", "DATABASE_URL is not a database URL"),
        (UNREACHABLE, "cannot connect to the database: "),
    ],
)
def test_unreachable_database_is_reported_in_one_line_without_its_password(
    url: str, message: str
) -> None:
    done = alembic("current", url=url, check=False)
    assert done.returncode != 0
    assert f"FAILED: {message}" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize("as_sql", [False, True])
@pytest.mark.parametrize("duration", ["soon", "5 seconds", "-1", "", "25d"])
def test_lock_timeout_that_is_no_duration_is_refused(
    duration: str, *, as_sql: bool, townhall_database: str
) -> None:
    config = alembic_config(townhall_database)
    config.cmd_opts = Namespace(x=[f"lock_timeout={duration}"])
    config.output_buffer = StringIO()
    with pytest.raises(CommandError, match=f"the lock timeout {duration} is no duration"):
        command.upgrade(config, "head", sql=as_sql)
    assert config.output_buffer.getvalue() == ""


def test_durations_that_a_script_takes_are_those_of_the_server(townhall_database: str) -> None:
    durations = ("0", "200", "1.5s", ".5 min", " 5. s ", "2147483647", "24d", "0.1us")
    engine = create_engine(townhall_database, poolclass=NullPool)
    with engine.connect() as connection:
        for duration in durations:
            connection.exec_driver_sql(limits_of_script(duration)[0])


@pytest.mark.thorough
def test_stamp_creates_a_protected_version_table(empty_database: str) -> None:
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(
            text("alter default privileges in schema public grant all on tables to public")
        )
    command.stamp(alembic_config(empty_database), "head")
    with engine.connect() as connection:
        table = connection.execute(
            text(
                """
                select
                    c.relrowsecurity as is_protected,
                    array(
                        select a.privilege_type
                        from aclexplode(c.relacl) as a
                        where a.grantee <> c.relowner
                    ) as granted
                from pg_class as c
                where c.oid = 'public.alembic_version'::regclass
                """
            )
        ).one()
    assert table.is_protected
    assert table.granted == []
