"""The scratch database, in which the revisions run to show what they make."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, cast
from uuid import uuid4

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError

from townhall import embedded
from townhall.check.errors import CheckError
from townhall.check.templates import Filling, create_filled
from townhall.embedded import EmbeddedServerError
from townhall.embedded.programs import VERSIONS
from townhall.engines import autocommit, engine_of, execute
from townhall.migrate.urls import psycopg_url
from townhall.pg import sql
from townhall.pg.catalog import server_version

PREFIX = "townhall_check_"
"""What the name of every scratch database begins with."""


@contextmanager
def scratch_database(
    version: int, named: str | None, filling: Filling | None = None
) -> Iterator[URL]:
    """Create a database on a server of the given version, and drop it at the end.

    Args:
        version: The major version of PostgreSQL: another one renders the same schema differently.
        named: The URL of a database on the server to use, as a role that may create databases; None
            for the embedded server.
        filling: What it holds, which the embedded server keeps for the next one; None for nothing.

    Raises:
        CheckError: The named server has another version, or the embedded server does not have this
            one.
    """
    with _server(version, named) as server:
        with autocommit(server) as connection:
            if (other := server_version(connection)) != version:
                raise CheckError(
                    f"the database runs on PostgreSQL {version}, the server that --scratch names on"
                    f" {other}: name a server of the same major version"
                )
        name = f"{PREFIX}{uuid4().hex[:16]}"
        with _in_use(server, name):
            _drop_abandoned(server)
            try:
                database = server.set(database=name)
                if filling is not None and named is None:
                    create_filled(filling, server, database)
                else:
                    execute(server, f"create database {sql.quote(name)} template template0")
                    if filling is not None:
                        filling.make(database)
                yield database
            finally:
                execute(server, f"drop database if exists {sql.quote(name)} with (force)")


@contextmanager
def _in_use(server: URL, name: str) -> Iterator[None]:
    """Keep a session that has the name of a scratch database as its application, for a block.

    It ends with the process, however that ends.
    """
    engine = engine_of(
        server, isolation_level="AUTOCOMMIT", connect_args={"application_name": name}
    )
    with engine.connect():
        yield


def _drop_abandoned(server: URL) -> None:
    """Drop the scratch databases and roles of processes that were killed.

    Another process may do so at the same time; what it takes is left to it.
    """
    with autocommit(server) as connection:
        for statement in connection.scalars(text(_DROP_ABANDONED), {"prefix": PREFIX}).all():
            with suppress(DBAPIError):
                connection.execute(text(statement))


@contextmanager
def ordinary_owner(database: URL) -> Iterator[URL]:
    """Give a scratch database to a new role that may do nothing else on the server, and drop both.

    What others have made in the checked database is made again in the scratch database, and a
    superuser's rights would be theirs there: PostgreSQL evaluates some of it, such as the query of
    a materialized view. A session of a superuser can't give its rights up for good.

    Args:
        database: The scratch database; all that is in it is dropped at the end.

    Yields:
        Its URL as that role; as the role of the server, where that is an ordinary one itself.
    """
    name = str(database.database)
    with autocommit(database) as connection:
        is_superuser = connection.scalar(text("select current_setting('is_superuser')")) == "on"
    if not is_superuser:
        yield database
        return
    password = secrets.token_urlsafe()
    execute(database, f"create role {name} login password '{password}'")
    try:
        execute(database, f"alter database {sql.quote(str(database.database))} owner to {name}")
        execute(database, _GIVE.format(role=name))
        yield database.set(username=name, password=password)
    finally:
        execute(database, f"drop owned by {name} cascade")
        execute(database, f"alter database {database.database} owner to current_user")
        execute(database, f"drop role {name}")


@contextmanager
def _server(version: int, named: str | None) -> Iterator[URL]:
    if named is not None:
        yield psycopg_url(named, "--scratch")
        return
    if version not in VERSIONS:
        raise CheckError(
            "What the revisions make is compared on a server of the same major version, and the"
            f" embedded server has no PostgreSQL {version}: name one with --scratch, as a role that"
            " may create databases there."
        )
    try:
        server = embedded.start(version=cast("Literal[16, 18]", version))
    except EmbeddedServerError as error:
        raise CheckError(
            f"{error} Or name a server of PostgreSQL {version} with --scratch, as a role that may"
            " create databases there."
        ) from None
    with server:
        yield make_url(server.url)


_DROP_ABANDONED = """
    with used as (
        select distinct a.application_name as name
        from pg_catalog.pg_stat_activity as a
        where starts_with(a.application_name, :prefix)
    )
    select 'drop database if exists ' || quote_ident(d.datname)
    from pg_catalog.pg_database as d
    where starts_with(d.datname, :prefix)
        and pg_catalog.pg_has_role(d.datdba, 'usage')
        and not exists (select from used as u where starts_with(d.datname, u.name))
    union all
    select 'drop role if exists ' || quote_ident(r.rolname)
    from pg_catalog.pg_roles as r
    where starts_with(r.rolname, :prefix)
        and not exists (select from used as u where u.name = r.rolname)
"""
"""The databases come first, since their roles own what is in them.

A session in one of them, as of a process on another machine that lost its first one, keeps it.
"""

_GIVE = """
do $$
declare
    target text;
begin
    for target in
        with spaces as (
            select n.oid
            from pg_catalog.pg_namespace as n
            where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        ),
        targets as (
            select 1 as place, 'schema ' || n.oid::regnamespace as target
            from spaces as n
            union all
            select
                2,
                case c.relkind
                    when 'v' then 'view ' when 'm' then 'materialized view '
                    when 'f' then 'foreign table ' when 'S' then 'sequence ' else 'table '
                end || c.oid::regclass
            from pg_catalog.pg_class as c
            join spaces as n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
                and not exists (
                    select
                    from pg_catalog.pg_depend as d
                    where d.classid = 'pg_catalog.pg_class'::regclass
                        and d.objid = c.oid
                        and d.deptype in ('a', 'e', 'i')
                        and (c.relkind = 'S' or d.deptype = 'e')
                )
            union all
            select 3, 'routine ' || p.oid::regprocedure
            from pg_catalog.pg_proc as p
            join spaces as n on n.oid = p.pronamespace
            where not exists (
                select
                from pg_catalog.pg_depend as d
                where d.classid = 'pg_catalog.pg_proc'::regclass
                    and d.objid = p.oid
                    and d.deptype in ('e', 'i')
            )
            union all
            select 4, 'type ' || t.oid::regtype
            from pg_catalog.pg_type as t
            join spaces as n on n.oid = t.typnamespace
            left join pg_catalog.pg_class as c on c.oid = t.typrelid
            where (t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
                and not exists (
                    select
                    from pg_catalog.pg_depend as d
                    where d.classid = 'pg_catalog.pg_type'::regclass
                        and d.objid = t.oid
                        and d.deptype = 'e'
                )
            union all
            select 5, 'publication ' || quote_ident(p.pubname)
            from pg_catalog.pg_publication as p
        )
        select t.target from targets as t order by t.place, t.target
    loop
        execute 'alter ' || target || ' owner to {role}';
    end loop;
end
$$
"""
