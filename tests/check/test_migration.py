"""A check of a database that is being migrated, that was left half migrated, or never migrated."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, NullPool, create_engine

from tests.check.test_check import CLIENT, answers, connected, execute
from tests.support.blocks import blocks_of
from townhall import migrate
from townhall.check import Report, check
from townhall.cli import main
from townhall.migrate.guard.locks import migration_lock
from townhall.testing.databases import Databases

DRIFT = (
    "alter table public.events add column extra text",
    "grant select on public.events to anon",
)
"""Changes by hand, one of which would be repaired by dropping something."""

CHECK_NOT_VALID = (
    "alter table public.events drop constraint ck_events_status_known",
    """
    alter table public.events add constraint ck_events_status_known
    check (status in ('draft', 'published', 'cancelled', 'completed')) not valid
    """,
)
INVALID_INDEX = """
    update pg_catalog.pg_index set indisvalid = false
    where indexrelid = 'public.ix_participants_user_id'::regclass
"""


(SHOWN,) = blocks_of("docs/checking.md", "text", under="While a database is migrated, and before")
RUNNING, HALF_DONE, NOT_VALID = SHOWN.text.splitlines()


def first_line(report: Report) -> str:
    """Return the first line that is printed of a report."""
    answer = report.answers[0]
    return f"{answer.question:14}{answer.answer}"


def repairs(report: Report) -> list[str]:
    return [finding.repair for finding in report.findings]


def objects(report: Report) -> list[str]:
    return [finding.object for finding in report.findings]


def statuses(report: Report) -> list[str]:
    return [answer.question for answer in report.answers]


@contextmanager
def migrating(url: str) -> Iterator[int]:
    """Hold the lock of migrations, and yield the server process that does."""
    with migrate_connection(url) as connection, migration_lock(connection):
        pid = connection.exec_driver_sql("select pg_backend_pid()").scalar()
        connection.commit()
        yield int(str(pid))


@contextmanager
def migrate_connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


@pytest.mark.exhaustive
def test_running_migration_is_said_first_and_nothing_is_proposed_meanwhile(
    townhall_database: str, townhall_server: str
) -> None:
    execute(townhall_database, *DRIFT)
    with migrating(townhall_database) as process:
        report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert first_line(report) == RUNNING.replace("4711", str(process))
    assert objects(report) == ["column public.events extra", "table access public.events"]
    assert {*repairs(report)} == {"none while the migration runs: check again when it has ended"}
    assert not report.is_good
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert "migration" not in statuses(report)


@pytest.mark.exhaustive
def test_migration_of_another_database_is_not_said(
    townhall_database: str, empty_database: str, townhall_server: str
) -> None:
    with migrating(empty_database):
        assert check(townhall_database, scratch=townhall_server, role=CLIENT).is_good


@pytest.mark.exhaustive
def test_index_that_is_being_built_is_not_proposed_to_be_dropped(
    townhall_database: str, townhall_server: str
) -> None:
    build = "create index concurrently extra on public.events (name)"
    with connected(townhall_database) as writer:
        writer.execute("begin")
        writer.execute("lock table public.events in row exclusive mode")
        thread = threading.Thread(target=execute, args=(townhall_database, build))
        thread.start()
        try:
            invalid = "select from pg_catalog.pg_index where not indisvalid"
            with connected(townhall_database) as other:
                while other.execute(invalid).fetchone() is None:
                    time.sleep(0.02)
            report = check(townhall_database, scratch=townhall_server, role=CLIENT)
        finally:
            writer.execute("rollback")
            thread.join()
    assert report.answers[0].answer.startswith("an index is being built in server process ")
    assert objects(report) == ["index public.events extra"]
    assert repairs(report) == ["none while the migration runs: check again when it has ended"]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("damage", "left", "repair"),
    [
        (
            (INVALID_INDEX,),
            "index public.participants ix_participants_user_id",
            "reindex index public.ix_participants_user_id",
        ),
        (
            CHECK_NOT_VALID,
            "constraint public.events ck_events_status_known",
            "alter table public.events validate constraint ck_events_status_known",
        ),
    ],
)
def test_what_an_interrupted_migration_left_is_said_first_and_repaired_before_anything_is_dropped(
    damage: tuple[str, ...], left: str, repair: str, townhall_database: str, townhall_server: str
) -> None:
    execute(townhall_database, *damage, *DRIFT)
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert first_line(report) == NOT_VALID.replace(
        "index public.participants ix_participants_user_id", left
    )
    found = dict(zip(objects(report), repairs(report), strict=True))
    assert found == {
        "column public.events extra": (
            "none until what the migration left is repaired: check again then"
        ),
        left: repair,
        "table access public.events": "revoke select on table public.events from anon",
    }
    execute(townhall_database, repair)
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert "migration" not in statuses(report)
    assert "declare it, or alter table public.events drop column extra" in repairs(report)


@pytest.mark.exhaustive
def test_undeclared_invalid_index_needs_a_decision(
    townhall_database: str, townhall_server: str
) -> None:
    execute(
        townhall_database,
        "create index extra on public.events (name)",
        """
        update pg_catalog.pg_index set indisvalid = false
        where indexrelid = 'public.extra'::regclass
        """,
    )
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert report.answers[0].answer == "interrupted: index public.events extra is not valid"
    assert repairs(report) == ["drop index public.extra"]
    assert report.findings[0].decision == "an interrupted build or validation may have left it"


@pytest.mark.exhaustive
def test_half_done_revision_is_said_first_and_nothing_of_it_is_proposed_to_be_dropped(
    townhall_database: str, townhall_server: str
) -> None:
    execute(
        townhall_database,
        "update public.alembic_version set version_num = 'townhall_0006'",
        "drop table public.wizard_sessions cascade",
        *DRIFT,
    )
    report = check(townhall_database, scratch=townhall_server, role=CLIENT)
    assert first_line(report) == HALF_DONE
    assert str(report.findings[0]).startswith("functional: revision townhall_0007: is half done.")
    others = [each for each in report.findings if not each.object.startswith("revision ")]
    assert [(each.object, each.repair) for each in others] == [
        ("table access public.events", "revoke select on table public.events from anon"),
        ("column public.events extra", "alembic upgrade heads"),
    ]


@pytest.mark.exhaustive
def test_pending_revisions_that_have_not_begun_are_no_interruption(
    server: Databases, scratch: str
) -> None:
    with server.create() as url:
        migrate.upgrade(url, "townhall_0006")
        execute(url, *DRIFT)
        report = check(url, scratch=scratch, role=CLIENT)
    assert "migration" not in statuses(report)
    assert "declare it, or alter table public.events drop column extra" in repairs(report)


@pytest.mark.exhaustive
def test_database_without_revisions_is_told_to_upgrade_once(
    empty_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("check", "--url", empty_database, "--scratch", townhall_server, "--role", CLIENT)
    assert main(words) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("revision      none; head is townhall_")
    assert lines[1:] == [
        "drift         not compared",
        "login role    row level security applies to authenticated",
        (
            "functional: database: no revision has run in it. Impact: nothing that is declared is"
            " there. Repair: alembic upgrade heads"
        ),
    ]


@pytest.mark.exhaustive
def test_database_with_tables_of_declared_names_is_told_to_adopt_them(
    empty_database: str, townhall_server: str
) -> None:
    execute(
        empty_database,
        "create table public.profiles (id uuid)",
        "create table public.events (id uuid)",
        "create table public.others (id uuid)",
        "create table public.alembic_version (version_num text primary key)",  # after a downgrade
    )
    report = check(empty_database, scratch=townhall_server, role=CLIENT)
    assert answers(report)["row security"] == "off for alembic_version, events, others, profiles"
    (finding,) = report.findings
    assert finding.impact == (
        "no revision made its tables public.events, public.profiles, which are declared"
    )
    assert finding.repair == "townhall adopt"
