"""A pull takes a time that grows with the schema no faster than what PostgreSQL itself needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.pull.pulled import Application, execute, restore, url_of
from townhall.testing.databases import Databases

_TIMES_OF_RESTORE = 6
"""A pull reads the schema, creates it in a scratch database, and drops it there again."""


def schema_of(tables: int) -> str:
    """Return tables with what those of real databases have: keys, policies, triggers, functions."""
    shared = """
        create type status as enum ('draft', 'published', 'archived');
        create function touch() returns trigger language plpgsql
            as $$begin new.updated_at := now(); return new; end$$;
    """
    return shared + "".join(map(_table, range(tables)))


def _table(number: int) -> str:
    parent = "" if number == 0 else f"references t{number * 7 % number}"
    return f"""
        create table t{number} (
            id uuid primary key default gen_random_uuid(), parent_id uuid {parent},
            name text not null check (length(name) < 200), slug text unique, owner text,
            price numeric(10, 2), data jsonb not null default '{{}}', status status default 'draft',
            created_at timestamptz not null default now(), updated_at timestamptz
        );
        create index on t{number} (parent_id);
        create index on t{number} (created_at desc);
        alter table t{number} enable row level security;
        create policy reading on t{number} for select using (owner = current_user);
        create policy writing on t{number} for update using (owner = current_user);
        create function f{number}(x uuid) returns boolean language sql stable security definer
            set search_path = '' as 'select exists (select from public.t{number} where id = x)';
        create trigger touch before update on t{number}
            for each row execute function touch();
        comment on table t{number} is 'A table.';
        create view v{number} as select id, name from t{number};
    """


@pytest.mark.thorough
def test_pull_of_more_tables_takes_no_more_statements(server: Databases, tmp_path: Path) -> None:
    assert statements_of_pull(server, tmp_path / "few", 3) == statements_of_pull(
        server, tmp_path / "many", 12
    )


def statements_of_pull(server: Databases, folder: Path, tables: int) -> int:
    """Return how many statements a pull of some tables executes."""
    statements: list[str] = []

    def count(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    with server.create() as source:
        execute(source, schema_of(tables))
        event.listen(Engine, "before_cursor_execute", count)
        try:
            Application(folder, source, url_of(server)).pull()
        finally:
            event.remove(Engine, "before_cursor_execute", count)
    return len(statements)


@pytest.mark.exhaustive
def test_pull_of_300_tables_takes_a_few_times_as_long_as_their_restoration(
    server: Databases, tmp_path: Path
) -> None:
    with server.create() as source, server.create() as restored:
        execute(source, schema_of(300))
        floor = seconds(lambda: restore(source, restored))
        application = Application(tmp_path, source, url_of(server))
        assert seconds(application.pull) < _TIMES_OF_RESTORE * floor


def seconds(run: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
