"""Access to sessions of the wizard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, insert, select, text, update

from tests.support.access_matrix import Functions, TableRow, Target, check_access
from tests.support.personas import with_anonymous_sign_in
from tests.wizard.data import OWNER, PERSONAS, SESSION, STRANGER, STRANGER_SESSION
from townhall import WizardSession
from townhall.testing import AccessCase, Outcome, access_cases, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Executable

DENIED = Outcome.PERMISSION_DENIED

CASES = access_cases(
    """
    wizard_sessions  anon no_sub stranger owner service
    select           x    0      0        +     +
    insert           x    !      !        +     +
    update           x    0      0        +     +
    delete           x    0      0        +     +

    functions            anon no_sub stranger owner service
    save_wizard_session  x    r      r        +     +
    """
)
MATRIX = with_anonymous_sign_in(CASES)

TARGETS: dict[str, Target] = {
    "wizard_sessions": TableRow(
        WizardSession,
        key=SESSION,
        new={"user_id": OWNER, "state": {"name": "Another"}},
        change={"stage": 2, "state": {"name": "Renamed"}, "event_id": None},
    ),
    "functions": Functions(
        {"save_wizard_session": f"select public.save_wizard_session('{SESSION}', stage => 2)"}
    ),
}


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_access(connection: Connection, case: AccessCase) -> None:
    check_access(connection, TARGETS, PERSONAS, case)


def test_statements_without_condition_affect_only_own_sessions(connection: Connection) -> None:
    """The policy restricts statements that have no condition."""
    with acting(connection, PERSONAS["stranger"]):
        assert connection.scalars(select(WizardSession.id)).all() == [STRANGER_SESSION]
        connection.execute(update(WizardSession).values(stage=6))
        connection.execute(text("delete from public.wizard_sessions"))
    remaining = connection.execute(select(WizardSession.id, WizardSession.stage))
    assert remaining.all() == [(SESSION, 1)]


@pytest.mark.parametrize(
    "statement",
    [
        update(WizardSession).values(user_id=STRANGER),
        update(WizardSession).values(id=func.gen_random_uuid()),
        update(WizardSession).values(started_at=func.now()),
        update(WizardSession).values(last_saved_at=func.now()),
        update(WizardSession).values(completed_at=func.now()),
        insert(WizardSession).values(user_id=OWNER, started_at=func.now()),
        insert(WizardSession).values(user_id=OWNER, last_saved_at=func.now()),
        insert(WizardSession).values(user_id=OWNER, completed_at=func.now()),
        text("truncate public.wizard_sessions"),
    ],
    ids=str,
)
def test_owner_cannot_change_user_key_or_timestamps(
    connection: Connection, statement: Executable
) -> None:
    with acting(connection, PERSONAS["owner"]):
        assert outcome(connection, statement) is DENIED


def test_restrictive_policy_holds_beside_a_later_permissive_one(connection: Connection) -> None:
    """The restrictive policy must hold beside every permissive one."""
    connection.execute(
        text(
            "create policy wide on public.wizard_sessions"
            " for insert to authenticated with check (true)"
        )
    )
    for_another_user = insert(WizardSession).values(user_id=OWNER)
    with acting(connection, PERSONAS["stranger"]):
        assert outcome(connection, for_another_user) is Outcome.VIOLATES_POLICY


def test_policies_have_the_specified_names_and_conditions(connection: Connection) -> None:
    policies = connection.execute(
        text(
            """
            select policyname, cmd, permissive, qual = with_check, with_check
            from pg_policies
            where tablename = 'wizard_sessions' and roles = '{authenticated}'
            order by policyname
            """
        )
    )
    own = "(user_id = ( SELECT auth.uid() AS uid))"
    assert policies.all() == [
        ("wizard_sessions_insert_policy", "INSERT", "RESTRICTIVE", None, own),
        ("wizard_sessions_policy", "ALL", "PERMISSIVE", True, own),
    ]
