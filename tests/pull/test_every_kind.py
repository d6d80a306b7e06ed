"""Whatever a database has is rebuilt by the first revision, or told by name as left out."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from tests.pull.pulled import Application, execute, libpq, url_of
from tests.support.supabase import SupabaseDatabase
from townhall.roles import SUPABASE
from townhall.testing.databases import Databases

OBJECTS = """
    create schema s;
    create schema "Odd schema";
    create collation "Odd schema".simple (locale = 'C');
    create function "Odd schema".f() returns int language sql as 'select 1';
    alter function "Odd schema".f() depends on extension plpgsql;
    create table s.t (id int primary key, a text, b text);
    create type s.comp as (x int, y text);
    create type s.word as enum ('a');
    create type s.span as range (subtype = int, multirange_type_name = s.spans);
    create domain s.dom as int constraint positive check (value > 0) not null default 5;
    create table s.typed of s.comp (primary key (x));
    create table s.counted (id int generated always as identity primary key, n serial);
    create table s.parent (id int primary key);
    create table s.child () inherits (s.parent);
    create table s.parted (id int primary key) partition by range (id);
    create table s.part partition of s.parted for values from (1) to (2);
    create view s.v as select id, a from s.t;
    create materialized view s.counts as select count(*) as n from s.t;
    create unique index on s.counts (n);
    create sequence s.seq;
    alter sequence s.counted_n_seq set unlogged;
    create statistics s.both_of on a, b from s.t;
    create policy reading on s.t for select using (true);
    create rule quiet as on delete to s.t do instead nothing;
    create function s.touch() returns trigger language plpgsql as 'begin return new; end';
    create trigger touch before update on s.t for each row execute function s.touch();
    create procedure s.work() language sql as 'select 1';
    create function s.numbered() returns bigint language internal window as 'window_row_number';
    create aggregate s.total(int) (sfunc = int4pl, stype = int, initcond = '0');
    create function s.handler() returns language_handler
        language c as '$libdir/plpgsql', 'plpgsql_call_handler';
    create language speech handler s.handler;
    create transform for int language plpgsql (
        from sql with function prsd_lextype (internal)
    );
    create access method shelves type index handler bthandler;
    create type s.shell;
    create type s.base;
    create function s.base_in(cstring) returns s.base
        language internal immutable strict as 'int4in';
    create function s.base_out(s.base) returns cstring
        language internal immutable strict as 'int4out';
    create type s.base (input = s.base_in, output = s.base_out, like = int4);
    create cast (s.comp as text) with inout;
    create operator s.=== (leftarg = int, rightarg = int, function = int4eq);
    create operator family s.alone using btree;
    create operator class s.backwards for type int using btree as
        operator 1 >, operator 2 >=, operator 3 =, operator 4 <=, operator 5 <,
        function 1 btint4cmp (int, int);
    create collation s.plain (locale = 'C');
    create conversion s.latin for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
    create text search parser s.parsing (
        start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype
    );
    create text search template s.template (lexize = dsimple_lexize);
    create text search dictionary s.dictionary (template = simple);
    create text search configuration s.configuration (copy = simple);
    create foreign data wrapper wrapping;
    create server elsewhere foreign data wrapper wrapping;
    create user mapping for public server elsewhere;
    create foreign table s.remote (id int) server elsewhere;
    create publication mine for table s.t;
    create function s.watch() returns event_trigger language plpgsql as 'begin end';
    create event trigger watch on ddl_command_end execute function s.watch();
    alter default privileges for role service_role in schema s grant select on tables to anon;
    select lo_create(4242)
"""
PROPERTIES = """
    alter database {database} set work_mem = '5MB';
    alter role anon in database {database} set statement_timeout = '3s';
    comment on database {database} is 'Ours.';
    alter function s.touch() depends on extension plpgsql;
    revoke usage on language plpgsql from public
