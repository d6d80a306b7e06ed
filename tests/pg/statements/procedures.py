"""The SQL of procedures."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

CASES = {
    "a procedure": EntityCase(
        pg.Procedure(
            schema="shop",
            name="Archive",
            arguments={"of": "bigint", "archived": "inout integer", "number": "out integer"},
            language="plpgsql",
            body="begin archived := of; end",
            security="definer",
            settings={"search_path": pg.SAFE_SEARCH_PATH},
            execute=("service_role",),
            comment="Archive an order.",
        ),
        create="""
            create or replace procedure shop."Archive"(of bigint, inout archived integer, out number integer)
            language plpgsql
            security definer
            set search_path = 'pg_catalog', 'pg_temp'
            as $function$
            begin archived := of; end
            $function$;
            revoke all on procedure shop."Archive"(bigint, integer) from public, anon, authenticated, service_role;
            grant execute on procedure shop."Archive"(bigint, integer) to service_role;
            comment on procedure shop."Archive"(bigint, integer) is 'Archive an order.';
        """,  # noqa: E501 - one line each
        drop="""
            drop procedure if exists shop."Archive"(bigint, integer);
        """,
    ),
}
