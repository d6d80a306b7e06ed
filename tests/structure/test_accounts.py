"""What needs an account: whatever a client writes that others see, or depend on.

A table that a user of an anonymous sign-in may write is named here, and so is a function that
writes for its caller with its owner's rights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

WITHOUT_ACCOUNT = {
    "profiles": "one's own profile, which nobody else reads",
    "milestones": "one's own plans, which nobody else reads",
    "wizard_sessions": "one's own drafts, which nobody else reads",
}
"""The tables that a user of an anonymous sign-in may insert into or update, and why."""

FUNCTIONS_WITHOUT_ACCOUNT = {
    "mark_messages_read": "that one has read a message",
    "set_networking_opt_in": "one's own answer as a participant; a manager needs an account",
    "start_participant_session": "one's own session as a participant",
    "complete_participant_session": "one's own session as a participant",
    "unblock_founder": "the end of one's own block",
}
"""The functions of an owner's rights that write for such a user, and what."""

POLICIES = text(
    """
    select
        c.relname,
        p.polname,
        coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid))
    from pg_policy as p
    join pg_class as c on c.oid = p.polrelid
    where p.polcmd in ('a', 'w', '*')
        and p.polpermissive
        and p.polroles && array['authenticated'::regrole::oid, 0]
        and c.relnamespace = 'public'::regnamespace
    """
)
FUNCTIONS = text(
    """
    select proname, prosrc
    from pg_proc
    where pronamespace = 'private'::regnamespace
        and prosecdef
        and prorettype <> 'trigger'::regtype
        and has_function_privilege('authenticated', oid, 'execute')
    union all
    select viewname, definition
    from pg_views
    where schemaname = 'private'
    """
)
_HELPER = re.compile(r"private\.(my_\w+)")
_WRITES = re.compile(r"\b(insert into|update|delete from|merge into)\s+public\.")


def _helpers_with_account(connection: Connection) -> set[str]:
    sources = {name: str(source) for name, source in connection.execute(FUNCTIONS)}
    found = {name for name, source in sources.items() if "is_anonymous" in source}
    calling = {name for name, source in sources.items() if found & {*_HELPER.findall(source)}}
    return found | calling


def _without_account(connection: Connection) -> Iterator[str]:
    helpers = _helpers_with_account(connection)
    for table, _, condition in connection.execute(POLICIES):
        if "is_anonymous" not in condition and not helpers & {*_HELPER.findall(condition)}:
            yield table


def test_tables_that_are_written_without_an_account_are_named(
    townhall_connection: Connection,
) -> None:
    assert {*_without_account(townhall_connection)} == {*WITHOUT_ACCOUNT}


def test_functions_that_write_without_an_account_are_named(
    townhall_connection: Connection,
) -> None:
    found = {
        name
        for name, source in townhall_connection.execute(FUNCTIONS)
        if _WRITES.search(source) and "is_anonymous" not in source
    }
    assert found == {*FUNCTIONS_WITHOUT_ACCOUNT}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("owner_id = (select auth.uid())", {"example"}),
        ("owner_id = any (array(select private.my_organization_ids()))", {"example"}),
        ("owner_id = any (array(select private.my_managed_event_ids()))", set()),
        ("((select auth.jwt()) ->> 'is_anonymous') is distinct from 'true'", set()),
    ],
)
def test_policy_that_needs_no_account_is_found(
    townhall_connection: Connection, condition: str, found: set[str]
) -> None:
    for statement in (
        "create table public.example (owner_id uuid)",
        f"create policy writing on public.example for insert to public with check ({condition})",
    ):
        townhall_connection.execute(text(statement))
    assert {*_without_account(townhall_connection)} - {*WITHOUT_ACCOUNT} == found
