"""An interrupted migration leaves the database at a revision, and the next run completes it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine

from tests.migrations.chain import REVISIONS, revision_of
from tests.support.dump import dump
from tests.support.interruption import always, is_interrupted, nothing_is_pending
from tests.support.rows import contents, fill
from townhall.migrate import downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from townhall.testing.databases import Databases

BEFORE = "townhall_0008"


@pytest.mark.exhaustive
def test_upgrade_interrupted_after_each_commit_is_completed_by_the_next_one(
    owned_database: str, townhall_template: str
) -> None:
    """Each run is interrupted one commit later than the one before."""
    upgrade(owned_database, BEFORE)
    engine = create_engine(owned_database, poolclass=NullPool)
    with engine.begin() as connection:
        fill(connection)
        before = _ids(connection)
    runs = itertools.count()
    while is_interrupted(engine, command.upgrade, "head", next(runs), at=nothing_is_pending):
        assert revision_of(owned_database) is not None
    assert next(runs) > 20
    assert dump(owned_database) == dump(townhall_template)
    with engine.begin() as connection:
        assert _ids(connection) >= before


@pytest.mark.exhaustive
@pytest.mark.parametrize("direction", [command.upgrade, command.downgrade])
def test_revision_interrupted_at_each_statement_is_completed_by_the_next_run(
    direction: Callable[..., None], townhall_databases: Databases, empty_database: str
) -> None:
    names = [script.revision for script in REVISIONS]
    steps = names if direction is command.upgrade else [*reversed(names[:-1])]
    run = upgrade if direction is command.upgrade else downgrade
    with townhall_databases.create() as undisturbed:
        for url in (undisturbed, empty_database):
            upgrade(url, steps[0] if direction is command.upgrade else "head")
        engine = create_engine(empty_database, poolclass=NullPool)
        for start, end in itertools.pairwise([revision_of(empty_database), *steps]):
            runs = itertools.count()
            while is_interrupted(engine, direction, str(end), next(runs), at=always):
                assert revision_of(empty_database) in {start, end}
            run(undisturbed, str(end))
            assert revision_of(empty_database) == end
            assert dump(empty_database) == dump(undisturbed), end


def _ids(connection: Connection) -> set[str]:
    return {json.loads(row)["id"] for rows in contents(connection).values() for row in rows}
