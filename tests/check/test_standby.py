"""A check of a hot standby, which is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError

from tests.support.standby import Pair, migrated_pair, query, wait_for_replay
from townhall import migrate
from townhall.check import check

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with migrated_pair() as pair:
        yield pair


@pytest.mark.exhaustive
def test_standby_is_checked_while_it_follows_its_primary(pair: Pair) -> None:
    assert query(pair.standby, "select pg_is_in_recovery()") is True
    assert check(pair.standby, scratch=pair.primary, role="authenticated").is_good

    query(pair.primary, "alter table public.events disable row level security")
    wait_for_replay(pair)

    report = check(pair.standby, scratch=pair.primary, role="authenticated")
    assert [finding.object for finding in report.findings] == ["table access public.events"]


@pytest.mark.exhaustive
def test_migration_of_a_standby_is_told_to_use_the_primary(pair: Pair) -> None:
    config = migrate.alembic_config(pair.standby)
    command.current(config)
    with pytest.raises(CommandError) as caught:
        command.downgrade(config, "base")
    message = str(caught.value)
    assert message.startswith("the database is read-only: cannot execute ")
    assert "Connect to the primary if this server is a standby" in message
