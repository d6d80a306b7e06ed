"""A fault of the database, of the connection or of a privilege ends in one paragraph."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.migrations.chain import revision_of, sql_script
from tests.support.alembic import alembic, start_alembic
from tests.support.blocked import wait_for_a_lock
from tests.support.waiting import wait_for_migrations
from townhall import embedded
from townhall.cli import main
from townhall.migrate import alembic_config, upgrade
from townhall.migrate.faults import describe
from townhall.migrate.guard.locks import migration_lock
from townhall.pg.catalog import server_version
from townhall.testing.databases import Databases
from townhall.testing.servers import serve, server_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENV = """
from townhall import migrate
from townhall.roles import Roles

migrate.run(product=False, roles=Roles(None, None, None))
"""

REVISION = """
from alembic import op

revision = "application_1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.execute({statement!r})
"""

FIRST_WITH_ADMIN_OPTION = 16
"""The version since which a role that may create roles needs the ADMIN OPTION to grant one."""

COMMANDS: dict[str, Callable[[Config], object]] = {
    "upgrade": lambda config: command.upgrade(config, "head"),
    "downgrade": lambda config: command.downgrade(config, "base"),
    "stamp": lambda config: command.stamp(config, "townhall_0002"),
    "current": command.current,
    "check": command.check,
    "revision": lambda config: command.revision(config, "Nothing", autogenerate=True),
}


def failure_of(run: Callable[..., object], *arguments: object) -> str:
    """Return the paragraph with which a command fails."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def _engine(url: str | URL) -> Engine:
    return create_engine(url, poolclass=NullPool)


@contextmanager
def _autocommit(url: str | URL) -> Iterator[Connection]:
    with _engine(url).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def _on(connection: Connection) -> Config:
    config = alembic_config()
    config.attributes["connection"] = connection
    return config


def _application(directory: Path, url: str, statement: str) -> Config:
    """Return the configuration of an application with one revision."""
    (directory / "versions").mkdir()
    (directory / "env.py").write_text(ENV)
    revision = REVISION.format(statement=statement)
    (directory / "versions" / "application_1.py").write_text(revision)
    config = alembic_config(url)
    config.set_main_option("script_location", str(directory))
    return config


@contextmanager
def _role(databases: Databases, url: str, attributes: str = "") -> Iterator[str]:
    """Create a role that may log in, and give the URL with it."""
    name = f"townhall_{uuid4().hex[:8]}"
    with _autocommit(databases.server) as connection:
        connection.execute(text(f"create role {name} login {attributes}"))
    try:
        yield make_url(url).set(username=name).render_as_string(hide_password=False)
    finally:
        with _autocommit(url) as connection:
            connection.execute(text(f"drop owned by {name}"))
            connection.execute(text(f"drop role {name}"))


# A lost connection.


def test_owner_whom_the_machines_of_citus_do_not_admit_is_told(
    townhall_connection: Connection,
) -> None:
    message = (
        "connection to the remote node app_owner@10.0.0.2:5432 failed with the following error:"
        ' FATAL:  role "app_owner" is not permitted to log in'
    )
    raising = f"do $$ begin raise exception '{message}' using errcode = '08006'; end $$"
    with pytest.raises(DBAPIError) as error, townhall_connection.begin_nested():
        townhall_connection.exec_driver_sql(raising)
    told = describe(error.value)
    assert told.startswith("one machine of Citus can't connect to another as the role: connection")
    assert "alter role … login" in told


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("upgrade", 9),
        ("current", 2),
        *(
            pytest.param(name, count, marks=pytest.mark.exhaustive)
            for name in COMMANDS
            for count in (0, 2, 17)
        ),
    ],
)
def test_lost_connection_is_said_in_one_paragraph(
    name: str, count: int, owned_database: str, townhall_database: str, townhall_server: str
) -> None:
    database = townhall_database if name in {"check", "revision"} else owned_database
    if database == owned_database:
        upgrade(database, "townhall_0001")
    before = revision_of(database)
    statements = iter(range(10_000))

    def terminate(connection: Connection, *_: object) -> None:
        if next(statements) != count:
            return
        driver: Any = connection.connection.driver_connection
        with _autocommit(townhall_server) as other:
            values = {"pid": driver.info.backend_pid}
            other.execute(text("select pg_terminate_backend(:pid, 10000)"), values)

    with _engine(database).connect() as connection:
        event.listen(connection, "before_cursor_execute", terminate)
        try:
            message = failure_of(COMMANDS[name], _on(connection))
        except pytest.fail.Exception:
            assert next(statements) <= count  # a short command
            return
    assert message.startswith("the connection to the database was lost: terminating connection")
    assert "At: " in message
    assert message.endswith("Run it again when the server can be reached.")
    assert revision_of(database) == before


