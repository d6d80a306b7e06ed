"""Code of the pulled database has no rights on the server of the scratch database."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from tests.pull.pulled import Application, execute, libpq, objects, url_of
from tests.support.alembic import alembic
from townhall.check.scratch import PREFIX
from townhall.testing.databases import Databases

TABLE = "create table victims (id int)"
PLACES = {
    "index": "create index on victims ((id + attack()))",
    "predicate of an index": "create index on victims (id) where id > attack()",
    "check": "alter table victims add check (id > attack())",
    "exclusion": "alter table victims add exclude using btree ((id + attack()) with =)",
    "key of partitions": """
        create table parts (id int) partition by list ((id + attack()));
        create table first_part partition of parts for values in (1)
    """,
    "index on a generated column": """
        create table sums (id int, n int generated always as (id + attack()) stored);
        create index on sums (n) where n > attack()
    """,
    "index on a materialized view": """
        create materialized view seen as select id, attack() as n from victims with no data;
        create unique index on seen ((n + attack()))
    """,
}
"""What runs a function as it is created."""
OTHERS = """
    create domain attacked as int default attack() check (value > attack());
    create type span as range (subtype = int, subtype_diff = attack_of_range);
    create table others (
        id int default attack(), n attacked default 5, during span default span(1, 2)
    );
    create index on others using gist (during);
    create statistics estimated on (id + attack()), id from others;
    create view viewed as select attack() as n, 5::attacked as m;
    create rule ruled as on insert to others where attack() = 1 do instead nothing;
    alter table others enable row level security;
    create policy allowed on others using (attack() = 1);
    create function triggered() returns trigger language plpgsql
        as 'begin perform public.attack(); return new; end';
    create trigger attacking before insert on others for each row when (attack() = 1)
        execute function triggered()
"""
"""What names the function, and runs it later."""

STEPS = (
    "alter role current_user superuser",
    "create role attacker superuser",
    "create role attacker",
    "set role pg_execute_server_program",
    "reset role; alter role current_user createdb",
    "set session authorization default; alter role current_user bypassrls",
    "copy (select 1) to program 'touch {trace}'",
    "copy (select 1) to '{trace}'",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select lo_export(lo_from_bytea(0, '1'), '{trace}')",
    "select lo_import('postgresql.conf')",
    "create extension plperlu",
    "create event trigger attacking on ddl_command_end execute function public.nothing()",
    "create function public.shell(cstring) returns int language c as 'libc', 'system'",
    "alter system set archive_command = 'true'",
    "select pg_reload_conf()",
    "update pg_catalog.pg_authid set rolsuper = true",
    "select rolpassword from pg_catalog.pg_authid",
    "grant pg_read_all_data to current_user",
)
"""What only a superuser may do."""


def attack(trace: Path) -> str:
    """Return functions that use each right which they have, in a scratch database alone."""
    steps = ", ".join(f"$sql${each.format(trace=trace)}$sql$" for each in STEPS)
    return f"""
        create function nothing() returns event_trigger language plpgsql as 'begin end';
        -- An immutable function may run no command, but another function that may.
        create function attack() returns int language plpgsql immutable
            as 'begin return public.try_each(); end';
        create function try_each() returns int language plpgsql as $body$
        declare
            step text;
            done text = '';
        begin
            if not starts_with(current_database(), '{PREFIX}') then
                return 1;
            end if;
            foreach step in array array[{steps}] loop
                begin
                    execute step;
                    done := done || step || '; ';
                exception when others then
                    null;
                end;
            end loop;
            if done <> '' then
                raise exception 'possible: %', done;
            end if;
            return 1;
        end
        $body$;
        create function attack_of_range(x int, y int) returns float8 language plpgsql immutable
            as 'begin return public.attack(); end'
    """


@pytest.mark.parametrize("place", PLACES)
def test_function_runs_where_it_is_attacked_with(owned_database: str, place: str) -> None:
    raising = "function attack() returns int language plpgsql immutable as $$begin {} end$$"
    execute(owned_database, f"{TABLE}; create {raising.format('return 1;')}")
    body = "raise exception 'it ran';"
    execute(owned_database, f"create or replace {raising.format(body)}")
    with pytest.raises(psycopg.errors.RaiseException, match="it ran"):
        execute(owned_database, PLACES[place])


@pytest.mark.thorough
def test_functions_of_the_pulled_database_have_no_rights_in_the_trial(
    server: Databases, tmp_path: Path
) -> None:
    with TemporaryDirectory() as open_to_all, server.create() as source:
        Path(open_to_all).chmod(0o777)
        execute(source, f"{TABLE}; {attack(Path(open_to_all) / 'trace')}")
        for script in (*PLACES.values(), OTHERS):
            execute(source, script)
        Application(tmp_path, source, url_of(server)).pull()
        assert [*Path(open_to_all).iterdir()] == []
    with psycopg.connect(libpq(url_of(server))) as connection:
        found = connection.execute("select rolname from pg_catalog.pg_roles").fetchall()
    assert [name for (name,) in found if name.startswith((PREFIX, "attacker"))] == []


@pytest.mark.thorough
def test_what_only_a_superuser_may_run_is_written_untried(
    server: Databases, tmp_path: Path
) -> None:
    with server.create() as source, server.create() as rebuilt:
        execute(
            source,
            """
            create table t (id int primary key);
            create function length_of(text) returns int language internal strict as 'textlen';
            create function quiet() returns int language sql leakproof as 'select 1'
            """,
        )
        application = Application(tmp_path, source, url_of(server))
        untried = application.pull().untried
        assert sorted(untried) == ["function public.length_of(text)", "function public.quiet()"]
        application.upgrade(rebuilt)
        assert objects(rebuilt) == objects(source)
        alembic("downgrade", "base", url=rebuilt, directory=tmp_path)
        assert "length_of" not in "".join(objects(rebuilt))
