"""An adoption of a database in which a revision was interrupted between two of its commits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, NullPool, create_engine

from tests.migrations.chain import revision_of
from tests.support.applications import SmallApplication
from tests.support.dump import dump
from tests.support.interruption import is_interrupted, nothing_is_pending
from townhall.adopt import adopt, look
from townhall.migrate import upgrade

BEFORE_CONSTRAINTS = ("townhall_0009", "townhall_0024", "townhall_0028")
"""The revisions before those that add constraints and indexes in steps of their own."""


@pytest.fixture
def engine(owned_database: str) -> Iterator[Engine]:
    """Yield an engine of a database that an ordinary role owns."""
    engine = create_engine(owned_database, poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.mark.exhaustive
def test_constraints_of_an_interrupted_revision_need_no_decision(
    owned_database: str, engine: Engine, townhall_template: str, townhall_server: str
) -> None:
    upgrade(owned_database, "townhall_0028")
    commits = 50  # all but the last constraint are there
    assert is_interrupted(engine, command.upgrade, "head", commits, at=nothing_is_pending)
    assert revision_of(owned_database) == "townhall_0028"
    assert "ck_campaigns_results_disclosure_bounds" in dump(owned_database)
    assert look(owned_database, scratch=townhall_server).findings == ()
    assert adopt(owned_database, scratch=townhall_server).differences == []
    assert dump(owned_database) == dump(townhall_template)


@pytest.mark.exhaustive
@pytest.mark.parametrize("start", BEFORE_CONSTRAINTS)
def test_no_commit_at_which_a_revision_is_interrupted_makes_a_look_find_something(
    start: str, owned_database: str, engine: Engine, townhall_server: str
) -> None:
    upgrade(owned_database, start)
    runs = itertools.count()
    seen = {dump(owned_database)}
    while is_interrupted(engine, command.upgrade, "+1", next(runs), at=nothing_is_pending):
        if (schema := dump(owned_database)) not in seen:
            seen.add(schema)
            assert look(owned_database, scratch=townhall_server).findings == ()
    assert len(seen) > 3


_FIRST = """
from alembic import op

revision = "first"
down_revision = None


def upgrade():
    op.execute("create table notes (id integer primary key, title text)")
    op.execute("alter table notes enable row level security")
"""
_SECOND = """
from alembic import op

revision = "second"
down_revision = "first"


def upgrade():
    for statement in {statements!r}:
        with op.get_context().autocommit_block():
            op.execute(statement)
"""
_STATEMENTS = (
    "create function touch() returns trigger language plpgsql as 'begin return new; end'",
    "create policy reading on notes for select using (id > 0)",
    "create trigger touching before insert on notes for each row execute function touch()",
)


@pytest.mark.thorough
def test_policies_and_triggers_of_an_interrupted_revision_need_no_decision(
    owned_database: str, engine: Engine, townhall_server: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, owned_database, townhall_server)
    application.declare("")
    (tmp_path / "versions" / "first.py").write_text(_FIRST)
    command.upgrade(application.config, "head")
    (tmp_path / "versions" / "second.py").write_text(_SECOND.format(statements=_STATEMENTS))

    def found() -> list[str]:
        looked = look(owned_database, config=tmp_path / "alembic.ini", scratch=townhall_server)
        return [each.object for each in looked.findings]

    with engine.begin() as connection:
        for statement in _STATEMENTS:
            connection.exec_driver_sql(statement)
    assert found() == []
    with engine.begin() as connection:
        connection.exec_driver_sql("create policy theirs on notes for select using (true)")
        connection.exec_driver_sql("alter policy reading on notes using (true)")
    assert found() == ["policy public.notes reading", "policy public.notes theirs"]
