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
    {statement}
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    "execute", ["op.execute({sql})", "op.get_bind().exec_driver_sql({sql}, execution_options={no})"]
)
def test_statement_with_percent_signs_is_told_as_it_was_written(
    execute: str, empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare("")
    written = "select 5 % 2 from nothing where title like 'a%%'"
    statement = execute.format(sql=repr(written), no={"no_parameters": True})
    (tmp_path / "versions" / "failing.py").write_text(_REVISION.format(statement=statement))
    with pytest.raises(CommandError, match=written):
        command.upgrade(application.config, "head")