"""
PROPERTIES_IN_WORDS = {
    "comment on the database",
    'dependency on an extension: 2: function "Odd schema".f() on plpgsql, function s.touch() on',
    "privileges on a language: 1: plpgsql",
    "setting of a role in the database: 1: statement_timeout of anon",
    "setting of the database: 1: work_mem",
    "type of a table: 1: s.typed of s.comp",
    "unlogged sequence: 1: s.counted_n_seq",
}
BY_KIND = {
    "cast": "(s.comp as text)",
    "default acl": "default privileges s.tables service_role",
    "large object": "large objects of the database",
    "server": "foreign server: 1: elsewhere",
    "user mapping": "user mapping: 1: for public on server elsewhere",
}
"""What is told of objects that PostgreSQL identifies in another way."""


def identified(url: str) -> set[tuple[str, str]]:
    """Return type and identity of everything that was created in a database."""
    catalogs = """
        select c.relname
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attname = 'oid'
        where c.relnamespace = 'pg_catalog'::regnamespace
            and c.relkind = 'r'
            and not c.relisshared
            and c.relname <> 'pg_enum'
    """
    created = SQL(
        """
        select i.type, i.identity
        from {} as o
        cross join lateral pg_identify_object({}::regclass, o.oid, 0) as i
        where o.oid >= 16384
            and i.schema is distinct from 'pg_toast'
            and i.identity !~ 'RI_ConstraintTrigger|alembic_version|pg_toast'
        """
    )
    with psycopg.connect(libpq(url)) as connection:
        names = [str(name) for (name,) in connection.execute(catalogs).fetchall()]
        found: set[tuple[str, str]] = set()
        for name in names:
            query = created.format(Identifier(name), Literal(name))
            found |= {(kind, identity) for kind, identity in connection.execute(query)}
    return found


@pytest.mark.thorough
def test_every_kind_of_object_is_rebuilt_or_told_as_left_out(
    server: Databases, tmp_path: Path
) -> None:
    server.create_owner(SUPABASE)
    with server.create() as source, server.create() as rebuilt:
        execute(source, OBJECTS)
        with psycopg.connect(libpq(source)) as connection:
            database = Identifier(connection.info.dbname).as_string(connection)
        execute(source, PROPERTIES.format(database=database))
        application = Application(tmp_path, source, url_of(server))
        pulled = application.pull()
        application.upgrade(rebuilt)
        missing = identified(source) - identified(rebuilt)
    told = "\n".join(map(str, [*pulled.left_out, *pulled.not_compared]))
    names = [name for each in pulled.left_out for name in each.names]
    assert all(each in told for each in PROPERTIES_IN_WORDS)
    silent = {
        (kind, identity)
        for kind, identity in missing
        if not (BY_KIND[kind] in told if kind in BY_KIND else any(n in identity for n in names))
    }
    assert missing
    assert silent == set()


@pytest.mark.thorough
def test_own_object_in_a_schema_of_the_platform_is_told(
    supabase: SupabaseDatabase, server: Databases, tmp_path: Path
) -> None:
    execute(supabase.postgres, "create function extensions.mine() returns int return 1")
    pulled = Application(tmp_path, supabase.postgres, url_of(server)).pull()
    assert list(map(str, pulled.left_out)) == [
        "object in a schema of the platform: 1: function extensions.mine()"
    ]


@pytest.mark.thorough
def test_object_of_the_owner_of_the_tables_in_a_schema_of_the_platform_is_told_to_others(
    supabase: SupabaseDatabase, server: Databases, tmp_path: Path
) -> None:
    execute(
        supabase.postgres,
        """
        create table public.notes (id int primary key);
        create materialized view extensions.counted as select count(*) from public.notes
        """,
    )
    pulled = Application(tmp_path, supabase.superuser, url_of(server)).pull()
    assert list(map(str, pulled.left_out)) == [
        "object in a schema of the platform: 1: materialized view extensions.counted"
    ]
