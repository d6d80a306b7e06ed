"""The SQL of types and sequences."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CASES = {
    "an enum": EntityCase(
        pg.EnumType(schema="shop", name="Mood", values=("good", "it's bad")),
        create="""
            do $function$
            begin
                if not exists (
                    select from pg_catalog.pg_type
                    where oid = to_regtype('shop."Mood"') and typtype = 'e'
                ) then
                    create type shop."Mood" as enum ('good', 'it''s bad');
                end if;
            end
            $function$;
            comment on type shop."Mood" is null;
        """,
        drop="""
            drop type if exists shop."Mood";
        """,
    ),
    "a domain": EntityCase(
        pg.Domain(
            name="percent",
            base="integer",
            default="0",
            is_nullable=False,
            checks={"in_range": "value between 0 and 100", "even": "value % 2 = 0 not valid"},
            comment="A share.",
            usage=("authenticated",),
        ),
        create="""
            do $function$
            begin
                if not exists (
                    select from pg_catalog.pg_type
                    where oid = to_regtype('public.percent') and typtype = 'd'
                ) then
                    create domain public.percent as integer default 0 not null constraint in_range
            check (value between 0 and 100);
                end if;
            end
            $function$;
            revoke all on type public.percent from public, anon, authenticated, service_role;
            grant usage on type public.percent to authenticated;
            comment on domain public.percent is 'A share.';
            alter domain public.percent drop constraint if exists even;
            alter domain public.percent add constraint even
            check (value % 2 = 0) not valid;
        """,
        drop="""
            drop domain if exists public.percent;
        """,
    ),
    "a composite type": EntityCase(
        pg.CompositeType(
            name="address",
            attributes={"street": "text", "Number": "integer"},
            attribute_comments={"Number": "Of the house."},
        ),
        create="""
            do $function$
            begin
                if not exists (
                    select from pg_catalog.pg_type
                    where oid = to_regtype('public.address') and typtype = 'c'
                ) then
                    create type public.address as (street text, "Number" integer);
                end if;
            end
            $function$;
            comment on type public.address is null;
            comment on column public.address."Number" is 'Of the house.';
        """,
        drop="""
            drop type if exists public.address;
        """,
    ),
    "a range type": EntityCase(
        pg.RangeType(
            name="period",
            subtype="time",
            operator_class="pg_catalog.time_ops",
            multirange="Periods",
        ),
        create="""
            do $function$
            begin
                if not exists (
                    select from pg_catalog.pg_type
                    where oid = to_regtype('public.period') and typtype = 'r'
                ) then
                    create type public.period as range (subtype = time, subtype_opclass = pg_catalog.time_ops, multirange_type_name = public."Periods");
                end if;
            end
            $function$;
            comment on type public.period is null;
        """,  # noqa: E501 - one statement
        drop="""
            drop type if exists public.period;
        """,
    ),
    "a sequence": EntityCase(
        pg.Sequence(name="numbers"),
        create="""
            create sequence if not exists public.numbers
            as bigint increment by 1 no minvalue no maxvalue start with 1 cache 1 no cycle;
            comment on sequence public.numbers is null;
        """,
        drop="""
            drop sequence if exists public.numbers;
        """,
    ),
    "a sequence with everything": EntityCase(
        pg.Sequence(
            schema="shop",
            name="Numbers",
            type="integer",
            start=5,
            increment=-1,
            minimum=-9,
            maximum=9,
            cache=3,
            cycle=True,
            owned_by=("Orders", "number"),
            grants={"authenticated": ("usage", "select with grant option")},
            comment="Numbers.",
        ),
        create="""
            create sequence if not exists shop."Numbers"
            as integer increment by -1 minvalue -9 maxvalue 9 start with 5 cache 3 cycle;
            alter sequence shop."Numbers" owned by shop."Orders".number;
            revoke all on sequence shop."Numbers" from public, anon, service_role;
            revoke all on sequence shop."Numbers" from authenticated cascade;
            grant usage on sequence shop."Numbers" to authenticated;
            grant select on sequence shop."Numbers" to authenticated with grant option;
            comment on sequence shop."Numbers" is 'Numbers.';
        """,
        drop="""
            drop sequence if exists shop."Numbers";
        """,
    ),
}
