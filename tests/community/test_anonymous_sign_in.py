"""The restrictive policy that docs/security.md shows, which keeps out anonymous sign-ins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, text

from tests.community.data import FOUNDER, PERSONAS, STRANGER
from tests.support.documentation import EXAMPLE
from townhall import FounderMessage
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def _policy_of_the_page() -> Any:  # noqa: ANN401  what the page defines
    (example,) = (code for code in EXAMPLE.findall(PAGE.read_text()) if "is_anonymous" in code)
    names: dict[str, Any] = {}
    exec(compile(example, PAGE.name, "exec"), names)  # noqa: S102  our own documentation
    return names["POLICY"]


@pytest.mark.parametrize(
    ("persona", "expected"),
    [("stranger", Outcome.ALLOWED), ("anonymous_sign_in", Outcome.VIOLATES_POLICY)],
)
def test_restrictive_policy_of_the_page_refuses_anonymous_sign_ins_alone(
    connection: Connection, persona: str, expected: Outcome
) -> None:
    for statement in _policy_of_the_page().create_statements():
        connection.execute(text(statement))
    message = insert(FounderMessage).values(
        sender_id=STRANGER, recipient_id=FOUNDER, content="Hello"
    )
    with acting(connection, PERSONAS[persona]):
        assert outcome(connection, message) is expected
