"""A small database with row level security."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, create_engine

# Loaded before pytester runs anything: it forgets the modules that a run of its own has imported,
# but not what they have registered with Alembic, which refuses to register it again.
import townhall.migrate  # noqa: F401
from tests.support.supabase import create_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

_SCHEMA = """
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    author uuid not null,
    body text not null,
    stars int not null default 0
);
alter table public.notes enable row level security;
grant all on public.notes to service_role;
grant select, insert, delete, update (author, body) on public.notes to authenticated;
create policy own on public.notes to authenticated
    using (author::text = nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub');

create table public.letters (body text not null unique);
alter table public.letters enable row level security;
grant insert on public.letters to anon;
create policy not_spam on public.letters for insert to anon with check (body <> 'spam');

create function public.secret() returns int language sql as 'select 1';
revoke all on function public.secret() from public;

create function public.refuse() returns void language plpgsql as $$
begin
    raise insufficient_privilege using message = 'new row violates row-level security policy';
end
$$;
"""


@pytest.fixture(scope="module")
def notebook(townhall_databases: Databases) -> Iterator[str]:
    create_roles(townhall_databases)
    with townhall_databases.create() as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(_SCHEMA)
        engine.dispose()
        yield url


@pytest.fixture
def connection(notebook: str) -> Iterator[Connection]:
    engine = create_engine(notebook)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
