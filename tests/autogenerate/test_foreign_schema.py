"""A schema that was made without townhall is dropped whole, and comes back by the downgrade.

The small inputs are what public projects were found to have.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Engine, NullPool

from tests.autogenerate.lab import SCHEMA, Lab, Schema, code
from tests.autogenerate.round_trip import round_trip, sorted_columns
from tests.support.applications import SmallApplication
from tests.support.dump import dump
from townhall import pg
from townhall.migrate.compare.view_cycles import reading_themselves
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.trial.differences import everything
from townhall.testing.databases import Databases

SCRIPT = (Path(__file__).parent / "foreign_schema.sql").read_text()
READER = "townhall_foreign_reader"


def run(engine: Engine, script: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(script, execution_options={"no_parameters": True})


@pytest.mark.exhaustive
def test_everything_comes_back_by_the_downgrade(
    server: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    superuser = sa.create_engine(server.server, poolclass=NullPool)
    run(superuser, f"drop role if exists {READER}; create role {READER}")
    with server.create() as url, server.create() as restored:
        run(sa.create_engine(url, poolclass=NullPool), SCRIPT)
        # PostgreSQL's rendering of some expressions is another one after it was restored.
        run(
            sa.create_engine(restored, poolclass=NullPool),
            f"set check_function_bodies = off; {dump(url)}",
        )
        before = dump(restored)
        application = SmallApplication(
            tmp_path, restored, url, options="schemas=['internal', 'Shop Floor']"
        )
        application.declare("")
        application.revise("drop")
        assert "CREATE TABLE public.accounts" not in dump(restored)
        command.downgrade(application.config, "base")
        run(sa.create_engine(restored, poolclass=NullPool), "drop table public.alembic_version")
        after = dump(restored)
    run(superuser, f"drop role {READER}")
    assert sorted_columns(after) == sorted_columns(before)
    assert "would not bring back" not in caplog.text


SMALL = {
    "default of a sequence in another schema than the table": """
        create schema shop;
        create sequence numbers;
        create table shop.orders (id serial, number integer default nextval('numbers'))
    """,
    "privilege on a type that every role has as well": """
        create type mood as enum ('a', 'b');
        grant usage on type mood to authenticated
    """,
    "function with arguments of an enum that a column has": """
        create type mood as enum ('a', 'b');
        create type size as enum ('s', 'm');
        create table things (mood mood not null default 'a', size size);
        create function of_mood(a integer, b mood) returns integer language plpgsql as $$
        declare c public.size; begin return 1; end $$;
        create function of_both(b mood = 'b', c size = null) returns mood language sql as $$
        select 'a'::public.mood $$
    """,
    "two unique constraints of the same columns": """
        create table pairs (a integer primary key, b integer);
        alter table pairs add constraint one unique (a, b), add constraint other unique (a, b);
        alter table pairs add constraint like_the_key unique (a)
    """,
    "comment on a foreign key of a cycle": """
        create table a (id integer primary key);
        create table b (id integer primary key, a integer references a);
        alter table a add constraint back foreign key (id) references b;
        comment on constraint back on a is 'Back'
    """,
    "all privileges on a table and one on a column": """
        create table things (id integer, name text);
        grant all on things to authenticated;
        grant select (name), update (name) on things to authenticated
    """,
    "policies without a condition": """
        create table things (id integer);
        create policy "nothing is read" on things for select;
        create policy "nothing is added" on things for insert;
        create policy "nothing is changed" on things for all with check (id > 0);
        create policy "nothing is hidden" on things as restrictive
    """,
    "options in another spelling and order": """
        create view things with (security_invoker = on, security_barrier = '0') as select 1;
        create view barred with (security_barrier, check_option = local, security_invoker)
        as select * from pg_catalog.pg_class;
        create materialized view counted with (parallel_workers = 2, fillfactor = 70)
        as select 1 as n;
        create table many (n integer);
        alter table many alter n set (n_distinct_inherited = 5, n_distinct = 4)
    """,
    "policy and trigger of a partition": """
        create function refuse() returns trigger language plpgsql as 'begin return null; end';
        create table events (id integer) partition by list (id);
        create table events_1 partition of events for values in (1);
        alter table events_1 enable row level security;
        create policy own on events_1 for select using (id <> 7);
        create trigger own before truncate on events_1 for each statement
        execute function refuse();
        create trigger every before insert on events for each row execute function refuse()
    """,
    "indexes and keys that not every partition has": """
        create table p (id integer not null, k text) partition by list (id);
        create table p1 partition of p for values in (1);
        create table "P 2" partition of p for values in (2) partition by list (id);
        create table p21 partition of "P 2" for values in (2);
        create index half on only p (k);
        create index half_1 on p1 (k);
        alter index half attach partition half_1;
        create index nowhere on only p (k, id);
        create index "W" on only "P 2" (id, k);
        create index whole on p (id, k);
        alter table only p add constraint half_key primary key (id);
        alter table p1 add constraint key_1 primary key (id);
        alter index half_key attach partition key_1;
        comment on index half is 'Half'
    """,
    "table of a type": """
        create type measurement as (at timestamptz, value double precision);
        create table measurements of measurement (value default 0, primary key (at));
        create table values_of_days of measurement (at not null) partition by range (at)
    """,
    "trigger that fires otherwise on partitions": """
        create function refuse() returns trigger language plpgsql as 'begin return null; end';
        create table events (id integer) partition by list (id);
        create table "events 1" partition of events for values in (1) partition by list (id);
        create table events_11 partition of "events 1" for values in (1);
        create trigger every before insert on events for each row execute function refuse();
        create trigger never before delete on events for each row execute function refuse();
        alter table only "events 1" enable replica trigger every;
        alter table events_11 disable trigger every;
        alter table events disable trigger never;
        alter table events_11 enable trigger never
    """,
    "enum that is a default and in a policy of the platform": """
        create schema storage;
        create table storage.objects (id integer);
        create type mood as enum ('a', 'b');
        create table people (id integer primary key, mood mood default 'a' not null);
        create policy moody on storage.objects for select
        using (exists (select from people where mood = 'a'))
    """,
    "trigger of columns in another order than the table's": """
        create table things (a integer, b integer, c integer);
        create function touch() returns trigger language plpgsql as 'begin return new; end';
        create trigger touched before update of c, a, b on things
        for each row execute function touch()
    """,
    "unlogged tables and sequences": """
        create unlogged table fast (id serial primary key, n integer generated always as identity);
        alter sequence fast_n_seq set logged;
        create table slow (id serial primary key, n integer generated always as identity);
        alter sequence slow_id_seq set unlogged;
        alter sequence slow_n_seq set unlogged;
        create unlogged sequence numbers
    """,
    "materialized view without rows, which can't be computed": """
        create materialized view failing as select 1 / 0 as n with no data;
        create unique index on failing (n)
    """,
    "defaults and not null of inherited columns": """
        create table notes (id integer not null, a text default 'a', b text default 'b', c integer);
        create table special (d integer) inherits (notes);
        alter table special
            alter column a set default 'other', alter column b drop default,
            alter column c set not null
    """,
    "rules on tables that refer to each other": """
        create table base (id integer primary key, kind integer);
        create table one (primary key (id)) inherits (base);
        create table two (id integer references base, n text);
        create rule to_one as on insert to base where new.kind = 1
        do instead insert into one values (new.id, new.kind);
        create rule logged as on delete to base do also insert into two values (old.id, 'gone');
        comment on rule logged on base is 'Logged';
        alter table base disable rule logged;
        create rule nothing as on update to two do instead nothing
    """,
    "comments on the indexes of constraints": """
        create table things (id integer primary key, n integer constraint one unique, p point);
        alter table things add constraint apart exclude using gist (p with ~=);
        comment on index things_pkey is 'Key'; comment on index one is 'One';
        comment on index apart is 'Apart'; comment on constraint apart on things is 'Not equal'
    """,
    "indexes and checks that call functions of the row": """
        create schema shop;
        create table shop.things (id integer primary key, name text);
        create function label(shop.things) returns text language sql immutable
        as $$ select $1.name || $1.id $$;
        create function longer(t shop.things) returns text language plpgsql immutable
        as $$ begin return public.label(t) || '!'; end $$;
        create index labelled on shop.things (label(things.*), id);
        create unique index once on shop.things (longer(things.*)) where label(things.*) <> '';
        comment on index shop.once is 'Once';
        alter table shop.things add constraint named check (label(things.*) <> '') not valid;
        alter table shop.things add constraint long check (longer(things.*) <> 'x');
        alter table shop.things cluster on labelled;
        create table others (thing shop.things, check (label(thing) <> ''))
    """,
    "foreign keys from and to partitions": """
        create table runs (id integer primary key, latest integer);
        create table metrics (id integer not null, run integer not null) partition by list (id);
        create table metrics_1 partition of metrics (
            primary key (id), constraint same foreign key (run) references runs
        ) for values in (1);
        create table metrics_2 partition of metrics (
            primary key (id), constraint same foreign key (run) references metrics_1
        ) for values in (2);
        alter table runs add foreign key (latest) references metrics_2;
        create table others (id integer primary key) partition by list (id);
        create table others_1 partition of others for values in (1);
        alter table metrics_1 add constraint other foreign key (id) references others_1;
        alter table others_1 add constraint other foreign key (id) references metrics_1;
        comment on constraint other on others_1 is 'Other'
    """,
    "primary keys of tables whose parents say that the column is not null, or do not": """
        create table required (id integer not null);
        create table keyed () inherits (required);
        alter table keyed add primary key (id);
        create table keyed_from_the_start (primary key (id)) inherits (required);
        create table keyed_by_an_index () inherits (required);
        create unique index number on keyed_by_an_index (id);
        alter table keyed_by_an_index add primary key using index number;
        create table optional (id integer);
        create table keyed_before_its_parent () inherits (optional);
        alter table keyed_before_its_parent add primary key (id);
        alter table optional add primary key (id);
    """,
    "enum of a function that a policy of the platform calls": """
        create schema storage;
        create table storage.objects (id integer);
        create type mood as enum ('a', 'b');
        create function is_in(mood) returns boolean language sql as 'select true';
        create policy moody on storage.objects for select using (is_in('a'))
    """,
}


@pytest.mark.thorough
@pytest.mark.parametrize(
    "script",
    [
        """
        create function things() returns integer language sql as 'select 1';
        alter function things() owner to authenticated;
        revoke execute on function things() from public;
        grant execute on function things() to anon, service_role
        """,
        """
        create table parts (id integer, at timestamptz, name varchar(5), size double precision);
        create view things as
        select * from (select * from parts union all select 1, null, null, null) as q
        """,
    ],
    ids=["function of another role", "view of a union whose columns get names by their casts"],
)
def test_what_comes_back_alike_stops_no_revision(
    script: str, databases: Databases, tmp_path: Path
) -> None:
    with databases.create() as url:
        run(sa.create_engine(url, poolclass=NullPool), script)
        application = SmallApplication(tmp_path, url, url)
        application.declare("")
        application.revise("drop")
        command.downgrade(application.config, "base")
        assert "public.things" in dump(url)


@pytest.mark.thorough
def test_constraints_that_rows_break_come_back_not_valid(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.create() as url:
        engine = sa.create_engine(url, poolclass=NullPool)
        run(
            engine,
            """
            create table things (id integer primary key, n integer);
            insert into things values (1, -1);
            alter table things add constraint positive check (n > 0) not valid;
            alter table things add constraint other foreign key (n) references things not valid
            """,
        )
        before = dump(url)
        application = SmallApplication(tmp_path, url, url)
        application.declare(
            'Table("things", metadata, Column("id", Integer, primary_key=True), '
            'Column("n", Integer))'
        )
        application.revise("drop")
        command.downgrade(application.config, "base")
        run(engine, "drop table public.alembic_version")
        assert dump(url) == before


@pytest.mark.thorough
@pytest.mark.parametrize("script", SMALL.values(), ids=SMALL.keys())
def test_object_comes_back_by_the_downgrade(script: str, databases: Databases) -> None:
    round_trip(databases, script, schemas=["shop"])


CIRCULAR = """
    set local search_path = lab;
    create table t (x integer, n text collate "C");
    create view first as
    select x, n, n || 'x' collate "C" as "Odd", null::integer[] as many, '1'::varchar(3) as part
    from t;
    create view second as select * from first;
    create or replace view first with (security_barrier = on, check_option = local) as
    select x, n, n || 'y' collate "C" as "Odd", many, part from second where x > 1;
    comment on view first is 'It''s circular: :x';
    comment on column first.x is 'X';
    grant select (x) on first to anon;
    alter view first alter x set default 4;
    alter view first owner to authenticated;
    create rule r as on delete to first do instead nothing;
    create function stamp() returns trigger language plpgsql as 'begin return new; end';
    create trigger stamps instead of insert on first for each row execute function stamp();
    create view read_later as select * from second;
    create view nothing as select;
    create or replace view nothing as select from nothing;
    create view counted as select 1 as n;
    create materialized view kept as select n from counted;
    create function total() returns bigint begin atomic select sum(n) from kept; end;
    create function every() returns setof counted language sql as 'select 1';
    create or replace view counted as select total()::integer as n union select n from every();
    reset search_path
