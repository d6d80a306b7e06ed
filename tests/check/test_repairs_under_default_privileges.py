"""What a repair creates has exact privileges, whatever the default privileges are."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from tests.check.repairing import change
from tests.check.test_repairs import DECLARED, read_shop
from townhall.check.findings import Finding, compare
from townhall.check.snapshot import Snapshot
from townhall.migrate.compare.simulation import run_in_any_order
from townhall.pg.catalog import read_default_grantees
from townhall.roles import SUPABASE

OTHERS = """
    create role shop_reader;
    create role shop_writer;
    grant usage on type shop.mood to shop_writer with grant option;
    grant execute on procedure shop.archive(bigint) to shop_writer;
    grant select on shop.totals to shop_writer
"""
DEFAULTS = """
    alter default privileges revoke usage on types from public;
    alter default privileges in schema shop grant usage on types to anon, shop_reader;
    alter default privileges in schema shop grant execute on routines to anon, shop_reader;
    alter default privileges in schema shop grant usage on sequences to anon, shop_reader;
    alter default privileges in schema shop grant select on tables to anon, shop_reader
"""
MISSING = {
    "composite type": 'drop type shop."Odd address" cascade',
    "domain": "drop domain shop.percent cascade",
    "enum": "drop type shop.mood cascade",
    "procedure": "drop procedure shop.archive(bigint)",
    "range type": "drop type shop.period cascade",
    "sequence": 'drop sequence shop."Odd numbers"',
}
RECREATED = {
    "enum": ("shop.mood", "drop view shop.totals; alter type shop.mood rename value 'fair' to 'x'"),
    "unused enum": ("shop.size", "alter type shop.size add value 'large'"),
    "procedure": (
        "shop.archive",
        """
        drop procedure shop.archive(bigint);
        create procedure shop.archive(inout of bigint) language sql as 'select 1::bigint';
        revoke all on procedure shop.archive from public, anon, shop_reader;
        grant execute on procedure shop.archive(bigint) to service_role, shop_writer
        """,
    ),
    "view": (
        "shop.totals",
        """
        create or replace view shop.totals with (security_invoker = true) as
        select mood, sum(total) as total, 1 as more from shop.orders group by mood
        """,
    ),
}
"""Privileges on what is changed so that it is dropped and created again."""
PRIVILEGES = """
    select string_agg(distinct acl, ' ' order by acl)
    from (
        select unnest(typacl)::text from pg_type where oid = to_regtype(%(name)s)
        union all
        select unnest(proacl)::text from pg_proc
        where format('%%s.%%s', pronamespace::regnamespace, proname) = %(name)s
        union all
        select unnest(relacl)::text from pg_class where oid = to_regclass(%(name)s)
    ) as granted (acl)
"""


def privileges(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(PRIVILEGES, {"name": name}).scalar()


def findings(connection: Connection, declared: Snapshot) -> list[Finding]:
    by_default = read_default_grantees(connection)
    return compare(declared, read_shop(connection), roles=SUPABASE, by_default=by_default)


def repair_once(connection: Connection, declared: Snapshot) -> None:
    repairs = dict.fromkeys(each.repair for each in findings(connection, declared))
    _, failures = run_in_any_order(connection, [*repairs], lambda sql: change(connection, sql))
    assert not failures


@pytest.mark.thorough
@pytest.mark.parametrize("kind", MISSING)
def test_missing_object_is_created_with_exactly_its_privileges(
    connection: Connection, kind: str
) -> None:
    change(connection, f"{DECLARED}; {OTHERS}")
    declared = read_shop(connection)
    change(connection, f"{DEFAULTS}; {MISSING[kind]}")
    repair_once(connection, declared)
    assert findings(connection, declared) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kind", RECREATED)
def test_object_that_is_created_again_keeps_the_privileges_of_others(
    connection: Connection, kind: str
) -> None:
    change(connection, f"{DECLARED}; {OTHERS}")
    change(
        connection,
        "create type shop.size as enum ('small'); grant usage on type shop.size to shop_writer",
    )
    declared = read_shop(connection)
    name, by_hand = RECREATED[kind]
    change(connection, f"{by_hand}; {DEFAULTS}")
    before = privileges(connection, name)
    repair_once(connection, declared)
    repair_once(connection, declared)  # what went with it
    assert findings(connection, declared) == []
    assert privileges(connection, name) == before
