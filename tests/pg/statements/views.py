"""The SQL of views and materialized views."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CASES = {
    "a view": EntityCase(
        pg.View(
            name="sales",
            definition="select t.id, t.price from public.tickets as t",
            grants={"authenticated": ("select", "update (price)"), "report": ("select",)},
            comment="Sales.",
            column_comments={"price": "In cents.", "id": "The ticket."},
            security_barrier=True,
            check_option="cascaded",
        ),
        create="""
            create or replace view public.sales
            with (security_invoker = true, security_barrier = true, check_option = cascaded) as
            select t.id, t.price from public.tickets as t;
            revoke all on table public.sales from public, anon, authenticated, service_role, report;
            grant select, update (price) on table public.sales to authenticated;
            grant select on table public.sales to report;
            comment on view public.sales is 'Sales.';
            comment on column public.sales.price is 'In cents.';
            comment on column public.sales.id is 'The ticket.';
        """,
        drop="drop view if exists public.sales;",
    ),
    "a view with its owner's privileges": EntityCase(
        pg.View(schema="shop", name="Totals", definition="select 1 as one", security_invoker=False),
        create="""
            create or replace view shop."Totals" as
            select 1 as one;
            revoke all on table shop."Totals" from public, anon, authenticated, service_role;
            comment on view shop."Totals" is null;
        """,
        drop="""
            drop view if exists shop."Totals";
        """,
    ),
    "a view with a default": EntityCase(
        pg.View(
            schema="shop",
            name="Totals",
            definition="select 1 as one, 2 as two",
            column_defaults={"two": "2"},
            kept={"rule r": "create or replace rule r as on delete to shop.totals do nothing"},
        ),
        create="""
            create or replace view shop."Totals"
            with (security_invoker = true) as
            select 1 as one, 2 as two;
            alter view shop."Totals" alter column two set default 2;
            revoke all on table shop."Totals" from public, anon, authenticated, service_role;
            comment on view shop."Totals" is null;
            create or replace rule r as on delete to shop.totals do nothing;
        """,
        drop="""
            drop view if exists shop."Totals";
        """,
    ),
    "a materialized view with a parameter": EntityCase(
        pg.MaterializedView(
            name="ones", definition="select 1 as one", parameters={"fillfactor": "70"}
        ),
        create="""
            create materialized view if not exists public.ones as
            select 1 as one;
            alter materialized view public.ones set (fillfactor = '70');
            revoke all on table public.ones from public, anon, authenticated, service_role;
            comment on materialized view public.ones is null;
        """,
        without_data="""
            create materialized view if not exists public.ones as
            select 1 as one
            with no data;
            alter materialized view public.ones set (fillfactor = '70');
            revoke all on table public.ones from public, anon, authenticated, service_role;
            comment on materialized view public.ones is null;
        """,
        drop="drop materialized view if exists public.ones;",
    ),
    "a materialized view": EntityCase(
        pg.MaterializedView(
            name="stages",
            definition="select p.stage, count(*) as profiles from public.profiles as p group by 1",
            indexes={"uq_stages": "unique (stage)", "ix_Profiles": "(profiles desc)"},
            grants={"authenticated": ("select",)},
            column_comments={"stage": "The stage."},
            api_roles=("web",),
        ),
        create="""
            create materialized view if not exists public.stages as
            select p.stage, count(*) as profiles from public.profiles as p group by 1;
            create unique index if not exists uq_stages on public.stages (stage);
            create index if not exists "ix_Profiles" on public.stages (profiles desc);
            revoke all on table public.stages from public, web, authenticated;
            grant select on table public.stages to authenticated;
            comment on materialized view public.stages is null;
            comment on column public.stages.stage is 'The stage.';
        """,
        without_data="""
            create materialized view if not exists public.stages as
            select p.stage, count(*) as profiles from public.profiles as p group by 1
            with no data;
            create unique index if not exists uq_stages on public.stages (stage);
            create index if not exists "ix_Profiles" on public.stages (profiles desc);
            revoke all on table public.stages from public, web, authenticated;
            grant select on table public.stages to authenticated;
            comment on materialized view public.stages is null;
            comment on column public.stages.stage is 'The stage.';
        """,
        drop="drop materialized view if exists public.stages;",
    ),
}
