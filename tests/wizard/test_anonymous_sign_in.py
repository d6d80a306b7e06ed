"""Drafts of the wizard need no account: they are what anonymous sign-ins are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.access_matrix import check_access
from tests.support.personas import anonymous_sign_in
from tests.wizard.data import OWNER
from tests.wizard.test_access import TARGETS
from townhall.testing import AccessCase, access_cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

CASES = access_cases(
    """
    wizard_sessions  owner
    select           +
    insert           +
    update           +
    delete           +

    functions            owner
    save_wizard_session  +
    """
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_own_drafts_need_no_account(connection: Connection, case: AccessCase) -> None:
    check_access(connection, TARGETS, {"owner": anonymous_sign_in(OWNER)}, case)
