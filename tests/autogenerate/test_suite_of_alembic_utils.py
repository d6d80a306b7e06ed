"""The tests of alembic-utils itself pass on this comparison.

They are not in its distributions, so they are downloaded from its repository as they were at the
version that is used; ``ALEMBIC_UTILS_SOURCE`` names a folder that has them already. What is changed
of them is their ``env.py``, and the server that they run on.
"""
# ruff: noqa: S603 - the program that is run is Python's own

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from xml.etree import ElementTree as ET

import alembic_utils
import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from tests.support.servers import MISSING_EXTENSION

SOURCE = "ALEMBIC_UTILS_SOURCE"
COMMIT = "ccf9be7"
ARCHIVE = f"https://codeload.github.com/olirice/alembic_utils/tar.gz/{COMMIT}"

ENV = """
from alembic import context
from sqlalchemy import MetaData, NullPool, create_engine

from townhall import migrate
from townhall.roles import Roles

context.config.attributes.pop("connection")
url = context.config.get_main_option("sqlalchemy.url")
tables = MetaData()
tables.reflect(create_engine(url, poolclass=NullPool))
tables.remove(tables.tables["alembic_version"]) if "alembic_version" in tables.tables else None


def include_object(item, name, kind, reflected, compare_to):
    return "exclude_obj_" not in (name or "")


def include_name(name, kind, parents):
    return "exclude_name_" not in (name or "")


migrate.run(
    product=False,
    metadata=[tables],
    schemas=["DEV"],
    roles=Roles(None, None, None),
    include_object=include_object,
    include_name=include_name,
)
"""

CHECK = "the message of alembic check lists one difference a line, as names and SQL and no repr"
EXTENSION = "an extension is written with this package's class, pg.Extension"
OLD_EXTENSION = "an undeclared extension is dropped only where a revision created it"
DROP = "a privilege that no revision granted stays; pg.TableAccess makes privileges exact"
CASCADE = (
    "a declared view that uses one that is not declared is written as a step that refuses to run:"
    " a drop with cascade would drop what is declared"
)
DIFFERENT: Mapping[str, str] = {
    "test_alembic_check::test_check_diff_create": CHECK,
    "test_alembic_check::test_check_diff_drop": CHECK,
    "test_alembic_check::test_check_diff_upgrade": CHECK,
    "test_op_drop_cascade::test_drop_fails_with_cascade": CASCADE,
    "test_op_drop_cascade::test_drop_fails_without_cascade": CASCADE,
    "test_pg_extension::test_create_revision": EXTENSION,
    "test_pg_extension::test_drop_revision": OLD_EXTENSION,
    "test_pg_extension::test_update_is_unreachable": EXTENSION,
    "test_pg_grant_table::test_drop_revision": DROP,
    "test_pg_grant_table_w_columns::test_drop_revision": DROP,
    "test_pg_view::test_attempt_revision_on_unparsable": (
        "a view that PostgreSQL refuses is written as a step that refuses to run, with its message"
    ),
}
"""The tests that do not pass, and what differs."""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Return a folder with the tests, beside a copy of the package, in whose folder they write."""
    folder = tmp_path / "alembic_utils"
    if source := os.environ.get(SOURCE):
        shutil.copytree(source, folder)
    else:
        try:
            with urllib.request.urlopen(ARCHIVE, timeout=20) as answer:
                archive = io.BytesIO(answer.read())
        except (URLError, TimeoutError) as error:
            pytest.skip(f"the tests of alembic-utils can't be downloaded ({error}): name {SOURCE}")
        with tarfile.open(fileobj=archive) as files:
            files.extractall(tmp_path, filter="data")
        next(tmp_path.glob("alembic_utils-*")).rename(folder)
    package = folder / "src" / "alembic_utils"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(Path(alembic_utils.__file__).parent, package)
    (folder / "src" / "test" / "alembic_config" / "env.py").write_text(ENV)
    return folder


def outcomes(suite: Path, database: str) -> dict[str, str]:
    """Run the tests and return the first line of the error of each, empty where it passed."""
    url = make_url(database)
    # They write the URL into an ini file without escaping it.
    short = f"postgresql+psycopg:///{url.database}"
    conftest = suite / "src" / "test" / "conftest.py"
    conftest.write_text(re.sub(r"PYTEST_DB = .*", f"PYTEST_DB = {short!r}", conftest.read_text()))
    done = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(suite)),
            *("-p", "no:townhall", "-q", "--junitxml", "outcomes.xml", "src/test"),
        ),
        cwd=suite,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(suite / "src"),
            "PGHOST": str(url.query.get("host", url.host)),
            "PGPORT": str(url.query.get("port", url.port)),
            "PGUSER": str(url.username),
            "GITHUB_SHA": "its tests then start no server of their own",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    assert (suite / "outcomes.xml").exists(), done.stdout
    cases = ET.parse(suite / "outcomes.xml").iter("testcase")  # noqa: S314 - written by pytest
    return {
        f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}": next(
            (child.get("message") or child.tag for child in case if child.tag in _WRONG), ""
        )
        for case in cases
    }


_WRONG = {"failure", "error", "skipped"}


@pytest.mark.exhaustive
def test_suite_of_alembic_utils_passes_but_for_what_is_listed(
    suite: Path, empty_database: str
) -> None:
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        connection.execute(text('create schema "DEV"'))
    found = outcomes(suite, empty_database)
    assert len(found) >= 90
    # What a test needs, this server may not have: nothing is known of that test then.
    untried = {name for name, message in found.items() if MISSING_EXTENSION.search(message)}
    failed = {name: message for name, message in found.items() if message and name not in untried}
    assert failed.keys() == DIFFERENT.keys() - untried, failed
