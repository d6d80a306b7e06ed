"""A small database with row level security, and login roles that may or may not act."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection


class Base(DeclarativeBase):
    pass


class Note(Base):
    """A row that only its owner and the service see."""

    __tablename__ = "notes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[UUID]
    body: Mapped[str] = mapped_column(default="")


_CREATE_API_ROLES = """
do $$
declare
  missing text;
  privileged boolean := (select rolsuper from pg_roles where rolname = current_user);
begin
  foreach missing in array array['anon', 'authenticated', 'service_role'] loop
    begin
      execute format('create role %I', missing);
      if privileged and missing = 'service_role' then
        alter role service_role bypassrls;  -- as later tests on this server expect
      end if;
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;
  if not privileged then
    execute format('grant anon, authenticated, service_role to %I', current_user);
  end if;
end
$$
"""
_CREATE_NOTES = """
create table notes (id uuid primary key, owner uuid not null, body text not null);
alter table notes enable row level security;
create policy own_notes on notes to authenticated
  using (owner = (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid);
create policy all_notes on notes to service_role using (true);
insert into notes (id, owner, body) values (gen_random_uuid(), gen_random_uuid(), 'other');
grant select on notes to anon;
grant select, insert, update, delete on notes to authenticated, service_role;
"""


@dataclass(frozen=True)
class Logins:
    """URLs of one database, for each kind of login role."""

    owner: URL
    """Owns the tables, so that row level security does not hold for it."""
    member: URL
    """A member of the API roles that owns nothing, which is how an application should log in."""
    stranger: URL
    """A member of nothing."""


@contextmanager
def notes_database(owner: str) -> Iterator[Logins]:
    """Make the table, the API roles and the login roles; the latter are dropped at the end."""
    url = make_url(owner)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(_CREATE_API_ROLES))
        connection.execute(text(_CREATE_NOTES))
        logins = Logins(url, _login(connection, url), _login(connection, url))
        connection.execute(
            text(f'grant anon, authenticated, service_role to "{logins.member.username}"')
        )
        yield logins
        for login in (logins.member, logins.stranger):
            connection.execute(text(f'drop role "{login.username}"'))
    engine.dispose()


def _login(connection: Connection, url: URL) -> URL:
    name, password = f"townhall_{uuid4().hex[:12]}", secrets.token_hex()
    connection.execute(text(f"create role \"{name}\" login password '{password}'"))
    return url.set(username=name, password=password)
