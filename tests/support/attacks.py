"""Functions that use every right which they have, and what runs them as it is created."""

from __future__ import annotations

from pathlib import Path

from townhall.check.scratch import PREFIX

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
    "create event trigger attacking on ddl_command_end execute function {schema}.nothing()",
    "create function public.shell(cstring) returns int language c as 'libc', 'system'",
    "alter system set archive_command = 'true'",
    "select pg_reload_conf()",
    "update pg_catalog.pg_authid set rolsuper = true",
    "select rolpassword from pg_catalog.pg_authid",
    "grant pg_read_all_data to current_user",
)
"""What only a superuser may do."""


def attack(trace: Path, schema: str = "public") -> str:
    """Return functions that use each right which they have, in a scratch database alone.

    Args:
        trace: A file that some of them write.
        schema: The schema in which they are created.
    """
    steps = ", ".join(f"$sql${each.format(trace=trace, schema=schema)}$sql$" for each in STEPS)
    return f"""
        create function {schema}.nothing() returns event_trigger language plpgsql as 'begin end';
        -- An immutable function may run no command, but another function that may.
        create function {schema}.attack() returns int language plpgsql immutable
            as 'begin return {schema}.try_each(); end';
        create function {schema}.try_each() returns int language plpgsql as $body$
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
        create function {schema}.attack_of_range(x int, y int) returns float8
            language plpgsql immutable
            as 'begin return {schema}.attack(); end'
    """
