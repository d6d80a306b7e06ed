"""The SQL of triggers."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CASES = {
    "a trigger": EntityCase(
        pg.Trigger(
            table="posts",
            name="stamp",
            timing="before",
            events=("update",),
            function="public.stamp",
            comment="Stamps.",
        ),
        create="""
            create or replace trigger stamp before update
            on public.posts
            for each row
            execute function public.stamp();
            comment on trigger stamp on public.posts is 'Stamps.';
        """,
        drop="drop trigger if exists stamp on public.posts;",
    ),
    "columns, a condition and arguments": EntityCase(
        pg.Trigger(
            schema="shop",
            table="Orders",
            name="audit price",
            timing="after",
            events=("update", "insert"),
            columns=("price", "Currency"),
            condition="new.price > 0",
            function='shop."Audit"',
            arguments=("price", "it's"),
            firing="always",
        ),
        create="""
            create or replace trigger "audit price" after insert or update of price, "Currency"
            on shop."Orders"
            for each row
            when (new.price > 0)
            execute function shop."Audit"('price', 'it''s');
            alter table shop."Orders" enable always trigger "audit price";
            comment on trigger "audit price" on shop."Orders" is null;
        """,
        drop="""
            drop trigger if exists "audit price" on shop."Orders";
        """,
    ),
    "transition tables": EntityCase(
        pg.Trigger(
            table="posts",
            name="count_posts",
            timing="after",
            events=("update",),
            level="statement",
            old_table="removed",
            new_table="added",
            condition="""
                pg_trigger_depth() < 2
                and current_user <> 'loader'
            """,
            function="private.count_posts",
            firing="replica",
        ),
        create="""
            create or replace trigger count_posts after update
            on public.posts
            referencing old table as removed new table as added
            for each statement
            when (
                pg_trigger_depth() < 2
                and current_user <> 'loader'
            )
            execute function private.count_posts();
            alter table public.posts enable replica trigger count_posts;
            comment on trigger count_posts on public.posts is null;
        """,
        drop="drop trigger if exists count_posts on public.posts;",
    ),
    "a trigger on a view": EntityCase(
        pg.Trigger(
            table="post_list",
            name="write",
            timing="instead of",
            events=("insert", "update", "delete"),
            function="public.write_post",
        ),
        create="""
            create or replace trigger write instead of insert or update or delete
            on public.post_list
            for each row
            execute function public.write_post();
            comment on trigger write on public.post_list is null;
        """,
        drop="drop trigger if exists write on public.post_list;",
    ),
    "a constraint trigger": EntityCase(
        pg.Trigger(
            table="seats",
            name="seats_balance",
            timing="after",
            events=("delete",),
            function="private.check_seats",
            constraint=True,
            referenced_table="public.tables",
            deferrable=True,
            initially="deferred",
            firing="disabled",
        ),
        create="""
            drop trigger if exists seats_balance on public.seats;
            create constraint trigger seats_balance after delete
            on public.seats
            from public.tables
            deferrable initially deferred
            for each row
            execute function private.check_seats();
            alter table public.seats disable trigger seats_balance;
            comment on trigger seats_balance on public.seats is null;
        """,
        drop="drop trigger if exists seats_balance on public.seats;",
    ),
}
