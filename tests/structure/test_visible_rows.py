"""Whatever a client may update or delete, the same client can read.

PostgreSQL finds the rows of an update or a delete through the policy for reads as well: a row that
only the other policy lets through is out of reach of its owner, without an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import text

from tests.structure.conditions import Conditions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

POLICIES = text(
    """
    select
        format('%s on %s', changing.polname, changing.polrelid::regclass) as name,
        pg_get_expr(changing.polqual, changing.polrelid) as changeable,
        array(
            select pg_get_expr(reading.polqual, reading.polrelid)
            from pg_policy as reading
            where reading.polrelid = changing.polrelid
                and reading.polcmd in ('r', '*')
                and reading.polroles && changing.polroles
        ) as readable
    from pg_policy as changing
    where changing.polcmd in ('w', 'd')
        and changing.polpermissive
    """
)


class Hidden(NamedTuple):
    """A policy that lets a client change rows that the client can't read."""

    policy: str
    changeable: str
    readable: tuple[str, ...]


def _hidden(connection: Connection) -> Iterable[Hidden]:
    conditions = Conditions(connection)
    for name, changeable, readable in connection.execute(POLICIES):
        if not readable or not all(conditions.implies(changeable, each) for each in readable):
            yield Hidden(name, changeable, tuple(readable))


def test_rows_that_a_client_may_change_can_be_read(townhall_connection: Connection) -> None:
    assert list(_hidden(townhall_connection)) == []


@pytest.mark.parametrize(
    ("reading", "changing", "found"),
    [
        ("is_public", "owner_id = (select auth.uid())", ["changing on example"]),
        ("is_public or owner_id = (select auth.uid())", "owner_id = (select auth.uid())", []),
        (
            "owner_id = (select auth.uid()) and is_public",
            "owner_id = (select auth.uid())",
            ["changing on example"],
        ),
        ("owner_id = (select auth.uid())", "owner_id = (select auth.uid()) and is_public", []),
        ("is_public", "is_public or owner_id = (select auth.uid())", ["changing on example"]),
        ("true", "owner_id = (select auth.uid()) or is_public", []),
        (
            "id = any (array(select private.my_organization_ids()))",
            "id = any (array(select private.my_owned_organization_ids()))",
            [],
        ),
        (
            "id = any (array(select private.my_owned_organization_ids()))",
            "id = any (array(select private.my_organization_ids()))",
            ["changing on example"],
        ),
        (
            "id = any (array(select private.my_organization_ids()))",
            "owner_id = any (array(select private.my_owned_organization_ids()))",
            ["changing on example"],
        ),
    ],
)
@pytest.mark.parametrize("command", ["update", "delete"])
def test_policy_that_is_wider_than_the_one_for_reads_is_found(
    townhall_connection: Connection, reading: str, changing: str, command: str, found: list[str]
) -> None:
    for statement in (
        "create table public.example (id uuid primary key, owner_id uuid, is_public boolean)",
        f"create policy reading on public.example for select using ({reading})",
        f"create policy changing on public.example for {command} using ({changing})",
    ):
        townhall_connection.execute(text(statement))
    assert [each.policy for each in _hidden(townhall_connection)] == found
