"""The guide's kind of entity takes part in everything."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine

from tests.support.applications import SmallApplication
from tests.support.dump import dump
from townhall.testing.databases import Databases

_FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "kinds"

_TABLE = """
Table("addresses", metadata, Column("city", Text), Column("postcode", Text), Column("id", Integer))
"""
_DECLARED = f"""{_TABLE}
import statistics_of_the_guide as guide
entities += guide.ENTITIES
"""


@pytest.fixture
def application(server: Databases, tmp_path: Path) -> Iterator[SmallApplication]:
    source = (_FOLDER / "statistics.py").read_text()
    (tmp_path / "statistics_of_the_guide.py").write_text(source)
    sys.path.insert(0, str(tmp_path))
    scratch = server.server.render_as_string(hide_password=False)
    with server.create() as url:
        yield SmallApplication(tmp_path, url, scratch, "kinds=[guide.Statistics]")
    sys.path.remove(str(tmp_path))
    del sys.modules["statistics_of_the_guide"]


def execute(url: str, sql: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


@pytest.mark.exhaustive
def test_own_kind_is_created_changed_dropped_and_reverted(application: SmallApplication) -> None:
    application.declare(_DECLARED)
    revision = application.revise("created")
    assert 'create statistics public."city and postcode"' in revision
    assert "statistics_of_the_guide" not in revision
    created = dump(application.url)
    application.declare(
        _DECLARED + "import dataclasses\nentities[:] = [dataclasses.replace("
        "entities[0], columns=('city', 'id'))]\n"
    )
    assert application.differences() == ["replace_statistics public city and postcode"]
    application.revise("changed")
    application.declare(_DECLARED + "entities.clear()")
    application.revise("dropped")
    command.downgrade(application.config, "created")
    assert dump(application.url) == created


@pytest.mark.exhaustive
def test_own_kind_is_checked_and_repaired(application: SmallApplication) -> None:
    application.declare(_DECLARED)
    application.revise("created")
    execute(application.url, 'drop statistics "city and postcode"')
    execute(application.url, "create statistics other on id, city from addresses")
    findings = application.check().findings
    assert [finding.object for finding in findings] == [
        "statistics public.city and postcode",
        "statistics public.other",
    ]
    for finding in findings:
        execute(application.url, finding.repair)
    assert application.check().findings == ()


def test_own_kind_that_is_not_passed_is_refused(application: SmallApplication) -> None:
    forgotten = SmallApplication(application.folder, application.url, application.scratch)
    forgotten.declare(_DECLARED)
    with pytest.raises(CommandError, match=r"migrate\.run\(kinds=\[Statistics\]"):
        forgotten.differences()
