"""The command line, run as a program."""
# ruff: noqa: S603 - the program that is run is ours

from __future__ import annotations

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from townhall import embedded, migrate
from townhall.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMANDS = (
    "url",
    "psql",
    "status",
    "check",
    "adopt",
    "pull",
    "init",
    "diagram",
    "matrix",
    "serve",
)
INI = "[alembic]\nsqlalchemy.url = postgresql://ini@localhost/ini\n"


def environment(**added: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return kept | added


def townhall(folder: Path, *words: str, **added: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "townhall", *words),
        cwd=folder,
        env=environment(**added),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def refusal(told: subprocess.CompletedProcess[str]) -> str:
    """Return the message of a command that failed, which is one paragraph and no traceback."""
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert told.stdout == ""
    return told.stderr


@contextmanager
def serving(
    folder: Path, *words: str, under: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with heeded(signal.SIGINT, signal.SIGHUP):
        process = subprocess.Popen(
            (*under, sys.executable, "-m", "townhall", "serve", *words),
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def heeded(*signals: signal.Signals) -> Iterator[None]:
    """Give signals their default effect in a block, also where they are ignored."""
    before = {each: signal.signal(each, signal.SIG_DFL) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def execute(url: str, *statements: str) -> None:
    engine = create_engine(migrate.resolve_url(url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def query_by_psql(url: str, statement: str) -> str:
    command = (embedded.bin_directory() / "psql", "--no-psqlrc", "-At", "-c", statement, url)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def without_driver(url: str) -> URL:
    return make_url(url).set(drivername="postgresql")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a working folder whose embedded server stays up."""
    folder = tmp_path_factory.mktemp("working folder")
    with embedded.start(folder / ".townhall"):
        yield folder


@pytest.fixture
def database(home: Path) -> Iterator[str]:
    """Return the URL of an empty database on that server."""
    with embedded.start(home / ".townhall") as server:
        engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("drop database if exists cli with (force)"))
            connection.execute(text("create database cli"))
        engine.dispose()
        yield server.url.replace("/postgres?", "/cli?")


def test_handler_of_a_signal_is_that_of_before_after_a_command() -> None:
    former = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit):
        main(["--help"])
    assert signal.getsignal(signal.SIGTERM) is former


@pytest.mark.thorough
def test_every_command_is_known_to_these_tests(home: Path) -> None:
    usage = townhall(home, "--help").stdout
    assert all(f"    {command} " in usage for command in COMMANDS)
    listed = [line.split()[0] for line in usage.splitlines() if re.match(r" {4}\w+ ", line)]
    assert listed == [*COMMANDS]


@pytest.mark.exhaustive
def test_version_is_printed() -> None:
    told = subprocess.run(
        (sys.executable, "-m", "townhall", "--version"), capture_output=True, text=True, check=True
    )
    assert told.stdout == f"townhall {importlib.metadata.version('townhall')}\n"


@pytest.mark.exhaustive
def test_url_of_the_embedded_server_is_printed(home: Path) -> None:
    told = townhall(home, "url")
    assert told.returncode == 0
    with embedded.start(home / ".townhall") as server:
        assert make_url(told.stdout.strip()) == without_driver(server.url)
        assert query_by_psql(told.stdout.strip(), "show server_version").startswith("18.")
    assert "serve keeps it up" in told.stderr


@pytest.mark.exhaustive
def test_database_is_the_first_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text(INI)
    assert townhall(tmp_path, "url").stdout == "postgresql://ini@localhost/ini\n"
    named = {"DATABASE_URL": "postgres://env:secret@localhost/env"}
    told = townhall(tmp_path, "url", **named)
    assert told.stdout == "postgresql://env:secret@localhost/env\n"
    assert told.stderr == ""
    told = townhall(tmp_path, "url", "--url", "postgresql://option@localhost/option", **named)
    assert told.stdout == "postgresql://option@localhost/option\n"
    assert not (tmp_path / ".townhall").exists()


@pytest.mark.thorough
def test_ini_file_of_alembic_config_is_read(tmp_path: Path) -> None:
    (tmp_path / "other.ini").write_text(INI)
    told = townhall(tmp_path, "url", ALEMBIC_CONFIG="other.ini")
    assert told.stdout == "postgresql://ini@localhost/ini\n"


@pytest.mark.parametrize("named_by", ["option", "variable", "ini"])
@pytest.mark.parametrize("command", ["url", "psql", "status", "check", "adopt", "pull"])
def test_every_command_takes_the_database_the_same_way(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    named_by: str,
) -> None:
    url = "mysql://root:secret@localhost/x"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    if named_by == "variable":
        monkeypatch.setenv("DATABASE_URL", url)
    elif named_by == "ini":
        (tmp_path / "alembic.ini").write_text(f"[alembic]\nsqlalchemy.url = {url}\n")
    assert main([command, *(("--url", url) if named_by == "option" else ())]) == 2
    told = capsys.readouterr().err
    source = {"option": "the given URL", "variable": "DATABASE_URL"}.get(named_by, "alembic.ini")
    assert re.match(rf"townhall: .*{source} is for 'mysql'; ", told)
    assert told.count("\n") == 1
    assert "secret" not in told


@pytest.mark.thorough
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody@/x?host=localhost:1&host=localhost:2",
        "postgresql://localhost/x?nonsense=secret",
    ],
)
def test_failed_connection_is_an_error_of_one_paragraph(tmp_path: Path, url: str) -> None:
    assert refusal(townhall(tmp_path, "status", "--url", url)).startswith(
        "townhall: cannot connect to the database: "
    )


@pytest.mark.thorough
def test_embedded_server_that_can_not_start_is_an_error_of_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / ".townhall").write_text("")
    assert refusal(townhall(tmp_path, "url")).startswith(
        "townhall: PostgreSQL 18 can't be used in "
    )


@pytest.mark.thorough
def test_embedded_server_that_answers_is_not_to_be_started(home: Path, database: str) -> None:
    told = townhall(home, "status", "--url", database.replace("/cli?", "/other?"))
    assert 'database "other" does not exist' in refusal(told)
    assert "starts the server" not in told.stderr


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("nonsense", "townhall: File contains no section headers"),
        (f"{INI}script_location = %(nowhere)s\n", "townhall: alembic.ini: write %% for each %"),
        (
            "[alembic]\nsqlalchemy.url = postgresql://u:secret%40@localhost/x\n",
            "townhall: alembic.ini: write %% for each %",
        ),
    ],
)
def test_ini_file_that_can_not_be_read_is_refused(
    tmp_path: Path, database: str, ini: str, message: str
) -> None:
    (tmp_path / "alembic.ini").write_text(ini)
    told = townhall(tmp_path, "status", *(("--url", database) if "nowhere" in ini else ()))
    assert refusal(told).startswith(message)
    assert "secret" not in told.stderr


@pytest.mark.thorough
def test_ini_file_without_a_folder_of_revisions_is_refused(tmp_path: Path, database: str) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\n")
    told = townhall(tmp_path, "status", "--url", database)
    assert "'script_location'" in refusal(told)


@pytest.mark.exhaustive
def test_error_of_the_database_is_one_paragraph(home: Path, database: str) -> None:
    execute(database, "create table alembic_version (other int)")
    told = townhall(home, "status", "--url", database)
    assert refusal(told).startswith("townhall: PostgreSQL refused a statement: column ")


READ = {
    "url": ("--url", "postgresql://localhost/x"),
    "psql": ("-c", "select 1"),
    "status": (),
    "check": (),
    "adopt": (),
    "init": ("made",),
    "pull": ("pulled",),
    "serve": (),
    "diagram": (),
    "matrix": (),
}
"""The arguments with which each command prints something."""


@pytest.mark.thorough
@pytest.mark.parametrize("command", COMMANDS)
def test_closed_output_ends_each_command_without_a_traceback(home: Path, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    told = subprocess.run(
        (sys.executable, "-m", "townhall", command, *READ[command]),
        cwd=home,
        env=environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert "Traceback" not in told.stderr
    assert "BrokenPipeError" not in told.stderr
    if command != "psql":  # which ends as it likes
        assert told.returncode == 128 + signal.SIGPIPE


@pytest.mark.exhaustive
@pytest.mark.parametrize("words", [(), ("nonsense",), ("url", "--nonsense"), ("status", "more")])
def test_wrong_arguments_are_refused_with_the_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    told = townhall(tmp_path, *words)
    assert told.returncode == 2
    assert told.stderr.startswith("usage: townhall")


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "psql"])
def test_unknown_option_is_refused_with_the_usage_of_the_command(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--unknown"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"usage: townhall {command} ")
    assert told.endswith(f"townhall {command}: error: unrecognized arguments: --unknown\n")


@pytest.mark.exhaustive
def test_arguments_of_psql_are_passed_on(home: Path) -> None:
    told = townhall(home, "psql", "-At", "-c", "select '-- ' || current_user", "--echo-queries")
    assert told.returncode == 0
    assert told.stdout == "select '-- ' || current_user\n-- postgres\n"


@pytest.mark.exhaustive
def test_exit_status_of_psql_is_returned(home: Path) -> None:
    told = townhall(home, "psql", "-v", "ON_ERROR_STOP=1", "-c", "select 1 / 0")
    assert told.returncode == 1
    assert "division by zero" in told.stderr


@pytest.mark.thorough
def test_password_is_not_among_the_arguments_of_psql(database: str) -> None:
    named = make_url(database).set(password="s3cret!")  # noqa: S106 - the test's own
    arguments = r"\! tr '\0' ' ' < /proc/$PPID/cmdline; echo"
    told = subprocess.run(
        (sys.executable, "-m", "townhall", "psql", "-c", arguments, "-c", r"\! echo $PGPASSWORD"),
        env=environment(DATABASE_URL=named.render_as_string(hide_password=False)),
        capture_output=True,
        text=True,
        check=True,
    )
    shown, environment_password = told.stdout.splitlines()
    assert "--dbname=postgresql://postgres@/cli?host=" in shown
    assert "s3cret!" not in shown
    assert environment_password == "s3cret!"  # noqa: S105 - the test's own


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "ending",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGHUP, marks=pytest.mark.exhaustive),
    ],
)
def test_serve_runs_the_server_until_a_signal(tmp_path: Path, ending: signal.Signals) -> None:
    with serving(tmp_path) as (process, url):
        assert query_by_psql(url, "select 1") == "1\n"
        assert make_url(townhall(tmp_path, "url").stdout.strip()) == make_url(url)
        process.send_signal(ending)
        assert process.wait(300) == 0
    with pytest.raises(OperationalError):
        execute(url, "select 1")


@pytest.mark.thorough
def test_serve_that_a_script_started_in_the_background_ends_at_an_interrupt(
    tmp_path: Path,
) -> None:
    script = 'exec 3>&1; "$0" -m townhall serve >&3 & wait'
    with subprocess.Popen(
        ("/bin/sh", "-c", script, sys.executable),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as shell:
        assert shell.stdout is not None
        url = shell.stdout.readline().strip()
        assert query_by_psql(url, "select 1") == "1\n"
        os.killpg(shell.pid, signal.SIGINT)  # as Ctrl-C on its terminal
        assert shell.stdout.read() == ""  # which it keeps open until it ends
    with pytest.raises(OperationalError):
        execute(url, "select 1")


@pytest.mark.exhaustive
def test_serve_ignores_hangups_under_nohup(tmp_path: Path) -> None:
    with serving(tmp_path, under=("nohup",)) as (process, url):
        process.send_signal(signal.SIGHUP)
        execute(url, "select 1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
    with pytest.raises(OperationalError):
        execute(url, "select 1")


@pytest.mark.exhaustive
def test_serve_takes_a_version_and_a_directory(tmp_path: Path) -> None:
    with serving(tmp_path, "--postgresql", "16", "--directory", "else where") as (process, url):
        told = townhall(tmp_path, "psql", "-At", "-c", "show server_version", DATABASE_URL=url)
        assert told.stdout.startswith("16.")
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        folder = tmp_path / "else where" / "postgresql-16"
        assert process.stderr.read() == f"PostgreSQL 16 runs in {folder}; Ctrl-C stops it.\n"


@pytest.mark.thorough
def test_status_of_an_empty_database_has_no_objects(home: Path, database: str) -> None:
    told = townhall(home, "status", "--url", database)
    assert told.returncode == 0
    lines = dict(line.split(maxsplit=1) for line in told.stdout.splitlines())
    assert list(lines) == ["Database", "Server", "Revision", "Objects", "Prompt"]
    assert make_url(lines["Database"]) == without_driver(database)
    assert lines["Server"].startswith("PostgreSQL 18.")
    assert lines["Revision"] == "none; alembic upgrade heads is to be run"
    assert lines["Objects"] == (
        "0 tables, 0 policies, 0 triggers, 0 functions, 0 views, 0 materialized views"
    )
    assert lines["Prompt"].endswith("townhall psql --url …")


@pytest.mark.thorough
def test_status_counts_objects_of_all_schemas_of_the_application(home: Path, database: str) -> None:
    execute(
        database,
        "create schema private",
        "create schema auth",
        "create schema shop",
        "comment on schema auth is 'townhall: created by a revision'",
        "create table auth.users (id int primary key)",
        "create table shop.products (id int primary key)",
        "create table public.people (id int primary key references auth.users)",
        "create table public.parted (id int) partition by range (id)",
        "create policy everyone on public.people using (true)",
        "create function private.stamp() returns trigger language plpgsql as 'begin end'",
        "create trigger stamp before insert on public.people"
        " for each row execute function private.stamp()",
        "create view public.seen as select 1 as one",
        "create materialized view public.stored as select 1 as one",
        "create extension vector schema shop",
    )
    told = townhall(home, "status", "--url", database)
    assert (
        "Objects   4 tables, 1 policy, 1 trigger, 1 function, 1 view, 1 materialized view\n"
    ) in told.stdout


@pytest.mark.exhaustive
def test_status_counts_no_objects_of_the_platform(home: Path, database: str) -> None:
    execute(
        database,
        "create schema auth",
        "comment on schema auth is 'Accounts.'",
        "create table auth.users (id int primary key)",
        "create schema storage",
        "create table storage.objects (id int primary key)",
        "create view public.accounts as select id from auth.users",
    )
    told = townhall(home, "status", "--url", database)
    assert (
        "Objects   0 tables, 0 policies, 0 triggers, 0 functions, 1 view, 0 materialized views\n"
    ) in told.stdout


@pytest.mark.thorough
def test_status_says_whether_the_database_is_at_head(home: Path, database: str) -> None:
    migrate.upgrade(database)
    told = townhall(home, "status", "--url", database)
    assert " (head)\n" in told.stdout
    assert "0 tables" not in told.stdout
    execute(database, "update alembic_version set version_num = 'townhall_0001'")
    told = townhall(home, "status", "--url", database)
    assert "Revision  townhall_0001; alembic upgrade heads is to be run\n" in told.stdout


@pytest.mark.exhaustive
def test_status_of_the_embedded_server_names_its_data_folder(home: Path) -> None:
    told = townhall(home, "status")
    data = home / ".townhall" / "postgresql-18"
    assert f"embedded, data in {data}\n" in told.stdout
    assert told.stdout.endswith("townhall psql\n")


@pytest.mark.exhaustive
def test_status_hides_the_password(home: Path, database: str) -> None:
    named = make_url(database).set(password="s3cret!")  # noqa: S106 - the test's own
    told = townhall(home, "status", DATABASE_URL=named.render_as_string(hide_password=False))
    assert told.returncode == 0
    assert "s3cret!" not in told.stdout + told.stderr


ENVIRONMENT = """
from sqlalchemy import Column, Integer, MetaData, Table
from townhall import migrate

metadata = MetaData()
Table("parcels", metadata, Column("id", Integer, primary_key=True))
migrate.run(product=False, metadata=[metadata])
"""
REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "parcels_1"
down_revision = None


def upgrade():
    op.create_table("parcels", sa.Column("id", sa.Integer, primary_key=True))
"""


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """Return the folder of an application without the product."""
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text(ENVIRONMENT)
    (tmp_path / "migrations" / "versions" / "parcels_1.py").write_text(REVISION)
    return tmp_path


@pytest.mark.exhaustive
def test_status_of_an_application_without_the_product(
    application: Path, home: Path, database: str
) -> None:
    told = townhall(application, "status", DATABASE_URL=database)
    assert "Revision  none; alembic upgrade heads is to be run\n" in told.stdout
    subprocess.run(
        (sys.executable, "-m", "alembic", "upgrade", "heads"),
        cwd=application,
        env=environment(DATABASE_URL=database),
        capture_output=True,
        check=True,
    )
    told = townhall(application, "status", DATABASE_URL=database)
    assert "Revision  parcels_1 (head)\n" in told.stdout
    assert "Objects   1 table, 0 policies, 0 triggers, 0 functions" in told.stdout
    told = townhall(home, "status", DATABASE_URL=database)
    assert "Revision  parcels_1; made by an application" in told.stdout
    assert query_by_psql(database.replace("+psycopg", ""), "select count(*) from parcels") == "0\n"


def test_no_command_prints_the_help_and_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: townhall ")
    assert [name for name in COMMANDS if f"\n    {name} " not in printed.err] == []


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("check", "--distribute", "map.toml"),
        ("adopt",),
        ("adopt", "--apply"),
        ("matrix",),
        ("diagram",),
    ],
    ids=" ".join,
)
def test_application_of_the_folder_is_the_default(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost:1/none")
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = of_the_folder\n")
    (tmp_path / "map.toml").write_text('usage_events = "tenant_id"\n')
    assert main(words) == 2
    assert "of_the_folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check", "--config", "none.ini"), "there is no none.ini: name the alembic.ini with"),
        (("adopt", "--config", "none.ini"), "there is no none.ini: name the alembic.ini with"),
        (("matrix", "--config", "none.ini"), "there is no none.ini: name the alembic.ini with"),
        (("check", "--distribute", "none.toml"), "none.toml can't be read: there is no such file"),
        (("matrix", "--output", "none/a.svg"), "none/a.svg can't be read or written: there is no"),
        (("check", "--distribute", "."), ". can't be read: a file and a folder are confused"),
        (
            ("adopt", "--decisions", "none.toml", "--apply"),
            "none.toml can't be read: there is no such file or folder",
        ),
    ],
)
def test_missing_file_is_told_in_a_sentence(
    words: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost:1/none")
    assert main(words) == 2
    message = capsys.readouterr().err
    assert told in message
    assert "Errno" not in message
