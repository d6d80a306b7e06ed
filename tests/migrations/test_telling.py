"""What an upgrade and a downgrade tell beside their steps."""

from __future__ import annotations

import pytest

from tests.support.foreign import TABLES, create_foreign_tables, create_tables, run
from townhall.migrate import downgrade, upgrade

FIRST = [table for table in TABLES if table.name in {"profiles", "organizations"}]


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    told = [
        record.getMessage()
        for record in caplog.records
        if record.name == "townhall.migrate.guard.telling"
    ]
    caplog.clear()
    return told


@pytest.mark.thorough
def test_upgrade_tells_policies_and_triggers_of_others(
    empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    create_foreign_tables(empty_database, FIRST[:1])
    table = FIRST[0].name
    run(
        empty_database,
        f"""
        create policy inserts on {table} for insert to anon, authenticated
        with check (theirs = 'x'
            and id is not null)
        """,
        f"create policy narrows on {table} as restrictive using (true)",
    )
    upgrade(empty_database, "townhall_0002")
    on = f"on public.{table}, which no revision made,"
    condition = "((theirs = 'x'::text) AND (id IS NOT NULL))"
    assert _told(caplog) == [
        f'the policy "viewable by everyone" {on} lets every role read every row',
        f"the policy inserts {on} lets anon, authenticated insert rows where {condition}",
        f"the trigger {table}_touch {on} runs touch() before update",
    ]
    upgrade(empty_database, "townhall_0002")
    assert _told(caplog) == []


@pytest.mark.exhaustive
def test_upgrade_tells_nothing_of_what_revisions_made(
    empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    create_tables(empty_database, FIRST)
    upgrade(empty_database, "townhall_0005")  # with policies that a later revision replaces
    assert _told(caplog) == []


@pytest.mark.thorough
def test_policy_that_others_made_since_is_told_by_the_next_upgrade(
    empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade(empty_database, "townhall_0002")
    run(empty_database, "create policy everyone on profiles for all to anon using (true)")
    upgrade(empty_database, "townhall_0003")
    assert _told(caplog) == [
        (
            "the policy everyone on public.profiles, which no revision made, lets anon"
            " read, insert, update and delete every row"
        )
    ]


@pytest.mark.thorough
def test_downgrade_tells_which_tables_it_left(
    empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    create_tables(empty_database, FIRST)
    upgrade(empty_database, "townhall_0002")
    downgrade(empty_database, "base")
    assert _told(caplog) == [
        f"left public.{table} with its rows: it was there before the revisions"
        for table in ("organizations", "profiles")
    ]
