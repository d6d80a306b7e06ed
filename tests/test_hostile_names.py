"""Names of every kind of object that would forge a line or drive the terminal of a command."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.support.alembic import alembic
from townhall.adopt.running import script_of
from townhall.adopt.step import Step
from townhall.migrate.origins import Origins
from townhall.pg import sql
from townhall.printing import is_visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

HOSTILE = "x\nFORGED ok\r\x1b[2J\x9b1A\u202e\u200b\u3164\u2028"
NAME = sql.quote(HOSTILE)
OBJECTS = f"""
create schema {NAME};
create table public.{NAME} ({NAME} int constraint {NAME} check ({NAME} > 0));
create index {sql.quote(HOSTILE + "i")} on public.{NAME} ({NAME});
create table {NAME}.{NAME} (id int primary key);
create view public.{sql.quote(HOSTILE + "v")} as select 1 as {NAME};
create materialized view public.{sql.quote(HOSTILE + "m")} as select 1 as {NAME};
create function public.{NAME}() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger {NAME} before update on public.events
    for each row execute function public.{NAME}();
create policy {NAME} on public.events using (true);
create type public.{sql.quote(HOSTILE + "e")} as enum ({sql.literal(HOSTILE)});
create domain public.{sql.quote(HOSTILE + "d")} as text;
create type public.{sql.quote(HOSTILE + "c")} as ({NAME} int);
create sequence public.{sql.quote(HOSTILE + "s")};
alter table public.profiles add column {NAME} int;
alter table public.events add constraint {NAME} check (true);
create index {sql.quote(HOSTILE + "j")} on public.events (created_at);
comment on table public.events is {sql.literal(HOSTILE)};
"""


@pytest.fixture(scope="module")
def hostile(townhall_databases: Databases, townhall_template: str) -> Iterator[str]:
    """Yield the URL of a database at head with a hostile name for an object of every kind."""
    with townhall_databases.create(townhall_template) as url:
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(sql.statement(OBJECTS))
        yield url


def check_lines(output: str) -> None:
    """Check that nothing in the output of a command comes from a name, but as an escape."""
    lines = output.split("\n")
    assert [line for line in lines if not is_visible(line.replace("\t", " "))] == []
    assert [line for line in lines if line.lstrip().startswith("FORGED")] == []


def townhall(*words: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-m", "townhall", *words), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("command", ["check", "adopt"])
def test_report_shows_hostile_names_as_escapes(
    hostile: str, townhall_server: str, command: str
) -> None:
    output = townhall(command, "--url", hostile, "--scratch", townhall_server)
    check_lines(output)
    assert r"x\nFORGED" in output


@pytest.mark.exhaustive
def test_pull_shows_hostile_names_as_escapes(
    hostile: str, townhall_server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pulled")
    check_lines(townhall("pull", str(folder), "--url", hostile, "--scratch", townhall_server))


@pytest.mark.thorough
@pytest.mark.parametrize("words", [("check",), ("upgrade", "heads"), ("downgrade", "base")])
def test_alembic_shows_hostile_names_as_escapes(hostile: str, words: tuple[str, ...]) -> None:
    done = alembic(*words, url=hostile, check=False)
    check_lines(done.stdout + done.stderr)


def test_title_of_a_step_is_one_comment_of_a_script() -> None:
    steps = [Step(f"drop policy {HOSTILE}", ("select 1",))]
    script = "\n".join(script_of(Origins("private", ()), steps, "5s"))
    assert [line for line in script.splitlines() if line.startswith("FORGED")] == []


def test_status_of_a_database_is_printed_as_before(hostile: str) -> None:
    output = townhall("status", "--url", hostile)
    check_lines(output)
    assert "Objects" in output


def test_name_of_a_role_is_an_escape_in_a_refusal(hostile: str) -> None:
    role = sql.quote(f"{HOSTILE}r")
    engine = create_engine(hostile, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"create role {role}".replace(":", r"\:")))
        connection.execute(sql.statement(f"grant create on schema public to {role}"))
        connection.execute(sql.statement(f"set local role {role}"))
        connection.execute(
            sql.statement(
                "create function public.format(text, varchar) returns text language sql return ''"
            )
        )
    try:
        done = alembic("current", url=hostile, check=False)
        assert r'of the role "x\nFORGED' in done.stdout + done.stderr
        check_lines(done.stdout + done.stderr)
    finally:
        with engine.begin() as connection:
            connection.execute(sql.statement(f"drop owned by {role}"))
            connection.execute(sql.statement(f"drop role {role}"))