@pytest.mark.exhaustive
def test_lost_connection_while_waiting_for_another_migration_is_said(
    empty_database: str, townhall_server: str
) -> None:
    with _engine(empty_database).connect() as connection, migration_lock(connection):
        process = start_alembic("upgrade", "head", url=empty_database)
        assert process.stdout is not None
        while "Waiting for another migration" not in process.stdout.readline():
            assert process.poll() is None
        _signal(townhall_server, empty_database, "townhall", "pg_terminate_backend")
        output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "FAILED: the connection to the database was lost" in output
    assert "Traceback" not in output


def _signal(server: str, url: str, application: str, function: str) -> None:
    with _autocommit(server) as connection:
        connection.execute(
            text(
                f"""
                select {function}(pid)
                from pg_stat_activity
                where application_name = :application and datname = :name
                """
            ),
            {"name": make_url(url).database, "application": application},
        )


@pytest.mark.thorough
def test_stopped_server_is_said(tmp_path: Path) -> None:
    with server_directory() as directory:
        server = embedded.start(directory)
        url = server.url
        config = _application(tmp_path, url, "select pg_sleep(60)")
        messages: list[str] = []
        run = threading.Thread(
            target=lambda: messages.append(failure_of(command.upgrade, config, "head"))
        )
        run.start()
        with _engine(url).connect() as connection:
            wait_for_migrations(connection, 1, url, event="Timeout")
        server.stop()
        run.join(timeout=60)
        assert messages[0].startswith("the connection to the database was lost: ")
        assert failure_of(command.current, config).startswith("cannot connect to the database: ")


# Encodings.


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_database_of_another_encoding_is_refused_before_a_change(
    encoding: str, townhall_databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    with _encoded(townhall_databases, encoding) as url:
        for run in (COMMANDS["upgrade"], COMMANDS["current"], COMMANDS["check"]):
            message = failure_of(run, alembic_config(url))
            assert f"has the encoding {encoding}, and UTF8 is needed" in message
        for words in (("status", "--url", url), ("check", url)):
            assert main(words) == 2
            assert f"has the encoding {encoding}, and UTF8 is needed" in capsys.readouterr().err
        with psycopg.connect(_libpq(url), autocommit=True) as connection:
            tables = "select count(*) from pg_tables where schemaname = 'public'"
            assert connection.execute(tables).fetchone() == (0,)
            with pytest.raises(psycopg.Error, match=f"encoding {encoding}, and UTF8 is needed"):
                connection.execute(sql_script(command.upgrade, "base:townhall_0001").encode())


@contextmanager
def _encoded(databases: Databases, encoding: str) -> Iterator[str]:
    name = f"townhall_{uuid4().hex[:16]}"
    with _autocommit(databases.server) as connection:
        connection.execute(
            text(f"create database {name} encoding '{encoding}' locale 'C' template template0")
        )
        try:
            yield databases.server.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"drop database {name} with (force)"))


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.thorough
def test_role_with_another_client_encoding_migrates(empty_database: str) -> None:
    parsed = make_url(empty_database)
    with _autocommit(empty_database) as connection:
        connection.execute(text(f'alter database "{parsed.database}" set client_encoding = LATIN1'))
    upgrade(empty_database, "townhall_0008")
    with _engine(empty_database).connect() as connection:
        message = failure_of(COMMANDS["upgrade"], _on(connection))
    assert "transfers texts in the encoding LATIN1" in message


# Privileges.


@pytest.mark.thorough
def test_role_that_may_not_create_roles_is_told(cluster_without_roles: Databases) -> None:
    with cluster_without_roles.create() as url, _role(cluster_without_roles, url) as other:
        _grant(url, other, "all on schema", "public")
        message = failure_of(COMMANDS["upgrade"], alembic_config(other))
    assert message.startswith("the role lacks a privilege: permission denied to create role. ")
    assert message.endswith("Have a superuser create the missing roles and grant them to this one.")


def test_role_without_the_admin_option_is_told(
    townhall_databases: Databases, townhall_template: str
) -> None:
    del townhall_template  # it has made the roles
    with (
        townhall_databases.create() as url,
        _role(townhall_databases, url, "createrole") as other,
    ):
        with _engine(url).connect() as connection:
            if server_version(connection) < FIRST_WITH_ADMIN_OPTION:
                pytest.skip("before PostgreSQL 16 a role that may create roles may grant any role")
        _grant(url, other, "all on schema", "public")
        message = failure_of(COMMANDS["upgrade"], alembic_config(other))
    assert message.startswith('the role lacks a privilege: permission denied to grant role "anon".')
    assert "At: grant anon to townhall_" in message
    assert message.endswith("Have a superuser grant the roles that requests act as to this one.")


