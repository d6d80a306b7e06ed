"""Code of the checked database has no rights on the server of the scratch database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command

from tests.check.test_check import execute
from tests.support.applications import SmallApplication
from tests.support.attacks import OTHERS, PLACES, TABLE, attack
from townhall.adopt import look
from townhall.check.scratch import PREFIX
from townhall.testing.databases import Databases

_REVISION = """
from alembic import op

revision = "first"
down_revision = None


def upgrade():
    for script in {scripts!r}:
        op.execute(script)
"""
_WITH_ARGUMENT = """
    create function storage.attack(int) returns int language plpgsql immutable
        as 'begin return storage.try_each(); end'
"""
_DEFAULTED = f"""
    create function storage.defaulted(x int, y int default case
        when starts_with(current_database(), '{PREFIX}')
        then pg_catalog.pg_read_file('PG_VERSION')::int / 0
        else 1
    end)
    returns setof int language sql as 'select x + y'
"""
_CALLED = "create materialized view called as select * from storage.defaulted(storage.attack())"


@pytest.fixture
def trace() -> Iterator[Path]:
    """Yield a file that everybody may write, and nobody has written at the end."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder) / "trace"
        assert [*Path(folder).iterdir()] == []


@pytest.fixture
def attacking(server: Databases, trace: Path, tmp_path: Path) -> Iterator[SmallApplication]:
    """Yield an application whose revision uses functions of the platform, and has run.

    Its database has more that calls functions, which no revision makes.
    """
    with server.create() as url:
        scratch = server.server.render_as_string(hide_password=False)
        application = SmallApplication(tmp_path, url, scratch)
        application.declare("")
        scripts = [
            # The key of partitions may be no constant, as a call without arguments becomes.
            each.replace("id + attack()", "id + storage.attack(id)").replace(
                " attack()", " storage.attack()"
            )
            for each in PLACES.values()
        ]
        source = _REVISION.format(scripts=[TABLE, *scripts, _CALLED])
        (tmp_path / "versions" / "first.py").write_text(source)
        platform = attack(trace, "storage")
        execute(url, "create schema storage", platform, _WITH_ARGUMENT, _DEFAULTED)
        command.upgrade(application.config, "head")
        changed = [
            "drop materialized view seen, called",
            "drop table victims, parts, sums",
            TABLE,
            attack(trace),
            *PLACES.values(),
            OTHERS,
        ]
        execute(url, *changed)
        yield application


@pytest.mark.thorough
def test_functions_of_the_checked_database_have_no_rights_in_the_check(
    attacking: SmallApplication,
) -> None:
    assert attacking.check().findings


@pytest.mark.thorough
def test_functions_of_a_database_have_no_rights_in_the_look_of_an_adoption(
    attacking: SmallApplication,
) -> None:
    execute(attacking.url, "delete from alembic_version")
    ini = attacking.folder / "alembic.ini"
    assert look(attacking.url, config=ini, scratch=attacking.scratch).findings
