"""A schema whose objects depend on each other, and changes by hand that repairs stumble over."""

from __future__ import annotations

from tests.check import test_repairs

DECLARED = f"""
    {test_repairs.DECLARED};
    create function shop.is_open(of bigint) returns boolean language sql stable
        as 'select of > 0';
    create function shop.rate() returns integer language sql immutable as 'select 1';
    create table shop.bills (
        id bigint constraint pk_bills primary key,
        order_id bigint constraint fk_bills_order references shop.orders,
        rate integer default shop.rate() constraint ck_bills_rate check (rate >= shop.rate()),
        note text,
        constraint uq_bills_order_note unique (order_id, note)
    );
    create index ix_bills_note on shop.bills (note);
    alter table shop.bills enable row level security;
    create policy "open ones" on shop.bills for select to authenticated
        using (shop.is_open(order_id));
    create policy "noted ones" on shop.bills for update to authenticated
        using (note is not null) with check (shop.is_open(id));
    create view shop.open_bills with (security_invoker = true) as
        select b.id, b.note, shop.is_open(b.id) as is_open from shop.bills as b;
    create view shop.notes with (security_invoker = true) as
        select o.note from shop.open_bills as o;
    comment on view shop.notes is 'The notes.';
    grant select on shop.notes to authenticated;
    create materialized view shop.counts as select note, count(*) from shop.notes group by note;
    create unique index uq_counts on shop.counts (note);
    create function shop.bill(of bigint) returns setof shop.bills language sql stable
        begin atomic select b.* from shop.bills as b where b.id = of; end;
    create trigger touch before update on shop.bills
        for each row execute function shop.touch()
"""

_POLICY = """
    create policy "open ones" on shop.bills for select to authenticated
        using (shop.is_open(order_id))
"""

CHANGES = {
    **test_repairs.CHANGES,
    "function that policies and views use has another argument's name": """
        drop function shop.is_open(bigint) cascade;
        create function shop.is_open(other bigint) returns boolean language sql stable
            as 'select other > 0';
        create policy "open ones" on shop.bills for select to authenticated
            using (shop.is_open(order_id))
    """,
    "function that a default and a check use returns another type": """
        drop function shop.rate() cascade;
        create function shop.rate() returns smallint language sql immutable as 'select 1::smallint';
        alter table shop.bills alter rate set default shop.rate();
        alter table shop.bills add constraint ck_bills_rate check (rate >= shop.rate())
    """,
    "column that views and a function read has another type": """
        drop view shop.open_bills cascade;
        drop function shop.bill(bigint);
        drop policy "noted ones" on shop.bills;
        alter table shop.bills alter note type varchar(30);
        create policy "noted ones" on shop.bills for update to authenticated
            using (note is not null) with check (shop.is_open(id));
        create view shop.open_bills with (security_invoker = true) as
            select b.id, b.note, shop.is_open(b.id) as is_open from shop.bills as b
    """,
    "key that foreign keys refer to has another definition": """
        alter table shop.lines drop constraint fk_lines_order;
        alter table shop.bills drop constraint fk_bills_order;
        alter table shop.orders drop constraint pk_orders;
        alter table shop.orders add constraint pk_orders unique (id);
        alter table shop.bills add constraint fk_bills_order
            foreign key (order_id) references shop.orders (id)
    """,
    "view that a view reads lacks a column": """
        drop view shop.open_bills cascade;
        create view shop.open_bills with (security_invoker = true) as
            select b.id, b.note from shop.bills as b;
        create view shop.notes with (security_invoker = true) as
            select o.note from shop.open_bills as o
    """,
    "view that a materialized view reads is changed": """
        create or replace view shop.notes with (security_invoker = true) as
            select o.note from shop.open_bills as o where o.note <> ''
    """,
    "table stands in place of a view": """
        drop view shop.totals;
        create table shop.totals (mood shop.mood, total bigint)
    """,
    "view stands in place of a table": """
        drop table shop.cache;
        create view shop.cache with (security_invoker = true) as select id from shop.bills
    """,
    "materialized view stands in place of a view": """
        drop view shop.open_bills cascade;
        create materialized view shop.open_bills as select id, note, true as is_open from shop.bills
    """,
    "sequence stands in place of an index": """
        drop index shop.ix_bills_note;
        create sequence shop.ix_bills_note
    """,
    "constraint of another kind has the name": """
        alter table shop.bills drop constraint uq_bills_order_note;
        alter table shop.bills add constraint uq_bills_order_note check (note <> '')
    """,
    "index has the name of a constraint": """
        alter table shop.bills drop constraint uq_bills_order_note;
        create index uq_bills_order_note on shop.bills (note, order_id)
    """,
    "two indexes have exchanged their names": """
        alter index shop.uq_orders_code rename to other;
        alter index shop.ix_bills_note rename to uq_orders_code;
        alter index shop.other rename to ix_bills_note
    """,
    "two constraints have exchanged their names": """
        alter table shop.bills rename constraint fk_bills_order to other;
        alter table shop.bills rename constraint ck_bills_rate to fk_bills_order;
        alter table shop.bills rename constraint other to ck_bills_rate
    """,
    "primary key has another name": """
        alter table shop.orders rename constraint pk_orders to orders_pkey
    """,
    "foreign key has another name": """
        alter table shop.bills rename constraint fk_bills_order to bills_order_id_fkey
    """,
    "index has another name": "alter index shop.ix_bills_note rename to bills_note_idx",
    "trigger has another name": "alter trigger touch on shop.bills rename to set_updated_at",
    "policy has another name": """
        alter policy "open ones" on shop.bills rename to "Users can view open ones"
    """,
    "table that a view and a function read is dropped": "drop table shop.bills cascade",
    "function is dropped with what uses it": "drop function shop.is_open(bigint) cascade",
    "trigger function is dropped": "drop function shop.touch() cascade",
    "undeclared column is read by an undeclared view": """
        alter table shop.bills add column extra text;
        create view shop.extras with (security_invoker = true) as
            select b.id, b.extra from shop.bills as b
    """,
    "undeclared function is called by an undeclared trigger": """
        create function shop.count() returns trigger language plpgsql
            as 'begin return null; end';
        create trigger count after insert on shop.bills
            for each row execute function shop.count()
    """,
    "declared view reads an undeclared column": """
        alter table shop.bills add column extra text;
        create or replace view shop.notes with (security_invoker = true) as
            select o.note from shop.open_bills as o join shop.bills as b on b.extra = o.note
    """,
    "declared policy calls an undeclared function": """
        create function shop.all_of_them() returns boolean language sql as 'select true';
        alter policy "open ones" on shop.bills using (shop.all_of_them())
    """,
    "undeclared domain is a column's type": """
        create domain shop.word as text;
        drop policy "noted ones" on shop.bills;
        drop view shop.open_bills cascade;
        drop function shop.bill(bigint);
        alter table shop.bills alter note type shop.word
    """,
    "foreign key of an undeclared table refers to a key": """
        create table shop.others (id bigint references shop.bills (id))
    """,
    "overload makes calls ambiguous": """
        create function shop.is_open(of integer) returns boolean language sql as 'select true'
    """,
}
"""By what is done; with those that change one thing alone."""