def test_role_that_may_not_create_tables_is_told(townhall_databases: Databases) -> None:
    with townhall_databases.create() as url, _role(townhall_databases, url) as other:
        message = failure_of(COMMANDS["upgrade"], alembic_config(other))
    assert message.startswith(
        "the role lacks a privilege: permission denied for schema public. At: CREATE TABLE"
    )
    assert message.endswith(
        "The database is at no revision. Run it as the owner of the database, or have the owner"
        " grant create to the role."
    )


@pytest.mark.thorough
def test_role_that_does_not_own_the_tables_is_told(townhall_databases: Databases) -> None:
    with townhall_databases.create() as url:
        upgrade(url, "townhall_0007")
        with _role(townhall_databases, url) as other:
            run, config = COMMANDS["upgrade"], alembic_config(other)
            assert "row level security hides its row" in failure_of(run, config)
            _grant(url, other, "all on all tables in schema", "public")
            assert "row level security hides its row" in failure_of(run, config)
            _grant(url, other, "all on schema", "public")
            with _autocommit(url) as connection:
                name = make_url(other).username
                connection.execute(text(f"alter table alembic_version owner to {name}"))
            message = failure_of(run, config)
            with _autocommit(url) as connection:
                connection.execute(text("alter table alembic_version owner to current_user"))
    assert message.startswith("the role lacks a privilege: permission denied for schema private.")
    assert "The database is at townhall_0007, the last completed revision. Run it as" in message


def _grant(url: str, role: str, what: str, target: str | None) -> None:
    with _autocommit(url) as connection:
        connection.execute(text(f"grant {what} {target} to {make_url(role).username}"))


@pytest.fixture(scope="module")
def cluster_without_roles() -> Iterator[Databases]:
    with serve() as url:
        yield Databases(url)


# States of the server.


@pytest.mark.thorough
def test_database_that_is_read_only_is_told(owned_database: str) -> None:
    url = make_url(owned_database)
    read_only = url.update_query_dict(
        {"options": f"{url.query.get('options', '')} -cdefault_transaction_read_only=on"}
    )
    config = alembic_config(read_only)
    assert failure_of(COMMANDS["upgrade"], config).startswith(
        "the database is read-only: cannot execute CREATE TABLE in a read-only transaction. At: "
    )
    command.current(config)


@pytest.mark.exhaustive
def test_cancelled_statement_is_told(owned_database: str, townhall_server: str) -> None:
    upgrade(owned_database, "townhall_0007")
    with _engine(owned_database).connect() as application:
        application.execute(text("lock table public.participants in access share mode"))
        process = start_alembic("-x", "lock_timeout=0", "upgrade", "head", url=owned_database)
        with _engine(townhall_server).connect() as watch:
            wait_for_migrations(watch, 1, owned_database, event="Lock")
        _signal(townhall_server, owned_database, "townhall", "pg_cancel_backend")
        output, _ = process.communicate(timeout=60)
    assert "FAILED: a statement was cancelled: canceling statement due to user request. At: " in (
        output
    )
    assert "Traceback" not in output


@pytest.mark.exhaustive
def test_interrupt_on_the_keyboard_is_told(owned_database: str, townhall_server: str) -> None:
    upgrade(owned_database, "townhall_0007")
    with _engine(owned_database).connect() as application:
        application.execute(text("lock table public.participants in access share mode"))
        process = start_alembic("-x", "lock_timeout=0", "upgrade", "head", url=owned_database)
        with _engine(townhall_server).connect() as watch:
            wait_for_migrations(watch, 1, owned_database, event="Lock")
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
            application.rollback()
            wait_for_migrations(watch, 0, owned_database)
    assert process.returncode != 0
    assert "FAILED: interrupted. " in output
    assert "Traceback" not in output
    assert revision_of(owned_database) == "townhall_0007"


def test_interrupt_of_a_program_stays_an_interrupt(empty_database: str) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with _engine(empty_database).connect() as connection:
        event.listen(connection, "before_cursor_execute", interrupt)
        with pytest.raises(KeyboardInterrupt):
            command.upgrade(_on(connection), "head")


def test_statement_timeout_of_an_application_is_told(tmp_path: Path, empty_database: str) -> None:
    statement = "set statement_timeout = '10ms'; select pg_sleep(10)"
    config = _application(tmp_path, empty_database, statement)
    assert failure_of(command.upgrade, config, "head").startswith(
        "a statement was cancelled: canceling statement due to statement timeout. At: set"
    )


