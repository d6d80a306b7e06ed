"""The examples on the page about people and organizations run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.support.blocks import blocks_of, run_blocks
from townhall import OrganizationMember, OrganizationRole, Profile
from townhall.testing import create_account

if TYPE_CHECKING:
    from sqlalchemy import Engine

EXAMPLES = blocks_of("docs/identity.md", "python")


def test_examples_of_the_page_run(townhall_engine: Engine) -> None:
    with townhall_engine.begin() as connection:
        user, colleague = create_account(connection), create_account(connection)
    run_blocks(EXAMPLES, engine=townhall_engine, user_id=user, colleague_id=colleague)
    with townhall_engine.connect() as connection:
        assert connection.scalar(select(Profile.full_name)) == "דנה לוי"
        members = select(OrganizationMember.user_id, OrganizationMember.role)
        assert set(map(tuple, connection.execute(members))) == {
            (user, OrganizationRole.OWNER),
            (colleague, OrganizationRole.VIEWER),
        }
