"""A database with a distributed table is compared, and what Citus stripped of it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from tests.support.applications import SmallApplication
from tests.support.citus import citus_database, citus_url, str_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DECLARED = """
Table("sales", metadata, Column("shop", Integer, primary_key=True), Column("cents", Integer))
entities += [
    pg.MaterializedView(
        name="totals",
        definition="select s.shop, sum(s.cents) as cents from public.sales as s group by s.shop",
        indexes={"ix_totals_shop": "unique (shop)"},
        grants={"authenticated": ("select",)},
        comment="What each shop sold.",
    ),
]
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallApplication]:
    """Yield an application whose only table was distributed after its revision."""
    folder: Path = tmp_path_factory.mktemp("sales")
    with citus_database() as url:
        application = SmallApplication(folder, url, str_of(citus_url()))
        application.declare(_DECLARED)
        application.revise("sales")
        yield application


def _run(application: SmallApplication, call: str) -> None:
    engine = create_engine(application.url)
    with engine.begin() as connection:
        connection.execute(text(f"select {call}"))
    engine.dispose()


def test_view_that_lost_index_privileges_and_comment_is_told_and_repaired(
    application: SmallApplication,
) -> None:
    _run(application, "create_distributed_table('sales', 'shop')")
    assert application.differences() == []
    _run(application, "alter_distributed_table('sales', shard_count := 4)")  # makes it anew
    differences = "\n".join(application.differences())
    assert "totals" in differences
    report = application.check()
    found = "\n".join(str(each) for each in report.findings if "totals" in str(each))
    assert "index" in found
    assert "authenticated" in found
    command.revision(application.config, "repair", autogenerate=True, rev_id="repair")
    command.upgrade(application.config, "head")
    assert application.differences() == []
