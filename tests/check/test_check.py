"""A whole check: its questions and answers, and that it writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, make_url

from tests.check.conftest import AtHead
from tests.support.servers import NAMED, VERSIONS, Servers
from tests.support.supabase import EITHER_DEFAULT, DefaultPrivileges, supabase_database
from townhall import migrate
from townhall.check import CheckError, Report, check, comparison
from townhall.check import connection as check_connection
from townhall.check.history import History
from townhall.check.roles import findings_on_roles
from townhall.check.scratch import PREFIX, scratch_database
from townhall.check.snapshot import Snapshot, read
from townhall.cli import main
from townhall.pg.catalog import read_roles
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases

CLIENT = "authenticated"
"""A role to which row level security applies."""


def answers(report: Report) -> dict[str, str]:
    return {answer.question: answer.answer for answer in report.answers}


def execute(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    database = make_url(url)
    arguments = database.get_dialect()().create_connect_args(database)[1]
    with psycopg.connect(**arguments, autocommit=True) as connection:
        yield connection


def scratch_databases_on(url: str) -> set[str]:
    with connected(url) as connection:
        rows = connection.execute("select datname from pg_database").fetchall()
    return {name for (name,) in rows if name.startswith(PREFIX)}


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """Yield the URL of a role that may connect, but neither write nor read a table."""
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
        execute(database, f"drop role {name}")


def test_database_at_head_has_no_findings(at_head: AtHead, scratch: str) -> None:
    report = check(at_head.url, scratch=scratch, role=CLIENT)
    assert report.findings == ()
    assert report.is_good
    assert answers(report)["drift"] == "none"
    assert answers(report)["revision"].endswith("(head)")
    assert answers(report)["row security"].startswith("on for all ")
    assert answers(report)["login role"] == "row level security applies to authenticated"
    assert scratch_databases_on(scratch) == set()


@pytest.mark.exhaustive
def test_disabled_row_level_security_is_a_security_finding(
    townhall_database: str, townhall_server: str
) -> None:
    execute(townhall_database, "alter table public.events disable row level security")
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert not report.is_good
    assert answers(report)["drift"] == "1 difference"
    assert answers(report)["row security"] == "off for events"
    assert [finding.severity for finding in report.findings] == ["security"]


@pytest.mark.exhaustive
def test_role_without_privileges_can_check(reader: str, database: str, scratch: str) -> None:
    execute(database, 'drop policy "members of the organization can read" on public.events')
    report = check(reader, scratch=scratch)
    assert [finding.object for finding in report.findings] == [
        "policy public.events members of the organization can read"
    ]
    assert answers(report)["revision"].startswith("not readable for this role, compared with")
    assert "applies to townhall_reader_" in answers(report)["login role"]


def test_scratch_role_without_createdb_is_refused_on_one_line(
    reader: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(database, f"alter role {make_url(reader).username} reset all")
    assert main(("check", database, "--scratch", reader)) == 2
    assert capsys.readouterr().err == (
        "townhall: the role lacks a privilege: permission denied to create database. Run it as the"
        " role that owns the database and its tables, or have one grant the privilege.\n"
    )


def test_checked_database_is_read_in_a_read_only_transaction(townhall_database: str) -> None:
    with check_connection.reading(make_url(townhall_database)) as connection:
        assert connection.exec_driver_sql("show transaction_read_only").scalar() == "on"


@pytest.mark.exhaustive
def test_only_access_share_locks_are_taken(
    townhall_database: str, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: set[str] = set()

    def read_and_record_locks(connection: Connection, *arguments: Any) -> Snapshot:  # noqa: ANN401 - those of read
        snapshot = read(connection, *arguments)
        modes = connection.exec_driver_sql(
            "select mode from pg_locks where pid = pg_backend_pid() and locktype <> 'virtualxid'"
        )
        held.update(modes.scalars())
        return snapshot

    monkeypatch.setattr(comparison, "read", read_and_record_locks)
    check(townhall_database, scratch=townhall_server)
    assert held == {"AccessShareLock"}


@pytest.mark.exhaustive
def test_locked_table_ends_the_check_with_the_blocking_session(
    townhall_database: str, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_connection, "LOCK_TIMEOUT", "100ms")
    with connected(townhall_database) as connection:
        connection.execute("begin")
        connection.execute("lock table public.track_statistics in access exclusive mode")
        with pytest.raises(
            CheckError, match=r"100ms\. Blocked by: .*public\.track_statistics, .*server process"
        ):
            check(townhall_database, scratch=townhall_server)
    assert scratch_databases_on(townhall_server) == set()


@pytest.mark.exhaustive
def test_database_with_pending_revisions_is_compared_with_its_own_revision(
    server: Databases, scratch: str
) -> None:
    with server.create() as url:
        migrate.upgrade(url, "townhall_0006")
        execute(url, "grant truncate on public.events to anon")
        report = check(url, scratch=scratch, role=CLIENT)
    lines = list(map(str, report.findings))
    pending = "functional: revision townhall_00"
    # What the database has is repaired before other revisions change it.
    assert lines[0] == (
        "security: table access public.events: anon holds TRUNCATE; not declared. Impact: row"
        " level security does not apply to TRUNCATE."
        " Repair: revoke truncate on table public.events from anon"
    )
    assert lines[1].startswith(f"{pending}07: has not run. Impact: Campaigns")
    assert lines[1].endswith("Repair: alembic upgrade heads")
    assert [line for line in lines if not line.startswith(pending)] == lines[:1]
    assert answers(report)["revision"].startswith("townhall_0006; ")
    assert answers(report)["revision"].endswith(" pending: alembic upgrade heads")
    assert not report.is_good


@pytest.mark.exhaustive
def test_unknown_revision_is_explained(townhall_database: str, townhall_server: str) -> None:
    execute(
        townhall_database,
        "insert into public.alembic_version values ('shop_0001')",
        "create table public.invoices (id int)",
        "alter table public.invoices enable row level security",
    )
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    advice = "name the alembic.ini of the application with --config"
    assert answers(report)["revision"].endswith(advice)
    assert report.findings == ()
    assert report.is_good
    execute(townhall_database, "insert into public.alembic_version values ('townhall_9999')")
    with pytest.raises(CheckError, match="is at shop_0001, townhall_9999, which this"):
        check(townhall_database, scratch=townhall_server, role=CLIENT)


@pytest.mark.exhaustive
@pytest.mark.parametrize("default_privileges", EITHER_DEFAULT)
def test_migrated_supabase_database_has_no_findings(
    server: Databases, scratch: str, default_privileges: DefaultPrivileges
) -> None:
    with supabase_database(server, default_privileges) as hosted:
        migrate.upgrade(hosted.postgres)
        report = check(hosted.authenticator, scratch=scratch)
        assert report.findings == ()
        assert report.is_good
        login = answers(check(hosted.postgres, scratch=scratch))["login role"]
        assert login == "row level security does not apply to supabase_postgres: it has bypassrls"


@pytest.mark.exhaustive
def test_row_level_security_does_not_apply_to_an_owner(
    townhall_template: str, townhall_server: str
) -> None:
    report = check(townhall_template, scratch=townhall_server)
    owner = make_url(townhall_template).username
    assert answers(report)["login role"].startswith(f"row level security does not apply to {owner}")
    assert not report.is_good


@pytest.mark.exhaustive
def test_row_level_security_does_not_apply_to_a_member_of_the_owner(
    townhall_database: str, townhall_server: str
) -> None:
    name = f"townhall_owner_{uuid4().hex[:8]}"
    execute(
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
        execute(townhall_database, f"drop owned by {name} cascade; drop role {name}, {name}_member")
    assert owner == f"row level security does not apply to {name}: it owns tables"
    assert member.endswith(f"{name}_member: it is a member of {name}, which owns tables")


@pytest.mark.exhaustive
def test_missing_login_role_is_refused(townhall_template: str, townhall_server: str) -> None:
    with pytest.raises(CheckError, match="there is no role missing_role"):
        check(townhall_template, scratch=townhall_server, role="missing_role")


@pytest.mark.exhaustive
@pytest.mark.skipif(VERSIONS == (NAMED,), reason="there is one server")
def test_scratch_server_of_another_version_is_refused(
    townhall_database: str, servers: Servers
) -> None:
    with pytest.raises(CheckError, match=r"PostgreSQL 18, the server that --scratch names on 16"):
        check(townhall_database, scratch=servers.url("16"))


@pytest.mark.thorough
def test_scratch_database_is_dropped_after_an_error(
    townhall_database: str, townhall_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        assert scratch_databases_on(townhall_server)
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(History, "run", fail)
    with pytest.raises(RuntimeError, match="the disk is full"):
        check(townhall_database, scratch=townhall_server)
    assert scratch_databases_on(townhall_server) == set()


@pytest.mark.exhaustive
def test_embedded_server_is_the_default_scratch_server(
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


def test_scratch_databases_and_roles_of_killed_processes_are_dropped(
    townhall_database: str, townhall_server: str
) -> None:
    left, used = (f"{PREFIX}{uuid4().hex[:16]}" for _ in range(2))
    execute(townhall_server, f"create role {left} login", f"create database {left} owner {left}")
    execute(townhall_server, f"create database {used}")
    with connected(townhall_database) as user:
        version = user.info.server_version // 10_000
        user.execute("select set_config('application_name', %s, false)", [used])
        with scratch_database(version, townhall_server):
            found = scratch_databases_on(townhall_server)
        roles = user.execute("select rolname from pg_roles where rolname = %s", [left]).fetchall()
    execute(townhall_server, f"drop database {used}")
    assert left not in found
    assert used in found
    assert roles == []


def test_version_without_embedded_server_needs_a_scratch_server() -> None:
    with (
        pytest.raises(CheckError, match=r"has no PostgreSQL 15: name one with --scratch"),
        scratch_database(15, None),
    ):
        pass


def test_client_roles_that_bypass_row_level_security_are_reported(
    connection: Connection, at_head: AtHead
) -> None:
    connection.exec_driver_sql("alter role authenticated bypassrls; grant service_role to anon")
    roles = read_roles(connection, SUPABASE.names, at_head.schemas, SUPABASE.service)
    assert list(map(str, findings_on_roles(roles, SUPABASE))) == [
        (
            "security: role anon: is a member of service_role."
            " Impact: every client can act as the service. Repair: revoke service_role from anon"
        ),
        (
            "security: role authenticated: bypasses row level security."
            " Impact: it has bypassrls; every client can access every row."
            " Repair: alter role authenticated nosuperuser nobypassrls"
        ),
    ]


def test_missing_api_roles_are_reported() -> None:
    assert [finding.object for finding in findings_on_roles({}, SUPABASE)] == [
        "role anon",
        "role authenticated",
        "role service_role",
    ]