@pytest.mark.parametrize(
    ("setting", "statement"),
    [
        ("idle_in_transaction_session_timeout", "select 1"),
        pytest.param("idle_session_timeout", "commit", marks=pytest.mark.thorough),
    ],
)
def test_timeout_that_ends_the_connection_is_told_to_be_raised(
    setting: str, statement: str, tmp_path: Path, empty_database: str
) -> None:
    config = _application(tmp_path, empty_database, f"set {setting} = 10; {statement}")
    revision = tmp_path / "versions" / "application_1.py"
    # A statement that reaches the server before it has closed the connection hides the reason.
    pause = """
    import select, time
    socket = op.get_bind().connection.driver_connection.fileno()
    select.select([socket], [], [], 60)
    time.sleep(0.1)
    op.execute('select 1')
"""
    revision.write_text(revision.read_text().rstrip() + pause)
    message = failure_of(command.upgrade, config, "head")
    assert message.startswith("the connection to the database was lost: ")
    assert "terminating connection due to idle" in message
    assert message.endswith("Raise the timeout that PostgreSQL names, and run it again.")


@pytest.mark.thorough
def test_exhausted_shared_memory_is_told(tmp_path: Path) -> None:
    locks = "select count(pg_advisory_xact_lock(n)) from generate_series(1, 1000000) as n"
    with serve() as url:
        message = failure_of(command.upgrade, _application(tmp_path, url, locks), "head")
    assert message.startswith("the server ran out of memory: out of shared memory. ")
    assert "raise max_locks_per_transaction" in message


@pytest.mark.exhaustive
def test_full_disk_is_told(tmp_path: Path) -> None:
    """A limit on the size of files cuts off a write as a full disk does."""
    index_of_22_megabytes = (
        "create table filler as select n from generate_series(1, 200000) as n;"
        " create index on filler (md5(n::text), md5((n + 1)::text), md5((n + 2)::text))"
    )
    with _small_files(), serve() as url:
        config = _application(tmp_path, url, index_of_22_megabytes)
        message = failure_of(command.upgrade, config, "head")
        assert message.startswith("the disk of the server is full: could not extend file ")
        assert "The database is at no revision." in message
        assert message.endswith("Free or add space on the server, and run it again.")
        upgrade(url)