"""


def test_only_a_view_that_selects_from_itself_is_found_as_such(lab: Lab) -> None:
    for statement in (
        "create view lab.ordinary as select 1 as x",
        "create view lab.reader as select x from lab.ordinary",
        "create view lab.circular as select 1 as x",
        "create or replace view lab.circular as select x from lab.circular",
    ):
        lab.connection.execute(sa.text(statement))
    views = ["lab.ordinary", "lab.reader", "lab.circular"]
    assert [*reading_themselves(lab.connection, views)] == ["lab.circular"]


@pytest.mark.thorough
def test_views_that_select_from_themselves_come_back(lab: Lab) -> None:
    # Which of them pg_dump writes with a placeholder is not always the same.
    lab.connection.exec_driver_sql(CIRCULAR, execution_options={"no_parameters": True})
    before = everything(lab.connection, [SCHEMA])
    revision = lab.migrate(Schema())
    lab.run(revision.downgrade, times=2)
    assert everything(lab.connection, [SCHEMA]) == before
    lab.run(revision.upgrade, times=2)
    assert lab.differences(Schema()) == []


@pytest.mark.thorough
def test_declared_view_that_selects_from_itself_is_no_difference_beside_others(lab: Lab) -> None:
    first, second = (
        pg.View(
            schema=SCHEMA,
            name=one,
            definition=f"select x from lab.{other}",
            column_comments={"x": "Of both."} if one == "first" else {},
        )
        for one, other in (("first", "second"), ("second", "first"))
    )
    kept = pg.MaterializedView(schema=SCHEMA, name="kept", definition="select x from lab.first")
    gone = pg.View(schema=SCHEMA, name="gone", definition="select 1 as y")
    lab.migrate(Schema(entities=[gone, replace(first, definition="select 1 as x"), second, kept]))
    circular = (
        "create or replace view lab.first with (security_invoker) as select x from lab.second"
    )
    lab.connection.execute(sa.text(circular))
    declared = [second, first, kept]
    assert lab.differences(Schema(entities=[gone, *declared])) == []
    changed = replace(gone, definition="select 'a' as z")
    revision = lab.migrate(Schema(entities=[changed, *declared]))
    assert "undecided" not in revision.upgrade


@pytest.mark.thorough
def test_view_that_selects_from_itself_and_is_read_elsewhere_needs_a_hand(lab: Lab) -> None:
    for statement in (
        "create view lab.first as select 1 as x",
        "create view lab.second as select x from lab.first",
        "create or replace view lab.first as select x from lab.second",
        "create table lab.things ()",
        "create schema far",
        "create view far.reader as select x from lab.second",
    ):
        lab.connection.execute(sa.text(statement))
    upgrade, _ = lab.operations(Schema())
    by_hand = [each for each in upgrade.ops if isinstance(each, UndecidedOp)]
    assert {each.difference for each in by_hand} == {"drop_view lab first", "drop_view lab second"}
    assert all("view far.reader depends on view lab.second" in each.reason for each in by_hand)
    upgrade.ops[:] = [each for each in upgrade.ops if each not in by_hand]
    lab.run(code(upgrade, lab.context(Schema())))
    assert lab.connection.scalar(sa.text("select to_regclass('lab.things')")) is None
    lab.connection.execute(sa.text("drop schema far cascade"))
    lab.migrate(Schema())
    circular = [
        pg.View(schema=SCHEMA, name=one, definition=f"select x from lab.{other}")
        for one, other in (("first", "second"), ("second", "first"), ("third", "third"))
    ]
    upgrade, _ = lab.operations(Schema(entities=circular))
    written = " ".join(code(upgrade, lab.context(Schema())).replace("#", "").split())
    assert written.count("so that it reads nothing") == written.count("UNDECIDED") == 3


@pytest.mark.thorough
def test_index_of_a_partitioned_table_comes_back_with_those_of_its_partitions(
    databases: Databases,
) -> None:
    metadata = sa.MetaData()
    columns: list[sa.Column[Any]] = [sa.Column("id", sa.Integer), sa.Column("k", sa.Text)]
    sa.Table("p", metadata, *columns, postgresql_partition_by="list (id)")
    script = """
        create table p (id integer, k text) partition by list (id);
        create table p1 partition of p for values in (1);
        create table "P 2" partition of p for values in (2) partition by list (id);
        create table p21 partition of "P 2" for values in (2);
        create index named on p1 (k);
        create index everywhere on p (k);
        alter index p21_k_idx rename to "Special";
        comment on index "Special" is 'Special'
    """
    round_trip(databases, script, Schema(metadata))
