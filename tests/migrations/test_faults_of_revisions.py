"""What a failure of a revision says of its statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError

from tests.support.applications import SmallApplication

if TYPE_CHECKING:
    from pathlib import Path

_REVISION = """
from alembic import op

revision = "failing"
down_revision = None


def upgrade():
    op.execute("select 5 % 2 from nothing where title like 'a%'")
"""


@pytest.mark.thorough
def test_statement_with_percent_signs_is_told_as_it_was_written(
    empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("")
    (tmp_path / "versions" / "failing.py").write_text(_REVISION)
    with pytest.raises(CommandError, match="select 5 % 2 from nothing where title like 'a%'"):
        command.upgrade(application.config, "head")
