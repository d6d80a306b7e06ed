"""Alembic's own command line, as whoever migrates types it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from tests.migrations.chain import HEAD, REVISIONS, revision_of
from tests.support.alembic import REPOSITORY, alembic
from townhall.migrate import alembic_config

if TYPE_CHECKING:
    from pathlib import Path

NOBODY_ANSWERS = "postgresql://me:s3cret@127.0.0.1:9/db"


def test_a_database_is_brought_to_head_and_back(empty_database: str) -> None:
    upgraded = alembic("upgrade", "head", url=empty_database)
    assert f"-> {HEAD}" in upgraded.stderr
    assert alembic("current", url=empty_database).stdout == f"{HEAD} (head)\n"
    assert alembic("check", url=empty_database).stdout == "No new upgrade operations detected.\n"
    alembic("downgrade", "-1", url=empty_database)
    assert revision_of(empty_database) == REVISIONS[-2].revision


def test_the_option_is_meant_before_the_variable(townhall_database: str) -> None:
    done = alembic("-x", f"url={townhall_database}", "current", url=NOBODY_ANSWERS)
    assert done.stdout == f"{HEAD} (head)\n"


def test_an_application_migrates_with_the_packages_scripts(
    townhall_database: str, tmp_path: Path
) -> None:
    escaped = townhall_database.replace("%", "%%")
    (tmp_path / "alembic.ini").write_text(
        f"[alembic]\nscript_location = townhall:alembic\nsqlalchemy.url = {escaped}\n"
    )
    assert alembic("current", directory=tmp_path).stdout == f"{HEAD} (head)\n"


def test_it_runs_from_anywhere(townhall_database: str, tmp_path: Path) -> None:
    ini = str(REPOSITORY / "alembic.ini")
    done = alembic("-c", ini, "current", url=townhall_database, directory=tmp_path)
    assert done.stdout == f"{HEAD} (head)\n"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:pass@1:s3cret@host/db", "DATABASE_URL is no database URL"),
        (NOBODY_ANSWERS, "the database can't be had: "),
    ],
)
def test_a_database_that_cant_be_had_is_said_in_a_line(url: str, message: str) -> None:
    done = alembic("current", url=url, check=False)
    assert done.returncode != 0
    assert f"FAILED: {message}" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_a_duration_that_is_none_is_refused(townhall_database: str) -> None:
    config = alembic_config(townhall_database)
    config.cmd_opts = Namespace(x=["lock_timeout=soon"])
    with pytest.raises(CommandError, match="lock_timeout=soon is no duration"):
        command.current(config)


def test_a_version_table_that_is_stamped_into_being_is_closed(empty_database: str) -> None:
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
