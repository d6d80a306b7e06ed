"""A whole check: what is asked, what is answered, and that nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, make_url

from tests.check.conftest import AtHead
from tests.support.servers import NAMED, VERSIONS, Servers
from tests.support.supabase import EITHER_DEFAULT, DefaultPrivileges, supabase_database
from townhall import migrate
from townhall.check import CheckError, Report, check
from townhall.check import report as reporting
from townhall.check.expected import History, scratch_database
from townhall.check.reading import Snapshot, read
from townhall.check.roles import judge_api_roles, read_roles
from townhall.cli import main
from townhall.pg import API_ROLES
from townhall.testing.databases import Databases

CLIENT = "authenticated"
"""A role that row level security holds for."""


def answers(report: Report) -> dict[str, str]:
    return {answer.question: answer.answer for answer in report.answers}


def by_hand(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    database = make_url(url)
    arguments = database.get_dialect()().create_connect_args(database)[1]
    with psycopg.connect(**arguments, autocommit=True) as connection:
        yield connection


def databases_on(url: str) -> set[str]:
    with connected(url) as connection:
        rows = connection.execute("select datname from pg_database").fetchall()
    return {name for (name,) in rows if name.startswith("townhall_check_")}


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """Yield the URL of a role that may connect and write nothing, and read no table."""
    server = make_url(database)
    name = f"townhall_reader_{uuid4().hex[:8]}"
    role = sql.Identifier(name)
    with connected(database) as connection:
        connection.execute(
            sql.SQL("create role {} login password {}").format(
                role, sql.Literal(server.password or "")
            )
        )
        connection.execute(
            sql.SQL("alter role {} set default_transaction_read_only = on").format(role)
        )
        connection.execute("revoke all on schema public from public")
    try:
        yield server.set(username=name).render_as_string(hide_password=False)
    finally:
        by_hand(database, f"drop role {name}")


def test_a_database_at_head_is_good(at_head: AtHead, scratch: str) -> None:
    report = check(at_head.url, scratch=scratch, role=CLIENT)
    assert report.findings == ()
    assert report.is_good
    assert answers(report)["drift"] == "none"
    assert answers(report)["revision"].endswith("(head)")
    assert answers(report)["row security"].startswith("on for all ")
    assert answers(report)["login role"] == "row level security holds for authenticated"
    assert databases_on(scratch) == set()


def test_a_difference_makes_it_bad(townhall_database: str, townhall_server: str) -> None:
    by_hand(townhall_database, "alter table public.events disable row level security")
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert not report.is_good
    assert answers(report)["drift"] == "1 difference"
    assert answers(report)["row security"] == "off for events"
    assert [finding.effect for finding in report.findings] == ["open"]


def test_a_reader_without_any_right_can_check(reader: str, database: str, scratch: str) -> None:
    by_hand(database, 'drop policy "members select" on public.events')
    report = check(reader, scratch=scratch)
    assert [finding.object for finding in report.findings] == [
        "policy public.events members select"
    ]
    assert answers(report)["revision"].startswith("not readable for this role, compared with")
    assert "holds for townhall_reader_" in answers(report)["login role"]


def test_a_role_that_may_not_build_is_told_on_one_line(
    reader: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand(database, f"alter role {make_url(reader).username} reset all")
    assert main(("check", database, "--scratch", reader)) == 2
    assert capsys.readouterr().err == "townhall: permission denied to create database\n"


def test_the_connection_can_not_write(townhall_database: str) -> None:
    with reporting.reading(make_url(townhall_database)) as connection:
        assert connection.exec_driver_sql("show transaction_read_only").scalar() == "on"


def test_no_lock_is_taken_that_a_writer_waits_for(
    townhall_database: str, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: set[str] = set()

    def read_and_look(connection: Connection, schemas: Sequence[str]) -> Snapshot:
        snapshot = read(connection, schemas)
        modes = connection.exec_driver_sql(
            "select mode from pg_locks where pid = pg_backend_pid() and locktype <> 'virtualxid'"
        )
        held.update(modes.scalars())
        return snapshot

    monkeypatch.setattr(reporting, "read", read_and_look)
    check(townhall_database, scratch=townhall_server)
    assert held == {"AccessShareLock"}


def test_a_table_that_is_locked_is_not_waited_for_long(
    townhall_database: str, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "LOCK_TIMEOUT", "100ms")
    with connected(townhall_database) as connection:
        connection.execute("begin")
        connection.execute("lock table public.track_statistics in access exclusive mode")
        with pytest.raises(CheckError, match=r"100ms.*public\.track_statistics, .*server process"):
            check(townhall_database, scratch=townhall_server)
    assert databases_on(townhall_server) == set()


def test_a_database_behind_is_compared_with_its_own_revision(
    server: Databases, scratch: str
) -> None:
    with server.create() as url:
        migrate.upgrade(url, "townhall_0003")
        by_hand(url, "grant truncate on public.events to anon")
        report = check(url, scratch=scratch, role=CLIENT)
    lines = list(map(str, report.findings))
    assert lines[0].startswith("broken: revision townhall_0004 has not run: Campaigns")
    assert lines[0].endswith("Cure: alembic upgrade heads")
    assert [line for line in lines if not line.startswith("broken: revision")] == [
        (
            "open: table access public.events lets anon truncate: row level security does not hold"
            " for truncate. Cure: revoke truncate on table public.events from anon"
        )
    ]
    assert answers(report)["revision"].startswith("townhall_0003; ")
    assert not report.is_good


def test_a_database_that_was_never_migrated(empty_database: str, townhall_server: str) -> None:
    report = check(empty_database, scratch=townhall_server, role=CLIENT)
    assert answers(report)["revision"].startswith("none; head is townhall_")
    assert "schema private is missing" in "\n".join(map(str, report.findings))


@pytest.mark.parametrize(
    ("revision", "told", "is_good"),
    [
        ("shop_0001", "name the alembic.ini of the application with --config", True),
        ("townhall_9999", "made by a newer townhall than this one", False),
    ],
)
def test_a_revision_that_is_not_known(
    townhall_database: str, townhall_server: str, revision: str, told: str, *, is_good: bool
) -> None:
    by_hand(
        townhall_database,
        f"insert into public.alembic_version values ('{revision}')",
        "create table public.invoices (id int)",
        "alter table public.invoices enable row level security",
    )
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert answers(report)["revision"].endswith(told)
    assert report.findings == ()
    assert report.is_good == is_good


@pytest.mark.thorough
@pytest.mark.parametrize("default_privileges", EITHER_DEFAULT)
def test_a_database_like_supabase_has_no_difference(
    server: Databases, scratch: str, default_privileges: DefaultPrivileges
) -> None:
    with supabase_database(server, default_privileges) as hosted:
        migrate.upgrade(hosted.postgres)
        report = check(hosted.authenticator, scratch=scratch)
        assert report.findings == ()
        assert report.is_good
        login = answers(check(hosted.postgres, scratch=scratch))["login role"]
        assert login == "row level security does not hold for supabase_postgres: it has bypassrls"


def test_an_owner_is_not_held(townhall_template: str, townhall_server: str) -> None:
    report = check(townhall_template, scratch=townhall_server)
    owner = make_url(townhall_template).username
    assert answers(report)["login role"].startswith(f"row level security does not hold for {owner}")
    assert not report.is_good


@pytest.mark.thorough
def test_a_member_of_the_owner_is_not_held(townhall_database: str, townhall_server: str) -> None:
    name = f"townhall_owner_{uuid4().hex[:8]}"
    by_hand(
        townhall_database,
        f"create role {name}; create role {name}_member; grant {name} to {name}_member",
        f"grant create on schema public to {name}; alter table public.events owner to {name}",
    )
    try:
        owner, member = (
            answers(check(townhall_database, scratch=townhall_server, role=role))["login role"]
            for role in (name, f"{name}_member")
        )
    finally:
        by_hand(townhall_database, f"drop owned by {name} cascade; drop role {name}, {name}_member")
    assert owner == f"row level security does not hold for {name}: it owns tables"
    assert member.endswith(f"{name}_member: it can act as {name}, who owns tables")


def test_a_role_that_does_not_exist(townhall_template: str, townhall_server: str) -> None:
    with pytest.raises(CheckError, match="there is no role nobody_at_all"):
        check(townhall_template, scratch=townhall_server, role="nobody_at_all")


@pytest.mark.skipif(VERSIONS == (NAMED,), reason="there is one server")
def test_a_scratch_server_of_another_version(townhall_database: str, servers: Servers) -> None:
    with pytest.raises(CheckError, match=r"on PostgreSQL 18, and what --scratch names on 16"):
        check(townhall_database, scratch=servers.url("16"))


def test_the_scratch_database_is_dropped_after_an_error(
    townhall_database: str, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        assert databases_on(townhall_server)
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(History, "run", fail)
    with pytest.raises(RuntimeError, match="the disk is full"):
        check(townhall_database, scratch=townhall_server)
    assert databases_on(townhall_server) == set()


@pytest.mark.thorough
def test_the_embedded_server_is_the_scratch_where_none_is_named(
    servers: Servers,
    at_head_on: Callable[[Databases], AtHead],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    version = VERSIONS[-1]
    if version == NAMED:
        pytest.skip("the server that was named may have any version")
    assert check(at_head_on(Databases(servers.url(version))).url, role=CLIENT).is_good
    assert (tmp_path / ".townhall").is_dir()


def test_a_version_of_which_there_is_no_embedded_server() -> None:
    with (
        pytest.raises(CheckError, match=r"no embedded PostgreSQL 15; .* with --scratch"),
        scratch_database(15, None),
    ):
        pass


def test_clients_above_row_level_security_are_told(connection: Connection, at_head: AtHead) -> None:
    connection.exec_driver_sql("alter role authenticated bypassrls; grant service_role to anon")
    roles = read_roles(connection, API_ROLES, at_head.schemas)
    assert list(map(str, judge_api_roles(roles))) == [
        (
            "open: role anon is a member of service_role: every client can act as the service."
            " Cure: revoke service_role from anon"
        ),
        (
            "open: role authenticated is above row level security: it has bypassrls, so every"
            " client sees every row. Cure: alter role authenticated nosuperuser nobypassrls; take"
            " its memberships from it"
        ),
    ]


def test_a_role_of_the_api_that_is_missing_is_told() -> None:
    assert [finding.object for finding in judge_api_roles({})] == [
        "role anon",
        "role authenticated",
        "role service_role",
    ]
