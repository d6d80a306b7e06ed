"""Tables of declared names as another product would have them, with what it put on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import NullPool, create_engine, text

from townhall import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Table

TABLES = tuple(table for table in metadata.sorted_tables if table.schema is None)

ROLES = tuple(
    f"""
    do $$
    begin
        create role {role} nologin;
    exception
        when duplicate_object or unique_violation then null;
    end
    $$
    """
    for role in ("anon", "authenticated", "service_role")
)

PLATFORM = (
    "create schema auth",
    "create table auth.users (id uuid primary key, email text)",
    "create function auth.uid() returns uuid language sql stable as 'select null::uuid'",
)

FUNCTIONS = (
    "create function public.touch() returns trigger language plpgsql as 'begin return new; end'",
    """
    create function public.update_wizard_session_timestamp()
    returns trigger
    language plpgsql
    as 'begin return new; end'
    """,
    "comment on function public.update_wizard_session_timestamp() is 'Theirs.'",
    "revoke all on function public.update_wizard_session_timestamp() from public",
    "grant execute on function public.update_wizard_session_timestamp() to anon",
)


def run(url: str, *statements: str) -> None:
    """Run statements in one transaction."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def create_tables(url: str, tables: Iterable[Table] = TABLES) -> None:
    """Create tables as they are declared, without Alembic, and the accounts they refer to."""
    run(url, *PLATFORM)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        metadata.create_all(connection, tables=list(tables))


def create_foreign_tables(url: str, tables: Iterable[Table] = TABLES) -> None:
    """Create tables that have what is declared, and as much of another product's on each."""
    tables = list(tables)
    create_tables(url, tables)
    run(url, *ROLES, *FUNCTIONS, *(statement for table in tables for statement in _on(table)))


def _on(table: Table) -> Iterator[str]:
    name = table.name
    yield f"alter table {name} rename constraint {table.primary_key.name} to {name}_pkey"
    yield f"alter table {name} add column theirs text not null default 'x'"
    yield f"alter table {name} add constraint {name}_theirs check (theirs <> 'z')"
    yield f"create index {name}_theirs_idx on {name} (theirs)"
    yield f'create policy "viewable by everyone" on {name} for select using (true)'
    yield f"""
        create policy "the service can do everything" on {name}
        as restrictive for update to anon using (theirs <> 'y') with check (true)
    """
    yield f"""
        create trigger update_{name}_updated_at after insert on {name}
        for each statement execute function public.touch()
    """
    yield f"""
        create trigger {name}_touch before update on {name}
        for each row when (old.theirs is distinct from new.theirs)
        execute function public.touch()
    """
    yield f"alter table {name} disable trigger {name}_touch"
    yield f"comment on table {name} is 'Theirs.'"
    yield f"comment on column {name}.theirs is 'Theirs.'"
    yield f"comment on constraint {name}_theirs on {name} is 'Theirs.'"
    yield f"comment on index {name}_theirs_idx is 'Theirs.'"
    yield f"comment on policy \"viewable by everyone\" on {name} is 'Theirs.'"
    yield f"comment on trigger {name}_touch on {name} is 'Theirs.'"
    yield f"grant select on {name} to anon"
    yield f"grant insert, update, truncate on {name} to authenticated with grant option"
    yield f"grant update (theirs) on {name} to anon"
    yield f"alter table {name} replica identity full"
    yield f"alter table {name} set (fillfactor = 70)"
    yield f"alter table {name} force row level security"
