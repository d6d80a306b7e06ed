"""A database comes back from pg_dump, with its rows, privileges and row level security."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, NullPool, create_engine, make_url

from tests.support.alembic import alembic
from tests.support.blocks import blocks_of
from tests.support.dump import dump
from tests.support.fingerprint import fingerprint
from tests.support.rows import contents, fill
from tests.support.servers import NAMED, VERSIONS, serve_version
from tests.support.walk import Walk, environment
from townhall import embedded, migrate
from townhall.check import check
from townhall.pg.catalog import empty_search_path, read_everything
from townhall.roles import SUPABASE
from townhall.testing.databases import OWNER, Databases, with_role
from townhall.testing.servers import serve

SCHEMAS = ("auth", "private", "public")
_DEBIAN = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True)
class Cluster:
    """A server, and the programs of its version.

    Attributes:
        version: The major version.
        url: The SQLAlchemy URL of its superuser.
    """

    version: str
    url: str

    @property
    def programs(self) -> Path:
        """The folder of ``pg_dump`` and the other programs."""
        if self.version == "15":
            return _DEBIAN
        return embedded.bin_directory(int(self.version))

    def run(
        self, program: str, *arguments: str, url: str | None = None, role: str | None = None
    ) -> str:
        """Run a program, and return what it prints.

        Args:
            program: ``pg_dump``, ``pg_restore`` or ``psql``.
            arguments: Its arguments.
            url: The database; None for none.
            role: The ordinary role to act as; None for the superuser.
        """
        plain = None if url is None else make_url(url).set(drivername="postgresql")
        place = [f"--dbname={plain.render_as_string(hide_password=False)}"] if plain else []
        options = {"PGOPTIONS": f"-crole={role}"} if role else {}
        done = subprocess.run(  # noqa: S603  programs of PostgreSQL, found by ourselves
            (self.programs / program, *arguments, *place),
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | options,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True)
class Backup:
    """A database with a row in every table, and an empty cluster with its roles.

    Attributes:
        url: The database, as the superuser of its server.
        target: The cluster to restore into, whose programs make the backup as well.
        has_foreign_options: Whether the source is of a build of version 15 that keeps an option of
            its own for each column, which other versions refuse.
        is_same_version: Whether the two are of one version, which has the same dump.
    """

    url: str
    target: Cluster
    has_foreign_options: bool
    is_same_version: bool


PAIRS = [
    ("18", "18"),
    *(
        pytest.param(pair, marks=pytest.mark.exhaustive)
        for pair in (("15", "15"), ("16", "16"), ("15", "16"), ("15", "18"), ("16", "18"))
    ),
]
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(VERSIONS == (NAMED,), reason="clusters of one's own are needed"),
]


@contextmanager
def cluster(version: str) -> Iterator[Cluster]:
    with serve() if version == "18" else serve_version(version) as url:
        yield Cluster(version, url)


@pytest.fixture(
    scope="module",
    params=PAIRS,
    ids=["18 to 18", "15 to 15", "16 to 16", "15 to 16", "15 to 18", "16 to 18"],
)
def backup(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backup]:
    source_version, target_version = request.param
    roles = tmp_path_factory.mktemp("backup") / "roles.sql"
    with cluster(source_version) as source, cluster(target_version) as target:
        databases = Databases(source.url)
        owner = databases.create_owner(SUPABASE)
        with databases.create(owner=owner) as url:
            migrate.upgrade(with_role(url, owner))
            with connected(url) as connection, connection.begin():
                fill(connection)
                for name in materialized_views(connection):
                    connection.exec_driver_sql(f"refresh materialized view {name}")
            roles.write_text(target.run("pg_dumpall", "--roles-only", url=source.url))
            # Both clusters have the superuser.
            target.run("psql", "--quiet", "--file", str(roles), url=target.url)
            is_same = source_version == target_version
            yield Backup(url, target, source_version == "15" and not is_same, is_same)


def connected(url: str) -> Connection:
    return create_engine(url, poolclass=NullPool).connect()


def materialized_views(connection: Connection) -> list[str]:
    query = "select oid::regclass::text from pg_catalog.pg_class where relkind = 'm' order by 1"
    return list(connection.exec_driver_sql(query).scalars())


def rows_of(connection: Connection, view: str) -> list[str]:
    query = f"select pg_catalog.to_jsonb(v)::text from {view} as v"
    return list(connection.exec_driver_sql(query).scalars())


def comparable(name: str, described: Mapping[str, object]) -> Mapping[str, object]:
    """Return the facts of an object as every version has them.

    Version 17 has a further privilege, which an owner holds from the beginning. Version 16 began to
    render queries with fewer names of tables; the check compares them in one rendering.
    """
    facts = dict(described)
    if isinstance(privileges := facts.get("privileges"), list):
        facts["privileges"] = [each for each in privileges if not each.endswith(" maintain")]
    if name.startswith(("view ", "materialized view ")):
        facts.pop("definition")
    return facts


def facts(url: str) -> Mapping[str, object]:
    """Return all that must come back, by what it is."""
    with connected(url) as connection:
        tables = contents(connection)
        views = {
            name: sorted(
                connection.exec_driver_sql(f"select to_jsonb(v)::text from {name} as v").scalars()
            )
            for name in materialized_views(connection)
        }
        platform = fingerprint(connection)
        with empty_search_path(connection):
            everything = {
                name: comparable(name, each)
                for name, each in read_everything(connection, SCHEMAS).items()
            }
    assert tables
    assert all(tables.values())
    return {
        "rows of tables": tables,
        "rows of materialized views": views,
        "fingerprint": [each for each in platform if not each.startswith("role ")],
        "definitions, owners, privileges and comments": everything,
    }


def _grant_what_is_new(backup: Backup, url: str) -> None:
    # "All privileges" of before version 17 are not all of them any more.
    engine = create_engine(with_role(url, OWNER), poolclass=NullPool)
    with engine.begin() as connection:
        for finding in check(url, scratch=backup.target.url, role="authenticated").findings:
            assert "MAINTAIN" in finding.difference
            connection.exec_driver_sql(finding.repair)


def assert_is_restored(backup: Backup, url: str) -> None:
    before, after = facts(backup.url), facts(url)
    for what, fact in before.items():
        assert after[what] == fact, what
    if backup.is_same_version:
        assert dump(url) == dump(backup.url)
    if not backup.is_same_version:
        _grant_what_is_new(backup, url)
    assert "No new upgrade operations detected" in alembic("check", url=url).stdout
    report = check(url, scratch=backup.target.url, role="authenticated")
    assert report.findings == ()
    assert report.is_good  # which includes that row level security is on everywhere


def restore(backup: Backup, archive: str, url: str, role: str | None = None) -> None:
    if not backup.has_foreign_options:
        backup.target.run("pg_restore", "--exit-on-error", archive, url=url, role=role)
        return
    script = Path(f"{archive}.sql")
    backup.target.run("pg_restore", f"--file={script}", archive)
    run_script(backup, script, url, role)


def run_script(backup: Backup, script: Path, url: str, role: str | None = None) -> None:
    if backup.has_foreign_options:
        lines = script.read_text().splitlines(keepends=True)
        script.write_text("".join(each for each in lines if "SET (pg_attver=" not in each))
    words = ("--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--file={script}")
    backup.target.run("psql", *words, url=url, role=role)


@pytest.mark.exhaustive
def test_commands_of_the_guide_run(backup: Backup, tmp_path: Path) -> None:
    take, rewrite, compare = blocks_of("docs/backup.md", "shell")
    (ini,) = blocks_of("docs/start.md", "ini")
    (tmp_path / "alembic.ini").write_text(ini.text)
    variables = {
        "OLD": _plain(make_url(backup.url).set(database="postgres")),
        "OLD_DATABASE": _plain(make_url(backup.url)),
        "NEW": _plain(make_url(backup.target.url)),
    }

    def walk(new: str) -> Walk:
        paths = (backup.target.programs, Path(sys.executable).parent)
        return Walk(tmp_path, environment(*paths, **variables, NEW_DATABASE=_plain(make_url(new))))

    with Databases(backup.target.url).create() as new:
        walk(new).follow([take], statuses=(1,) if backup.has_foreign_options else (0,))
    with Databases(backup.target.url).create() as new:
        walk(new).follow([rewrite])
        if backup.is_same_version and backup.target.version != "15":
            walk(new).follow([compare], statuses=(1,))  # no policy applies to a superuser


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.exhaustive
def test_backup_is_restored_as_superuser(backup: Backup, tmp_path: Path) -> None:
    archive = str(tmp_path / "backup")
    backup.target.run("pg_dump", "--format=custom", f"--file={archive}", url=backup.url)
    with Databases(backup.target.url).create() as url:
        restore(backup, archive, url)
        assert_is_restored(backup, url)


@pytest.mark.exhaustive
def test_backup_is_restored_as_an_ordinary_owner(backup: Backup, tmp_path: Path) -> None:
    archive = str(tmp_path / "backup")
    arguments = ("--format=custom", f"--file={archive}")
    backup.target.run("pg_dump", *arguments, url=backup.url, role=OWNER)
    with Databases(backup.target.url).create(owner=OWNER) as url:
        restore(backup, archive, url, OWNER)
        assert_is_restored(backup, url)


@pytest.mark.exhaustive
def test_backup_in_plain_sql_is_restored_by_psql(backup: Backup, tmp_path: Path) -> None:
    script = tmp_path / "backup.sql"
    backup.target.run("pg_dump", f"--file={script}", url=backup.url)
    with Databases(backup.target.url).create() as url:
        run_script(backup, script, url)
        assert_is_restored(backup, url)