@contextmanager
def _small_files() -> Iterator[None]:
    """Limit the files of the programs that start within the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = 16 * 1024 * 1024 + 4096  # bytes: a segment of the log, and half a page
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Connecting.


@pytest.mark.parametrize(
    ("change", "reason", "advice"),
    [
        ({"database": "nothing"}, 'database "nothing" does not exist', "Correct the name of the"),
        ({"username": "nobody"}, 'role "nobody" does not exist', "Correct the user of the URL"),
        ({"port": 9, "host": "127.0.0.1"}, "refused", "Check that the server runs"),
    ],
)
def test_database_that_is_not_there_is_told(
    change: dict[str, Any],
    reason: str,
    advice: str,
    townhall_server: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parsed = make_url(townhall_server)
    url = parsed.set(**change, query={} if "host" in change else parsed.query)
    words = url.render_as_string(hide_password=False)
    for message in (
        failure_of(COMMANDS["current"], alembic_config(words)),
        failure_of_status(words, capsys),
    ):
        assert "cannot connect to the database: " in message
        assert reason in message
        assert advice in message


def failure_of_status(url: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(("status", "--url", url)) == 2
    return capsys.readouterr().err


def test_server_without_a_connection_left_is_told(townhall_databases: Databases) -> None:
    with townhall_databases.create() as url, _role(townhall_databases, url) as other:
        with _autocommit(url) as connection:
            name = make_url(other).username
            connection.execute(text(f"alter role {name} connection limit 0"))
        message = failure_of(COMMANDS["upgrade"], alembic_config(other))
    assert message.startswith("cannot connect to the database: ")
    assert "too many connections for role" in message
    assert message.endswith("or raise the limit of the server, the database or the role.")


@pytest.mark.exhaustive
def test_wrong_password_is_told() -> None:
    with server_directory() as directory, embedded.start(directory) as server:
        rules = server.data_directory / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
        with _autocommit(server.url) as connection:
            connection.execute(text("create role guarded login password 'right'"))
            connection.execute(text("select pg_reload_conf()"))
        wrong = make_url(server.url).set(username="guarded", password=uuid4().hex)
        done = alembic("current", url=wrong.render_as_string(hide_password=False), check=False)
    printed = done.stdout + done.stderr
    assert 'password authentication failed for user "guarded"' in printed
    assert "Correct the user and the password of the URL" in printed
    assert "Traceback" not in printed
    assert str(wrong.password) not in printed


# Rows.


@pytest.mark.thorough
def test_rows_that_break_a_constraint_of_a_revision_are_told(owned_database: str) -> None:
    upgrade(owned_database, "townhall_0009")
    with _engine(owned_database).begin() as connection:
        row = (
            "insert into public.communities (name, slug, tier_required)"
            " values ('Founders', 'founders', 9) returning id"
        )
        found = connection.scalar(text(row))
    config = alembic_config(owned_database)
    message = failure_of(COMMANDS["upgrade"], config)
    assert message.startswith(
        "rows break a constraint: 1 row of public.communities breaks"
        " ck_communities_tier_required_known, check (tier_required between 0 and 2):"
        f" (id) = ({found}). Correct them, and run it again. At: ("
    )
    assert message.endswith("The database is at townhall_0009, the last completed revision.")
    with _engine(owned_database).begin() as connection:
        left = "select count(*) from pg_constraint where not convalidated"
        assert connection.scalar(text(left)) == 0
        connection.execute(text("update public.communities set tier_required = 0"))
    command.upgrade(config, "townhall_0010")


# Everything else.


HIDDEN = (
    "create table parents (id int primary key); create table children (parent int);"
    " insert into children values (1);"
    " alter table children enable row level security, force row level security;"
)


@pytest.mark.parametrize(
    "statement",
    [
        "update children set parent = 2",
        "alter table children add foreign key (parent) references parents",
    ],
)
def test_statement_that_row_level_security_hides_rows_from_is_refused(
    statement: str, tmp_path: Path, owned_database: str
) -> None:
    """PostgreSQL would update no row, and take the foreign key for valid."""
    message = failure_of(
        command.upgrade, _application(tmp_path, owned_database, HIDDEN + statement), "head"
    )
    assert message.startswith(
        "the role lacks a privilege: query would be affected by row-level security policy for table"
    )
    assert message.endswith("alter table … no force row level security.")


@pytest.mark.parametrize("value", [0, 1])
def test_constraint_is_checked_where_row_level_security_hides_rows(
    value: int, tmp_path: Path, owned_database: str
) -> None:
    config = _application(tmp_path, owned_database, HIDDEN)
    revision = tmp_path / "versions" / "application_1.py"
    step = f"safety.add_constraint('children', 'above', 'check (parent > {value})')"
    text = revision.read_text().rstrip() + f"\n    {step}\n"
    revision.write_text(f"from townhall.migrate import safety\n{text}")
    if value == 0:
        command.upgrade(config, "head")
    else:
        assert "is violated by some row" in failure_of(command.upgrade, config, "head")


def test_error_of_a_revision_keeps_its_text(tmp_path: Path, empty_database: str) -> None:
    config = _application(tmp_path, empty_database, "do $$ begin perform 1 / 0; end $$")
    message = failure_of(command.upgrade, config, "head")
    assert message == (
        "PostgreSQL refused a statement: division by zero."
        " At: SELECT 1 / 0 (application_1.py, line 11). The database is at no revision."
    )


@pytest.mark.exhaustive
def test_command_line_prints_the_paragraph_alone(empty_database: str) -> None:
    with _engine(empty_database).begin() as connection:
        connection.execute(text("create schema auth"))
    config = alembic_config(empty_database)
    config.cmd_opts = Namespace(x=[])
    done = alembic("upgrade", "head", url=empty_database, check=False)
    assert done.stdout == f"FAILED: {failure_of(COMMANDS['upgrade'], config)}\n"
    assert "Traceback" not in done.stderr


@pytest.mark.exhaustive
def test_check_says_that_its_connection_was_lost(
    townhall_database: str, townhall_server: str
) -> None:
    words = ("-m", "townhall", "check", townhall_database, "--scratch", townhall_server)
    with _engine(townhall_database).connect() as application:
        application.execute(text("lock table public.track_statistics in access exclusive mode"))
        with subprocess.Popen(  # noqa: S603 - the program is ours
            (sys.executable, *words), stderr=subprocess.PIPE, text=True
        ) as process:
            wait_for_a_lock(_engine(townhall_database))
            _signal(townhall_server, townhall_database, "townhall check", "pg_terminate_backend")
            _, printed = process.communicate(timeout=60)
    assert process.returncode == 2
    assert printed.startswith("townhall: the connection to the database was lost: terminating")
    assert printed.count("\n") == 1
