"""A schema of every kind that others made is dropped, and comes back as ``pg_dump`` says it was."""

from __future__ import annotations

import pytest

from tests.autogenerate.round_trip import round_trip
from townhall.testing.databases import Databases

SCRIPTS = {
    "types that tables and functions use": """
        create type public."Odd mood" as enum ('good', 'it''s bad', '100% :x', '');
        comment on type public."Odd mood" is 'How it''s going: 100%.';
        revoke usage on type public."Odd mood" from public;
        grant usage on type public."Odd mood" to authenticated with grant option;
        create function public.is_odd(integer) returns boolean language sql immutable
            as 'select $1 % 2 = 1';
        create domain public."Odd number" as integer default 1 not null
            constraint "is odd" check (public.is_odd(value))
            constraint known check (value in (1, 3, 5));
        alter domain public."Odd number" add constraint later check (value <> 7) not valid;
        comment on domain public."Odd number" is 'Odd.';
        create domain public.code as varchar(9) collate "C" check (value ~ '^[a-z]+$');
        create type public."Odd address" as (
            "Street" text collate "C", number public."Odd number", moods public."Odd mood"[]
        );
        comment on column public."Odd address"."Street" is 'It''s odd.';
        create domain public.addresses as public."Odd address"[];
        create type public."Odd period" as range (
            subtype = time, multirange_type_name = public."Odd periods"
        );
        create type public.reals as range (subtype = float8, subtype_diff = float8mi);
        create type public.texts as range (
            subtype = text, subtype_opclass = text_pattern_ops, collation = "C"
        );
        create table public."Odd things" (
            id integer primary key,
            mood public."Odd mood" not null default 'good',
            moods public."Odd mood"[] default '{good}',
            number public."Odd number",
            code public.code,
            address public."Odd address",
            addresses public.addresses,
            period public."Odd period",
            periods public."Odd periods",
            texts public.texts[],
            check (mood <> ''::public."Odd mood")
        );
        create index "Odd index" on public."Odd things" (mood) where mood = '100% :x';
        comment on index public."Odd index" is 'It''s :x.';
        comment on constraint "Odd things_pkey" on public."Odd things" is 'The key.';
        create view public.moods as select mood, (address)."Street" from public."Odd things";
        create function public.same(public."Odd address") returns setof public."Odd period"
            language sql as 'select null::public."Odd period"';
        create procedure public."Odd archive"(of public."Odd mood", "position" inout integer)
            language plpgsql as 'begin delete from public."Odd things" where mood = of; end';
        comment on procedure public."Odd archive" is 'It''s odd.';
        revoke execute on procedure public."Odd archive" from public;
        grant execute on procedure public."Odd archive" to authenticated
    """,
    "types that nothing uses": """
        create type public.empty as enum ();
        create type public.unused as enum ('b', 'a');
        create type public.nothing as ();
        create domain public.name as text;
        create type public.days as range (subtype = date)
    """,
    "sequences": """
        create sequence public."Odd numbers" as smallint start -5 increment -5 minvalue -100
            maxvalue 0 cache 3 cycle;
        comment on sequence public."Odd numbers" is 'It''s odd.';
        grant usage, select on sequence public."Odd numbers" to authenticated;
        grant all on sequence public."Odd numbers" to service_role with grant option;
        create sequence public.used start 100;
        create table public.orders (
            id serial primary key,
            number bigint default nextval('public.used'),
            other bigint generated always as identity (start 7)
        );
        create sequence public.owned owned by public.orders.number;
        alter sequence public.orders_id_seq start 50 increment 5;
        grant usage on sequence public.orders_id_seq to authenticated;
        create view public.next as select nextval('public.used') as number
    """,
}


@pytest.mark.thorough
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_kinds_that_others_made_come_back_as_they_were(script: str, databases: Databases) -> None:
    round_trip(databases, script)
