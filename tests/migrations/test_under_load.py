"""Migrations while an application works: nobody waits long, and no transaction is cancelled."""

from __future__ import annotations

import logging
import random
import time

import psycopg
import pytest
from sqlalchemy import make_url

from tests.support.load import load
from townhall.migrate import downgrade, upgrade

CLIENTS = 17
ROWS = 1_000_000
LONGEST_WAIT = 1.5  # seconds; the clients share the processors with the migration


@pytest.mark.exhaustive
def test_no_client_waits_long_while_a_million_rows_are_migrated(
    empty_database: str,
) -> None:
    upgrade(empty_database, "townhall_0023")
    address = make_url(empty_database).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        connection.execute(
            "insert into campaigns (name) select 'campaign ' || n from generate_series(1, 100) as n"
        )
        connection.execute(
            """
            insert into campaign_assignments (campaign_id, stakeholder_name, stakeholder_email)
            select c.id, 'name ' || n, n || '@example.com'
            from campaigns as c, generate_series(1, %s) as n
            """,
            [ROWS // 100],
        )
        campaigns = [row[0] for row in connection.execute("select id from campaigns").fetchall()]

    def work(connection: psycopg.Connection) -> None:
        campaign = random.choice(campaigns)  # noqa: S311 - which one does not matter
        connection.execute("update campaigns set name = name where id = %s", [campaign])
        connection.execute(
            """
            insert into campaign_assignments (campaign_id, stakeholder_name, stakeholder_email)
            values (%s, 'new', 'new@example.com')
            """,
            [campaign],
        )

    with load(empty_database, CLIENTS, work) as clients:
        upgrade(empty_database)
    logging.getLogger(__name__).info("%s", clients)  # for docs/reliability.md
    assert clients.errors == []
    assert clients.longest < LONGEST_WAIT


@pytest.mark.exhaustive
@pytest.mark.parametrize("direction", ["up", "down"])
def test_no_transaction_of_a_client_is_cancelled_in_a_deadlock(
    direction: str, empty_database: str
) -> None:
    """Each client writes two tables, of which one refers to the other, in either order."""
    upgrade(empty_database)
    pairs = _related_tables(empty_database)
    if direction == "up":
        downgrade(empty_database, "townhall_0001")

    def work(connection: psycopg.Connection) -> None:
        pair = random.choice(pairs)  # noqa: S311 - which one does not matter
        for table in random.sample(pair, 2):
            connection.execute(f"lock table {table} in row exclusive mode")
            time.sleep(0.002)

    with load(empty_database, CLIENTS, work) as clients:
        if direction == "up":
            upgrade(empty_database)
        else:
            downgrade(empty_database, "townhall_0001")
    logging.getLogger(__name__).info("%s", clients)  # for docs/reliability.md
    assert clients.errors == []
    assert clients.transactions > 0


def _related_tables(url: str) -> list[list[str]]:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        found = connection.execute(
            """
            select distinct conrelid::regclass::text, confrelid::regclass::text
            from pg_constraint
            where contype = 'f' and conrelid <> confrelid
            """
        ).fetchall()
    return [list(row) for row in found]
